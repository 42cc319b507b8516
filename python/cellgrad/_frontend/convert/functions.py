"""The converted form of a function: made once per code object, bound to the globals, defaults and closure cells of the function at hand."""
from __future__ import annotations

import copy
import weakref
from types import CellType, CodeType, FunctionType
from typing import Any

from .. import hooks
from .rewrite import rewrite
from .source import Definition, Unconvertible, find_definition

__all__ = ["convert", "why_not", "writes_globals"]


class _Template:
    """What the conversion of one code object gave: the new code, or None and why."""

    def __init__(self, code: CodeType | None, blocks: list, reason: str | None) -> None:
        from .runtime import Runtime

        self.code, self.reason = code, reason
        self.cell = CellType(Runtime(blocks))


# By id: hashing a code object walks its constants. An entry goes when its code object goes.
_templates: dict[int, tuple[Any, _Template]] = {}


def _template(fn: FunctionType) -> _Template:
    code = fn.__code__
    found = _templates.get(id(code))
    if found is not None:
        return found[1]
    try:
        definition = find_definition(code, fn.__globals__)
        made = rewrite(Definition(copy.deepcopy(definition.node), definition.class_name), code)
        template = _Template(None, [], None) if made is None else _Template(*made, None)
    except (Unconvertible, SyntaxError, RecursionError) as problem:
        reason = str(problem) if isinstance(problem, Unconvertible) else f"its source cannot be converted ({problem})"
        template = _Template(None, [], reason)
    key = id(code)
    _templates[key] = (weakref.ref(code, lambda _: _templates.pop(key, None)), template)
    return template


def convert(fn: FunctionType) -> FunctionType:
    """The converted form of a user function, or the function itself where there is nothing to convert or no way to."""
    if fn.__code__.co_freevars and "__cg__" in fn.__code__.co_freevars:
        return fn  # converted already
    template = _template(fn)
    if template.code is None:
        return fn
    recorder = hooks.active_recorder()
    if recorder is not None:
        recorder.defines(template.code)
    cells = dict(zip(fn.__code__.co_freevars, fn.__closure__ or ()))
    cells["__cg__"] = template.cell
    closure = tuple(cells[name] for name in template.code.co_freevars)
    made = FunctionType(template.code, fn.__globals__, fn.__name__, fn.__defaults__, closure)
    made.__kwdefaults__ = fn.__kwdefaults__
    made.__qualname__ = fn.__qualname__
    made.__module__ = fn.__module__
    return made


def why_not(code: CodeType) -> str | None:
    """Why a function was not converted; None if it was, or was not asked for."""
    found = _templates.get(id(code))
    return found[1].reason if found is not None else None


def writes_globals(code: CodeType) -> bool:
    """Whether a function assigns global variables."""
    import dis

    key = id(code)
    known = _writers.get(key)
    if known is None:
        answer = any(i.opname in ("STORE_GLOBAL", "DELETE_GLOBAL") for i in dis.get_instructions(code))
        known = _writers[key] = (weakref.ref(code, lambda _: _writers.pop(key, None)), answer)
    return known[1]


_writers: dict[int, tuple[Any, bool]] = {}
