"""Division in its kinds: quotients, quotients that are rounded, remainders."""
from __future__ import annotations

from typing import Any

from .. import _errors as err
from .._frontend.dispatch import binary, composite, dispatch
from .._frontend.dispatch import cast as _cast
from .._runtime import dtype as dt
from ..common.tensor import Tensor
from ._generated import logical_and, trunc
from ._helpers import check_choice, operands, stop

__all__ = ["div", "divide", "floor_div", "floor_divide", "floor_mod", "fmod", "remainder", "true_divide"]


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """Elementwise quotient ``input / other``.

    Args:
        input, other: Tensors or numbers of shapes that broadcast.
        rounding_mode: None divides; integers and bools give float32. 'floor' rounds down, 'trunc' towards zero; both keep the common dtype.

    Raises:
        ValueError: another rounding mode; shapes that do not broadcast.
    """
    check_choice("div", "rounding_mode", rounding_mode, (None, "floor", "trunc"))
    if rounding_mode is None:
        return binary("div", input, other)
    if rounding_mode == "floor":
        return floor_div(input, other)
    x, y = operands("div", input, other)
    return dispatch("trunc_div", (x, y))


@composite("trunc_div")
def _trunc_div(x: Tensor, y: Tensor) -> Tensor:
    if x.dtype.is_floating_point:
        return trunc(binary("div", x, y))
    return stop(_int_div(x, y))


def _int_div(x: Tensor, y: Tensor) -> Tensor:
    if x.dtype is dt.bool_:
        raise err.DTypeError("a division with rounding takes no bools", hint="cast them with .astype(ms.int32)")
    return dispatch("div", (x, y))


@composite("floor_div")
def _floor_div(x: Tensor, y: Tensor) -> Tensor:
    if x.dtype.is_floating_point:
        return dispatch("floor", (dispatch("div", (x, y)),))
    q = _int_div(x, y)
    if x.dtype.is_signed:
        # Rounded towards zero so far: one less where there is a remainder and the signs differ.
        rest = x - q * y
        q = q - _cast(logical_and(rest != 0, (rest < 0) != (y < 0)), x.dtype) * _cast(y != 0, x.dtype)
    return stop(q)


def floor_div(x: Any, y: Any) -> Tensor:
    """``floor(x / y)`` in the common dtype. Its derivative is 0. An integer divided by 0 gives 0.

    Args:
        x, y: Tensors or numbers of shapes that broadcast.

    Raises:
        TypeError: bools.
        ValueError: shapes that do not broadcast.
    """
    return dispatch("floor_div", operands("floor_div", x, y))


@composite("floor_mod")
def _floor_mod(x: Tensor, y: Tensor) -> Tensor:
    return x - _floor_div(x, y) * y


def floor_mod(x: Any, y: Any) -> Tensor:
    """``x - floor(x / y) * y``: the remainder with the sign of ``y``, as Python's ``%``. Derivatives: 1 and ``-floor(x / y)``.

    Args:
        x, y: Tensors or numbers of shapes that broadcast.

    Raises:
        TypeError: bools.
        ValueError: shapes that do not broadcast.
    """
    return dispatch("floor_mod", operands("floor_mod", x, y))


def remainder(input: Any, other: Any) -> Tensor:
    """The same as ``floor_mod``."""
    return dispatch("floor_mod", operands("remainder", input, other))


@composite("fmod")
def _fmod(x: Tensor, y: Tensor) -> Tensor:
    return x - _trunc_div(x, y) * y


def fmod(input: Any, other: Any) -> Tensor:
    """``input - trunc(input / other) * other``: the remainder with the sign of ``input``, as C's ``fmod``.

    Raises:
        TypeError: bools.
        ValueError: shapes that do not broadcast.
    """
    return dispatch("fmod", operands("fmod", input, other))


def true_divide(dividend: Any, divisor: Any) -> Tensor:
    """``dividend / divisor``; integers and bools give float32."""
    return binary("div", dividend, divisor)


def floor_divide(input: Any, other: Any) -> Tensor:
    """The same as ``floor_div``."""
    return floor_div(input, other)


divide = div
