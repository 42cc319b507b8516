"""Where in the user's source something happens: the frames of the Python stack that do not belong to cellgrad."""
from __future__ import annotations

import os
import sys
import sysconfig
from types import CodeType, FrameType, TracebackType
from typing import Any

from .._errors import Position

__all__ = ["function_position", "is_block", "is_user_code", "location", "user_code", "user_position", "user_traceback"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_HIDDEN = ("<frozen ",)
_PATHS = sysconfig.get_paths()
_SITE = (_PATHS["purelib"] + os.sep, _PATHS["platlib"] + os.sep)
_LIBRARY = (_PATHS["stdlib"] + os.sep, *(site + "numpy" + os.sep for site in _SITE))

# Keyed by id(code): hashing a code object walks its constants. The code object in the value keeps the id valid.
_kind: dict[int, tuple[CodeType, bool]] = {}
_FRONTEND = os.path.join(_PACKAGE, "_frontend") + os.sep
_CONVERT = os.path.join(_FRONTEND, "convert") + os.sep
_MARK = "_cg_"  # blocks of converted functions have such a qualified name, or, as lambdas, an argument of this name
_block: dict[int, tuple[CodeType, bool]] = {}
_positions: dict[tuple[int, int], Position] = {}
# What a frame of some code is in the search for the user's line: neither the user's nor where the search ends, cellgrad's own, the user's, a block of the user's.
_BETWEEN, _OWN, _USER, _BLOCK = range(4)
_role: dict[int, tuple[CodeType, int]] = {}


def is_user_code(code: CodeType) -> bool:
    """Whether the code is neither cellgrad's nor that of the standard library or NumPy."""
    found = _kind.get(id(code))
    if found is None:
        file = code.co_filename
        library = file.startswith(_LIBRARY) and (file.startswith(_LIBRARY[1:]) or not file.startswith(_SITE))
        found = _kind[id(code)] = (code, not (library or file.startswith((_PACKAGE, *_HIDDEN))))
    return found[1]


def _position(frame: FrameType) -> Position:
    code, lasti = frame.f_code, frame.f_lasti
    key = (id(code), lasti)
    found = _positions.get(key)
    if found is None:
        is_user_code(code)  # keeps the code object alive
        line: int | None = frame.f_lineno
        start = end = 0
        if hasattr(code, "co_positions") and lasti >= 0:
            for index, (first, last, column, end_column) in enumerate(code.co_positions()):
                if index == lasti // 2:
                    line = first or line
                    if column is not None:
                        start = column + 1
                        end = end_column + 1 if first == last and end_column is not None else 0
                    break
        found = _positions[key] = Position(code.co_filename, line or 0, start, end)
    return found


def _role_of(code: CodeType) -> tuple[CodeType, int]:
    if is_user_code(code):
        role = _BLOCK if is_block(code) else _USER
    else:
        role = _OWN if code.co_filename.startswith(_PACKAGE) and not code.co_filename.startswith(_CONVERT) else _BETWEEN
    _role[id(code)] = (code, role)
    return _role[id(code)]


def _user_frames() -> list[FrameType]:
    """The innermost run of user frames, innermost first."""
    # Asked once per op: a capture spends a good part of its time here.
    frame: FrameType | None = sys._getframe(2)
    frames: list[FrameType] = []
    inside = False  # the frame before was a block: this one is the same function of the user
    while frame is not None:
        code = frame.f_code
        role = (_role.get(id(code)) or _role_of(code))[1]
        if role >= _USER:
            if not inside:
                frames.append(frame)
            inside = role == _BLOCK
        elif role == _OWN and frames:
            break
        frame = frame.f_back
    return frames


def is_block(code: CodeType) -> bool:
    """Whether the code is a block of a converted function."""
    found = _block.get(id(code))
    if found is None:
        found = _block[id(code)] = (code, code.co_qualname.rpartition(".")[2].startswith(_MARK) or code.co_varnames[:1] == (_MARK,))
    return found[1]


def user_traceback(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback without the frames of capture around the user's, so that it reads as if the function had run as it is written."""
    entries: list[TracebackType] = []
    while traceback is not None:
        entries.append(traceback)
        traceback = traceback.tb_next
    result: TracebackType | None = None
    reached = inside = False  # further in there is a user frame; the frame before was a block
    for entry in reversed(entries):
        code = entry.tb_frame.f_code
        if is_user_code(code):
            keep, inside, reached = not inside, is_block(code), True
        else:
            keep = not (reached and code.co_filename.startswith(_FRONTEND))
        if keep:
            result = TracebackType(result, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return result


def user_code() -> CodeType | None:
    """The code of the innermost user frame."""
    frames = _user_frames()
    return frames[0].f_code if frames else None


def user_position() -> Position | None:
    """The place of the innermost user frame, ``None`` outside any (an interactive embedding)."""
    frames = _user_frames()
    return _position(frames[0]) if frames else None


def location(capture: Any) -> Any:
    """The MLIR location of the running user line: the innermost user frame, called from the user frames around it.

    The chain ends where cellgrad's own frames begin: what lies outside is the location of the call of that function.
    """
    frames = _user_frames()
    key = tuple((id(f.f_code), f.f_lasti) for f in frames)
    cached = capture.locations.get(key)
    if cached is None:
        for frame in reversed(frames):
            p = _position(frame)
            cached = capture.builder.location(p.file, p.line, p.column, cached)
        if cached is None:
            cached = capture.builder.location("<unknown>", 0, 0)
        capture.locations[key] = cached
    return cached


def function_position(fn: Any) -> Position | None:
    """Where a function was defined."""
    code = getattr(getattr(fn, "__func__", fn), "__code__", None)
    return Position(code.co_filename, code.co_firstlineno) if isinstance(code, CodeType) else None
