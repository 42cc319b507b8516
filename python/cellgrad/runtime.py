"""Threads and memory of running programs."""
from __future__ import annotations

import ctypes
from functools import cache

from ._runtime import _core

__all__ = ["empty_cache", "get_num_threads", "memory_stats", "set_num_threads"]


@cache
def _library() -> ctypes.CDLL:
    from ._compiler.compile import _libraries

    return ctypes.CDLL(_libraries()[0])


def set_num_threads(count: int) -> None:
    """How many threads generated loops and matrix products use; one setting for both.

    Raises:
        TypeError: not an int.
        ValueError: less than 1.
    """
    if isinstance(count, bool) or not isinstance(count, int):
        raise TypeError(f"For 'set_num_threads', an int was expected, but got {type(count).__name__}.")
    if count < 1:
        raise ValueError(f"For 'set_num_threads', at least 1 thread is needed, but got {count}.")
    _library().cg_set_num_threads(ctypes.c_int(count))


def get_num_threads() -> int:
    """How many threads are used."""
    return int(_library().cg_get_num_threads())


def memory_stats() -> dict[str, int]:
    """Bytes in use by Tensors and bytes kept for new ones."""
    return _core.memory_stats()


def empty_cache() -> None:
    """Gives the memory that is kept for new Tensors back to the system."""
    _core.empty_cache()
