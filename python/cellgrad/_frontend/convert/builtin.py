"""Python's builtin functions in converted code: what they mean for Tensors, and what they may do in branches and loops of the program."""
from __future__ import annotations

import builtins
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ... import _errors as err
from ..._runtime import _core
from ..._runtime import dtype as dt
from .. import trace
from ..dispatch import binary, cast, logical
from ..numbers import as_number, stands_for_number
from ..regions import describe
from .loops import TensorRange
from .rows import lazily
from .side_effects import CannotStage, created, effect, regions

__all__ = ["PURE_MODULES", "TYPES", "call_builtin", "unknown", "wrapped"]

TensorBase = _core.TensorBase
wrapped: Callable = lambda fn: fn

_MUTATORS = frozenset(("append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse", "update", "setdefault", "popitem", "add", "discard",
                       "appendleft", "popleft", "extendleft", "rotate", "__setitem__", "__delitem__"))
_MAKERS = frozenset(("copy", "split", "rsplit", "splitlines", "sorted", "fromkeys", "union", "intersection", "difference"))
PURE_MODULES = frozenset(("math", "operator", "_operator", "itertools", "functools", "_functools", "cmath", "numpy", "builtins", "copy", "collections", "typing", "numbers", "fractions", "decimal"))
_IMPURE = frozenset(("input", "open", "exec", "eval", "next", "setattr", "delattr", "breakpoint", "__import__"))


def _traced(value: Any) -> bool:
    return isinstance(value, TensorBase) and value._node is not None


def unknown(fn: Any) -> None:
    """A call of code that is not known in a region: it might have side effects."""
    if any(r.trial for r in regions()):
        raise CannotStage


def call_builtin(fn: Any, args: tuple, kwargs: dict) -> Any:
    """Calls a function or method written in C."""
    handler = _HANDLERS.get(fn)
    if handler is not None:
        return handler(*args, **kwargs)
    owner = getattr(fn, "__self__", None)
    if regions():
        name = getattr(fn, "__name__", "")
        if owner is not None and not isinstance(owner, (TensorBase, type(builtins))):
            if name in _MUTATORS and not isinstance(owner, type):
                effect(f"{name}() of a {type(owner).__name__}", "make a Tensor of the full size before and write x[i] = ..., or assign a variable", owner)
            elif not isinstance(owner, (str, bytes, tuple, list, dict, set, frozenset, int, float, type, np.ndarray, np.generic)):
                unknown(fn)
        elif owner is None or isinstance(owner, type(builtins)):
            module = (getattr(fn, "__module__", None) or "").partition(".")[0]
            if module not in PURE_MODULES and module != "cellgrad" or (module == "builtins" and name in _IMPURE):
                unknown(fn)
    if isinstance(owner, list) and getattr(fn, "__name__", "") == "sort":
        return _sort(owner, **kwargs)
    result = fn(*args, **kwargs)
    return created(result) if getattr(fn, "__name__", "") in _MAKERS else result


# --------------------------------------------------------------------------------------------------------------------
# One by one
# --------------------------------------------------------------------------------------------------------------------
def _range(*args: Any) -> Any:
    fresh = trace.current_frame().capture.fresh
    if any(_traced(a) or (isinstance(a, TensorBase) and id(a) not in fresh) for a in args):
        if not 1 <= len(args) <= 3:
            return range(*args)
        lower, upper, step = (0, args[0], 1) if len(args) == 1 else (*args, 1)[:3]
        return TensorRange(lower, upper, step)
    return range(*args)


def _print(*args: Any, **kwargs: Any) -> None:
    if trace.capturing() and kwargs.get("file") is None:
        from .. import effects

        kwargs.pop("file", None)
        effects.print_(*args, **kwargs)
    else:
        print(*args, **kwargs)


def _extreme(name: str, python: Callable) -> Callable:
    def handler(*args: Any, **kwargs: Any) -> Any:
        values = args if len(args) != 1 else args[0]
        if isinstance(values, TensorBase) and not kwargs:
            if values.ndim != 1:
                raise err.UserTypeError(f"{python.__name__}() of {describe(values)} compares its rows, which have no order", hint=f"use x.{python.__name__}()")
            return getattr(values, python.__name__)()
        if isinstance(values, TensorRange):
            iter(values)
        if hasattr(values, "__next__"):
            values = list(values)
        if isinstance(values, (list, tuple)) and any(_traced(v) for v in values):
            _no_key(python.__name__, kwargs)
            for v in values:
                if isinstance(v, TensorBase) and v.size != 1:
                    raise err.UserValueError(f"{python.__name__}() of {describe(v)}: Python's {python.__name__} takes one of its arguments as a whole",
                                             hint=f"use ops.{name}(x, y) for the elements")
            return functools.reduce(lambda a, b: binary(name, a, b), values)
        if kwargs.get("key") is not None:
            kwargs["key"] = wrapped(kwargs["key"])
        return python(values, **kwargs) if len(args) == 1 else python(*args, **kwargs)

    return handler


def _no_key(name: str, kwargs: dict) -> None:
    if kwargs.get("key") is not None:
        raise err.CaptureError(f"{name}() with a key has to compare Tensors, whose values are not known while the program is being captured",
                               hint="stack the Tensors and use ops.argsort, ops.argmax or ops.argmin on the keys")


def _quantifier(name: str, python: Callable, of_tensor: str) -> Callable:
    def handler(values: Any) -> Any:
        if isinstance(values, TensorBase):
            if values.ndim != 1:
                raise err.UserValueError(f"{python.__name__}() of {describe(values)}: its rows have no truth value", hint=f"use x.{of_tensor}()")
            return getattr(values, of_tensor)() if _traced(values) else python(values)
        values = list(values)
        if not any(_traced(v) for v in values):
            return python(values)
        from ..regions import condition_value

        return functools.reduce(lambda a, b: logical(name, a, b), [condition_value(v, python.__name__) if isinstance(v, TensorBase) else bool(v) for v in values])

    return handler


def _sum(values: Any, /, start: Any = 0) -> Any:
    if isinstance(values, TensorRange):
        iter(values)
    return builtins.sum(values, start)


def _ordered(values: list, kwargs: dict) -> Any:
    key = kwargs.get("key")
    keys = [wrapped(key)(v) for v in values] if key is not None else values
    if any(_traced(k) or (isinstance(k, (tuple, list)) and any(_traced(e) for e in k)) for k in keys):
        raise err.CaptureError("sorting by Tensors needs their values, which are not known while the program is being captured",
                               hint="stack them into one Tensor and use ops.sort or ops.argsort")
    return keys


def _sorted(values: Any, /, **kwargs: Any) -> list:
    items = list(values)
    keys = _ordered(items, kwargs)
    order = sorted(range(len(items)), key=keys.__getitem__, reverse=bool(kwargs.get("reverse", False)))
    return created([items[i] for i in order])


def _sort(values: list, **kwargs: Any) -> None:
    values[:] = _sorted(values, **kwargs)


def _isinstance(value: Any, kinds: Any) -> bool:
    if stands_for_number(value):
        return isinstance(0.0 if value.dtype.is_floating_point else 0, kinds)
    return isinstance(value, kinds)


def _setter(python: Callable) -> Callable:
    def handler(owner: Any, name: str, *value: Any) -> Any:
        from .runtime import Runtime

        Runtime.holder(owner, name)
        return python(owner, name, *value)

    return handler


def _number(python: type, rewrite: str) -> Callable:
    def handler(*args: Any, **kwargs: Any) -> Any:
        if args and stands_for_number(args[0]) and python in (int, float):
            x = args[0]
            if python is float or not x.dtype.is_floating_point:
                return as_number(cast(x, dt.float64 if python is float else dt.int64))
        if args and _traced(args[0]):
            x = args[0]
            raise err.CaptureError(f"{python.__name__}() makes a Python number of {describe(x)}, whose value is not known while the program is being captured",
                                   hint=f"keep it a Tensor: {rewrite}; an `if`, a `while` and range() take Tensors")
        return python(*args, **kwargs)

    return handler


def _divmod(a: Any, b: Any) -> tuple:
    return (a // b, a % b) if _traced(a) or _traced(b) else divmod(a, b)


def _next(iterator: Any, *default: Any) -> Any:
    effect("drawing from an iterator", "use a list and an index", iterator)
    return next(iterator, *default)


def _map(fn: Any, *values: Any) -> Any:
    return map(wrapped(fn), *values)


def _filter(fn: Any, values: Any) -> Any:
    from .runtime import Runtime

    decide = wrapped(fn) if fn is not None else lambda v: v
    return (v for v in values if Runtime.test(decide(v), "the condition of filter()"))


def _open(*args: Any, **kwargs: Any) -> Any:
    effect("opening a file", "do it outside the compiled function")
    return open(*args, **kwargs)


_HANDLERS: dict[Any, Callable] = {
    builtins.print: _print, builtins.sum: _sum, builtins.max: _extreme("maximum", builtins.max), builtins.min: _extreme("minimum", builtins.min),
    builtins.any: _quantifier("logical_or", builtins.any, "any"), builtins.all: _quantifier("logical_and", builtins.all, "all"),
    builtins.sorted: _sorted, builtins.isinstance: _isinstance, builtins.setattr: _setter(builtins.setattr), builtins.delattr: _setter(builtins.delattr),
    builtins.next: _next, builtins.divmod: _divmod, builtins.open: _open,
    functools.reduce: lambda fn, *rest: functools.reduce(wrapped(fn), *rest),
}

TYPES: dict[type, Callable] = {
    range: _range, map: _map, filter: _filter,
    int: _number(int, "x.astype(ms.int64)"), float: _number(float, "x.astype(ms.float32)"), bool: _number(bool, "x != 0"),
    complex: _number(complex, "it"), enumerate: lazily(enumerate), zip: lazily(zip), reversed: lazily(reversed),
}

