"""``jet`` and ``derivative``: derivatives of higher order along a curve.

With x(t) given by its derivatives x_1, x_2, ... at 0, the k-th derivative of f(x(t)) follows from the (k-1)-th, a function of x_0 ... x_{k-1}: its derivative in the
direction x_1 ... x_k. This is the formula of Faa di Bruno, written by nested forward mode.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _errors as err
from .._runtime import _core
from .._runtime import dtype as dt
from .checks import check_callable
from .dispatch import cast, dispatch, full
from .forward import jvp
from .jit import AS_WRITTEN, Compiled, run_function, shared

__all__ = ["derivative", "jet"]

TensorBase = _core.TensorBase
_FLOATS = (dt.float32, dt.float64)
_TYPES = (dt.int32, dt.int64, *_FLOATS)


def _floats(tensor: Any) -> Any:
    return tensor if tensor.dtype in _FLOATS else cast(tensor, dt.float32)


def _outputs(name: str, output: Any) -> tuple:
    """The Tensors that a function returned.

    Raises:
        UserTypeError: it returned something else.
    """
    found = tuple(output) if isinstance(output, (tuple, list)) else (output,)
    for item in found:
        if not isinstance(item, TensorBase):
            raise err.UserTypeError(f"For '{name}', the function should return a Tensor or a tuple of Tensors, but got {type(item).__name__}")
    return found


def _paired(outputs: list) -> tuple:
    """``(primal, series)`` per output as MindSpore returns them: bare for one output, lists for several."""
    if len(outputs) == 1:
        return outputs[0]
    return [primal for primal, _ in outputs], [series for _, series in outputs]


def _along(name: str, fn: Any, point: tuple, order: int, direction: Callable) -> list[tuple]:
    """Derivatives 0 to ``order`` of ``fn`` along a curve: per order the tuple of the outputs' ones.

    Args:
        point: the Tensors that the curve is made of.
        direction: gives, for an order k and the Tensors of the (k-1)-th derivative, those of the k-th.
    """
    count = 0

    def zeroth(*x: Any) -> tuple:
        nonlocal count
        found = _outputs(name, run_function(fn, x[:len(point)], {}))
        count = len(found)
        return found

    def next_order(lower: Callable, k: int) -> Callable:
        def higher(*x: Any) -> tuple:
            values, tangents = jvp(lower, *direction(k, x))
            return (*values, *tangents[-count:])

        return higher

    function: Callable = zeroth
    for k in range(1, order + 1):
        function = next_order(function, k)
    flat = function(*direction(order + 1, None)) if order else function(*point)
    return [flat[k * count:(k + 1) * count] for k in range(order + 1)]


def jet(fn: Any, primals: Any, series: Any) -> tuple:
    """Derivatives of ``fn`` along the curve whose own derivatives are given.

    Args:
        fn: a Cell or a function of Tensors that returns a Tensor or a tuple of Tensors.
        primals: the point, a Tensor or a tuple of Tensors, of float32, float64, int32 or int64 (integers become float32).
        series: for each Tensor of shape ``s`` the 1st to n-th derivative of the curve, a Tensor of shape ``(n,) + s`` and of its dtype (shape ``s`` for n = 1).
            A first derivative of 1 and others of 0 give the derivatives of ``fn`` itself.

    Returns:
        ``(out_primals, out_series)``: the output, and its 1st to n-th derivative stacked in front. For a function of several outputs, lists of them.

    Raises:
        TypeError: not both Tensors or both tuples; another dtype, or dtypes that differ.
        ValueError: shapes or lengths do not fit.

    Examples:
        >>> value, derivatives = ops.jet(ops.sin, Tensor(0.0), Tensor([1.0, 0.0, 0.0]))
        >>> print(derivatives)
        [ 1.  0. -1.]
    """
    check_callable(fn)
    if not (isinstance(primals, TensorBase) and isinstance(series, TensorBase) or isinstance(primals, tuple) and isinstance(series, tuple)):
        raise err.UserTypeError("For 'F.jet', the 'primals' and `series` must be both Tensor or tuple.")
    point = primals if isinstance(primals, tuple) else (primals,)
    rows = series if isinstance(series, tuple) else (series,)
    if len(point) != len(rows):
        raise err.UserValueError("The lengths of primals and series must be the same.", hint=f"got {len(point)} and {len(rows)}")
    for x, s in zip(point, rows):
        if not (isinstance(x, TensorBase) and isinstance(s, TensorBase)) or x.dtype not in _TYPES or x.dtype is not s.dtype:
            raise err.UserTypeError("For `F.jet`, the elements' types of primals and series must be the same and belong to `mstype.int32, mstype.int64, "
                                    "mstype.float32, mstype.float64`, but got other dtype.")
        if s.shape[1:] != x.shape and not (s.shape == x.shape and not isinstance(primals, tuple)):
            raise err.UserValueError("In series, the shape of each element must be the same as the primals.", hint=f"got {s.shape} for a Tensor of shape {x.shape}")

    def as_rows(x: Any, s: Any) -> Any:
        return dispatch("reshape", (s,), {"shape": (1, *s.shape)}) if s.shape == x.shape and not isinstance(primals, tuple) else s

    def make(reference: Callable) -> Compiled:
        def run(point: tuple, rows: tuple) -> tuple:
            rows = tuple(_floats(as_rows(x, s)) for x, s in zip(point, rows))
            point = tuple(_floats(x) for x in point)
            n = rows[0].shape[0] if rows else 0
            if any(s.shape[0] != n for s in rows):
                raise err.UserValueError("For 'F.jet', every series should have the same number of derivatives.", hint=f"got {[s.shape[0] for s in rows]}")
            levels = [point, *(tuple(s[k] for s in rows) for k in range(n))]
            width = len(point)

            def direction(k: int, x: Any) -> tuple:
                if x is None:
                    return tuple(t for level in levels for t in level)
                return x[:width * k], x[width:width * (k + 1)]

            found = _along("jet", reference(), point, n, direction)
            stacked = [[dispatch("reshape", (t,), {"shape": (1, *t.shape)}) for t in (order[i] for order in found[1:])] for i in range(len(found[0]))]
            return _paired([(found[0][i], dispatch("concat", parts, {"axis": 0}) if len(parts) > 1 else parts[0]) for i, parts in enumerate(stacked)])

        return Compiled(reference, run, AS_WRITTEN, run)

    return shared(fn, ("jet", isinstance(primals, tuple)), make)(point, rows)


def derivative(fn: Any, primals: Any, order: int) -> tuple:
    """The derivative of ``fn`` of an order, along the curve on which every input grows at rate 1: elementwise, the ``order``-th derivative.

    Args:
        fn: a Cell or a function of Tensors that returns a Tensor or a tuple of Tensors.
        primals: the point, a Tensor or a tuple of Tensors, of float32, float64, int32 or int64 (integers become float32).
        order: 1 or more.

    Returns:
        ``(out_primals, out_series)``: the output and its derivative. For a function of several outputs, lists of them.

    Raises:
        TypeError: the order is not an int; another dtype.
        ValueError: the order is below 1.

    Examples:
        >>> print(*ops.derivative(lambda x: x ** 4, Tensor([1.0, 2.0]), 3))
        [ 1. 16.] [24. 48.]
    """
    check_callable(fn)
    if isinstance(order, bool) or not isinstance(order, int):
        raise err.UserTypeError("For `F.derivative`, the type of order must be int.")
    if order < 1:
        raise err.UserValueError(f"For `F.derivative`, value of order should not be less than 1, but got {order}.")
    point = primals if isinstance(primals, tuple) else (primals,)
    for x in point:
        if not isinstance(x, TensorBase) or x.dtype not in _TYPES:
            raise err.UserTypeError("For `F.derivative`, the elements of primals must belong to `mstype.int32, mstype.int64, mstype.float32, mstype.float64`, "
                                    "but got other dtype.")

    def make(reference: Callable) -> Compiled:
        def run(point: tuple) -> tuple:
            point = tuple(_floats(x) for x in point)

            def direction(k: int, x: Any) -> tuple:
                return point if x is None else (x, tuple(full(t.shape, 1, t.dtype) for t in x))

            found = _along("derivative", reference(), point, order, direction)
            return _paired(list(zip(found[0], found[-1])))

        return Compiled(reference, run, AS_WRITTEN, run)

    return shared(fn, ("derivative", order), make)(point)
