"""Side effects of programs at run time: ``print_`` and ``assert_``."""
from __future__ import annotations

import builtins
import re
import sys
from typing import Any

from .. import _errors as err
from .._runtime import _core
from . import locations, trace
from .regions import condition_value, known_value

__all__ = ["assert_", "print_", "print_lines", "traced_text"]

TensorBase = _core.TensorBase


# What stands in a text for a Tensor whose value only the run knows; the number is its place in Capture.texts.
_TOKEN = re.compile(r"Tensor\(shape=\[[\d, ]*\], dtype=\w+, value= <traced (\d+)>\)")


def traced_text(tensor: Any, place: str) -> str | None:
    """What stands for a Tensor in texts that are made while capturing, so that printing them shows its value at each run; ``None`` for a Tensor whose value is known.

    Args:
        place: how it is to be shown: ``{}``, ``{!r}``, ``{:.3f}``.
    """
    capture = trace.current_capture()
    if capture is None or not capture.stack or known_value(tensor) is not None:
        return None
    capture.texts.append((tensor, place))
    return f"Tensor(shape={list(tensor.shape)}, dtype={tensor.dtype}, value= <traced {len(capture.texts) - 1}>)"


def print_(*args: Any, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: bool = False) -> None:
    """As Python's ``print``. In a captured function it prints at each run, in the order of the program, with the values that Tensors have then: as arguments, in containers
    and in strings that were made of them (f-strings, ``str``, ``repr``).

    Raises:
        UnsupportedError: ``file`` is not standard output while capturing.
    """
    if not trace.capturing():
        builtins.print(*args, sep=sep, end=end, file=file, flush=flush)
        return
    if file is not None and file is not sys.stdout:
        raise err.UnsupportedError("print: a program that is captured prints to standard output only", hint="leave out file=, or return the Tensor and print it outside")
    frame = trace.current_frame()
    shown: list = []

    def placed(match: re.Match) -> str:
        tensor, place = frame.capture.texts[int(match[1])]
        shown.append(frame.value(tensor))
        return place

    text = (" " if sep is None else sep).join(map(str, args)) + ("\n" if end is None else end)
    text = _TOKEN.sub(placed, text.replace("{", "{{").replace("}", "}}"))
    if frame.capture.silent:
        return
    frame.capture.effects = True
    frame.function.print(text, shown, locations.location(frame.capture))


def print_lines(*args: Any) -> None:
    """Prints the values one below the other, Tensors as their ``repr``; as ``print_`` in a captured function."""
    for arg in args:
        print_(repr(arg) if isinstance(arg, TensorBase) else arg)


def without_values(text: str) -> str:
    """A text that the program has before it runs: traced Tensors in it in words."""
    return re.sub(r", value= <traced \d+>\)", ")", text)


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
        if frame.capture.silent:
            return
        frame.capture.effects = True
        frame.function.assert_(frame.value(flag), without_values(str(message)), locations.location(frame.capture))
    elif not flag:
        raise AssertionError(message) if message != "" else AssertionError
