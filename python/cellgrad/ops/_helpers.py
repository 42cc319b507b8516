"""What the functions of ops share: checks of arguments, operands of one dtype and shape, the way a loss is reduced."""
from __future__ import annotations

from typing import Any

import numpy as np

from .. import _errors as err
from .._frontend.dispatch import as_tensor, binary, broadcast_shapes, broadcast_to, cast, dispatch, is_number, normalize_axes
from .._frontend.numbers import beside_numbers, stands_for_number
from .._runtime import dtype as dt
from ..common.tensor import Tensor

INF = float("inf")


def is_int(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))


def check_int(op: str, name: str, value: Any, low: int | None = None) -> int:
    """The value as an int.

    Raises:
        UserTypeError: it is not an int.
        UserValueError: it is below ``low``.
    """
    if not is_int(value):
        raise err.UserTypeError(f"{op}: '{name}' should be an int, but got {type(value).__name__}")
    if low is not None and value < low:
        raise err.UserValueError(f"{op}: '{name}' should be at least {low}, but got {value}")
    return int(value)


def check_bool(op: str, name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise err.UserTypeError(f"{op}: '{name}' should be a bool, but got {type(value).__name__}")
    return bool(value)


def check_number(op: str, name: str, value: Any) -> float:
    if not is_number(value) or isinstance(value, (bool, np.bool_)):
        raise err.UserTypeError(f"{op}: '{name}' should be a number, but got {type(value).__name__}")
    return float(value)


def check_choice(op: str, name: str, value: Any, choices: tuple) -> Any:
    if value not in choices:
        raise err.UserValueError(f"{op}: '{name}' should be one of {', '.join(map(repr, choices))}, but got {value!r}")
    return value


def check_tensor(op: str, name: str, value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        raise err.UserTypeError(f"{op}: '{name}' should be a Tensor, but got {type(value).__name__}")
    return value


def check_ndim(op: str, name: str, x: Tensor, *ndims: int) -> Tensor:
    check_tensor(op, name, x)
    if x.ndim not in ndims:
        raise err.ShapeError(f"{op}: '{name}' should have {' or '.join(map(str, ndims))} dimensions, but has shape {x.shape}")
    return x


def ints(op: str, name: str, value: Any) -> tuple[int, ...]:
    """A tuple of ints from an int, a sequence of ints or a Tensor with known values."""
    if isinstance(value, Tensor):
        value = value.asnumpy().reshape(-1).tolist()
    if is_int(value):
        return (int(value),)
    if not isinstance(value, (tuple, list)) or not all(is_int(v) for v in value):
        if any(isinstance(v, Tensor) and v._node is not None for v in (value if isinstance(value, (tuple, list)) else (value,))):
            raise err.CaptureError(f"{op}: a Tensor among the sizes in '{name}', but a compiled program has static shapes, and the value of the Tensor is not known yet",
                                   hint="take the size from x.shape, or pass it as a Python int (each value is compiled once)")
        raise err.UserTypeError(f"{op}: '{name}' should be an int or a tuple of ints, but got {value!r}")
    return tuple(int(v) for v in value)


def pair(op: str, name: str, value: Any, low: int = 1) -> tuple[int, int]:
    """(height, width) from an int, a pair or (1, 1, height, width)."""
    got = ints(op, name, value)
    if len(got) == 4 and got[:2] == (1, 1):
        got = got[2:]
    got = got * 2 if len(got) == 1 else got
    if len(got) != 2 or min(got) < low:
        raise err.UserValueError(f"{op}: '{name}' should be an int or two ints of at least {low}, but got {value!r}")
    return got[0], got[1]


def shape_of(op: str, shape: Any) -> tuple[int, ...]:
    """Sizes of a new Tensor."""
    sizes = ints(op, "shape", shape)
    if any(s < 0 for s in sizes):
        raise err.UserValueError(f"{op}: the sizes should not be negative, but got {sizes}")
    return sizes


def float_tensor(x: Any) -> Tensor:
    """The operand as a Tensor of a float dtype; integers and bools become float32."""
    x = as_tensor(x)
    return x if x.dtype.is_floating_point else cast(x, dt.float32)


def float_binary(name: str, x: Any, y: Any) -> Tensor:
    """An op of two operands that computes in floating point: integers and bools become float32."""
    if not isinstance(x, Tensor) and not isinstance(y, Tensor):
        x, y = as_tensor(x), as_tensor(y)
    if isinstance(x, Tensor) and not x.dtype.is_floating_point:
        x = cast(x, y.dtype if isinstance(y, Tensor) and y.dtype.is_floating_point else dt.float32)
    if isinstance(y, Tensor) and not y.dtype.is_floating_point:
        y = cast(y, x.dtype if isinstance(x, Tensor) and x.dtype.is_floating_point else dt.float32)
    return binary(name, x, y)


def operands(op: str, x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Two operands as Tensors of their common dtype and shape. A number takes the Tensor's dtype where it can."""
    if stands_for_number(x) or stands_for_number(y):
        x, y = beside_numbers(x, y)
    if isinstance(x, Tensor) and is_number(y):
        y = as_tensor(y, dt.promote_scalar(x.dtype, y))
    elif isinstance(y, Tensor) and is_number(x):
        x = as_tensor(x, dt.promote_scalar(y.dtype, x))
    for value in (x, y):
        if not isinstance(value, (Tensor, np.ndarray)) and not is_number(value):
            raise err.UserTypeError(f"{op}: a Tensor or a number was expected, but got {type(value).__name__}")
    x, y = as_tensor(x), as_tensor(y)
    dtype, shape = dt.promote(x.dtype, y.dtype), broadcast_shapes(op, x.shape, y.shape)
    return broadcast_to(cast(x, dtype), shape), broadcast_to(cast(y, dtype), shape)


def stop(x: Tensor) -> Tensor:
    """Passes no derivative."""
    return dispatch("stop_gradient", (x,))


def reduce(name: str, x: Tensor, axis: Any = None, keepdims: bool = False, op: str | None = None) -> Tensor:
    """``cell.reduce_<name>`` over axes; ``None`` is all of them."""
    axes = normalize_axes(op or name, axis, x.ndim)
    return dispatch("reduce_" + name, (x,), {"axes": axes, "keepdims": bool(keepdims)})


REDUCTIONS = ("none", "mean", "sum")


def check_reduction(op: str, reduction: Any) -> str:
    """Raises UserValueError unless it is 'none', 'mean' or 'sum'."""
    return check_choice(op, "reduction", reduction, REDUCTIONS)


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """The loss as 'none', 'mean' or 'sum' asks."""
    return loss if reduction == "none" else reduce(reduction, loss)
