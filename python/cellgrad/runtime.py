"""Threads, devices and memory of running programs."""
from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

from ._runtime import _core, device

__all__ = ["device_count", "device_info", "empty_cache", "get_num_threads", "memory_stats", "set_num_threads", "synchronize"]


@cache
def _library() -> ctypes.CDLL:
    from ._compiler.program import _libraries

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


def device_count(device_target: str = "GPU") -> int:
    """How many devices there are of a target (``"GPU"``, ``"Ascend"``): those that its driver has. There is one ``"CPU"``.

    Raises:
        ValueError: there is no such target.
        RuntimeError: there is no driver; the message says how to get it.
    """
    number = device.parse(device_target)
    return 1 if number < 0 else _core.gpu_count(number)


def device_info(device_name: str = "GPU") -> dict[str, Any]:
    """A device's ``name``, ``chip`` (what programs are compiled for), ``memory_bytes``, ``processors`` and ``driver_version``.

    Raises:
        ValueError: not the name of a GPU or Ascend device.
        RuntimeError: there is no driver or no such device.
    """
    number = device.parse(device_name)
    if number < 0:
        raise ValueError(f"For 'device_info', a GPU was expected ('GPU' or 'GPU:1') or an Ascend device, but got {device_name!r}.")
    return _core.gpu_info(number)


def synchronize(device_name: str | None = None) -> None:
    """Waits until a device (by default the one that programs are compiled for) has done all its work. Programs on the CPU never run later.

    Raises:
        RuntimeError: something that ran on the device failed.
    """
    _core.synchronize(device.current().core if device_name is None else device.parse(device_name))


def memory_stats(device_name: str | None = None) -> dict[str, int]:
    """Bytes in use by Tensors (and running programs), bytes kept for new ones, and the most that were in use at once.

    Args:
        device_name: ``"CPU"``, ``"GPU"``, ``"GPU:1"`` or ``"Ascend"``; by default the device that programs are compiled for.
    """
    number = device.current().core if device_name is None else device.parse(device_name)
    return _core.memory_stats() if number < 0 else _core.gpu_memory_stats(number)


def empty_cache() -> None:
    """Gives the memory that is kept for new Tensors back to the system, that of the present device to its driver."""
    _core.empty_cache()
    if device.current().core >= 0:
        _core.gpu_empty_cache(device.current().core)
