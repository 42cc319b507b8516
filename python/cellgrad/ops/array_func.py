"""Shapes: reshaping, reordering, joining, cutting, padding."""
from __future__ import annotations

import builtins
import math
from typing import Any

from .. import _errors as err
from .._frontend.dispatch import as_tensor, composite, dispatch, normalize_axes, normalize_axis
from .._frontend.dispatch import broadcast_to as _broadcast_to
from ..common.tensor import Tensor
from ._helpers import check_choice, check_int, ints

__all__ = ["broadcast_to", "expand_dims", "flatten", "flip", "moveaxis", "permute", "ravel", "repeat_interleave", "reshape", "squeeze", "swapaxes", "tile",
           "transpose", "unsqueeze"]


def reshape(input: Any, shape: Any) -> Tensor:
    """The same elements in row-major order under another shape.

    Args:
        input: Tensor.
        shape: tuple of ints; one of them may be -1, it follows from the number of elements.

    Raises:
        TypeError: the shape is not made of ints.
        ValueError: the shape has another number of elements, or more than one -1.
    """
    x = as_tensor(input)
    sizes = ints("reshape", "shape", shape)
    known = math.prod(s for s in sizes if s != -1)
    if sizes.count(-1) == 1 and known and x.size % known == 0:
        sizes = tuple(x.size // known if s == -1 else s for s in sizes)
    elif -1 in sizes or math.prod(sizes) != x.size or any_negative(sizes):
        raise err.ShapeError(f"reshape: shape {x.shape} with {x.size} elements cannot become {sizes}",
                             hint="the product of the sizes should stay the same; one size may be -1")
    return x if sizes == x.shape else dispatch("reshape", (x,), {"shape": sizes})


def any_negative(sizes: tuple) -> bool:
    return builtins.any(s < 0 for s in sizes)


def permute(input: Any, axis: Any) -> Tensor:
    """Dimensions in another order: dimension i of the result is dimension ``axis[i]`` of the input.

    Raises:
        TypeError: the axes are not ints.
        ValueError: the axes are not a permutation.
    """
    x = as_tensor(input)
    given = ints("transpose", "axis", axis)
    order = tuple(normalize_axis("transpose", a, x.ndim) for a in given)
    if sorted(order) != list(range(x.ndim)):
        raise err.UserValueError(f"transpose: {given} is not an order of the {x.ndim} dimensions of shape {x.shape}")
    return x if order == tuple(range(x.ndim)) else dispatch("transpose", (x,), {"permutation": order})


def transpose(input: Any, dims: Any) -> Tensor:
    """The same as ``permute``."""
    return permute(input, dims)


def swapaxes(input: Any, axis0: int, axis1: int) -> Tensor:
    """Two dimensions exchanged.

    Raises:
        TypeError, ValueError: an axis is not an int or out of range.
    """
    x = as_tensor(input)
    a, b = normalize_axis("swapaxes", axis0, x.ndim), normalize_axis("swapaxes", axis1, x.ndim)
    order = list(range(x.ndim))
    order[a], order[b] = order[b], order[a]
    return permute(x, tuple(order))


def moveaxis(x: Any, source: Any, destination: Any) -> Tensor:
    """Dimensions moved to other positions, the others keep their order.

    Raises:
        ValueError: as many sources as destinations are needed, each named once.
    """
    x = as_tensor(x)
    a = tuple(normalize_axis("moveaxis", s, x.ndim) for s in ints("moveaxis", "source", source))
    b = tuple(normalize_axis("moveaxis", d, x.ndim) for d in ints("moveaxis", "destination", destination))
    if len(a) != len(b) or len(set(a)) != len(a) or len(set(b)) != len(b):
        raise err.UserValueError(f"moveaxis: 'source' and 'destination' should name as many different axes, but got {source} and {destination}")
    order = [i for i in range(x.ndim) if i not in a]
    for to, origin in sorted(zip(b, a, strict=True)):
        order.insert(to, origin)
    return permute(x, tuple(order))


def squeeze(input: Any, axis: Any = None) -> Tensor:
    """Without the dimensions of size 1: all of them, or those named.

    Raises:
        ValueError: a named dimension has another size, or is out of range.
    """
    x = as_tensor(input)
    if axis is None:
        gone = {i for i, s in enumerate(x.shape) if s == 1}
    else:
        gone = set(normalize_axes("squeeze", axis, x.ndim)) if axis != () else set()
        for a in gone:
            if x.ndim and x.shape[a] != 1:
                raise err.ShapeError(f"squeeze: dimension {a} of shape {x.shape} has size {x.shape[a]}, not 1")
    return reshape(x, tuple(s for i, s in enumerate(x.shape) if i not in gone))


def expand_dims(input_x: Any, axis: Any) -> Tensor:
    """With a new dimension of size 1 at ``axis`` (or at several).

    Raises:
        TypeError: the axis is not an int.
        ValueError: the axis is out of range.
    """
    x = as_tensor(input_x)
    axes = ints("expand_dims", "axis", axis)
    ndim = x.ndim + len(axes)
    places = {normalize_axis("expand_dims", a, ndim) for a in axes}
    if len(places) != len(axes):
        raise err.UserValueError(f"expand_dims: axes {axes} name a dimension twice")
    rest = iter(x.shape)
    return reshape(x, tuple(1 if i in places else next(rest) for i in range(ndim)))


def unsqueeze(input: Any, dim: int) -> Tensor:
    """The same as ``expand_dims``."""
    return expand_dims(input, dim)


def flatten(input: Any, order: str = "C", *, start_dim: int = 1, end_dim: int = -1) -> Tensor:
    """The dimensions from ``start_dim`` to ``end_dim`` as one.

    Args:
        input: Tensor; a 0-d Tensor gives shape (1,).
        order: 'C': row-major; 'F': column-major.

    Raises:
        ValueError: another order; dimensions out of range or in the wrong order.
    """
    x = as_tensor(input)
    check_choice("flatten", "order", order, ("C", "F"))
    if order == "F":
        x = permute(x, tuple(reversed(range(x.ndim))))
    if x.ndim == 0:
        return reshape(x, (1,))
    if x.ndim == 1 and start_dim in (0, 1, -1) and end_dim in (-1, 0):
        return x
    first, last = normalize_axis("flatten", start_dim, x.ndim), normalize_axis("flatten", end_dim, x.ndim)
    if first > last:
        raise err.UserValueError(f"flatten: 'start_dim' {start_dim} should not be behind 'end_dim' {end_dim}")
    return reshape(x, x.shape[:first] + (math.prod(x.shape[first:last + 1]),) + x.shape[last + 1:])


def ravel(input: Any) -> Tensor:
    """All elements as a vector, in row-major order."""
    x = as_tensor(input)
    return reshape(x, (x.size,))


def broadcast_to(input: Any, shape: Any) -> Tensor:
    """Repeated along new leading dimensions and along dimensions of size 1.

    Args:
        input: Tensor.
        shape: tuple of ints; -1 keeps the size of that dimension.

    Raises:
        ValueError: the shapes do not go together.
    """
    x = as_tensor(input)
    sizes = ints("broadcast_to", "shape", shape)
    offset = len(sizes) - x.ndim
    target = tuple(x.shape[i - offset] if s == -1 and i >= offset >= 0 else s for i, s in enumerate(sizes))
    fits = offset >= 0 and not any_negative(target) and builtins.all(s == t or s == 1 for s, t in zip(x.shape, target[offset:], strict=True))
    if not fits:
        raise err.ShapeError(f"broadcast_to: shape {x.shape} cannot become {sizes}",
                             hint="sizes align from the last dimension; only dimensions of size 1 are repeated")
    return _broadcast_to(x, target)


@composite("tile")
def _tile(x: Tensor, *, reps: tuple) -> Tensor:
    shape = (1,) * (len(reps) - x.ndim) + x.shape
    between = tuple(v for s in shape for v in (1, s))
    repeated = _broadcast_to(dispatch("reshape", (x,), {"shape": between}), tuple(v for r, s in zip(reps, shape, strict=True) for v in (r, s)))
    return dispatch("reshape", (repeated,), {"shape": tuple(r * s for r, s in zip(reps, shape, strict=True))})


def tile(input: Any, dims: Any) -> Tensor:
    """The whole Tensor ``dims[i]`` times along dimension i, aligned at the last dimension.

    Raises:
        TypeError: the counts are not ints.
        ValueError: a count is below 0.
    """
    x = as_tensor(input)
    reps = ints("tile", "dims", dims)
    if any_negative(reps):
        raise err.UserValueError(f"tile: the counts should not be negative, but got {reps}")
    return dispatch("tile", (x,), {"reps": (1,) * (x.ndim - len(reps)) + reps})


@composite("repeat_interleave")
def _repeat_interleave(x: Tensor, *, repeats: int, axis: int) -> Tensor:
    shape = x.shape[:axis + 1] + (repeats,) + x.shape[axis + 1:]
    repeated = _broadcast_to(dispatch("reshape", (x,), {"shape": x.shape[:axis + 1] + (1,) + x.shape[axis + 1:]}), shape)
    return dispatch("reshape", (repeated,), {"shape": x.shape[:axis] + (x.shape[axis] * repeats,) + x.shape[axis + 1:]})


def repeat_interleave(input: Any, repeats: int, axis: int | None = None) -> Tensor:
    """Each element ``repeats`` times along an axis (None: of the flat Tensor).

    Raises:
        TypeError: ``repeats`` is not an int.
        ValueError: it is below 0; the axis is out of range.
    """
    x = as_tensor(input) if axis is not None else ravel(input)
    attrs = {"repeats": check_int("repeat_interleave", "repeats", repeats, 0), "axis": normalize_axis("repeat_interleave", axis or 0, x.ndim)}
    return dispatch("repeat_interleave", (x,), attrs)


def flip(input: Any, dims: Any) -> Tensor:
    """Elements in opposite order along axes.

    Raises:
        ValueError: an axis is out of range or named twice.
    """
    x = as_tensor(input)
    axes = normalize_axes("flip", ints("flip", "dims", dims), x.ndim) if dims != () else ()
    return dispatch("reverse", (x,), {"axes": axes}) if axes else x
