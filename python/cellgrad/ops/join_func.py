"""Joining and cutting Tensors, and padding."""
from __future__ import annotations

import builtins
from typing import Any

from .. import _errors as err
from .._frontend.dispatch import broadcast_to as _broadcast_to
from .._frontend.dispatch import as_tensor, cast, dispatch, normalize_axis
from .._runtime import dtype as dt
from ..common.tensor import Tensor
from ._helpers import check_choice, check_int, check_number, check_tensor, ints
from .array_func import any_negative, expand_dims, flip, ravel, reshape

__all__ = ["cat", "chunk", "concat", "narrow", "pad", "roll", "slice", "split", "stack", "strided_slice", "unbind", "unstack"]


def concat(tensors: Any, axis: int = 0) -> Tensor:
    """Tensors one after another along an axis, promoted to one dtype.

    Args:
        tensors: list or tuple of Tensors, of equal sizes apart from those along the axis.

    Raises:
        TypeError: not a list or tuple of Tensors.
        ValueError: none at all; other sizes differ; the axis is out of range.
    """
    if not isinstance(tensors, (list, tuple)):
        raise err.UserTypeError(f"concat: a list or tuple of Tensors was expected, but got {type(tensors).__name__}")
    if not tensors:
        raise err.UserValueError("concat: at least one Tensor is needed")
    xs = [check_tensor("concat", f"tensors[{i}]", t) for i, t in enumerate(tensors)]
    dtype = xs[0].dtype
    for x in xs[1:]:
        dtype = dt.promote(dtype, x.dtype)
    if builtins.any(x.ndim != xs[0].ndim for x in xs):
        raise err.ShapeError(f"concat: the Tensors should have as many dimensions, but have shapes {', '.join(str(x.shape) for x in xs)}")
    axis = normalize_axis("concat", axis, xs[0].ndim)
    if len(xs) == 1:
        return xs[0]
    return dispatch("concat", tuple(cast(x, dtype) for x in xs), {"axis": axis})


def cat(tensors: Any, axis: int = 0) -> Tensor:
    """The same as ``concat``."""
    return concat(tensors, axis)


def stack(tensors: Any, axis: int = 0) -> Tensor:
    """Tensors of one shape side by side along a new axis.

    Raises:
        TypeError: not a list or tuple of Tensors.
        ValueError: none at all; shapes differ; the axis is out of range.
    """
    if not isinstance(tensors, (list, tuple)):
        raise err.UserTypeError(f"stack: a list or tuple of Tensors was expected, but got {type(tensors).__name__}")
    xs = [check_tensor("stack", f"tensors[{i}]", t) for i, t in enumerate(tensors)]
    if not xs or builtins.any(x.shape != xs[0].shape for x in xs):
        raise err.ShapeError(f"stack: Tensors of one shape are needed, but got shapes {', '.join(str(x.shape) for x in xs) or 'of none'}")
    axis = normalize_axis("stack", axis, xs[0].ndim + 1)
    return concat([expand_dims(x, axis) for x in xs], axis)


def _part(x: Tensor, axis: int, start: int, limit: int) -> Tensor:
    starts, limits = [0] * x.ndim, list(x.shape)
    starts[axis], limits[axis] = start, limit
    return dispatch("slice", (x,), {"starts": tuple(starts), "limits": tuple(limits), "strides": (1,) * x.ndim})


def split(tensor: Any, split_size_or_sections: Any, axis: int = 0) -> tuple[Tensor, ...]:
    """Parts along an axis: of one size (the last may be smaller), or of the sizes in a list.

    Raises:
        TypeError: neither an int nor a list of ints.
        ValueError: a size below 1; sizes that do not add up; the axis is out of range.
    """
    x = check_tensor("split", "tensor", tensor)
    axis = normalize_axis("split", axis, x.ndim)
    length = x.shape[axis] if x.ndim else 0
    given = ints("split", "split_size_or_sections", split_size_or_sections)
    if isinstance(split_size_or_sections, (list, tuple)):
        sizes = given
        if any_negative(sizes) or builtins.sum(sizes) != length:
            raise err.UserValueError(f"split: the sizes {sizes} should add up to {length}, the size along axis {axis}")
    else:
        size = check_int("split", "split_size_or_sections", given[0], 1)
        sizes = tuple(builtins.min(size, length - i) for i in range(0, length, size))
    ends, total = [], 0
    for size in sizes:
        total += size
        ends.append((total - size, total))
    return tuple(_part(x, axis, start, end) for start, end in ends)


def chunk(input: Any, chunks: int, axis: int = 0) -> tuple[Tensor, ...]:
    """At most ``chunks`` parts of equal size along an axis (the last may be smaller).

    Raises:
        TypeError, ValueError: ``chunks`` is not an int of at least 1; the axis is out of range.
    """
    x = check_tensor("chunk", "input", input)
    axis = normalize_axis("chunk", axis, x.ndim)
    chunks = check_int("chunk", "chunks", chunks, 1)
    return split(x, builtins.max(1, -(-x.shape[axis] // chunks)), axis)


def unstack(input_x: Any, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices along an axis, without that axis."""
    x = check_tensor("unstack", "input_x", input_x)
    axis = normalize_axis("unstack", axis, x.ndim)
    return tuple(reshape(part, x.shape[:axis] + x.shape[axis + 1:]) for part in split(x, 1, axis))


def unbind(input: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """The same as ``unstack``."""
    return unstack(input, dim)


def narrow(input: Any, axis: int, start: int, length: int) -> Tensor:
    """``length`` elements from ``start`` along an axis.

    Raises:
        ValueError: beyond the size along the axis.
    """
    x = check_tensor("narrow", "input", input)
    axis = normalize_axis("narrow", axis, x.ndim)
    start, length = check_int("narrow", "start", start), check_int("narrow", "length", length, 0)
    start += x.shape[axis] if start < 0 else 0
    if not 0 <= start <= start + length <= x.shape[axis]:
        raise err.UserValueError(f"narrow: {length} elements from {start} on are beyond the size {x.shape[axis]} of axis {axis}")
    return _part(x, axis, start, start + length)


def slice(input_x: Any, begin: Any, size: Any) -> Tensor:
    """``size[i]`` elements from ``begin[i]`` on along each dimension; the size -1 is all that is left.

    Raises:
        TypeError: not ints.
        ValueError: not one entry per dimension; beyond the Tensor.
    """
    x = check_tensor("slice", "input_x", input_x)
    starts, sizes = ints("slice", "begin", begin), ints("slice", "size", size)
    if len(starts) != x.ndim or len(sizes) != x.ndim:
        raise err.UserValueError(f"slice: 'begin' and 'size' should have {x.ndim} entries for shape {x.shape}, but are {starts} and {sizes}")
    limits = tuple(n if s == -1 else b + s for b, s, n in zip(starts, sizes, x.shape, strict=True))
    if builtins.any(not 0 <= b <= e <= n for b, e, n in zip(starts, limits, x.shape, strict=True)):
        raise err.UserValueError(f"slice: begin {starts} with size {sizes} is beyond shape {x.shape}")
    return dispatch("slice", (x,), {"starts": starts, "limits": limits, "strides": (1,) * x.ndim})


def strided_slice(input_x: Any, begin: Any, end: Any, strides: Any, begin_mask: int = 0, end_mask: int = 0, ellipsis_mask: int = 0,
                  new_axis_mask: int = 0, shrink_axis_mask: int = 0) -> Tensor:
    """``input_x[begin[0]:end[0]:strides[0], ...]`` with Python's rules for negative numbers.

    Args:
        input_x: Tensor.
        begin, end, strides: tuples of ints, one entry per leading dimension.
        begin_mask, end_mask: where bit i is set, begin[i] or end[i] is left out.
        ellipsis_mask: the one set bit is the entry that stands for ``...``.
        new_axis_mask: where bit i is set, entry i is a new dimension of size 1.
        shrink_axis_mask: where bit i is set, entry i is the index begin[i], and the dimension goes away.

    Raises:
        TypeError: not ints.
        ValueError: lengths differ; a stride is 0; too many entries.
    """
    x = check_tensor("strided_slice", "input_x", input_x)
    b, e, s = (ints("strided_slice", n, v) for n, v in (("begin", begin), ("end", end), ("strides", strides)))
    if not len(b) == len(e) == len(s):
        raise err.UserValueError(f"strided_slice: 'begin', 'end' and 'strides' should be of one length, but are {b}, {e}, {s}")
    if 0 in s:
        raise err.UserValueError("strided_slice: a stride should not be 0")
    index: list[Any] = []
    for i in range(len(b)):
        bit = 1 << i
        if ellipsis_mask & bit:
            index.append(Ellipsis)
        elif new_axis_mask & bit:
            index.append(None)
        elif shrink_axis_mask & bit:
            index.append(b[i])
        else:
            index.append(builtins.slice(None if begin_mask & bit else b[i], None if end_mask & bit else e[i], s[i]))
    return x[tuple(index)]


# -- padding --------------------------------------------------------------------------------------------------------------


def pad(input_x: Any, padding: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """Adds elements at both ends of the last dimensions.

    Args:
        input_x: Tensor.
        padding: tuple (before, after) of the last dimension, then of the one before it, and so on. Negative numbers cut.
        mode: 'constant' adds ``value`` (default 0), 'reflect' mirrors without the edge, 'replicate' repeats the edge, 'circular' goes on at the
            other end.
        value: number, for 'constant' only.

    Raises:
        TypeError: the padding is not made of ints.
        ValueError: an odd number of entries or too many; another mode; a value beside another mode; more than the mode can take from the input.
    """
    x = check_tensor("pad", "input_x", input_x)
    check_choice("pad", "mode", mode, ("constant", "reflect", "replicate", "circular"))
    amounts = ints("pad", "padding", padding)
    if len(amounts) % 2 or len(amounts) > 2 * x.ndim:
        raise err.UserValueError(f"pad: 'padding' should have two entries for each padded dimension of shape {x.shape}, but is {amounts}")
    if mode != "constant" and value is not None:
        raise err.UserValueError(f"pad: 'value' belongs to mode 'constant', not to '{mode}'")
    low, high = [0] * x.ndim, [0] * x.ndim
    for i in range(len(amounts) // 2):
        low[-1 - i], high[-1 - i] = amounts[2 * i], amounts[2 * i + 1]
    cut = any_negative(amounts)
    if cut:
        starts = tuple(builtins.max(0, -v) for v in low)
        limits = tuple(n - builtins.max(0, -v) for n, v in zip(x.shape, high, strict=True))
        if builtins.any(a > b for a, b in zip(starts, limits, strict=True)):
            raise err.UserValueError(f"pad: padding {amounts} cuts more than shape {x.shape} has")
        x = dispatch("slice", (x,), {"starts": starts, "limits": limits, "strides": (1,) * x.ndim})
        low, high = [builtins.max(0, v) for v in low], [builtins.max(0, v) for v in high]
    if not builtins.any(low) and not builtins.any(high):
        return x
    if mode == "constant":
        number = 0.0 if value is None else check_number("pad", "value", value)
        return dispatch("pad", (x,), {"low": tuple(low), "high": tuple(high), "interior": (0,) * x.ndim, "value": number})
    for axis in range(x.ndim):
        if low[axis] or high[axis]:
            x = _pad_axis(x, axis, low[axis], high[axis], mode)
    return x


def _pad_axis(x: Tensor, axis: int, low: int, high: int, mode: str) -> Tensor:
    n = x.shape[axis]
    most = n - 1 if mode == "reflect" else n if mode == "circular" else None
    if n == 0 or most is not None and builtins.max(low, high) > most:
        raise err.UserValueError(f"pad: mode '{mode}' cannot take {builtins.max(low, high)} elements from a dimension of size {n}")
    if mode == "reflect":
        before, after = flip(_part(x, axis, 1, low + 1), axis), flip(_part(x, axis, n - 1 - high, n - 1), axis)
    elif mode == "circular":
        before, after = _part(x, axis, n - low, n), _part(x, axis, 0, high)
    else:
        edge = lambda start, count: _broadcast_to(_part(x, axis, start, start + 1), x.shape[:axis] + (count,) + x.shape[axis + 1:])
        before, after = edge(0, low), edge(n - 1, high)
    return concat([part for part in (before, x, after) if part.shape[axis]], axis)


def roll(input: Any, shifts: Any, dims: Any = None) -> Tensor:
    """Elements shifted along axes; what leaves at the end comes in at the front. Without axes: along the flat Tensor.

    Raises:
        ValueError: not one shift per axis.
    """
    x = as_tensor(input)
    if dims is None:
        return reshape(roll(ravel(x), shifts, 0), x.shape)
    steps, axes = ints("roll", "shifts", shifts), ints("roll", "dims", dims)
    if len(steps) != len(axes):
        raise err.UserValueError(f"roll: one shift for each axis is needed, but got {steps} and {axes}")
    for step, a in zip(steps, axes, strict=True):
        axis = normalize_axis("roll", a, x.ndim)
        cut = (-step) % x.shape[axis] if x.shape[axis] else 0
        if cut:
            x = concat((_part(x, axis, cut, x.shape[axis]), _part(x, axis, 0, cut)), axis)
    return x
