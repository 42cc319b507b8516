"""``x[index]`` and ``x[index] = value``.

Ints, slices, ``...`` and ``None`` become slice, reverse and reshape; integer Tensors without dimensions and slices from one of them, ``x[i:i + 3]``, become
dynamic_slice and dynamic_update, which cost what the selected part costs; other integer Tensors become gather. A bool mask gives a size that depends on the
values, so it works outside capture only. Tensors with data are indexed in their memory, by NumPy, without a kernel.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from .. import _errors as err
from .._runtime import _core
from .._runtime import dtype as dt
from .._runtime.tensor_data import asnumpy, from_value, shared
from . import precision, state, trace
from .dispatch import as_tensor, binary, broadcast_to, cast, dispatch, full, select
from .regions import known_value

__all__ = ["getitem", "setitem"]

TensorBase = _core.TensorBase


# --------------------------------------------------------------------------------------------------------------------
# Tensors with data
# --------------------------------------------------------------------------------------------------------------------
def _numpy_index(index: Any) -> Any:
    if isinstance(index, TensorBase):
        return asnumpy(index)
    if isinstance(index, tuple):
        return tuple(_numpy_index(i) for i in index)
    if isinstance(index, slice):
        return slice(*(_bound(b) for b in (index.start, index.stop, index.step)))
    return index


def _bound(value: Any) -> Any:
    return int(value) if isinstance(value, TensorBase) else value


def _explain(error: Exception, x: Any) -> Exception:
    kind = err.UserIndexError if isinstance(error, IndexError) else err.UserTypeError if isinstance(error, TypeError) else err.UserValueError
    return kind(f"index: {error} (Tensor of shape {x.shape})")


def _get_data(x: Any, index: Any) -> Any:
    try:
        found = asnumpy(x)[_numpy_index(index)]
    except (IndexError, TypeError, ValueError) as error:
        raise _explain(error, x) from None
    return from_value(np.asarray(found), x.dtype)


def _set_data(x: Any, index: Any, value: Any) -> None:
    source = asnumpy(value) if isinstance(value, TensorBase) else value
    try:
        shared(x)[_numpy_index(index)] = source
    except (IndexError, TypeError, ValueError) as error:
        raise _explain(error, x) from None


# --------------------------------------------------------------------------------------------------------------------
# Traced Tensors
# --------------------------------------------------------------------------------------------------------------------
class _Plan:
    """An index against a shape: a block whose place is known at run time, in it one slice per dimension, then what becomes of the dimensions."""

    def __init__(self, shape: tuple, index: Any) -> None:
        items = self._expanded(shape, index if isinstance(index, tuple) else (index,))
        self.places: list[Any] = [None] * len(shape)  # where the block starts: a Tensor, None for the whole dimension
        block = list(shape)
        together = any(isinstance(item, TensorBase) and item.ndim for item in items)
        self.starts: list[int] = []
        self.limits: list[int] = []
        self.strides: list[int] = []
        self.reversed: list[int] = []
        self.kept: list[int] = []  # shape after the slice, dropped dimensions left out, None put in
        self.tensors: list[tuple[int, Any]] = []  # (dimension of `kept`, integer Tensor)
        self._check_neighbours(items)
        axis = 0
        for item in items:
            if item is None:
                self.kept.append(1)
                continue
            size = shape[axis]
            if isinstance(item, slice):
                length = _block_length(item, size)
                if length is not None:
                    self.places[axis], block[axis], item = item.start, length, slice(None)
                self._slice(item, block[axis], axis)
            elif isinstance(item, TensorBase) and not together:
                self.places[axis], block[axis] = item, 1
                self._one(0)
            elif isinstance(item, TensorBase):
                self.tensors.append((len(self.kept), item))
                self._slice(slice(None), size, axis)
            else:
                position = int(item)
                if not -size <= position < size:
                    raise err.UserIndexError(f"index: {position} is out of range for dimension {axis} of size {size} (Tensor of shape {shape})")
                self._one(position % size)
            axis += 1
        self.block = tuple(block)
        self.full = all(s == 0 and limit == n and step == 1 for s, limit, step, n in zip(self.starts, self.limits, self.strides, block))
        self.sliced = tuple(-(-(limit - s) // step) for s, limit, step in zip(self.starts, self.limits, self.strides))

    @property
    def dynamic(self) -> bool:
        return any(place is not None for place in self.places)

    def nowhere(self, shape: tuple) -> bool:
        """Whether there is no such block: an element of an empty dimension, which only code that never runs asks for."""
        return any(n > size for n, size in zip(self.block, shape))

    def block_starts(self, shape: tuple) -> list:
        """Where the block starts, one int64 Tensor per dimension; negative places count from the end."""
        starts = []
        for place, size in zip(self.places, shape):
            if place is None:
                starts.append(as_tensor(0, dt.int64))
                continue
            place = _reshape(cast(place, dt.int64), ())
            starts.append(select(binary("less", place, 0), binary("add", place, size), place))
        return starts

    def _one(self, position: int) -> None:
        self.starts.append(position)
        self.limits.append(position + 1)
        self.strides.append(1)

    @staticmethod
    def _check_neighbours(items: list) -> None:
        """Ints and integer Tensors index together; with something between them NumPy moves their dimensions to the front."""
        together = [i for i, item in enumerate(items) if item is not None and not isinstance(item, slice)]
        if any(isinstance(item, TensorBase) and item.ndim for item in items) and together[-1] - together[0] >= len(together):
            raise err.UnsupportedError("index: ints and integer Tensors in dimensions that are not neighbours, while capturing",
                                       hint="index one dimension at a time, or transpose first")

    @staticmethod
    def _expanded(shape: tuple, items: tuple) -> list:
        result: list = []
        given = sum(1 for i in items if i is not None and i is not Ellipsis)
        if given > len(shape):
            raise err.UserIndexError(f"index: {given} indices for a Tensor of {len(shape)} dimensions (shape {shape})")
        seen = False
        for item in items:
            if isinstance(item, list):
                item = np.asarray(item)
            if item is Ellipsis:
                if seen:
                    raise err.UserIndexError("index: `...` may stand once in an index")
                seen = True
                result.extend([slice(None)] * (len(shape) - given))
            elif isinstance(item, (bool, np.bool_)) or (isinstance(item, TensorBase) and item.dtype is dt.bool_) or \
                    (isinstance(item, np.ndarray) and item.dtype == np.bool_):
                raise err.CaptureError("index: a bool mask selects a number of elements that is not known while the program is being captured",
                                       hint="use ops.where(mask, x, other), or multiply by the mask, and keep the shape")
            elif isinstance(item, TensorBase) and item.dtype.kind in (dt.SIGNED, dt.UNSIGNED):
                known = None if item.ndim else known_value(item)
                result.append(item if known is None else int(known[()]))
            elif isinstance(item, np.ndarray) and (item.dtype.kind in "iu" or not item.size):
                result.append(as_tensor(item.astype(np.int64)))
            elif item is None or isinstance(item, (int, np.integer, slice)):
                result.append(item)
            else:
                what = f"a {item.dtype} Tensor" if isinstance(item, TensorBase) else type(item).__name__
                raise err.UserTypeError(f"index: an int, slice, `...`, None, or a bool or integer Tensor was expected, but got {what}")
        if not seen:
            result.extend([slice(None)] * (len(shape) - given))
        return result

    def _slice(self, item: slice, size: int, axis: int) -> None:
        if item.step == 0:
            raise err.UserValueError("index: the step of a slice cannot be 0")
        start, stop, step = slice(_bound(item.start), _bound(item.stop), _bound(item.step)).indices(size)
        count = len(range(start, stop, step))
        if step < 0:
            start, step = start + (count - 1) * step, -step
            self.reversed.append(axis)
        if count == 0:
            start = 0
        self.starts.append(start)
        self.limits.append(start + (count - 1) * step + 1 if count else start)
        self.strides.append(step)
        self.kept.append(count)


def _traced(bound: Any) -> bool:
    return isinstance(bound, TensorBase) and known_value(bound) is None


def _block_length(item: slice, size: int) -> int | None:
    """The length of a slice whose start is a traced Tensor; ``None`` for a slice that Python knows.

    Raises:
        CaptureError: the length depends on values.
        ShapeError: it is longer than the dimension.
    """
    if not any(_traced(b) for b in (item.start, item.stop, item.step)):
        return None
    length = None
    if isinstance(item.start, TensorBase) and isinstance(item.stop, TensorBase) and item.step in (None, 1):
        frame = trace.current_frame()
        first, last = item.start._node, item.stop._node
        if first is not None and last is not None and first.frame is last.frame:  # where both were computed
            length = difference(first.value, last.value)
        else:
            length = difference(frame.value(item.start), frame.value(item.stop))
    if length is None:
        raise err.CaptureError("index: the bounds of a slice are traced Tensors, so the shape of the result is not known",
                               hint="use Python ints as bounds; a length that Python knows, as in x[i:i + 3]; or a mask with ops.where")
    if not 0 <= length <= size:
        raise err.ShapeError(f"index: a slice of length {length} from a dimension of size {size}")
    return length


def difference(first: Any, last: Any) -> int | None:
    """``last - first`` of two integer values of no dimensions where it is the same at each run."""
    from .._compiler import _native

    return _native.difference(first, last)


def _gather(x: Any, tensors: list) -> Any:
    """Integer Tensors at some dimensions of ``x``, as NumPy combines them."""
    if len(tensors) == 1:
        axis, index = tensors[0]
        return dispatch("gather", (x, index), {"axis": axis})
    axes = [axis for axis, _ in tensors]
    # One position in the joined dimensions: i * n + j.
    flat: Any = None
    for axis, index in tensors:
        size = x.shape[axis]
        index = cast(index, dt.int64)
        index = select(binary("less", index, 0), binary("add", index, size), index)
        flat = index if flat is None else binary("add", binary("mul", flat, size), index)
    first = axes[0]
    joined = x.shape[:first] + (int(np.prod(x.shape[first:first + len(axes)])),) + x.shape[first + len(axes):]
    return dispatch("gather", (_reshape(x, joined), flat), {"axis": first})


def _reshape(x: Any, shape: tuple) -> Any:
    return x if x.shape == shape else dispatch("reshape", (x,), {"shape": shape})


def getitem(x: Any, index: Any) -> Any:
    """``x[index]``.

    A traced integer without dimensions (a loop's counter) is as an int: negative ones count from the end. While capturing its range cannot be checked: a block that
    would reach over an end of ``x`` is moved inside (dynamic_slice), and a gather of other integer Tensors gives 0 for what is out of range.

    Raises:
        UserIndexError: out of range, or too many indices.
        CaptureError: a bool mask, or a slice of unknown length, while capturing.
    """
    if not trace.capturing():
        return _get_data(x, index)
    plan = _Plan(x.shape, index)
    result = x
    if plan.nowhere(x.shape):
        result = full(plan.block, 0, x.dtype)
    elif plan.dynamic:
        result = dispatch("dynamic_slice", (x, *plan.block_starts(x.shape)), {"sizes": plan.block})
    if not plan.full:
        result = dispatch("slice", (result,), {"starts": tuple(plan.starts), "limits": tuple(plan.limits), "strides": tuple(plan.strides)})
    if plan.reversed:
        result = dispatch("reverse", (result,), {"axes": tuple(plan.reversed)})
    result = _reshape(result, tuple(plan.kept))
    return _gather(result, plan.tensors) if plan.tensors else result


def setitem(x: Any, index: Any, value: Any) -> None:
    """``x[index] = value``, in place: in the Tensor's memory, or as an update of the captured program. Traced integers as for ``getitem``.

    Raises:
        UserError: as ``getitem``; the value does not broadcast to the selected part.
    """
    if not trace.capturing():
        _set_data(x, index, value)
        return
    with precision.suspended():  # what is written takes the dtype of what it is written into
        _update(x, index, value)


def _update(x: Any, index: Any, value: Any) -> None:
    mask = index[0] if isinstance(index, tuple) and len(index) == 1 else index
    if isinstance(mask, TensorBase) and mask.dtype is dt.bool_ and mask.shape == x.shape[:mask.ndim]:
        value = cast(as_tensor(value), x.dtype)
        if value.ndim > x.ndim - mask.ndim and value.size != 1:
            raise err.CaptureError("index: a Tensor assigned through a bool mask must be one value for every element that is selected",
                                   hint="use ops.where(mask, value, x)")
        mask = _reshape(mask, mask.shape + (1,) * (x.ndim - mask.ndim))
        state.write(x, select(mask, broadcast_to(_reshape(value, ()) if value.size == 1 else value, x.shape), x))
        return
    plan = _Plan(x.shape, index)
    if plan.tensors:
        state.write(x, _scattered(x, plan, value))
        return
    value = cast(as_tensor(value), x.dtype)
    try:
        value = _reshape(broadcast_to(value, tuple(plan.kept)), plan.sliced)
    except err.ShapeError:
        raise err.ShapeError(f"index: a value of shape {value.shape} cannot be written into a part of shape {tuple(plan.kept)}") from None
    if 0 in plan.sliced or plan.nowhere(x.shape):
        return
    if plan.reversed:
        value = dispatch("reverse", (value,), {"axes": tuple(plan.reversed)})
    if not plan.dynamic:
        state.write(x, _with_part(x, plan, value))
        return
    starts = plan.block_starts(x.shape)
    if not plan.full:
        value = _with_part(dispatch("dynamic_slice", (x, *starts), {"sizes": plan.block}), plan, value)
    state.write(x, dispatch("dynamic_update", (x, value, *starts)))


def _with_part(x: Any, plan: _Plan, value: Any) -> Any:
    """``x``, of the block's shape, with the slices of the plan replaced."""
    if plan.full:
        return value
    if all(step == 1 for step in plan.strides):
        return dispatch("dynamic_update", (x, value, *(as_tensor(start, dt.int64) for start in plan.starts)))
    high = tuple(n - limit for n, limit in zip(x.shape, plan.limits))
    pad = {"low": tuple(plan.starts), "high": high, "interior": tuple(s - 1 for s in plan.strides), "value": 0.0}
    inside = dispatch("pad", (full(value.shape, True, dt.bool_),), pad)
    return dispatch("select", (inside, dispatch("pad", (value,), pad), x))


def _scattered(x: Any, plan: _Plan, value: Any) -> Any:
    """``x`` with one value at the rows that an integer Tensor names."""
    value = as_tensor(value)
    if len(plan.tensors) != 1 or not plan.full or plan.reversed or tuple(plan.kept) != x.shape or value.size != 1:
        raise err.UnsupportedError("index: while capturing, an integer Tensor as index takes one number for all rows (x[i] = 0.0)",
                                   hint="use ops.where with a mask, or scatter-add")
    axis, index = plan.tensors[0]
    updates = full(x.shape[:axis] + index.shape + x.shape[axis + 1:], 1, dt.int32)
    hits = dispatch("scatter_add", (full(x.shape, 0, dt.int32), index, updates), {"axis": axis})
    return select(binary("greater", hits, 0), cast(_reshape(value, ()), x.dtype), x)
