"""Loops that stay loops: what is carried, with the types that it keeps from trip to trip.

The body is traced until it gives what it took: a Python number that changes becomes a Tensor, one that meets a wider dtype takes that, a Tensor from outside that the body
writes is carried from then on. Traces that taught something are given up.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _errors as err
from .._runtime import _core
from .._runtime import dtype as dt
from . import precision, trace
from .dispatch import as_tensor, binary, cast, dispatch, is_number, select
from .numbers import as_number, stands_for_number
from .regions import Like, Region, Undefined, condition_value, copied, describe, emit_location, is_undefined, number_dtype, same_static, where_it_differs
from .structure import map_leaves

__all__ = ["Loop", "map_arrays", "run_range", "stage_for", "stage_while"]

TensorBase = _core.TensorBase
_MOST_TRACES = 32
_INT = (dt.int64, ())


def run_range(bounds: tuple, body: Callable, carried: tuple) -> tuple:
    for i in range(*bounds):
        carried = body(i, *carried)
    return carried


class Loop:
    """What a loop carries. ``specs`` has (dtype, shape) for every leaf that is a value of the program, ``None`` for Python values that stay as they are."""

    def __init__(self, what: str, carried: tuple, names: tuple | None) -> None:
        self.what, self.names = what, names
        self.template = precision.cast_floats(map_arrays(copied(carried)), precision.current())
        self.paths: list[str] = []
        self.entry: list[Any] = []
        self._list(self.template, "")
        self.specs: list[Any] = [(leaf.dtype, leaf.shape) if isinstance(leaf, TensorBase) else None for leaf in self.entry]
        # Ints that stay ints of Python's in arithmetic: each trip makes them of ints.
        self.numbers = [type(leaf) is int for leaf in self.entry]
        self.written: list[Any] = []  # Tensors from outside that the body writes

    def _list(self, tree: Any, path: str) -> None:
        if isinstance(tree, dict):
            for key, value in tree.items():
                self._list(value, f"{path}[{key!r}]")
        elif isinstance(tree, (tuple, list)):
            for i, value in enumerate(tree):
                self._list(value, f"{path}[{i}]")
        else:
            self.paths.append(path)
            self.entry.append(tree)

    # -- errors ---------------------------------------------------------------------------------------------------------
    def label(self, path: str) -> str:
        number, _, rest = path[1:].partition("]")
        if self.names is not None and number.isdigit() and int(number) < len(self.names):
            return f"'{self.names[int(number)]}'" + (f" (at {rest})" if rest else "")
        return f"the carried value at {path}"

    def refuse(self, kind: type, path: str, before: Any, after: Any, hint: str) -> Exception:
        return kind(f"the `{self.what}` loop changes the type of {self.label(path)}: {describe(before)} before a trip, {describe(after)} after it", hint=hint)

    # -- tracing ----------------------------------------------------------------------------------------------------------
    def rebuild(self, leaves: list) -> tuple:
        rest = iter(leaves)
        return _replaced(self.template, rest)

    def open(self, name: str, counter: bool) -> Opened:
        """A region with the arguments of the body (or condition)."""
        region = Region(name)
        with region.inside():
            number = [as_number(region.frame.formal(Like(dt.int64, ())))] if counter else []
            leaves = [leaf if spec is None else region.frame.formal(Like(*spec)) for leaf, spec in zip(self.entry, self.specs)]
            for leaf, is_int in zip(leaves, self.numbers):
                if is_int and isinstance(leaf, TensorBase):
                    as_number(leaf)
            for tensor in self.written:
                region.bind(tensor)
        return Opened(region, number, leaves)

    def trace(self, body: Callable, name: str, counter: bool) -> tuple[Opened, list]:
        """The body with types that hold, and its outputs leaf by leaf."""
        for _ in range(_MOST_TRACES):
            opened = self.open(name, counter)
            output = opened.region.run(body, (*opened.number, *self.rebuild(opened.leaves)))
            outs = self.outputs(output)
            if not self.learn(opened.region, outs):
                return opened, outs
            opened.region.discard()
        raise err.InternalError(f"the types of a `{self.what}` loop did not settle")

    def outputs(self, output: Any) -> list:
        """The output leaf by leaf, in the order of ``entry``.

        Raises:
            CaptureError: another structure.
        """
        if not isinstance(output, tuple) or len(output) != len(self.template):
            raise err.UserTypeError(f"{self.what}: the body must return a tuple of the {len(self.template)} carried values, but it returned {describe(output)}")
        output = map_arrays(output)
        found = where_it_differs(self.template, output, "")
        if found is not None:
            path, before, after = found
            raise self.refuse(err.CaptureError, path, before, after,
                              "keep the structure: a list that grows in a loop over Tensors has no fixed size. Write into a Tensor made before the loop: "
                              "y = ops.zeros((n, ...)); y[i] = v")
        outs: list = []

        def walk(template: Any, tree: Any) -> None:
            if is_undefined(tree) and isinstance(template, (tuple, list, dict)):
                raise tree.error()
            if isinstance(template, dict):
                for key in template:
                    walk(template[key], tree[key])
            elif isinstance(template, (tuple, list)):
                for a, b in zip(template, tree):
                    walk(a, b)
            else:
                outs.append(tree)

        walk(self.template, output)
        return outs

    def learn(self, region: Region, outs: list) -> bool:
        """Takes note of what the types must be; True if they changed.

        Raises:
            ShapeError, DTypeError, CaptureError: they cannot.
        """
        changed = False
        for k, (path, entry, spec, out) in enumerate(zip(self.paths, self.entry, self.specs, outs)):
            if is_undefined(entry):
                continue
            if is_undefined(out):
                raise out.error()
            new = self._static(path, entry, out) if spec is None else self._typed(path, entry, spec, out)
            if new != spec:
                self.specs[k], changed = new, True
            if self.numbers[k] and (new not in (None, _INT) or (isinstance(out, TensorBase) and not stands_for_number(out))):
                self.numbers[k], changed = False, True
        known = {id(t) for t in self.written}
        more = [t for t in region.writes() if id(t) not in known]
        self.written += more
        return changed or bool(more)

    def _static(self, path: str, entry: Any, out: Any) -> Any:
        if same_static(entry, out):
            return None
        if not is_number(entry) or not (is_number(out) or isinstance(out, TensorBase)):
            raise self.refuse(err.CaptureError, path, entry, out, "start with a value of the kind that the loop gives, for example ops.zeros(shape, dtype) "
                              "in place of None")
        if not isinstance(out, TensorBase):
            return dt.promote(number_dtype(entry), number_dtype(out)), ()
        if out.shape != ():
            raise self.refuse(err.ShapeError, path, entry, out, f"start with a Tensor of that shape, for example ops.full({out.shape}, {entry!r})")
        return dt.promote_scalar(out.dtype, entry), ()

    def _typed(self, path: str, entry: Any, spec: tuple, out: Any) -> tuple:
        dtype, shape = spec
        weak = not isinstance(entry, TensorBase)  # a number at first: its dtype is what it meets
        before = Like(dtype, shape)
        if is_number(out):
            out_shape: tuple[int, ...] = ()
            found = dt.promote_scalar(dtype, out)
        elif isinstance(out, TensorBase):
            found, out_shape = (dt.promote(dtype, out.dtype) if weak else out.dtype), out.shape
        else:
            raise self.refuse(err.CaptureError, path, before, out, "give a Tensor of the same shape and dtype in each trip")
        if out_shape != shape:
            raise self.refuse(err.ShapeError, path, before, out, "the shape must stay the same from trip to trip: start with the shape that the loop gives, or "
                              "write into a Tensor made before the loop")
        if found is not dtype and not weak and dtype is precision.current() and found.is_floating_point:
            return spec
        if found is not dtype and not weak:
            raise self.refuse(err.DTypeError, path, before, out, f"cast the value before the loop with .astype(ms.{found.name.rstrip('_')}), or the new one "
                              f"with .astype(ms.{dtype.name.rstrip('_')})")
        return found, shape

    # -- the op -------------------------------------------------------------------------------------------------------------
    def results(self, region: Region, outs: list) -> list:
        """Values of the body's function."""
        values = [region.value(out, spec[0]) for out, spec in zip(outs, self.specs) if spec is not None]
        return values + [region.written_value(tensor) for tensor in self.written]

    def initial(self) -> list:
        """What is carried into the first trip, as values of the current frame."""
        parent = trace.current_frame()
        values = [parent.value(as_tensor(leaf.item() if isinstance(leaf, np.generic) else leaf, spec[0]))
                  for leaf, spec in zip(self.entry, self.specs) if spec is not None]
        return values + [parent.value(tensor) for tensor in self.written]

    def finish(self, values: list, opened: Opened, outs: list) -> tuple:
        """The results of the loop in terms of the current frame's Tensors."""
        parent = trace.current_frame()
        rest = iter(values)
        results: list[Any] = []
        for entry, spec, leaf, out, written, path, is_int in zip(self.entry, self.specs, opened.leaves, outs, opened.written(), self.paths, self.numbers):
            if spec is None:
                lost = is_undefined(entry) and not is_undefined(out)
                results.append(Undefined(entry.name, f"gets a value only inside a `{self.what}` loop, which may run no trip") if lost else entry)
                continue
            value = next(rest)
            if leaf is out and isinstance(entry, TensorBase):  # the same object in each trip
                if written:
                    parent.write(entry, value)
                results.append(entry)
                continue
            if written and isinstance(entry, TensorBase) and parent.capture.is_outside(entry):
                raise err.UnsupportedError(f"the `{self.what}` loop writes into {self.label(path)} and then makes it another Tensor",
                                           hint="write into a copy: make it before the loop with .copy()")
            results.append(as_number(parent.tensor(value)) if is_int else parent.tensor(value))
        for tensor, value in zip(self.written, rest):
            parent.write(tensor, value)
        return self.rebuild(results)


class Opened:
    """A region and the Tensors that stand for its arguments."""

    def __init__(self, region: Region, number: list, leaves: list) -> None:
        self.region, self.number, self.leaves = region, number, leaves
        self._first = [leaf._node for leaf in leaves if isinstance(leaf, TensorBase)]

    def written(self) -> list[bool]:
        """Per leaf, whether it was written in place."""
        first = iter(self._first)
        return [isinstance(leaf, TensorBase) and leaf._node is not next(first) for leaf in self.leaves]


def _replaced(template: Any, rest: Any) -> Any:
    if isinstance(template, dict):
        items = [(key, _replaced(value, rest)) for key, value in template.items()]
        return dict(items) if type(template) is dict else type(template)(items)
    if isinstance(template, (tuple, list)):
        items = [_replaced(value, rest) for value in template]
        return items if type(template) is list else type(template)(*items) if hasattr(template, "_fields") else type(template)(items)
    return next(rest)


def map_arrays(tree: Any) -> Any:
    """The tree with Tensors in place of NumPy arrays."""
    return map_leaves(lambda leaf: as_tensor(leaf) if isinstance(leaf, np.ndarray) else leaf, tree)


# --------------------------------------------------------------------------------------------------------------------
# Staging
# --------------------------------------------------------------------------------------------------------------------
def stage_while(cond_fn: Callable, body_fn: Callable, carried: tuple, names: tuple | None) -> tuple:
    """A `while` loop of the program."""
    loop = Loop("while", carried, names)
    parent = trace.current_frame()
    base = parent.function.name
    body, outs = loop.trace(body_fn, f"{base}_while", counter=False)
    test = loop.open(f"{base}_while_test", counter=False)
    flag = test.region.run(lambda *args: condition_value(cond_fn(*args), "while"), loop.rebuild(test.leaves))
    if test.region.writes() or any(test.written()):
        raise err.UnsupportedError("the condition of a `while` loop on Tensors writes a Tensor from outside (a Parameter, or the state of random numbers)",
                                   hint="write it in the body of the loop")
    test.region.finish([test.region.value(flag, dt.bool_)])
    body.region.finish(loop.results(body.region, outs))
    values = parent.function.while_loop(test.region.frame.function, test.region.lifted(), body.region.frame.function, body.region.lifted(), loop.initial(),
                                        emit_location())
    return loop.finish(values, body, outs)


def stage_for(bounds: tuple, body_fn: Callable, carried: tuple, names: tuple | None) -> tuple:
    """A `for` loop of the program over ``range(*bounds)``."""
    lower, upper, step = (cast(_scalar(b), dt.int64) for b in bounds)
    if not isinstance(bounds[2], int) or bounds[2] < 0:
        # scf.for has positive steps only: the loop counts its trips.
        from ..ops import floor_div
        from .effects import assert_

        if not isinstance(bounds[2], int):
            assert_(binary("not_equal", step, 0), "the step of a range cannot be 0")
            step = select(binary("equal", step, 0), 1, step)
        span = binary("add", binary("sub", upper, lower), binary("sub", step, select(binary("greater", step, 0), 1, -1)))
        count = binary("maximum", floor_div(span, step), 0)
        body_fn = _counted(body_fn, lower, step)
        lower, upper, step = as_tensor(0, dt.int64), count, as_tensor(1, dt.int64)
    loop = Loop("for", carried, names)
    parent = trace.current_frame()
    body, outs = loop.trace(body_fn, f"{parent.function.name}_for", counter=True)
    body.region.finish(loop.results(body.region, outs))
    values = parent.function.for_loop(parent.value(lower), parent.value(upper), parent.value(step), body.region.frame.function, loop.initial(),
                                      body.region.lifted(), emit_location())
    return loop.finish(values, body, outs)


def _counted(body_fn: Callable, first: Any, step: Any) -> Callable:
    return lambda k, *values: body_fn(binary("add", first, binary("mul", k, step)), *values)


def _scalar(value: Any) -> Any:
    if isinstance(value, int):
        return as_tensor(value, dt.int64)
    return value if value.shape == () else dispatch("reshape", (value,), {"shape": ()})
