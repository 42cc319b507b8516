"""``if`` on a Tensor: both blocks become branches of the program (control.py), and the variables that are read afterwards their results."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import _errors as err
from ..._runtime import _core
from .. import control, trace
from ..locations import user_position
from ..regions import describe
from .jumps import VALUE
from .rewrite import Block
from .side_effects import region
from .variables import UNDEFINED, given_up, marked, shapes_of, unmarked

__all__ = ["FELL", "is_staged", "stage_if"]

TensorBase = _core.TensorBase


class _Fell:
    """What a branch returns that ends without a return."""

    def __repr__(self) -> str:
        return "None"


FELL: Any = _Fell()


class _Again(Exception):
    """The first branch is traced once more: what it leaves undefined has become known."""


def is_staged(value: Any) -> bool:
    """Whether a condition is known to the program only: a Tensor, other than a constant that was made while capturing."""
    if not isinstance(value, TensorBase):
        return False
    if value._node is not None:
        return True
    capture = trace.current_capture()
    return capture is not None and (id(value) not in capture.fresh or id(value) in capture.overwritten)


def _label(name: str) -> str:
    return "the returned value" if name == VALUE else name


class _Branches:
    """The two blocks of one ``if`` with their variables."""

    def __init__(self, block: Block, get: Any, set_: Any, result: bool) -> None:
        self.get, self.set, self.result = get, set_, result
        self.names, self.live = block.names, block.live
        self.position = user_position()
        self.before: tuple = get() if get is not None else ()
        # A variable that only inner functions read goes on if it had a value before: then it is one of the function's, not of a branch.
        self.wanted = [n for n, v in zip(self.names, self.before)
                       if n in block.live or n == VALUE or (n in block.captured and v is not UNDEFINED)]
        self.first: dict[str, Any] = {}
        self.filling: Callable | None = None  # makes the value of VALUE where a branch does not return

    def observe(self, returned: Any) -> dict[str, Any]:
        after = dict(zip(self.names, self.get())) if self.get is not None else {}
        found = {n: after[n] for n in self.wanted}
        if self.result:
            found[VALUE] = returned
        return found

    def refuse(self, text: str, hint: str) -> Exception:
        return err.CaptureError(text, hint=hint, position=self.position)

    def compare(self, other: dict) -> None:
        """What the functional layer cannot tell in the user's words."""
        for name, a in self.first.items():
            b = other[name]
            if (a is FELL) != (b is FELL):
                raise self.refuse(f"one branch of this `if` returns {describe(b if a is FELL else a)}, the other ends without a return, and a Tensor decides "
                                  "between them", "return a value of the same dtype and shape at the end of every branch")
            if name == VALUE and not self.result:
                if a is UNDEFINED and b is not UNDEFINED:
                    self.filling = shapes_of(b)
                    raise _Again
                if b is UNDEFINED and a is not UNDEFINED:
                    other[name] = shapes_of(a)()
            elif (a is UNDEFINED) != (b is UNDEFINED) and name in self.live:
                raise self.refuse(f"`{name}` is used after this `if`, but only one of its branches defines it, and a Tensor decides between them",
                                  f"give `{name}` a value before the `if`, or in the other branch")
            elif a is not b and callable(a) and callable(b) and not isinstance(a, TensorBase):
                raise self.refuse(f"`{_label(name)}` is {describe(a)} after one branch of this `if` and another one after the other, and a Tensor decides between them",
                                  "call it in each branch, and let the branches assign the results")

    def branch(self, body: Callable, last: bool) -> Callable:
        def run() -> tuple:
            if self.set is not None:
                self.set(self.before)
            with region("a branch on a Tensor"):
                found = self.observe(body())
            if last:
                self.compare(found)
            else:
                if found.get(VALUE) is UNDEFINED and self.filling is not None:
                    found[VALUE] = self.filling()
                self.first = found
            return tuple(marked(n, v) for n, v in found.items())

        return run


def stage_if(block: Block, test: Any, then: Callable, orelse: Callable, get: Any, set_: Any, result: bool = False) -> Any:
    """An ``if`` that the program decides.

    Args:
        then, orelse: the blocks; with ``result`` they return, else they assign the names of ``block``.
        get, set_: the values of these names, read and written.

    Raises:
        UserError: the branches do not agree, or do what only Python can.
    """
    work = _Branches(block, get, set_, result)
    names = (*work.wanted, *[VALUE] * result)

    def staged() -> tuple:
        with given_up():
            return control.cond(test, work.branch(then, False), work.branch(orelse, True), where=work.position, names=tuple(map(_label, names)))

    try:
        found = staged()
    except _Again:
        found = staged()
    values = dict(zip(names, map(unmarked, found)))
    if set_ is not None:
        set_(tuple(values.get(n, UNDEFINED) for n in work.names))  # what is not read afterwards might belong to a branch
    return values.get(VALUE) if result else None

