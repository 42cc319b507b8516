"""How callables take their arguments."""
from __future__ import annotations

import inspect
from typing import Any

from .._runtime import _core

__all__ = ["AS_WRITTEN", "CallNames"]

MISSING = _core.MISSING


class CallNames:
    """How a callable takes its arguments: the parameters of ``_core.Dispatcher``."""

    def __init__(self, fn: Any, drop_first: bool = False) -> None:
        self.varargs = self.varkw = False
        positional: list[str] = []
        keyword: list[str] = []
        try:
            parameters = list(inspect.signature(fn).parameters.values())
        except (TypeError, ValueError):  # no signature can be told
            parameters, self.varargs, self.varkw = [], True, True
        for parameter in parameters[drop_first:]:
            if parameter.kind is parameter.VAR_POSITIONAL:
                self.varargs = True
            elif parameter.kind is parameter.VAR_KEYWORD:
                self.varkw = True
            elif parameter.kind is parameter.KEYWORD_ONLY:
                keyword.append(parameter.name)
            else:
                positional.append(parameter.name)
        self.names = tuple(positional + keyword)
        self.n_positional = len(positional)

    def options(self) -> dict[str, Any]:
        return {"n_positional": self.n_positional, "varargs": self.varargs, "varkw": self.varkw}

    def bind(self, slots: list, extra_names: tuple) -> tuple[list, dict]:
        """The slots of a call as positional and keyword arguments."""
        args: list = []
        kwargs: dict = {}
        named = len(self.names)
        gap = False
        for i, name in enumerate(self.names):
            if slots[i] is MISSING:
                gap = True
            elif i < self.n_positional and not gap:
                args.append(slots[i])
            else:
                kwargs[name] = slots[i]
        end = len(slots) - len(extra_names)
        args.extend(slots[named:end])
        kwargs.update(zip(extra_names, slots[end:]))
        return args, kwargs


AS_WRITTEN = CallNames(None)  # any arguments; the order of keywords counts
