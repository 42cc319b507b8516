"""New Tensors: filled, ranges, masks."""
from __future__ import annotations

from typing import Any

import numpy as np

from .. import _errors as err
from .._frontend.dispatch import as_tensor, broadcast_to, cast, composite, dispatch, is_number, normalize_axis, select
from .._frontend.dispatch import full as _full
from .._frontend.trace import capturing
from .._runtime import dtype as dt
from ..common.tensor import Tensor
from ._helpers import check_int, check_ndim, check_number, check_tensor, is_int, shape_of

__all__ = ["arange", "diag", "eye", "fill", "full", "full_like", "linspace", "meshgrid", "one_hot", "ones", "ones_like", "tril", "triu", "zeros", "zeros_like"]


def zeros(size: Any, dtype: Any = None) -> Tensor:
    """A Tensor of 0.

    Args:
        size: int or tuple of ints.
        dtype: default float32.

    Raises:
        TypeError: sizes that are not ints.
        ValueError: negative sizes.
    """
    return _full(shape_of("zeros", size), 0, dt.float32 if dtype is None else dt.as_dtype(dtype))


def ones(shape: Any, dtype: Any = None) -> Tensor:
    """A Tensor of 1; otherwise as ``zeros``."""
    return _full(shape_of("ones", shape), 1, dt.float32 if dtype is None else dt.as_dtype(dtype))


def full(size: Any, fill_value: Any, *, dtype: Any = None) -> Tensor:
    """A Tensor filled with a number.

    Args:
        size: int or tuple of ints.
        fill_value: number or 0-d Tensor.
        dtype: default int64, as in MindSpore (a fraction is cut); for a Tensor its own.

    Raises:
        TypeError: ``fill_value`` is not a number; sizes that are not ints.
        ValueError: negative sizes.
    """
    shape = shape_of("full", size)
    if isinstance(fill_value, Tensor):
        return broadcast_to(as_tensor(fill_value, dtype and dt.as_dtype(dtype)), shape)
    if not is_number(fill_value):
        raise err.UserTypeError(f"full: 'fill_value' should be a number, but got {type(fill_value).__name__}")
    dtype = dt.int64 if dtype is None else dt.as_dtype(dtype)
    return _full(shape, fill_value if dtype.is_floating_point else int(fill_value), dtype)


def fill(type: Any, shape: Any, value: Any) -> Tensor:
    """A Tensor of dtype ``type`` filled with a number."""
    return full(shape, value, dtype=type)


def _like(op: str, x: Any, value: float, dtype: Any) -> Tensor:
    x = check_tensor(op, "input", x)
    return _full(x.shape, value, x.dtype if dtype is None else dt.as_dtype(dtype))


def zeros_like(input: Any, *, dtype: Any = None) -> Tensor:
    """A Tensor of 0 of the input's shape, and dtype unless another is given."""
    return _like("zeros_like", input, 0, dtype)


def ones_like(input: Any, *, dtype: Any = None) -> Tensor:
    """A Tensor of 1 of the input's shape, and dtype unless another is given."""
    return _like("ones_like", input, 1, dtype)


def full_like(input: Any, fill_value: Any, *, dtype: Any = None) -> Tensor:
    """A Tensor of the input's shape filled with a number."""
    if isinstance(fill_value, Tensor):
        x = check_tensor("full_like", "input", input)
        return broadcast_to(cast(fill_value, x.dtype if dtype is None else dt.as_dtype(dtype)), x.shape)
    return _like("full_like", input, fill_value, dtype)


@composite("range")
def _range(*, count: int, start: float, step: float, dtype: dt.DType) -> Tensor:
    wide = dt.int64 if is_int(start) and is_int(step) else dt.float64
    place = dispatch("iota", (), {"shape": (count,), "axis": 0, "dtype": wide})
    return cast(place * step + start, dtype)


def arange(start: Any = 0, end: Any = None, step: Any = 1, *, dtype: Any = None) -> Tensor:
    """``start, start + step, ...`` up to, not including, ``end``: a vector.

    Args:
        start, end, step: numbers. With one number it is the end, and the start is 0.
        dtype: default int64 if all are ints, else float32.

    Raises:
        TypeError: not numbers.
        ValueError: the step is 0 or leads away from the end.
    """
    if end is None:
        start, end = 0, start
    for name, value in (("start", start), ("end", end), ("step", step)):
        check_number("arange", name, value)
    if step == 0 or (end - start) * step < 0:
        raise err.UserValueError(f"arange: from {start} to {end} the step {step} does not arrive")
    whole = is_int(start) and is_int(end) and is_int(step)
    dtype = (dt.int64 if whole else dt.float32) if dtype is None else dt.as_dtype(dtype)
    count = max(-(-(end - start) // step), 0) if whole else max(int(np.ceil((end - start) / step)), 0)
    if capturing():
        return dispatch("range", (), {"count": int(count), "start": start, "step": step, "dtype": dtype})
    values = np.arange(count, dtype=np.int64) * step + start
    return Tensor(values.astype(dtype.np_dtype), dtype)


def linspace(start: Any, end: Any, steps: int) -> Tensor:
    """``steps`` numbers from ``start`` to ``end``, both included, at equal distances: float32.

    Raises:
        ValueError: ``steps`` is below 1.
    """
    steps = check_int("linspace", "steps", steps, 1)
    first, last = check_number("linspace", "start", start), check_number("linspace", "end", end)
    return as_tensor(np.linspace(first, last, steps).astype(np.float32))


def eye(n: int, m: int | None = None, dtype: Any = None) -> Tensor:
    """1 on the diagonal of an ``n`` x ``m`` matrix, else 0.

    Args:
        n, m: sizes; ``m`` is ``n`` by default.
        dtype: default float32.

    Raises:
        TypeError, ValueError: sizes that are not ints, or negative.
    """
    n = check_int("eye", "n", n, 0)
    m = n if m is None else check_int("eye", "m", m, 0)
    dtype = dt.float32 if dtype is None else dt.as_dtype(dtype)
    return as_tensor(np.eye(n, m).astype(dtype.np_dtype))


@composite("diag")
def _diag(x: Tensor) -> Tensor:
    n = x.shape[0]
    shape = {"shape": (n, n), "dtype": dt.int32}
    same = dispatch("iota", (), {**shape, "axis": 0}) == dispatch("iota", (), {**shape, "axis": 1})
    return select(same, broadcast_to(x, (n, n)), as_tensor(0, x.dtype))


def diag(input: Any) -> Tensor:
    """A matrix with the vector on its diagonal.

    Raises:
        ValueError: not a vector.
    """
    return dispatch("diag", (check_ndim("diag", "input", input, 1),))


@composite("triangle")
def _triangle(x: Tensor, *, diagonal: int, upper: bool) -> Tensor:
    shape = {"shape": x.shape, "dtype": dt.int64}
    distance = dispatch("iota", (), {**shape, "axis": x.ndim - 1}) - dispatch("iota", (), {**shape, "axis": x.ndim - 2})
    keep = distance >= diagonal if upper else distance <= diagonal
    return select(keep, x, as_tensor(0, x.dtype))


def _triangle_of(op: str, input: Any, diagonal: Any, upper: bool) -> Tensor:
    x = check_tensor(op, "input", input)
    if x.ndim < 2:
        raise err.ShapeError(f"{op}: at least two dimensions are needed, but the shape is {x.shape}")
    return dispatch("triangle", (x,), {"diagonal": check_int(op, "diagonal", diagonal), "upper": upper})


def triu(input: Any, diagonal: int = 0) -> Tensor:
    """The matrix, or batch of matrices, with 0 below the given diagonal.

    Raises:
        ValueError: fewer than two dimensions.
    """
    return _triangle_of("triu", input, diagonal, True)


def tril(input: Any, diagonal: int = 0) -> Tensor:
    """The matrix, or batch of matrices, with 0 above the given diagonal.

    Raises:
        ValueError: fewer than two dimensions.
    """
    return _triangle_of("tril", input, diagonal, False)


def meshgrid(*inputs: Any, indexing: str = "xy") -> tuple[Tensor, ...]:
    """Coordinates of the points of a grid, one Tensor per vector.

    Args:
        inputs: vectors, at least two.
        indexing: 'xy': the second vector runs along the first dimension; 'ij': dimension i belongs to vector i.

    Raises:
        ValueError: not vectors; another indexing.
    """
    if indexing not in ("xy", "ij") or len(inputs) < 2:
        raise err.UserValueError(f"meshgrid: at least two vectors and indexing 'xy' or 'ij' are needed, but got {len(inputs)} and {indexing!r}")
    xs = [check_ndim("meshgrid", "inputs", x, 1) for x in inputs]
    order = [1, 0, *range(2, len(xs))] if indexing == "xy" else list(range(len(xs)))
    shape = tuple(xs[i].shape[0] for i in order)
    out = []
    for i, x in enumerate(xs):
        place = order.index(i)
        out.append(broadcast_to(dispatch("reshape", (x,), {"shape": tuple(-1 if j == place else 1 for j in range(len(xs)))}), shape))
    return tuple(out)


# -- one hot --------------------------------------------------------------------------------------------------------------


@composite("one_hot_values")
def _one_hot_values(indices: Tensor, on: Tensor, off: Tensor, *, depth: int, axis: int) -> Tensor:
    hit = dispatch("one_hot", (indices,), {"depth": depth, "axis": axis, "dtype": dt.int8})
    return select(hit != 0, on, off)


def one_hot(indices: Any, depth: int, on_value: Any = 1, off_value: Any = 0, axis: int = -1) -> Tensor:
    """``on_value`` where the position along a new axis is the index, else ``off_value``.

    Args:
        indices: integer Tensor; an index out of [0, depth) gives only ``off_value``.
        depth: size of the new axis.
        on_value, off_value: numbers or 0-d Tensors; their dtype is the result's (int64 for ints, float32 for floats).
        axis: place of the new axis; -1 is the last.

    Raises:
        TypeError: indices that are not integers.
        ValueError: a negative depth; the axis is out of range.
    """
    x = check_tensor("one_hot", "indices", indices)
    if x.dtype.is_floating_point or x.dtype is dt.bool_:
        raise err.DTypeError(f"one_hot: 'indices' should be of an integer dtype, but is {x.dtype}", hint="cast it with .astype(ms.int32)")
    axis = normalize_axis("one_hot", axis, x.ndim + 1)
    depth = check_int("one_hot", "depth", depth, 0)
    plain = on_value in (1, 1.0) and off_value in (0, 0.0) if is_number(on_value) and is_number(off_value) else False
    if plain:
        dtype = dt.int64 if is_int(on_value) and is_int(off_value) else dt.float32
        return dispatch("one_hot", (x,), {"depth": depth, "axis": axis, "dtype": dtype})
    on = as_tensor(on_value)
    off = as_tensor(off_value, on.dtype if is_number(off_value) else None)
    return dispatch("one_hot_values", (x, on, off), {"depth": depth, "axis": axis})
