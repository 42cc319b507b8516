"""Hooks on classes that tell the open capture of a thread which attributes are read and set.

``__getattribute__`` and ``__setattr__`` of a class are replaced only while a capture that reached an object of it is open.
"""
from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .guards import Recorder

__all__ = ["active_recorder", "install", "is_foreign", "recording", "uninstall"]

_FOREIGN = frozenset(sys.stdlib_module_names) | {"numpy", "scipy", "cellgrad", "ml_dtypes", "_pytest", "pytest", "matplotlib", "mlir"}

_installed: dict[type, tuple[int, dict[str, Any], dict[str, Any]]] = {}  # class -> how many recorders want its hooks, the hooks, what they hide
_lock = threading.RLock()


class _Active(threading.local):
    recorder: Recorder | None = None


_active = _Active()


def active_recorder() -> Recorder | None:
    """The recorder of the capture that is open on this thread."""
    return _active.recorder


def is_foreign(module: str | None) -> bool:
    """Whether a module is none of the user's: the standard library, NumPy, cellgrad itself."""
    return (module or "").partition(".")[0] in _FOREIGN


@contextmanager
def recording(recorder: Recorder) -> Iterator[Recorder]:
    """Records the reads of this thread."""
    outer, _active.recorder = _active.recorder, recorder
    try:
        yield recorder
    finally:
        _active.recorder = outer
        recorder.close()


def _user_getter(cls: type, name: str) -> Callable | None:
    """The function behind a property that the user wrote; it is converted like one that is called."""
    for base in cls.__mro__:
        if name in base.__dict__:
            found = base.__dict__[name]
            if type(found) is property and isinstance(found.fget, FunctionType) and not is_foreign(found.fget.__module__):
                from .convert import invoke

                fget = found.fget
                return lambda owner: invoke(fget, (owner,), {})
            return None
    return None


def _make_hooks(cls: type) -> dict[str, Any]:
    original: Any = cls.__getattribute__
    assign: Any = cls.__setattr__

    def __getattribute__(self: Any, name: str) -> Any:
        recorder = _active.recorder
        if recorder is None or name.startswith("__"):
            return original(self, name)
        try:
            getter = _user_getter(type(self), name)
            value = original(self, name) if getter is None else getter(self)
        except AttributeError:
            recorder.missing(self, name)
            raise
        recorder.attribute(self, name, value)
        return value

    def __setattr__(self: Any, name: str, value: Any) -> None:
        recorder = _active.recorder
        if recorder is not None:
            recorder.assigned(self, name)
        assign(self, name, value)

    return {"__getattribute__": __getattribute__, "__setattr__": __setattr__}


def install(cls: type) -> bool:
    """Puts the hooks on a class; False where the class does not let itself be changed."""
    with _lock:
        count, hooks, hidden = _installed.get(cls, (0, {}, {}))
        if not count:
            if "__getattribute__" in cls.__dict__:
                return False
            hooks = _make_hooks(cls)
            hidden = {name: cls.__dict__[name] for name in hooks if name in cls.__dict__}
            try:
                for name, hook in hooks.items():
                    type.__setattr__(cls, name, hook)
            except TypeError:
                return False
        _installed[cls] = (count + 1, hooks, hidden)
        return True


def uninstall(cls: type) -> None:
    with _lock:
        count, hooks, hidden = _installed.pop(cls)
        if count > 1:
            _installed[cls] = (count - 1, hooks, hidden)
            return
        for name, hook in hooks.items():
            if name in hidden:
                type.__setattr__(cls, name, hidden[name])
            elif cls.__dict__.get(name) is hook:
                type.__delattr__(cls, name)
