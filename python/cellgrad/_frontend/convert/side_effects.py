"""Staged regions: branches and loop bodies that are traced once, though they run never, once or often. Python's own side effects have no place there."""
from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ... import _errors as err

__all__ = ["CannotStage", "Region", "created", "effect", "region", "regions", "room_for_recursion"]


class CannotStage(BaseException):
    """A loop with a known count does something that only works when it is written out. Not an Exception: the user's handlers must not see it."""


class Region:
    """One branch or loop body. ``trial``: a loop that can be written out instead, so that it is given up without an error."""

    def __init__(self, what: str, trial: bool) -> None:
        self.what, self.trial = what, trial
        self.created: dict[int, Any] = {}  # objects made inside may be changed inside


class _State(threading.local):
    def __init__(self) -> None:
        self.stack: list[Region] = []


_state = _State()


def regions() -> list[Region]:
    """The regions being traced in this thread, innermost last."""
    return _state.stack


@contextmanager
def region(what: str, trial: bool = False) -> Iterator[Region]:
    made = Region(what, trial)
    _state.stack.append(made)
    try:
        yield made
    finally:
        _state.stack.pop()


@contextmanager
def room_for_recursion() -> Iterator[None]:
    """A call of a converted function takes several frames of Python: recursion that is deep enough for the limit as it is written stays so."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, min(6 * limit, 6000)))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def created(value: Any) -> Any:
    """Notes an object that is made here; gives it."""
    if _state.stack:
        _state.stack[-1].created[id(value)] = value
    return value


def effect(what: str, hint: str, value: Any = None) -> None:
    """To be called before a side effect of Python: it would happen once, however often the region runs.

    Raises:
        CaptureError: in a branch on a Tensor or a loop that a Tensor bounds.
        CannotStage: in a loop that can be written out.
    """
    stack = _state.stack
    if not stack or (value is not None and id(value) in stack[-1].created):
        return
    if any(r.trial for r in stack):
        raise CannotStage
    raise err.CaptureError(f"{what} in {stack[-1].what}: this is Python, which runs once while the program is captured, not when the program decides", hint=hint)
