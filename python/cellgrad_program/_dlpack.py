"""DLPack messages (https://dmlc.github.io/dlpack) by way of ctypes: arrays of other libraries on a GPU, and ours for them."""
from __future__ import annotations

import ctypes
import sys
import threading
from typing import Any, NamedTuple

from ._library import library

__all__ = ["CPU", "CUDA", "DEVICES", "Message", "capsule", "read", "sweep"]

CPU, CUDA = 1, 2
DEVICES = (CUDA, 13)  # kDLCUDA, kDLCUDAManaged
_CODES = {0: "int", 1: "uint", 2: "float", 4: "bfloat", 6: "bool"}
_NAME, _VERSIONED_NAME = b"dltensor", b"dltensor_versioned"
_NUMBERS = {name: code for code, name in _CODES.items()}


class _Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device", ctypes.c_int32), ("rank", ctypes.c_int32), ("code", ctypes.c_uint8),
                ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16), ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
                ("offset", ctypes.c_uint64)]


class _Managed(ctypes.Structure):
    _fields_ = [("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


class _Versioned(ctypes.Structure):
    _fields_ = [("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p), ("flags", ctypes.c_uint64), ("tensor", _Tensor)]


class Message(NamedTuple):
    """What another library says of its array. ``strides`` are in elements, ``None`` for row-major data."""

    address: int
    device_type: int
    device: int
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None
    readonly: bool


def _api(name: str, result: Any, *arguments: Any) -> Any:
    return ctypes.PYFUNCTYPE(result, *arguments)((name, ctypes.pythonapi))


_is_valid = _api("PyCapsule_IsValid", ctypes.c_int, ctypes.py_object, ctypes.c_char_p)
_pointer = _api("PyCapsule_GetPointer", ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
_new = _api("PyCapsule_New", ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)


def read(given: Any) -> Message:
    """What a capsule of ``__dlpack__`` says. It stays the producer's: the array is there as long as the capsule is.

    Raises:
        TypeError: it is no DLPack capsule, or was taken already.
    """
    if _is_valid(given, _VERSIONED_NAME):
        versioned = _Versioned.from_address(_pointer(given, _VERSIONED_NAME))
        tensor, readonly = versioned.tensor, bool(versioned.flags & 1)
        if versioned.major != 1:
            raise TypeError(f"version {versioned.major} of DLPack is not known here; versions 0 and 1 are")
    elif _is_valid(given, _NAME):
        tensor, readonly = _Managed.from_address(_pointer(given, _NAME)).tensor, False
    else:
        raise TypeError("__dlpack__ gave no DLPack capsule")
    kind = _CODES.get(tensor.code, f"type {tensor.code} of ")
    dtype = "bool" if kind == "bool" and tensor.bits == 8 else f"{kind}{tensor.bits}" + (f"x{tensor.lanes}" if tensor.lanes != 1 else "")
    strides = tuple(tensor.strides[:tensor.rank]) if tensor.strides else None
    return Message((tensor.data or 0) + tensor.offset, tensor.device_type, tensor.device, dtype, tuple(tensor.shape[:tensor.rank]), strides, readonly)


class _Lent(NamedTuple):
    """A message that was handed out, and all that it needs."""

    message: Any
    done: ctypes.c_int32  # set by the consumer's call of the deleter
    capsule: Any
    parts: tuple[Any, ...]


# Never freed: consumers may read messages after the end of this module.
_lent: list[_Lent] = []
_lock = threading.Lock()
_api("Py_IncRef", None, ctypes.py_object)(_lent)


def sweep() -> None:
    """Lets go of what consumers are done with, and of capsules that nobody took and nobody has any more."""
    # The garbage collector may begin anywhere in here and run what sweeps too: nobody waits for the lock, and others only append meanwhile.
    if not _lock.acquire(blocking=False):
        return
    try:
        over = [i for i, lent in enumerate(_lent) if lent.done.value or _is_forgotten(lent)]
        ended = [_lent.pop(i) for i in reversed(over)]
    finally:
        _lock.release()
    for lent in ended:
        lent.done.value = 1
    del ended  # what it frees may wait for the GPU


def _is_forgotten(lent: _Lent) -> bool:
    # Under another name it was taken. The references are that of `lent` and that of the call.
    return sys.getrefcount(lent.capsule) <= 2 and bool(_is_valid(lent.capsule, _NAME) or _is_valid(lent.capsule, _VERSIONED_NAME))


def capsule(owner: Any, address: int, device: int, dtype: str, shape: tuple[int, ...], versioned: bool) -> tuple[Any, ctypes.c_int32]:
    """A capsule for an array on a GPU that keeps its owner alive until the consumer is done with it and the next ``sweep`` sees that; and whether the consumer is."""
    sweep()
    rank = len(shape)
    sizes, strides = (ctypes.c_int64 * max(rank, 1))(*shape), (ctypes.c_int64 * max(rank, 1))()
    step = 1
    for i in reversed(range(rank)):
        strides[i] = step
        step *= shape[i]
    kind = dtype.rstrip("0123456789")
    bits = 8 if dtype == "bool" else int(dtype[len(kind):])
    message = _Versioned(major=1, minor=0) if versioned else _Managed()
    c, done = library(), ctypes.c_int32()
    message.deleter = ctypes.cast(c.cgp_versioned_message_done if versioned else c.cgp_message_done, ctypes.c_void_p)
    message.context = ctypes.addressof(done)
    message.tensor = _Tensor(address, CUDA, device, rank, _NUMBERS[kind], bits, 1, ctypes.cast(sizes, ctypes.POINTER(ctypes.c_int64)),
                             ctypes.cast(strides, ctypes.POINTER(ctypes.c_int64)), 0)
    made = _new(ctypes.addressof(message), _VERSIONED_NAME if versioned else _NAME, None)
    _lent.append(_Lent(message, done, made, (sizes, strides, owner)))
    return made, done
