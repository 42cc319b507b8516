"""What the compiler says when it refuses a program."""
from __future__ import annotations

__all__ = ["CompileError", "CompilerCrash", "Diagnostic", "Note", "format_diagnostics"]

Note = tuple[str, int, int, str]  # file, line, column, message
Diagnostic = tuple[str, str, int, int, str, list[Note]]  # severity, file, line, column, message, notes


class CompileError(Exception):
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


def _place(file: str, line: int, column: int) -> str:
    return f"{file}:{line}:{column}: " if file else ""


def format_diagnostics(diagnostics: list[Diagnostic]) -> str:
    """``file:line:column: message``, one line each, notes indented below."""
    lines: list[str] = []
    for severity, file, line, column, message, notes in diagnostics:
        lines.append(_place(file, line, column) + ("" if severity == "error" else f"{severity}: ") + message)
        lines.extend(f"  {_place(*note[:3])}note: {note[3]}" for note in notes)
    return "\n".join(lines)
