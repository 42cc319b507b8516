"""The C library (cellgrad_program.h) by way of ctypes, and its errors as exceptions."""
from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

__all__ = ["Array", "Buffer", "DamagedError", "Error", "Handle", "MachineError", "ProgramError", "Tensor", "UntrustedError", "check", "library", "set_num_threads"]

_NAME = "libcellgrad_program.so"
_API = 2


class ProgramError(RuntimeError):
    """A program file that cannot be used, or a program that stopped."""


class DamagedError(ProgramError):
    """Not a program file, of another format version, or changed since it was written."""


class UntrustedError(ProgramError):
    """A whole program file, but not the one that was asked for by its digest."""


class MachineError(ProgramError):
    """A program for another processor, system or runtime."""


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("text", ctypes.c_char * 1020)]


class Tensor(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("dtype", ctypes.c_int32), ("rank", ctypes.c_int32), ("shape", ctypes.POINTER(ctypes.c_int64)), ("bytes", ctypes.c_int64),
                ("written", ctypes.c_int32)]


class Buffer(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("bytes", ctypes.c_int64)]


class Array(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("bytes", ctypes.c_int64), ("on_device", ctypes.c_int32)]


# Statuses of the header, in its order from 1.
_EXCEPTIONS: tuple[type[Exception], ...] = (OSError, DamagedError, UntrustedError, MachineError, ValueError, MemoryError, AssertionError, ProgramError)

_P, _S, _E = ctypes.c_void_p, ctypes.c_size_t, ctypes.POINTER(Error)
_SIGNATURES: dict[str, tuple[Any, ...]] = {  # result, arguments
    "cgp_api": (ctypes.c_int,),
    "cgp_open": (ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(_P), _E),
    "cgp_open_memory": (ctypes.c_int, ctypes.c_char_p, _S, ctypes.c_char_p, ctypes.POINTER(_P), _E),
    "cgp_close": (None, _P),
    "cgp_digest": (ctypes.c_char_p, _P),
    "cgp_header": (ctypes.c_char_p, _P),
    "cgp_program_at": (_P, _P, _S),
    "cgp_input_count": (_S, _P),
    "cgp_output_count": (_S, _P),
    "cgp_input": (ctypes.POINTER(Tensor), _P, _S),
    "cgp_output": (ctypes.POINTER(Tensor), _P, _S),
    "cgp_call": (ctypes.c_int, _P, ctypes.POINTER(Buffer), _S, ctypes.POINTER(Buffer), _S, _E),
    "cgp_call_on": (ctypes.c_int, _P, ctypes.POINTER(Array), _S, ctypes.POINTER(Array), _S, _P, _E),
    "cgp_parameter_count": (_S, _P),
    "cgp_parameter": (ctypes.POINTER(Tensor), _P, _S),
    "cgp_parameter_data": (_P, _P, _S),
    "cgp_read_parameter": (ctypes.c_int, _P, _S, _P, ctypes.c_int64, _E),
    "cgp_write_parameter": (ctypes.c_int, _P, _S, _P, ctypes.c_int64, _E),
    "cgp_runs_on_gpu": (ctypes.c_int, _P),
    "cgp_choose_gpu": (None, ctypes.c_int),
    "cgp_device": (ctypes.c_int, _P),
    "cgp_stream": (_P, _P),
    "cgp_wait_for": (ctypes.c_int, _P, _P, _E),
    "cgp_let_wait": (ctypes.c_int, _P, _P, _E),
    "cgp_synchronize": (ctypes.c_int, _P, _E),
    "cgp_allocate": (ctypes.c_int, _P, ctypes.c_int64, ctypes.POINTER(_P), _E),
    "cgp_free": (None, _P, _P),
    "cgp_upload": (ctypes.c_int, _P, _P, _P, ctypes.c_int64, _E),
    "cgp_download": (ctypes.c_int, _P, _P, _P, ctypes.c_int64, _E),
    "cgp_set_threads": (None, ctypes.c_int),
}


def _path() -> str:
    here = os.path.dirname(os.path.abspath(__file__))
    places = (here, os.path.join(os.path.dirname(here), "cellgrad", "lib"))
    for place in places:
        if os.path.exists(os.path.join(place, _NAME)):
            return os.path.join(place, _NAME)
    raise OSError(f"{_NAME} is neither in {' nor in '.join(places)}; copy the whole folder that cellgrad.write_loader made")


@lru_cache(None)
def library() -> Any:
    """The library, loaded at the first use."""
    loaded = ctypes.CDLL(_path())
    try:
        api = loaded.cgp_api()
    except AttributeError:
        raise OSError(f"{loaded._name} is not the library of this module; take both from one cellgrad") from None
    if api != _API:
        raise OSError(f"{loaded._name} has interface {api}, and this module uses {_API}; take both from one cellgrad")
    for name, (result, *arguments) in _SIGNATURES.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, arguments
    return loaded


_untrack = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("PyObject_GC_UnTrack", ctypes.pythonapi))


class Handle(int):
    """A pointer of the C library; ``end`` gives it back when nobody has it any more.

    The garbage collector ends all objects of a cycle in any order, each with what hangs on it alone. This one is kept from it: it ends by its count of references,
    when all that could still use it is gone. It refers to nothing itself, so it is part of no cycle.
    """

    __slots__ = ()
    _ends: dict[int, Callable[[], Any]] = {}  # by id

    def __new__(cls, pointer: int, end: Callable[[], Any]) -> Handle:
        made = super().__new__(cls, pointer)
        _untrack(made)
        cls._ends[id(made)] = end
        return made

    def __del__(self, ends: dict[int, Callable[[], Any]] = _ends, at_exit: Callable[[], bool] = sys.is_finalizing) -> None:
        end = ends.pop(id(self), None)
        if end is not None and not at_exit():
            end()


def check(status: int, error: Error) -> None:
    """Raises what a status stands for."""
    if status:
        raise _EXCEPTIONS[status - 1](error.text.decode(errors="replace"))


def set_num_threads(count: int) -> None:
    """How many threads the programs of this process use; less than 1: all processors."""
    library().cgp_set_threads(count)
