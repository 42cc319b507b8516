"""Powers, rounding, limits and selection beyond the plain elementwise ops."""
from __future__ import annotations

from typing import Any

from .. import _errors as err
from .._frontend.arith import power
from .._frontend.dispatch import as_tensor, binary, composite, dispatch, is_number, unary
from .._frontend.dispatch import cast as _cast
from .._frontend.dispatch import select as _select
from .._runtime import dtype as dt
from ..common.tensor import Tensor
from ._generated import abs, log, log1p, maximum, minimum, sqrt
from ._helpers import INF, check_int, check_tensor, float_tensor, operands

__all__ = ["acosh", "asinh", "atanh", "cast", "clamp", "clip", "clip_by_value", "erfc", "exp2", "isclose", "isfinite", "isinf", "isnan", "log10", "log2",
           "masked_fill", "pow", "reciprocal", "round", "select", "square", "where"]


def square(input: Any) -> Tensor:
    """``input * input``, of the same shape and dtype."""
    x = as_tensor(input)
    return binary("mul", x, x)


def reciprocal(input: Any) -> Tensor:
    """``1 / input``; integers are computed in float32."""
    return binary("div", 1.0, float_tensor(input))


def pow(input: Any, exponent: Any) -> Tensor:
    """``input`` to the power ``exponent``.

    A negative integer exponent of an integer gives 0 unless the base is 1 or -1. The derivative by the exponent is 0 where the base is 0.

    Args:
        input, exponent: Tensors or numbers, promoted to one dtype and broadcast to one shape.

    Raises:
        TypeError: neither Tensors nor numbers.
        ValueError: shapes that do not broadcast.
    """
    return power(input, exponent)


def exp2(input: Any) -> Tensor:
    """2 to the power ``input``."""
    return pow(2.0, float_tensor(input))


@composite("log2")
def _log2(x: Tensor) -> Tensor:
    return log(x) / 0.6931471805599453


@composite("log10")
def _log10(x: Tensor) -> Tensor:
    return log(x) / 2.302585092994046


def log2(input: Any) -> Tensor:
    """Logarithm to base 2; integers are computed in float32."""
    return dispatch("log2", (float_tensor(input),))


def log10(input: Any) -> Tensor:
    """Logarithm to base 10; integers are computed in float32."""
    return dispatch("log10", (float_tensor(input),))


@composite("asinh")
def _asinh(x: Tensor) -> Tensor:
    # By |x|, so that large negative x lose nothing.
    a = abs(x)
    y = log1p(a + a * a / (sqrt(a * a + 1.0) + 1.0))
    return _select(x < 0, -y, y)


@composite("acosh")
def _acosh(x: Tensor) -> Tensor:
    return log(x + sqrt(x - 1.0) * sqrt(x + 1.0))


@composite("atanh")
def _atanh(x: Tensor) -> Tensor:
    return (log1p(x) - log1p(-x)) * 0.5


def asinh(input: Any) -> Tensor:
    """Inverse hyperbolic sine; integers are computed in float32."""
    return dispatch("asinh", (float_tensor(input),))


def acosh(input: Any) -> Tensor:
    """Inverse hyperbolic cosine, NaN below 1; integers are computed in float32."""
    return dispatch("acosh", (float_tensor(input),))


def atanh(input: Any) -> Tensor:
    """Inverse hyperbolic tangent, NaN outside of [-1, 1]; integers are computed in float32."""
    return dispatch("atanh", (float_tensor(input),))


@composite("erfc")
def _erfc(x: Tensor) -> Tensor:
    return 1.0 - dispatch("erf", (x,))


def erfc(input: Any) -> Tensor:
    """``1 - erf(input)``. Above 3 the subtraction leaves few digits."""
    return dispatch("erfc", (float_tensor(input),))


@composite("round_decimals")
def _round_decimals(x: Tensor, *, decimals: int) -> Tensor:
    scale = 10.0 ** builtins_abs(decimals)
    return dispatch("round", (x * scale,)) / scale if decimals > 0 else dispatch("round", (x / scale,)) * scale


def builtins_abs(value: int) -> int:
    return value if value >= 0 else -value


def round(input: Any, *, decimals: int = 0) -> Tensor:
    """The nearest number with ``decimals`` decimals, ties to even. The derivative is 0.

    Raises:
        TypeError: ``decimals`` is not an int.
    """
    decimals = check_int("round", "decimals", decimals)
    x = as_tensor(input)
    if decimals == 0 or not x.dtype.is_floating_point:
        return unary("round", x)
    return dispatch("round_decimals", (x,), {"decimals": decimals})


# -- limits and selection -----------------------------------------------------------------------------------------------


@composite("clamp_tensors")
def _clamp_tensors(x: Tensor, *bounds: Tensor, has: tuple[bool, bool]) -> Tensor:
    rest = list(bounds)
    if has[0]:
        low = rest.pop(0)
        x = _select(x < low, low, x)
    if has[1]:
        high = rest.pop(0)
        x = _select(x > high, high, x)
    return x


def clamp(input: Any, min: Any = None, max: Any = None) -> Tensor:
    """Limits elements to [min, max]. The derivative is 1 from ``min`` to ``max``, both included, and 0 outside.

    Args:
        input: Tensor.
        min, max: numbers or Tensors of shapes that broadcast; None is no limit. Where ``min`` is above ``max`` the result is ``max``.

    Raises:
        ValueError: both are None.
    """
    x = as_tensor(input)
    if min is None and max is None:
        raise err.UserValueError("clamp: at least one of 'min' and 'max' must be given")
    numbers = all_numbers(min, max)
    if numbers and x.dtype.is_floating_point and not (min is not None and max is not None and min > max):
        return dispatch("clamp", (x,), {"min": -INF if min is None else float(min), "max": INF if max is None else float(max)})
    bounds = [as_tensor(b, dt.promote_scalar(x.dtype, b) if is_number(b) else None) for b in (min, max) if b is not None]
    return dispatch("clamp_tensors", (x, *bounds), {"has": (min is not None, max is not None)})


def all_numbers(*values: Any) -> bool:
    for value in values:
        if value is not None and not is_number(value):
            return False
    return True


def clip(input: Any, min: Any = None, max: Any = None) -> Tensor:
    """The same as ``clamp``."""
    return clamp(input, min, max)


def clip_by_value(x: Any, clip_value_min: Any = None, clip_value_max: Any = None) -> Any:
    """``minimum(maximum(x, clip_value_min), clip_value_max)``: at a limit the derivative is 0.5.

    Args:
        x: Tensor, or a list or tuple of Tensors, of which each is limited.
        clip_value_min, clip_value_max: numbers or Tensors; None is no limit.

    Raises:
        ValueError: both are None.
    """
    if clip_value_min is None and clip_value_max is None:
        raise err.UserValueError("clip_by_value: at least one of 'clip_value_min' and 'clip_value_max' must be given")
    if isinstance(x, (list, tuple)):
        return type(x)(clip_by_value(item, clip_value_min, clip_value_max) for item in x)
    result = check_tensor("clip_by_value", "x", x)
    if clip_value_min is not None:
        result = maximum(result, clip_value_min)
    if clip_value_max is not None:
        result = minimum(result, clip_value_max)
    return result


def where(condition: Any, input: Any, other: Any) -> Tensor:
    """Elements of ``input`` where the condition holds, else of ``other``.

    Args:
        condition: bool Tensor (other dtypes: not equal to 0).
        input, other: Tensors or numbers, promoted to one dtype. All three shapes broadcast.

    Raises:
        ValueError: shapes that do not broadcast.
    """
    return _select(condition, input, other)


def select(condition: Any, input: Any, other: Any) -> Tensor:
    """The same as ``where``."""
    return _select(condition, input, other)


def masked_fill(input_x: Any, mask: Any, value: Any) -> Tensor:
    """``input_x`` with ``value`` where the mask holds.

    Args:
        input_x: Tensor.
        mask: bool Tensor whose shape broadcasts with ``input_x``.
        value: number or 0-d Tensor, cast to the dtype of ``input_x``.
    """
    x = as_tensor(input_x)
    return _select(mask, as_tensor(value, x.dtype), x)


def cast(input: Any, dtype: Any) -> Tensor:
    """Elements converted to another dtype.

    To bool: not equal to 0. Float to integer: towards zero, limited to the range, NaN gives 0. The gradient is cast back.

    Args:
        input: Tensor or number.
        dtype: a dtype such as ``cellgrad.float16``.

    Raises:
        TypeError: not a supported dtype.
    """
    return _cast(as_tensor(input), dt.as_dtype(dtype))


# -- tests ----------------------------------------------------------------------------------------------------------------


@composite("isnan")
def _isnan(x: Tensor) -> Tensor:
    return x != x


@composite("isinf")
def _isinf(x: Tensor) -> Tensor:
    return (abs(x) == INF) if x.dtype.is_floating_point else (x != x)


@composite("isfinite")
def _isfinite(x: Tensor) -> Tensor:
    return (abs(x) < INF) if x.dtype.is_floating_point else (x == x)


def isnan(input: Any) -> Tensor:
    """Whether an element is NaN: a bool Tensor."""
    return dispatch("isnan", (as_tensor(input),))


def isinf(input: Any) -> Tensor:
    """Whether an element is inf or -inf: a bool Tensor."""
    return dispatch("isinf", (as_tensor(input),))


def isfinite(input: Any) -> Tensor:
    """Whether an element is neither NaN nor infinite: a bool Tensor."""
    return dispatch("isfinite", (as_tensor(input),))


@composite("isclose")
def _isclose(x: Tensor, y: Tensor, *, rtol: float, atol: float, equal_nan: bool) -> Tensor:
    close = (x == y) | ((abs(x - y) <= abs(y) * rtol + atol) & (abs(y) < INF))
    return close | ((x != x) & (y != y)) if equal_nan else close


def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether ``|input - other| <= atol + rtol * |other|``: a bool Tensor. Equal infinities are close."""
    x, y = operands("isclose", input, other)
    return dispatch("isclose", (float_tensor(x), float_tensor(y)), {"rtol": float(rtol), "atol": float(atol), "equal_nan": bool(equal_nan)})
