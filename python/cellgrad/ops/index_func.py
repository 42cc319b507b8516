"""Reading and adding at positions."""
from __future__ import annotations

import math
from typing import Any

from .. import _errors as err
from .._frontend.dispatch import as_tensor, broadcast_to, cast, composite, dispatch, full, is_number, normalize_axis, select
from .._runtime import dtype as dt
from ..common.tensor import Tensor
from ._helpers import check_choice, check_int, check_ndim, check_tensor
from .array_func import permute, reshape

__all__ = ["gather", "gather_d", "gather_elements", "gather_nd", "index_select", "tensor_scatter_add", "tensor_scatter_elements"]


def _indices(op: str, name: str, value: Any) -> Tensor:
    x = as_tensor(value) if is_number(value) else check_tensor(op, name, value)
    if x.dtype.is_floating_point or x.dtype is dt.bool_:
        raise err.DTypeError(f"{op}: '{name}' should be of an integer dtype, but is {x.dtype}", hint="cast it with .astype(ms.int32)")
    return x


def _from_zero(index: Tensor, size: int, nowhere: int = -1) -> Tensor:
    """int64 indices with negative ones counted from the end; those out of range become ``nowhere`` (if given)."""
    index = cast(index, dt.int64)
    index = select(index < 0, index + size, index)
    return index if nowhere < 0 else select((index < 0) | (index >= size), as_tensor(nowhere, dt.int64), index)


def gather(input_params: Any, input_indices: Any, axis: int, batch_dims: int = 0) -> Tensor:
    """Slices at the given positions along an axis.

    Args:
        input_params: Tensor.
        input_indices: integer Tensor of any shape, or an int. A negative index counts from the end. An index out of range gives 0: the values
            of a compiled program are not looked into.
        axis: int.
        batch_dims: how many leading dimensions of both belong together.

    Returns:
        Tensor of shape ``params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1:]``.

    Raises:
        TypeError: indices that are not integers.
        ValueError: the axis is out of range; the leading dimensions differ.
    """
    x, index = check_tensor("gather", "input_params", input_params), _indices("gather", "input_indices", input_indices)
    axis = normalize_axis("gather", axis, x.ndim)
    batch = check_int("gather", "batch_dims", batch_dims)
    batch += index.ndim if batch < 0 else 0
    if batch == 0:
        return dispatch("gather", (x, index), {"axis": axis})
    if not 0 < batch <= min(axis, index.ndim) or x.shape[:batch] != index.shape[:batch]:
        raise err.ShapeError(f"gather: with batch_dims={batch_dims} the leading dimensions of shapes {x.shape} and {index.shape} should be equal, "
                             f"and the axis {axis} behind them")
    return dispatch("batch_gather", (x, index), {"axis": axis, "batch": batch})


@composite("batch_gather")
def _batch_gather(x: Tensor, index: Tensor, *, axis: int, batch: int) -> Tensor:
    count, n = math.prod(x.shape[:batch]), x.shape[axis]
    between, behind = x.shape[batch:axis], x.shape[axis + 1:]
    order = (*range(batch), axis, *range(batch, axis), *range(axis + 1, x.ndim))
    rows = reshape(permute(x, order), (count * n, *between, *behind))
    flat = _from_zero(reshape(index, (count, math.prod(index.shape[batch:]))), n, nowhere=count * n)
    start = dispatch("iota", (), {"shape": flat.shape, "axis": 0, "dtype": dt.int64}) * n
    found = dispatch("gather", (rows, select(flat < n, flat + start, flat)), {"axis": 0})
    found = reshape(found, x.shape[:batch] + index.shape[batch:] + between + behind)
    i, k = index.ndim - batch, len(between)
    order = (*range(batch), *range(batch + i, batch + i + k), *range(batch, batch + i), *range(batch + i + k, found.ndim))
    return permute(found, order)


def index_select(input: Any, axis: int, index: Any) -> Tensor:
    """Slices at the positions of a vector along an axis.

    Raises:
        TypeError: indices that are not integers.
        ValueError: not a vector; the axis is out of range.
    """
    x, index = check_tensor("index_select", "input", input), check_ndim("index_select", "index", _indices("index_select", "index", index), 0, 1)
    if index.ndim == 0:
        index = reshape(index, (1,))
    return dispatch("gather", (x, index), {"axis": normalize_axis("index_select", axis, x.ndim)})


def _linear(index: Tensor, shape: tuple, axis: int) -> Tensor:
    """Positions in the flat Tensor of ``shape`` of elements whose index along ``axis`` is given and whose others are their own."""
    total = math.prod(shape)
    here = _from_zero(index, shape[axis], nowhere=total)
    place = None
    for i, _ in enumerate(shape):
        stride = math.prod(shape[i + 1:])
        part = here if i == axis else dispatch("iota", (), {"shape": index.shape, "axis": i, "dtype": dt.int64})
        part = part * stride if stride != 1 else part
        place = part if place is None else place + part
    return select(here == total, as_tensor(total, dt.int64), place)


@composite("gather_elements")
def _gather_elements(x: Tensor, index: Tensor, *, axis: int) -> Tensor:
    return dispatch("gather", (reshape(x, (x.size,)), _linear(index, x.shape, axis)), {"axis": 0})


def gather_elements(input: Any, dim: int, index: Any) -> Tensor:
    """``out[i][j][k] = input[index[i][j][k]][j][k]`` for dim 0, and likewise for the others: of the index's shape.

    Args:
        input: Tensor.
        dim: int.
        index: integer Tensor with as many dimensions; apart from ``dim`` it is not larger than the input. An index out of range gives 0.

    Raises:
        TypeError: indices that are not integers.
        ValueError: dimensions or sizes that do not go together.
    """
    x, index = check_tensor("gather_elements", "input", input), _indices("gather_elements", "index", index)
    axis = normalize_axis("gather_elements", dim, x.ndim)
    _check_elements("gather_elements", x.shape, index.shape, axis)
    if x.ndim == 0:
        return x
    return dispatch("gather_elements", (x, index), {"axis": axis})


gather_d = gather_elements


def _check_elements(op: str, shape: tuple, index: tuple, axis: int) -> None:
    if len(shape) != len(index) or any(j > s for i, (s, j) in enumerate(zip(shape, index, strict=True)) if i != axis):
        raise err.ShapeError(f"{op}: the index of shape {index} does not go with shape {shape}: as many dimensions are needed, and apart from "
                             f"dimension {axis} none may be larger")


def _rows(op: str, x: Tensor, indices: Tensor) -> tuple[int, tuple]:
    depth = indices.shape[-1] if indices.ndim else 0
    if not 0 < depth <= x.ndim:
        raise err.ShapeError(f"{op}: the last size of 'indices', {depth}, should be between 1 and the {x.ndim} dimensions of shape {x.shape}")
    return depth, indices.shape[:-1] + x.shape[depth:]


def _flat_rows(x: Tensor, indices: Tensor, depth: int) -> tuple[Tensor, Tensor]:
    """The Tensor with its first ``depth`` dimensions as one, and the positions there (out of range: the number of rows)."""
    total = math.prod(x.shape[:depth])
    rows = reshape(x, (total, *x.shape[depth:]))
    entries = reshape(indices, (math.prod(indices.shape[:-1]), depth))
    place, valid = None, None
    for i in range(depth):
        column = dispatch("slice", (entries,), {"starts": (0, i), "limits": (entries.shape[0], i + 1), "strides": (1, 1)})
        size = x.shape[i]
        index = _from_zero(reshape(column, (entries.shape[0],)), size)
        inside = (index >= 0) & (index < size)
        part = index * math.prod(x.shape[i + 1:depth])
        place, valid = (part, inside) if place is None else (place + part, valid & inside)
    return rows, select(valid, place, as_tensor(total, dt.int64))


@composite("gather_nd")
def _gather_nd(x: Tensor, indices: Tensor, *, depth: int) -> Tensor:
    rows, place = _flat_rows(x, indices, depth)
    return reshape(dispatch("gather", (rows, place), {"axis": 0}), indices.shape[:-1] + x.shape[depth:])


def gather_nd(input_x: Any, indices: Any) -> Tensor:
    """The slices at the index tuples in the last dimension of ``indices``.

    Raises:
        TypeError: indices that are not integers.
        ValueError: index tuples longer than the input has dimensions.
    """
    x, indices = check_tensor("gather_nd", "input_x", input_x), _indices("gather_nd", "indices", indices)
    depth, _ = _rows("gather_nd", x, indices)
    return dispatch("gather_nd", (x, indices), {"depth": depth})


@composite("tensor_scatter_add")
def _tensor_scatter_add(x: Tensor, indices: Tensor, updates: Tensor, *, depth: int) -> Tensor:
    rows, place = _flat_rows(x, indices, depth)
    flat = reshape(updates, (place.shape[0], *x.shape[depth:]))
    return reshape(dispatch("scatter_add", (rows, place, flat), {"axis": 0}), x.shape)


def tensor_scatter_add(input_x: Any, indices: Any, updates: Any) -> Tensor:
    """A copy of ``input_x`` with updates added at index tuples; updates of one place add up, those out of range are dropped.

    Args:
        input_x: Tensor.
        indices: integer Tensor whose last dimension holds index tuples into the leading dimensions of ``input_x``.
        updates: Tensor of shape ``indices.shape[:-1] + input_x.shape[indices.shape[-1]:]``.

    Raises:
        TypeError: indices that are not integers.
        ValueError: shapes that do not go together.
    """
    x, indices = check_tensor("tensor_scatter_add", "input_x", input_x), _indices("tensor_scatter_add", "indices", indices)
    depth, shape = _rows("tensor_scatter_add", x, indices)
    updates = as_tensor(updates, x.dtype)
    if updates.shape != shape:
        raise err.ShapeError(f"tensor_scatter_add: 'updates' should have shape {shape}, but has {updates.shape}")
    return dispatch("tensor_scatter_add", (x, indices, updates), {"depth": depth})


@composite("scatter_elements")
def _scatter_elements(x: Tensor, index: Tensor, updates: Tensor, *, axis: int, add: bool) -> Tensor:
    place = reshape(_linear(index, x.shape, axis), (index.size,))
    values = reshape(updates, (updates.size,))
    if add:
        return reshape(dispatch("scatter_add", (reshape(x, (x.size,)), place, values), {"axis": 0}), x.shape)
    nothing = full((x.size,), 0, x.dtype)
    total = dispatch("scatter_add", (nothing, place, values), {"axis": 0})
    hits = dispatch("scatter_add", (full((x.size,), 0, dt.int32), place, broadcast_to(as_tensor(1, dt.int32), place.shape)), {"axis": 0})
    mean = total / cast(hits, x.dtype) if x.dtype.is_floating_point else total
    return reshape(select(hits > 0, mean, reshape(x, (x.size,))), x.shape)


def tensor_scatter_elements(input_x: Any, indices: Any, updates: Any, axis: int = 0, reduction: str = "none") -> Tensor:
    """A copy of ``input_x`` with ``updates`` written, or added, at ``out[indices[i][j]][j]`` for axis 0, and likewise for the others.

    Args:
        input_x: Tensor.
        indices: integer Tensor with as many dimensions. Those out of range are dropped.
        updates: Tensor of the shape of ``indices``.
        axis: int.
        reduction: 'none' writes (a place named more than once gets the mean of a float dtype, the sum of another), 'add' adds.

    Raises:
        TypeError: indices that are not integers.
        ValueError: shapes that do not go together; another reduction.
    """
    x, index = check_tensor("tensor_scatter_elements", "input_x", input_x), _indices("tensor_scatter_elements", "indices", indices)
    check_choice("tensor_scatter_elements", "reduction", reduction, ("none", "add"))
    axis = normalize_axis("tensor_scatter_elements", axis, x.ndim)
    _check_elements("tensor_scatter_elements", x.shape, index.shape, axis)
    updates = as_tensor(updates, x.dtype)
    if updates.shape != index.shape:
        raise err.ShapeError(f"tensor_scatter_elements: 'updates' should have the shape {index.shape} of 'indices', but has {updates.shape}")
    return dispatch("scatter_elements", (x, index, updates), {"axis": axis, "add": reduction == "add"})
