"""From modules of IR to machine code.

LLVM is loaded by the first use of the builder or of the compiler, neither by importing this package nor by taking a program from the cache.
"""
from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from .program import Compiled, Lowered, compile, lookup, lowered
from .._errors import CompileError, CompilerCrash

if TYPE_CHECKING:
    from ._native import Builder, Function, Location, Module, Value

__all__ = ["Builder", "CompileError", "Compiled", "CompilerCrash", "Function", "Location", "Lowered", "Module", "Value", "compile", "lookup", "lowered"]

_NATIVE = {"Builder", "Function", "Location", "Module", "Value"}


def __getattr__(name: str) -> Any:
    if name not in _NATIVE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Binding the functions of so large a library at their first call instead of now saves a quarter of the time.
    flags = sys.getdlopenflags()
    sys.setdlopenflags(os.RTLD_LAZY)
    try:
        from . import _native
    finally:
        sys.setdlopenflags(flags)
    value = globals()[name] = getattr(_native, name)
    return value
