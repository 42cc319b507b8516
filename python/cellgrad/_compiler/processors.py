"""Processors that programs can be compiled for, with the features that a loader checks."""
from __future__ import annotations

from . import _loader

__all__ = ["LEVELS", "PORTABLE", "processor"]

_V1 = ("cx8", "cmov", "mmx", "fxsr", "sse", "sse2")
_V2 = (*_V1, "cx16", "sahf", "popcnt", "sse3", "ssse3", "sse4.1", "sse4.2", "crc32")
_V3 = (*_V2, "avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "xsave")
_V4 = (*_V3, "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")

# The levels of the x86-64 psABI.
LEVELS: dict[str, tuple[str, ...]] = {"x86-64": _V1, "x86-64-v2": _V2, "x86-64-v3": _V3, "x86-64-v4": _V4}
PORTABLE = "x86-64-v3"  # every server and almost every desktop since 2015


def processor(name: str) -> tuple[str, tuple[str, ...]]:
    """LLVM's name of a processor and the features that its code may use.

    Args:
        name: a level of x86-64, or "native": everything that this processor has and a loader can check.

    Raises:
        ValueError: another name.
    """
    if _loader.ARCHITECTURE != "x86_64":
        raise ValueError(f"programs can be exported for x86-64 only, and this machine is {_loader.ARCHITECTURE}")
    if name == "native":
        features = _loader.features()
        level = [level for level, needed in LEVELS.items() if set(needed) <= set(features)][-1]
        return level, features
    if name not in LEVELS:
        raise ValueError(f"a program can be exported for {', '.join(LEVELS)} or native, not for {name!r}")
    return name, LEVELS[name]
