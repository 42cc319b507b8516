"""``scan``: a loop that carries a value and collects one result per trip."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .. import _errors as err
from .._runtime import _core
from . import trace
from .control import for_loop
from .dispatch import as_tensor, dispatch, full
from .indexing import setitem
from .loops import map_arrays
from .regions import Like, Region, copied, describe
from .structure import map_leaves, tensor_leaves

__all__ = ["row", "scan", "trips"]

TensorBase = _core.TensorBase


def _length(xs: Any, length: Any) -> int:
    found = [x.shape[0] for x in tensor_leaves(xs) if x.ndim]
    if any(x.ndim == 0 for x in tensor_leaves(xs)):
        raise err.ShapeError("scan: a Tensor of xs has no dimensions; its first one is what the loop goes over")
    if length is not None:
        if isinstance(length, bool) or not isinstance(length, int) or length < 0:
            raise err.UserTypeError(f"scan: length should be a number of trips that is known, an int that is not negative, but got {describe(length)}")
        found.append(length)
    if not found:
        raise err.UserValueError("scan: without Tensors in xs the length must be given", hint="scan(body, init, None, length=n)")
    if len(set(found)) > 1:
        raise err.ShapeError(f"scan: the first dimensions of xs and the length are not equal: {', '.join(map(str, found))}")
    return found[0]


def _pair(output: Any) -> tuple:
    if not isinstance(output, tuple) or len(output) != 2:
        raise err.UserTypeError(f"scan: the body must return a tuple (carry, y), but it returned {describe(output)}")
    return output


def row(xs: Any, i: Any) -> Any:
    """Row ``i`` of each Tensor."""
    return map_leaves(lambda x: x[i] if isinstance(x, TensorBase) else x, xs)  # type: ignore[index]


def _shapes(body_fn: Callable, init: Any, xs: Any) -> Any:
    """The ``y`` of one trip as dtypes and shapes, from a trace that is given up; the carried value has settled types by then."""
    found: list = []

    def trip(i: Any, carry: Any) -> tuple:
        carry, y = _pair(body_fn(carry, row(xs, i)))
        found[:] = [map_leaves(_like, map_arrays(y))]
        return (carry,)

    probe = Region("scan_shapes")
    probe.run(lambda: for_loop(0, 1, 1, trip, (copied(init),), names=("carry",), unroll=False), ())
    probe.discard()
    return found[0]


def _like(leaf: Any) -> Any:
    if leaf is None:
        return None
    leaf = as_tensor(leaf)
    return Like(leaf.dtype, leaf.shape)


def _staged(body_fn: Callable, init: Any, xs: Any, n: int, reverse: bool) -> tuple:
    template = _shapes(body_fn, init, xs)
    ys = map_leaves(lambda like: like and full((n, *like.shape), 0, like.dtype), template)
    if not n:
        return init, ys

    def trip(k: Any, carry: Any, rows: Any) -> tuple:
        i = (n - 1) - k if reverse else k
        carry, y = _pair(body_fn(carry, row(xs, i)))
        new = iter(tensor_leaves(map_leaves(lambda leaf: None if leaf is None else as_tensor(leaf), map_arrays(y))))
        for y_rows in tensor_leaves(rows):
            setitem(y_rows, i, next(new))
        return carry, rows

    return for_loop(0, n, 1, trip, (init, ys), names=("carry", "ys"), unroll=False)


def _stacked(rows: list) -> Any:
    first = rows[0]
    if isinstance(first, dict):
        items = [(key, _stacked([r[key] for r in rows])) for key in first]
        return dict(items) if type(first) is dict else type(first)(items)
    if isinstance(first, (tuple, list)):
        items = [_stacked(list(column)) for column in zip(*rows)]
        return items if type(first) is list else type(first)(*items) if hasattr(first, "_fields") else type(first)(items)
    if first is None:
        return None
    tensors = [as_tensor(r) for r in rows]
    return dispatch("concat", [dispatch("reshape", (t,), {"shape": (1, *t.shape)}) for t in tensors], {"axis": 0})


def trips(body_fn: Callable, carry: Any, xs: Iterable) -> tuple[Any, list]:
    """One call of the body after the other: the last carry, and the list of all ``y``."""
    ys = []
    for x in xs:
        carry, y = _pair(body_fn(carry, x))
        ys.append(y)
    return carry, ys


def scan(body_fn: Callable, init: Any, xs: Any, length: int | None = None, reverse: bool = False) -> tuple:
    """``ops.scan``, with a body that the capture knows of.

    Raises:
        ShapeError: first dimensions differ, or something carried changes its shape.
        UserTypeError: the body gives no pair.
    """
    xs = map_arrays(xs)
    n = _length(xs, length)
    if trace.capturing():
        return _staged(body_fn, init, xs, n, bool(reverse))
    if not n:
        from .jit import jit

        return jit(lambda first, rows: _staged(body_fn, first, rows, 0, False))(init, xs)
    order = reversed(range(n)) if reverse else range(n)
    carry, ys = trips(body_fn, init, (row(xs, i) for i in order))
    return carry, _stacked([map_arrays(y) for y in (ys[::-1] if reverse else ys)])
