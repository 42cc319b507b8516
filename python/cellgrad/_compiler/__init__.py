"""From modules of IR to machine code.

LLVM is loaded by the first use of the builder or of the compiler, neither by importing this package nor by loading a program from the cache.
"""
from __future__ import annotations

from typing import Any

from .errors import CompileError, CompilerCrash

__all__ = ["Builder", "CompileError", "CompilerCrash", "Module"]

_NATIVE = {"Builder", "Function", "Location", "Module", "Value"}


def __getattr__(name: str) -> Any:
    if name in _NATIVE:
        from . import _native

        value = globals()[name] = getattr(_native, name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
