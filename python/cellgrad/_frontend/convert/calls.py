"""Calls in converted code: user functions are converted, builtins get their meaning for Tensors (builtin.py), everything else is called as it is."""
from __future__ import annotations

import functools
import inspect
import threading
from types import BuiltinFunctionType, FunctionType, MethodType, MethodWrapperType
from typing import Any

from ... import _errors as err
from ..._runtime import _core
from .. import hooks, trace
from ..locations import function_position, is_user_code
from . import builtin
from .functions import convert, writes_globals
from .side_effects import created, effect, regions

__all__ = ["call", "invoke", "is_user_function"]

_ASYNC = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_DEEPEST = 64  # activations of one function inside branches on Tensors


class _Depth(threading.local):
    def __init__(self) -> None:
        self.counts: dict[int, int] = {}


_depth = _Depth()
_kinds: dict[int, tuple[Any, bool]] = {}


def is_user_function(fn: Any) -> bool:
    """Whether a function is the user's: neither cellgrad's, nor the standard library's, nor NumPy's."""
    if type(fn) is not FunctionType:
        return False
    code = fn.__code__
    known = _kinds.get(id(code))
    if known is None:
        known = _kinds[id(code)] = (code, is_user_code(code) and not hooks.is_foreign(fn.__module__))
    return known[1]


def invoke(fn: Any, args: tuple, kwargs: dict) -> Any:
    """Calls something that the user wrote or passed, converted where it is user code."""
    if isinstance(fn, MethodType) and type(fn.__func__) is FunctionType:
        return invoke(fn.__func__, (fn.__self__, *args), kwargs) if is_user_function(fn.__func__) else _foreign(fn, args, kwargs)
    if not is_user_function(fn):
        return _foreign(fn, args, kwargs)
    recorder = hooks.active_recorder()
    if recorder is not None:
        recorder.reached(fn)
    if fn.__code__.co_flags & _ASYNC:
        raise err.UnsupportedError(f"{fn.__name__} is an async function, and a program has nothing to wait for", hint="write it as an ordinary function (def)",
                                   position=function_position(fn))
    made = convert(fn)
    if not regions():
        return made(*args, **kwargs)
    if writes_globals(fn.__code__):
        effect(f"calling {fn.__name__}, which assigns a global variable,", "return the value")
    key = id(fn.__code__)
    depth = _depth.counts[key] = _depth.counts.get(key, 0) + 1
    try:
        if depth > _DEEPEST:
            raise err.CaptureError(f"{fn.__name__} calls itself again and again under a condition that a Tensor decides, so the recursion has no end that is known "
                                   "while the program is being captured", hint="write it as a `while` loop, or recurse on a Python int")
        return made(*args, **kwargs)
    finally:
        _depth.counts[key] -= 1


def _foreign(fn: Any, args: tuple, kwargs: dict) -> Any:
    """Calls a function that is not the user's. The libraries of pure functions and cellgrad itself are known, others may have side effects."""
    if regions() and not _is_ours(fn.__module__) and (fn.__module__ or "").partition(".")[0] not in builtin.PURE_MODULES:
        builtin.unknown(fn)
    return fn(*args, **kwargs)


def call(fn: Any, /, *args: Any, **kwargs: Any) -> Any:
    """A call in converted code."""
    if not trace.capturing():
        return fn(*args, **kwargs)
    kind = type(fn)
    if kind is FunctionType or kind is MethodType:
        return invoke(fn, args, kwargs)
    if kind is BuiltinFunctionType or kind is MethodWrapperType:
        return builtin.call_builtin(fn, args, kwargs)
    if isinstance(fn, type):
        return _construct(fn, args, kwargs)
    if kind is functools.partial:
        return call(fn.func, *fn.args, *args, **{**fn.keywords, **kwargs})
    if isinstance(fn, _core.Dispatcher):
        return fn(*args, **kwargs)
    method = getattr(kind, "__call__", None)  # noqa: B004  (the function, not whether there is one)
    if is_user_function(method):
        return invoke(method, (fn, *args), kwargs)
    if regions() and not _is_ours(getattr(method, "__module__", None) or kind.__module__):
        builtin.unknown(fn)
    return fn(*args, **kwargs)


def _construct(cls: Any, args: tuple, kwargs: dict) -> Any:
    """Makes an object; the ``__init__`` of a user class is converted."""
    handler = builtin.TYPES.get(cls)
    if handler is not None:
        return created(handler(*args, **kwargs))
    init = cls.__init__
    if is_user_function(init) and cls.__new__ is object.__new__ and type(cls) is type:
        made = created(cls.__new__(cls))
        invoke(init, (made, *args), kwargs)
        return made
    return created(cls(*args, **kwargs))


def _is_ours(module: Any) -> bool:
    return str(module).partition(".")[0] == "cellgrad"


def wrapped(fn: Any) -> Any:
    """A function that a builtin will call, converted at each of its calls."""
    return functools.partial(call, fn) if fn is not None else None


builtin.wrapped = wrapped
