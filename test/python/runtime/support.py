"""Executables without a compiler: entry points made from Python functions with ctypes."""
from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from cellgrad._runtime import _core
from cellgrad._runtime import dtype as dt
from cellgrad._runtime.tensor_data import asnumpy, from_value
from cellgrad._runtime.tensor_format import tensor_repr, tensor_str

ENTRY = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p)


class Tensor(_core.TensorBase):
    """A bare Tensor class for these tests, used where the package has not registered its own."""

    __slots__ = ()
    __repr__ = tensor_repr
    __str__ = tensor_str


def use_plain_class() -> Any:
    """Register the bare class; returns the class that was registered before."""
    before = type(_core.empty(dt.float32, ()))
    _core.set_tensor_class(Tensor)
    return before


def tensor(value: Any, dtype: Any = None) -> Any:
    return from_value(value, dtype)


def values(t: Any) -> list:
    return asnumpy(t).tolist()


def make(body: Callable[..., None], inputs: list, outputs: list, **options: Any) -> Any:
    """An Executable whose body gets one NumPy array per pointer, and the arena's address."""
    specs = [(s[0], s[1]) for s in inputs] + [(s[0], s[1]) for s in outputs if len(s) < 3 or s[2] < 0]

    def entry(args: Any, arena: int) -> None:
        arrays = []
        for i, (dtype, shape) in enumerate(specs):
            count = int(np.prod(shape, dtype=np.int64))
            raw = (ctypes.c_char * (count * dtype.itemsize)).from_address(args[i])
            arrays.append(np.frombuffer(raw, dtype.np_dtype, count).reshape(shape) if count else np.empty(shape, dtype.np_dtype))
        body(*arrays, arena)

    callback = ENTRY(entry)
    address = ctypes.cast(callback, ctypes.c_void_p).value
    arena_bytes = options.pop("arena_bytes", 0)
    return _core.Executable(address, arena_bytes, inputs, outputs, keepalive=callback, **options)
