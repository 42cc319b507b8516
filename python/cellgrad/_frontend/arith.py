"""Arithmetic that Tensor operators and ``ops`` share: powers, negation, logic of bools."""
from __future__ import annotations

from typing import Any

from .. import _errors as err
from .._runtime import dtype as dt
from .dispatch import as_tensor, binary, cast, composite, dispatch, full, is_number, logical, operand, unary

__all__ = ["bitwise", "invert", "negative", "power"]


def _pair(name: str, x: Any, y: Any) -> tuple[Any, Any]:
    if not is_number(x):
        x = as_tensor(x)
        return x, operand(name, y, x)
    y = as_tensor(y)
    return operand(name, x, y), y


@composite("power_static")
def _power_static(x: Any, *, exponent: float) -> Any:
    return dispatch("pow", (x, full(x.shape, exponent, x.dtype)))


def power(x: Any, y: Any) -> Any:
    """``x ** y``. A Python number as exponent is a constant of the kernel: small powers are products."""
    if is_number(y) and not is_number(x):
        x = as_tensor(x)
        exponent = y.item() if hasattr(y, "item") else y
        dtype = dt.promote_scalar(x.dtype, exponent)
        if dtype is dt.bool_:
            dtype = dt.int64
        return dispatch("power_static", (cast(x, dtype),), {"exponent": exponent})
    return binary("pow", x, y)


def negative(x: Any) -> Any:
    """``-x``."""
    x = as_tensor(x)
    if x.dtype is dt.bool_:
        raise err.DTypeError("neg: a bool Tensor has no negative", hint="use logical_not, or cast it with .astype")
    return unary("neg", x)


def invert(x: Any) -> Any:
    """``~x``: logical not, of numbers too (true where they are 0)."""
    return logical("logical_not", x)


def bitwise(name: str, x: Any, y: Any) -> Any:
    """``&``, ``|`` and ``^`` of bool Tensors.

    Raises:
        UnsupportedError: integer Tensors.
    """
    x, y = _pair(name, x, y)
    if x.dtype is not dt.bool_ or y.dtype is not dt.bool_:
        raise err.UnsupportedError(f"{name}: the operators & | ^ take bool Tensors, but got {x.dtype} and {y.dtype}",
                                   hint="compare first, for example (x != 0) & (y != 0)")
    return logical(name, x, y)
