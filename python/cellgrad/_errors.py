"""Errors: what a user did wrong (UserError and its kinds) apart from what is wrong in cellgrad (InternalError).

Every user error reads: what happened, the user's line with a caret, and what to do instead. The kinds are also Python's own
``TypeError``, ``ValueError`` and so on, so that code written for MindSpore catches them.
"""
from __future__ import annotations

import linecache
from typing import Any, NamedTuple

__all__ = ["CaptureError", "CaptureWarning", "CellgradError", "CompileError", "CompilerCrash", "DTypeError", "Diagnostic", "GradError", "InternalError",
           "Position", "PositionError", "ShapeError", "UnsupportedError", "UserError",
           "UserIndexError", "UserTypeError", "UserValueError", "format_diagnostics", "source_excerpt"]


class Position(NamedTuple):
    """A place in the user's source; columns count from 1, ``end_column`` is exclusive, 0 where unknown."""

    file: str
    line: int
    column: int = 0
    end_column: int = 0


def source_excerpt(position: Position) -> str:
    """The user's line under its file name, with a caret below the expression."""
    head = f"  --> {position.file}:{position.line}" + (f":{position.column}" if position.column else "")
    text = linecache.getline(position.file, position.line).rstrip("\n")
    if not text.strip():
        return head
    number = str(position.line)
    lines = [head, f"   {number} | {text}"]
    if position.column:
        # Columns of co_positions count UTF-8 bytes.
        raw = text.encode()
        start = len(raw[:position.column - 1].decode(errors="ignore"))
        end = len(raw[:position.end_column - 1].decode(errors="ignore")) if position.end_column else start + 1
        width = max(1, min(end, len(text)) - start)
        pad = "".join(c if c == "\t" else " " for c in text[:start])
        lines.append(f"   {' ' * len(number)} | {pad}{'^' * width}")
    return "\n".join(lines)


# severity, file, line, column, message, notes; a note is file, line, column, message.
Diagnostic = tuple[str, str, int, int, str, list[tuple[str, int, int, str]]]


class CellgradError(Exception):
    """Base of all errors that cellgrad raises on purpose."""


class UserError(CellgradError):
    """Something in the user's program; ``position`` is the line, ``hint`` what to do about it."""

    position: Position | None
    hint: str | None

    def __init__(self, message: str, *, hint: str | None = None, position: Any = None, notes: tuple[str, ...] = ()) -> None:
        if position is None:
            from ._frontend.locations import user_position  # here: errors are rare, and locations import this module

            position = user_position()
        parts = [message]
        if position is not None:
            parts.append(source_excerpt(position))
        parts.extend(f"  note: {note}" for note in notes)
        if hint:
            parts.append(f"  hint: {hint}")
        super().__init__("\n".join(parts))
        self.message, self.position, self.hint = message, position, hint


class UserTypeError(UserError, TypeError):
    pass


class UserValueError(UserError, ValueError):
    pass


class UserIndexError(UserError, IndexError):
    pass


class ShapeError(UserError, ValueError):
    """Shapes that an operation cannot take."""


class DTypeError(UserError, TypeError):
    """Element types that an operation cannot take."""


class CaptureError(UserError, RuntimeError):
    """Python that needs the values of a Tensor while the program is being captured, or a traced Tensor outside its capture."""


class CaptureWarning(UserWarning):
    """A function is captured again and again."""


class UnsupportedError(UserError, NotImplementedError):
    """Something that cellgrad does not do."""


class GradError(UserError, RuntimeError):
    """A derivative that was asked for in a way that has no answer."""


class PositionError(GradError, IndexError):
    """A ``grad_position`` beyond the arguments of the call."""


class CompileError(CellgradError):
    """The compiler refused a program. ``diagnostics`` has what it said, in order."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__(format_diagnostics(diagnostics))
        self.diagnostics = diagnostics

    @property
    def errors(self) -> list[Diagnostic]:
        """The diagnostics that are errors; all of them where none is."""
        return [d for d in self.diagnostics if d[0] == "error"] or self.diagnostics


class CompilerCrash(CompileError):
    """The compiler itself gave up: an assertion failed, or it met a case that it cannot handle."""


class InternalError(CellgradError, RuntimeError):
    """A fault of cellgrad, not of the program. ``reproducer`` is the path of a program that shows it, where there is one."""

    def __init__(self, message: str, reproducer: str | None = None) -> None:
        super().__init__(message)
        self.reproducer = reproducer


def _place(file: str, line: int, column: int) -> str:
    return f"{file}:{line}:{column}: " if file else ""


def format_diagnostics(diagnostics: list[Diagnostic]) -> str:
    """``file:line:column: message``, one line each, notes indented below."""
    lines: list[str] = []
    for severity, file, line, column, message, notes in diagnostics:
        lines.append(_place(file, line, column) + ("" if severity == "error" else f"{severity}: ") + message)
        lines.extend(f"  {_place(*note[:3])}note: {note[3]}" for note in notes)
    return "\n".join(lines)
