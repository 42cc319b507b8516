"""Control flow on Tensors as functions of functions: ``cond``, ``while_loop``, ``for_loop``, ``scan``.

Conditions and bounds that Python knows run as Python. Others trace the functions into frames of their own (``regions.py``) and stay branches and loops in the
program. Tensors that the functions close over become operands by themselves; Tensors from outside that they write (Parameters, ``x[i] = v``) become results.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _errors as err
from .._runtime import _core
from .._runtime import dtype as dt
from . import precision, trace
from .dispatch import as_tensor, is_number
from .loops import run_range, stage_for, stage_while
from .numbers import as_number, stands_for_number
from .regions import Region, Undefined, condition_value, copied, describe, emit_location, is_undefined, known_value, number_dtype, same_static
from .structure import map_leaves

__all__ = ["Undefined", "cond", "for_loop", "is_undefined", "while_loop"]

TensorBase = _core.TensorBase


# --------------------------------------------------------------------------------------------------------------------
# Branches
# --------------------------------------------------------------------------------------------------------------------
class _Joined:
    """The outputs of two branches as one: the tree of what is the same in both, with a slot for each Tensor that they give."""

    def __init__(self, names: tuple | None, position: Any) -> None:
        self.names, self.position = names, position
        self.slots: list[tuple[Any, Any, dt.DType]] = []

    def label(self, path: str) -> str:
        if self.names is not None and path.startswith("["):
            number, _, rest = path[1:].partition("]")
            if int(number) < len(self.names):
                return f"'{self.names[int(number)]}'" + (f" (at {rest})" if rest else "")
        return f"the result at {path}" if path else "the result"

    def refuse(self, kind: type, path: str, a: Any, b: Any, hint: str) -> Exception:
        return kind(f"the branches of `if` give {self.label(path)} different values: {describe(a)} where the condition holds, {describe(b)} where it does not",
                    position=self.position, hint=hint)

    def join(self, a: Any, b: Any, path: str) -> Any:
        if a is b:
            return a
        if is_undefined(a) or is_undefined(b):
            lost = a if is_undefined(a) else b
            return Undefined(lost.name, "gets a value in one branch of an `if` only, and the condition is not known while the program is being captured")
        if isinstance(a, (tuple, list, dict)) or isinstance(b, (tuple, list, dict)):
            return self._containers(a, b, path)
        a, b = (as_tensor(x) if isinstance(x, np.ndarray) else x for x in (a, b))
        if same_static(a, b):
            return a
        for side in (a, b):
            if not isinstance(side, TensorBase) and not is_number(side):
                raise self.refuse(err.CaptureError, path, a, b, "give the same kind of value in both branches, for example ops.zeros_like(x) in place of None")
        return self._slot(a, b, path)

    def _containers(self, a: Any, b: Any, path: str) -> Any:
        if type(a) is not type(b) or len(a) != len(b) or (isinstance(a, dict) and set(a) != set(b)):
            raise self.refuse(err.CaptureError, path, a, b, "give tuples, lists and dicts of the same structure in both branches")
        if isinstance(a, dict):
            items = [(key, self.join(a[key], b[key], f"{path}[{key!r}]")) for key in a]
            return dict(items) if type(a) is dict else type(a)(items)
        items = [self.join(x, y, f"{path}[{i}]") for i, (x, y) in enumerate(zip(a, b))]
        return items if type(a) is list else type(a)(*items) if hasattr(a, "_fields") else type(a)(items)

    def _slot(self, a: Any, b: Any, path: str) -> Any:
        shapes = [x.shape if isinstance(x, TensorBase) else () for x in (a, b)]
        if shapes[0] != shapes[1]:
            raise self.refuse(err.ShapeError, path, a, b, "give one shape in both branches (broadcast, pad or reshape), or choose elements with ops.where")
        tensors = [x for x in (a, b) if isinstance(x, TensorBase)]
        if len(tensors) == 2:
            dtype = a.dtype
            if a.dtype is not b.dtype and a.dtype.is_floating_point and b.dtype.is_floating_point and precision.current() is not None:
                dtype = precision.current()
            elif a.dtype is not b.dtype:
                raise self.refuse(err.DTypeError, path, a, b, f"cast one of them: .astype(ms.{dt.promote(a.dtype, b.dtype).name.rstrip('_')})")
        elif tensors:
            dtype = dt.promote_scalar(tensors[0].dtype, b if tensors[0] is a else a)
        else:
            dtype = dt.promote(number_dtype(a), number_dtype(b))
        self.slots.append((a, b, dtype))
        return _Slot(len(self.slots) - 1, dtype is dt.int64 and all(type(x) is int or stands_for_number(x) for x in (a, b)))


class _Slot:
    def __init__(self, number: int, is_int: bool) -> None:
        self.number, self.is_int = number, is_int  # is_int: an int of Python's in arithmetic


def cond(predicate: Any, then_fn: Callable, else_fn: Callable, *operands: Any, where: Any = None, names: tuple | None = None) -> Any:
    """``then_fn(*operands)`` where the predicate holds, else ``else_fn(*operands)``.

    Args:
        predicate: a Python value, or a Tensor of one element; not zero is true. Inside a captured function a Tensor whose value is not known makes a branch in the program, of which
            one side runs. Elsewhere one function is called.
        then_fn, else_fn: functions of the operands. They may use and write Tensors from outside. In a branch of the program both must give one structure, and Tensors of one
            shape and dtype at each place; Python numbers that differ become Tensors, other Python values must be equal.
        operands: anything.
        where: the place that errors name; the running line by default.
        names: of the elements of the result, for errors.

    Raises:
        ShapeError, DTypeError, CaptureError: the branches give different shapes, dtypes or structures.
        UserValueError: the predicate has more than one element.

    Examples:
        >>> ops.cond(x.sum() > 0, lambda x: x * 2, lambda x: -x, x)
    """
    flag = condition_value(predicate, "if", where)
    if isinstance(flag, bool):
        return (then_fn if flag else else_fn)(*operands)
    parent = trace.current_frame()
    base = parent.function.name
    then, other = Region(f"{base}_then"), Region(f"{base}_else")
    yes = then.run(then_fn, copied(tuple(operands)))
    no = other.run(else_fn, copied(tuple(operands)))
    joined = _Joined(names, where)
    template = joined.join(yes, no, "")
    writes = list({id(t): t for t in then.writes() + other.writes()}.values())
    for region, side in ((then, 0), (other, 1)):
        region.finish([region.value(slot[side], slot[2]) for slot in joined.slots] + [region.written_value(t) for t in writes])
    values = parent.function.branch(parent.value(flag), then.frame.function, then.lifted(), other.frame.function, other.lifted(), emit_location())
    results = [parent.tensor(value) for value in values[:len(joined.slots)]]
    for tensor, value in zip(writes, values[len(joined.slots):]):
        parent.write(tensor, value)
    return map_leaves(lambda leaf: (as_number(results[leaf.number]) if leaf.is_int else results[leaf.number]) if isinstance(leaf, _Slot) else leaf, template)


# --------------------------------------------------------------------------------------------------------------------
# Loops
# --------------------------------------------------------------------------------------------------------------------
def _checked(output: Any, carried: tuple, what: str) -> tuple:
    if not isinstance(output, tuple) or len(output) != len(carried):
        raise err.UserTypeError(f"{what}: the body must return a tuple of the {len(carried)} carried values, but it returned {describe(output)}")
    return output


def while_loop(cond_fn: Callable, body_fn: Callable, carried: tuple, names: tuple | None = None) -> tuple:
    """``while cond_fn(*carried): carried = body_fn(*carried)``.

    Args:
        cond_fn: gives a Python value or a Tensor of one element. It may not write Tensors from outside.
        body_fn: gives a tuple like ``carried``. As long as Python knows the condition, it runs as Python; from then on the loop is one in the program: shapes,
            dtypes and structure of what is carried stay, Python numbers that change become Tensors of no dimensions.
        carried: a tuple of Tensors, Python values and nested tuples, lists and dicts of them.
        names: of the elements of ``carried``, for errors.

    Raises:
        ShapeError, DTypeError, CaptureError: something carried changes its shape, dtype or structure.
    """
    what = "while"
    carried = tuple(carried)
    if not trace.capturing():
        while condition_value(cond_fn(*carried), what):
            carried = _checked(body_fn(*carried), carried, what)
        return carried
    while True:
        probe = Region("while_test")
        flag = probe.run(lambda: condition_value(cond_fn(*copied(carried)), what), ())  # noqa: B023
        probe.discard()
        if not isinstance(flag, bool):
            return stage_while(cond_fn, body_fn, carried, names)
        if probe.writes() or trace.current_frame().capture.effects:
            cond_fn(*copied(carried))  # what it does besides its answer
        if not flag:
            return carried
        carried = _checked(body_fn(*carried), carried, what)


def _bound(value: Any, what: str) -> Any:
    """A bound as an int where Python knows it, else as an int64 Tensor of no dimensions.

    Raises:
        UserTypeError: no integer.
    """
    if isinstance(value, TensorBase):
        if value.dtype.kind not in (dt.SIGNED, dt.UNSIGNED) or value.size != 1:
            raise err.UserTypeError(f"{what}: a bound must be an int or an integer Tensor of one element, but got {describe(value)}")
        known = asnumpy_if_known(value)
        return value if known is None else int(known.reshape(())[()])
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise err.UserTypeError(f"{what}: a bound must be an int or an integer Tensor of one element, but got {describe(value)}")
    return int(value)


def asnumpy_if_known(x: Any) -> Any:
    return known_value(x) if trace.capturing() else np.asarray(x.asnumpy())


def for_loop(lower: Any, upper: Any, step: Any, body_fn: Callable, carried: tuple, names: tuple | None = None, unroll: bool = True) -> tuple:
    """``for i in range(lower, upper, step): carried = body_fn(i, *carried)``.

    Args:
        lower, upper, step: ints, or integer Tensors of one element. Bounds that Python knows run as Python, with an int ``i``, unless ``unroll`` is False.
        body_fn: gives a tuple like ``carried``. In a loop of the program ``i`` is an int64 Tensor of no dimensions, and what is carried is as for ``while_loop``.
        carried, names: as for ``while_loop``.
        unroll: whether bounds that are known are run as Python while capturing.

    Raises:
        UserTypeError: a bound is no integer.
        UserValueError: the step is 0.
        ShapeError, DTypeError, CaptureError: as for ``while_loop``.
    """
    what = "for"
    carried = tuple(carried)
    bounds = tuple(_bound(b, what) for b in (lower, upper, step))
    if bounds[2].__class__ is int and bounds[2] == 0:
        raise err.UserValueError("for: the step of a range cannot be 0")
    known = all(isinstance(b, int) for b in bounds)
    if known and (unroll or not trace.capturing()):
        return run_range(bounds, lambda i, *values: _checked(body_fn(i, *values), carried, what), carried)
    return stage_for(bounds, body_fn, carried, names)
