"""Side effects of programs at run time: ``print_`` and ``assert_``."""
from __future__ import annotations

import builtins
import sys
from typing import Any

from .. import _errors as err
from .._runtime import _core
from . import locations, trace
from .regions import condition_value

__all__ = ["assert_", "print_", "print_lines"]

TensorBase = _core.TensorBase


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _pattern(value: Any, found: list, inner: bool = False) -> str:
    """The text of a value with ``{}`` at the places of its Tensors, which are appended to ``found``."""
    if isinstance(value, TensorBase):
        found.append(value)
        return "{}"
    if type(value) in (tuple, list):
        parts = [_pattern(item, found, True) for item in value]
        if type(value) is list:
            return f"[{', '.join(parts)}]"
        return f"({', '.join(parts)}{',' * (len(parts) == 1)})"
    if type(value) is dict:
        return "{{" + ", ".join(f"{_escaped(repr(key))}: {_pattern(item, found, True)}" for key, item in value.items()) + "}}"
    return _escaped(repr(value) if inner else str(value))


def print_(*args: Any, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: bool = False) -> None:
    """As Python's ``print``. In a captured function it prints at each run, in the order of the program, with the Tensors' values then.

    Raises:
        UnsupportedError: ``file`` is not standard output while capturing.
    """
    if not trace.capturing():
        builtins.print(*args, sep=sep, end=end, file=file, flush=flush)
        return
    if file is not None and file is not sys.stdout:
        raise err.UnsupportedError("print: a program that is captured prints to standard output only", hint="leave out file=, or return the Tensor and print it outside")
    found: list = []
    text = _escaped(" " if sep is None else sep).join(_pattern(arg, found) for arg in args) + _escaped("\n" if end is None else end)
    frame = trace.current_frame()
    frame.capture.effects = True
    frame.function.print(text, [frame.value(tensor) for tensor in found], locations.location(frame.capture))


def print_lines(*args: Any) -> None:
    """Prints the values one below the other, Tensors with shape and dtype; as ``print_`` in a captured function."""
    for arg in args:
        if isinstance(arg, TensorBase):
            print_(f"Tensor(shape={list(arg.shape)}, dtype={arg.dtype}, value=", end="\n" if arg.ndim else "")
            print_(arg, end=")\n")
        else:
            print_(arg)


def assert_(condition: Any, message: Any = "") -> None:
    """As Python's ``assert condition, message``. Where the condition is a Tensor that is not known while capturing, it is checked at each run; the error comes when the program
    has ended, at the user's line.

    Raises:
        AssertionError: it does not hold.
    """
    if isinstance(condition, TensorBase) and not trace.capturing():
        condition = bool(condition)
    flag = condition_value(condition, "assert")
    if not isinstance(flag, bool):
        frame = trace.current_frame()
        frame.capture.effects = True
        frame.function.assert_(frame.value(flag), str(message), locations.location(frame.capture))
    elif not flag:
        raise AssertionError(message) if message != "" else AssertionError
