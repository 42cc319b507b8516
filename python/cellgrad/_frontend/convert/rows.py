"""``enumerate``, ``zip`` and ``reversed`` over ranges and rows of Tensors: loops over them can stay loops."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..._runtime import _core

__all__ = ["Rows", "as_begun", "count_of", "item_of", "lazily"]

TensorBase = _core.TensorBase


def count_of(value: Any) -> int | None:
    """How many items a range, a Tensor or ``Rows`` has; None for anything else, of which no item can be had by a position that only the program knows."""
    if isinstance(value, TensorBase):
        return value.shape[0] if value.ndim else None
    return len(value) if isinstance(value, (range, Rows)) else None


def as_begun(value: Any) -> Any:
    """What a loop goes over: of a Tensor its rows as they are now, whatever the loop writes into it."""
    begun: Any = value
    return begun.copy() if isinstance(value, TensorBase) and value.ndim else value


def item_of(value: Any, i: Any) -> Any:
    """The item at a position, which may be a Tensor."""
    if isinstance(value, range):
        return i * value.step + value.start if (value.start, value.step) != (0, 1) else i
    return value.at(i) if isinstance(value, Rows) else value[i]


class Rows:
    """What the builtin gives, and each of its items by position."""

    def __init__(self, python: Callable[[], Iterator], count: int, at: Callable[[Any], Any]) -> None:
        self._python, self._count, self.at = python, count, at
        self._iterator: Any = None

    def __len__(self) -> int:
        return self._count if self._iterator is None else 0  # once begun it is an iterator like any other

    def __iter__(self) -> Any:
        if self._iterator is None:
            self._iterator = iter(self._python())
        return self._iterator

    def __next__(self) -> Any:
        return next(iter(self))


def lazily(python: Callable) -> Callable:
    """The builtin for ranges and Tensors; over anything else it is Python's."""

    def handler(*args: Any, **kwargs: Any) -> Any:
        args = tuple(as_begun(a) for a in args)
        counts = [count_of(a) for a in args]
        if not any(isinstance(a, TensorBase) or isinstance(a, (range, Rows)) for a in args):
            return python(*args, **kwargs)
        if python is zip and args and None not in counts and not (kwargs.get("strict") and len(set(counts)) > 1):
            return Rows(lambda: zip(*args, **kwargs), min(c for c in counts if c is not None), lambda i: tuple(item_of(a, i) for a in args))
        if python is reversed and len(args) == 1:
            if isinstance(args[0], range):
                return Rows(lambda: reversed(args[0]), len(args[0]), lambda i: item_of(args[0][::-1], i))
            if counts[0] is not None and isinstance(args[0], TensorBase):
                return Rows(lambda: (args[0][k] for k in range(len(args[0]) - 1, -1, -1)), counts[0], lambda i: args[0][len(args[0]) - 1 - i])
        if python is enumerate and counts and counts[0] is not None:
            start = args[1] if len(args) > 1 else kwargs.get("start", 0)
            if isinstance(start, int):
                return Rows(lambda: enumerate(*args, **kwargs), counts[0], lambda i: (i + start if start else i, item_of(args[0], i)))
        return python(*args, **kwargs)

    return handler
