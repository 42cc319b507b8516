"""Why a call of a compiled function is captured again: what sets it apart from the programs that are there."""
from __future__ import annotations

import os
import re
import sys
import warnings
from typing import Any

from .._errors import CaptureWarning
from .locations import user_position

__all__ = ["Explanation", "explain", "report_miss"]

_MANY_PROGRAMS = 16  # captured so often, a function gets a warning


class Explanation:
    """What a call would do; ``str()`` says it in words.

    Attributes:
        cached: whether a program is there that fits.
        programs: how many programs the function has.
        changes: what sets the call apart from the program that differs least, each as ``"name: old -> new"``; empty for a call that fits and for a function
            without programs.
    """

    def __init__(self, name: str, programs: int, cached: bool, changes: tuple[str, ...]) -> None:
        self.name, self.programs, self.cached, self.changes = name, programs, cached, changes

    def __bool__(self) -> bool:
        return self.cached

    def __str__(self) -> str:
        count = f"{self.programs} program{'s' * (self.programs != 1)}"
        if self.cached:
            return f"{self.name} runs a program that it has (of {count})"
        if not self.programs:
            return f"{self.name} is captured for the first time"
        nearest = "the one that it has" if self.programs == 1 else f"the nearest of {count}"
        return "\n".join([f"{self.name} is captured again; against {nearest}:", *(f"  {change}" for change in self.changes)])

    __repr__ = __str__


def _in_words(change: str, names: tuple[str, ...]) -> str:
    """Derivatives take arguments as they are written; here the n-th one gets its name in the user's function."""
    found = re.match(r"argument (\d+)", change)
    if found is None or int(found[1]) >= len(names):
        return change
    return names[int(found[1])] + change[found.end():]


def explain(name: str, names: tuple[str, ...], call: Any) -> Explanation:
    """Explains a bound call of a Dispatcher; ``names`` are the parameters of the user's function."""
    differences = call.explain()
    if any(not found for found in differences):
        return Explanation(name, len(differences), True, ())
    nearest = min(differences, key=len, default=())
    return Explanation(name, len(differences), False, tuple(dict.fromkeys(_in_words(change, names) for change in nearest)))


def report_miss(explanation: Explanation) -> None:
    """Says why a call fits no program: always with ``CELLGRAD_EXPLAIN_MISSES`` set, and once when a function has got many programs."""
    if os.environ.get("CELLGRAD_EXPLAIN_MISSES"):
        reason = f", because of {'; '.join(explanation.changes)}" if explanation.programs else " for the first time"
        print(f"cellgrad: {explanation.name} is captured{reason}", file=sys.stderr)
    elif explanation.programs == _MANY_PROGRAMS:
        position = user_position()
        place = f" at {position.file}:{position.line}" if position else ""
        last = f" The last difference: {'; '.join(explanation.changes)}." if explanation.changes else ""
        warnings.warn(f"{explanation.name}, called{place}, has been captured {explanation.programs} times, which is slow.{last} Pass what changes as a Tensor, or "
                      "keep it in a Parameter; CELLGRAD_EXPLAIN_MISSES=1 shows every reason.", CaptureWarning, stacklevel=2)


def worth_explaining(programs: int) -> bool:
    """Whether ``report_miss`` has anything to say; finding the differences costs a comparison with every program."""
    return programs == _MANY_PROGRAMS or bool(os.environ.get("CELLGRAD_EXPLAIN_MISSES"))
