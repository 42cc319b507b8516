"""Control flow and printing as MindSpore names them, and the functional forms that users of JAX know."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._frontend import control as _control
from .._frontend import effects as _effects
from .._frontend import scan as _scan
from .._frontend import trace as _trace
from .._frontend.jit import run_function as _run
from .._runtime import _core
from .primitive import Primitive

__all__ = ["ForiLoop", "Print", "Scan", "WhileLoop", "cond", "fori_loop", "print_", "scan", "while_loop"]


def _function(name: str, argument: str, fn: Any) -> Callable:
    """The user's function as one that the capture knows of.

    Raises:
        TypeError: not callable.
    """
    if not callable(fn):
        raise TypeError(f"For '{name}', the '{argument}' should be a function, but got {type(fn).__name__}.")
    return lambda *args: _run(fn, args, {}) if _trace.capturing() else fn(*args)


def cond(pred: Any, true_fun: Callable, false_fun: Callable, *operands: Any) -> Any:
    """``true_fun(*operands)`` where ``pred`` holds, else ``false_fun(*operands)``. In a compiled function only one of them runs.

    Args:
        pred: a Python value or a Tensor of one element; not zero is true.
        true_fun, false_fun: functions of the operands. They may use and write Tensors from outside (Parameters, ``x[i] = v``). In a compiled function both must give one
            structure, with Tensors of one shape and dtype at each place; Python numbers that differ become Tensors.
        operands: anything.

    Raises:
        TypeError: a function is not callable.
        ShapeError, DTypeError, CaptureError: the branches give different shapes, dtypes or structures.
        UserValueError: the predicate has more than one element.

    Examples:
        >>> ops.cond(x.sum() > 0, lambda x: x * 2, lambda x: -x, x)
    """
    return _control.cond(pred, _function("cond", "true_fun", true_fun), _function("cond", "false_fun", false_fun), *operands)


def while_loop(cond_fun: Callable, body_fun: Callable, init_val: Any) -> Any:
    """``while cond_fun(val): val = body_fun(val)``; the last ``val``.

    Args:
        cond_fun: gives a Python value or a Tensor of one element.
        body_fun: gives a value of the same structure, shapes and dtypes.
        init_val: a Tensor, a Python value or a nested container of them. Python numbers that change become Tensors.

    Raises:
        TypeError: a function is not callable.
        ShapeError, DTypeError, CaptureError: the value changes its shape, dtype or structure in a loop of a compiled function.

    Examples:
        >>> ops.while_loop(lambda x: x.sum() < 100, lambda x: x * 2, Tensor([1.0, 2.0]))
    """
    test, body = _function("while_loop", "cond_fun", cond_fun), _function("while_loop", "body_fun", body_fun)
    return _control.while_loop(test, lambda value: (body(value),), (init_val,), names=("init_val",))[0]


def fori_loop(lower: Any, upper: Any, body_fun: Callable, init_val: Any, *, unroll: bool = False) -> Any:
    """``for i in range(lower, upper): val = body_fun(i, val)``; the last ``val``.

    Args:
        lower, upper: ints, or integer Tensors of one element.
        body_fun: as for ``while_loop``, with the number of the trip first.
        init_val: as for ``while_loop``.
        unroll: whether bounds that are ints are run as Python in a compiled function, one copy of the body per trip.

    Raises:
        TypeError: a function is not callable, or a bound no integer.
        ShapeError, DTypeError, CaptureError: as for ``while_loop``.

    Examples:
        >>> ops.fori_loop(0, n, lambda i, x: x + i, Tensor(0))
    """
    body = _function("fori_loop", "body_fun", body_fun)
    return _control.for_loop(lower, upper, 1, lambda i, value: (body(i, value),), (init_val,), names=("init_val",), unroll=unroll)[0]


def scan(f: Callable, init: Any, xs: Any = None, length: int | None = None, reverse: bool = False) -> tuple:
    """Goes over the rows of ``xs``: ``carry, y = f(carry, x)``; the last carry, and all ``y`` stacked.

    Args:
        f: gives a tuple ``(carry, y)``. ``y`` is a Tensor, a number, ``None`` or a nested container of them, alike in each trip.
        init: the first carry. Its shapes, dtypes and structure stay.
        xs: Tensors of shape ``(length, ...)`` in a nested container, or ``None``.
        length: the number of trips, needed where ``xs`` has no Tensors.
        reverse: whether to begin with the last row; ``ys`` has the rows in the order of ``xs`` all the same.

    Returns:
        ``(carry, ys)``, each Tensor of ``ys`` of shape ``(length, ...)``.

    Raises:
        TypeError: ``f`` is not callable, or gives no pair.
        ShapeError: first dimensions differ, or something carried changes its shape.

    Examples:
        >>> ops.scan(lambda total, x: (total + x, total), Tensor(0.0), Tensor([1.0, 2.0, 3.0]))   # (6.0, [0. 1. 3.])
    """
    return _scan.scan(_function("scan", "f", f), init, xs, length, reverse)


class WhileLoop(Primitive):
    """``ops.WhileLoop()(cond_func, loop_func, init_val)`` is ``ops.while_loop(cond_func, loop_func, init_val)``."""

    def __call__(self, cond_func: Callable, loop_func: Callable, init_val: Any) -> Any:
        return while_loop(_function("WhileLoop", "cond_func", cond_func), _function("WhileLoop", "loop_func", loop_func), init_val)


class ForiLoop(Primitive):
    """``ops.ForiLoop()(lower, upper, loop_func, init_val, unroll=True)`` is ``ops.fori_loop``; bounds that are ints are unrolled unless told otherwise."""

    def __call__(self, lower: Any, upper: Any, loop_func: Callable, init_val: Any, unroll: bool = True) -> Any:
        if not isinstance(unroll, bool):
            raise TypeError(f"For 'ForiLoop', the 'unroll' should be a bool, but got {type(unroll).__name__}.")
        return fori_loop(lower, upper, _function("ForiLoop", "loop_func", loop_func), init_val, unroll=unroll)


class Scan(Primitive):
    """``ops.Scan()(loop_func, init, xs, length=None, unroll=True)``: ``carry, y = loop_func(carry, x)`` for each element of the list or tuple ``xs`` (``length`` times
    ``None`` where it is ``None``); the last carry and the list of all ``y``. With ``unroll=False`` it stays a loop in a compiled function, where the elements are Tensors of one
    shape and dtype.

    Raises:
        TypeError: ``loop_func`` is not callable, ``xs`` no list, tuple or None, or ``length`` is needed and no int.
    """

    def __call__(self, loop_func: Callable, init: Any, xs: Any, length: int | None = None, unroll: bool = True) -> tuple:
        body = _function("Scan", "loop_func", loop_func)
        if xs is not None and not isinstance(xs, (list, tuple)):
            raise TypeError(f"For 'Scan', the 'xs' should be a list, a tuple or None, but got {type(xs).__name__}.")
        if xs is None and (isinstance(length, bool) or not isinstance(length, int)):
            raise TypeError(f"For 'Scan', the 'length' should be an int where xs is None, but got {type(length).__name__}.")
        if not isinstance(unroll, bool):
            raise TypeError(f"For 'Scan', the 'unroll' should be a bool, but got {type(unroll).__name__}.")
        count = (length or 0) if xs is None else len(xs)
        alike = xs is None or all(isinstance(x, _core.TensorBase) and (x.shape, x.dtype) == (xs[0].shape, xs[0].dtype) for x in xs)
        if not unroll and count and alike and _trace.capturing():
            carry, ys = _scan.scan(body, init, None if xs is None else _stack(xs), count)
            return carry, [_scan.row(ys, i) for i in range(count)]
        return _scan.trips(body, init, [None] * count if xs is None else xs)


def _stack(xs: Any) -> Any:
    from .join_func import stack

    return stack(list(xs), 0)


def print_(*input_x: Any) -> None:
    """Prints the values, one below the other; Tensors as ``Tensor(shape=..., dtype=..., value=...)``. In a compiled function at each run.

    Args:
        input_x: Tensors, numbers, strings and containers of them.

    Examples:
        >>> ops.print_("x is", x)
    """
    _effects.print_lines(*input_x)


class Print(Primitive):
    """``ops.Print()(*values)`` is ``ops.print_(*values)``."""

    def __call__(self, *input_x: Any) -> None:
        print_(*input_x)
