"""What a derivative keeps between its forward and its backward part: ``saved`` and ``print_saved``."""
from __future__ import annotations

import os
import sys
from typing import Any, NamedTuple

from . import trace
from .checks import check_callable
from .jit import is_cell, name_of
from .transforms import value_and_grad

__all__ = ["SavedValue", "print_saved", "saved"]

_WORDS = {"func.call": "call", "scf.if": "if", "scf.for": "for", "scf.while": "while"}


def _word(op: str) -> str:
    """What the user knows an operation as."""
    return _WORDS.get(op, op.removeprefix("cell."))


class SavedValue(NamedTuple):
    """One value that is kept.

    Attributes:
        op: the operation that computed it.
        file, line: the user's line where it was computed.
        dtype, shape: of the value.
        bytes: of one such value.
        times: how often it is kept; per iteration where ``per_iteration`` holds, because the loop's length is not known.
        needed_by: the operation whose derivative reads it.
        needed_file, needed_line: the user's line of that one.
    """

    op: str
    file: str
    line: int
    dtype: Any
    shape: tuple
    bytes: int
    times: int
    per_iteration: bool
    needed_by: str
    needed_file: str
    needed_line: int


def saved(fn: Any, *args: Any, **kwargs: Any) -> list[SavedValue]:
    """What is kept between forward and backward, the largest first. Nothing is run.

    Args:
        fn: a derivative (what ``value_and_grad`` and its like return), a compiled function with derivatives in it, such as a training step, or a function or Cell:
            then its ``value_and_grad`` by its first argument or, for a Cell with trainable Parameters, by these.
        args, kwargs: arguments of a call; the dtypes and shapes of their Tensors count.

    Returns:
        A list of ``SavedValue``. Values that the backward part computes again from these and from the arguments do not appear, nor do arguments and
        Parameters, which are there anyway.

    Raises:
        TypeError: ``fn`` is not callable, or the arguments do not fit.

    Examples:
        >>> [value] = ms.saved(lambda x: ops.tanh(ops.matmul(x, x)).sum(), ops.ones((3, 3)))
        >>> value.op, value.shape, value.bytes, value.needed_by
        ('tanh', (3, 3), 36, 'tanh')
    """
    check_callable(fn)
    if not hasattr(fn, "saved"):
        weights = fn.trainable_params() if is_cell(fn) else None
        fn = value_and_grad(fn, None, weights) if weights else value_and_grad(fn)
    found = []
    for op, file, line, _, dtype, shape, size, times, per_iteration, reader, needed_file, needed_line, _ in fn.saved(*args, **kwargs):
        found.append(SavedValue(_word(op), file, line, trace.from_mlir(dtype), shape, size, times, per_iteration, _word(reader),
                                needed_file, needed_line))
    return found


def _size(count: int) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024  # type: ignore[assignment]
    return f"{count:.1f} GiB"


def _place(file: str, line: int) -> str:
    return f"{os.path.relpath(file) if os.path.isabs(file) and file.startswith(os.getcwd() + os.sep) else file}:{line}" if line else "?"


def print_saved(fn: Any, *args: Any, **kwargs: Any) -> None:
    """Prints what is kept between forward and backward as a table: the user's line, the operation, dtype and shape, bytes, how often, which operation needs it; and
    the total.

    Arguments and errors as for ``saved``.
    """
    values = saved(fn, *args, **kwargs)
    rows = [(_place(v.file, v.line), v.op, f"{v.dtype}{list(v.shape)}", _size(v.bytes), f"x {v.times}" + (" per iteration" if v.per_iteration else ""),
             f"{v.needed_by} at {_place(v.needed_file, v.needed_line)}") for v in values]
    rows.insert(0, ("line", "operation", "value", "size", "times", "needed by the derivative of"))
    widths = [max(map(len, column)) for column in zip(*rows)]
    total = sum(v.bytes * v.times for v in values)
    unknown = ", and more with each iteration of a loop" if any(v.per_iteration for v in values) else ""
    print(f"{name_of(fn)} keeps {len(values)} value{'s' * (len(values) != 1)} between forward and backward, {_size(total)} in all{unknown}", file=sys.stdout)
    for row in rows if values else []:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())
