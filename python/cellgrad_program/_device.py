"""Arrays in the memory of a GPU: ours, and those of other libraries, which calls use where they are."""
from __future__ import annotations

import contextlib
import ctypes
import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from . import _arrays, _dlpack
from ._library import Error, Handle, check, library

__all__ = ["DeviceArray", "Given", "given", "is_on_device"]

_DEFAULT_STREAM = 1


class DeviceArray:
    """An array on a GPU: a result of a call with arrays there, or what ``ProgramFile.to_device`` made.

    Other libraries share it without a copy, by DLPack (``torch.from_dlpack``, ``jax.dlpack.from_dlpack``, ``cupy.from_dlpack``) or ``__cuda_array_interface__`` (Numba, CuPy), in the order of
    their streams; ``numpy()`` copies it to the host. It keeps its file alive. Calls and ``numpy()`` wait for the whole GPU as long as another library has it, for that library's
    work with it may be on any stream; a call that gets the other library's array instead is ordered with its stream alone.

    Attributes:
        shape: its sizes.
        dtype: the name of its element type, such as ``"float32"`` or ``"bfloat16"``.
        device: the number of the GPU.
    """

    def __init__(self, file: Any, dtype: str, shape: tuple[int, ...]) -> None:
        _dlpack.sweep()  # memory for this array
        self._file, self.dtype, self.shape = file, dtype, shape
        self._shared: list[ctypes.c_int32] = []  # of each time that another library got it: whether that library is done with it
        self.nbytes = math.prod(shape) * _arrays.storage(dtype).itemsize
        self.device: int = file.device
        c, address, error = library(), ctypes.c_void_p(), Error()
        check(c.cgp_allocate(file._handle, self.nbytes, ctypes.byref(address), ctypes.byref(error)), error)
        assert address.value is not None
        self._address = Handle(address.value, partial(_free, c, file._handle, address.value, self._shared))

    @property
    def ndim(self) -> int:
        """How many dimensions it has."""
        return len(self.shape)

    def numpy(self) -> np.ndarray:
        """A copy on the host; bfloat16 as float32. Waits for the programs that compute it."""
        copy, error = np.empty(self.shape, _arrays.storage(self.dtype)), Error()
        self._wait_for_others()
        check(library().cgp_download(self._file._handle, copy.ctypes.data, self._address, self.nbytes, ctypes.byref(error)), error)
        return _arrays.shown(self, copy)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("an array on a GPU cannot be a NumPy array without a copy")
        found = self.numpy()
        return found if dtype is None else found.astype(dtype, copy=False)

    def __float__(self) -> float:
        return float(self.numpy().item())

    def __dlpack_device__(self) -> tuple[int, int]:
        return _dlpack.CUDA, self.device

    def __dlpack__(self, *, stream: int | None = None, max_version: tuple[int, int] | None = None, dl_device: tuple[int, int] | None = None, copy: bool | None = None) -> Any:
        if dl_device is not None and tuple(dl_device) != self.__dlpack_device__():
            raise BufferError(f"the array is on device {self.__dlpack_device__()}, not on {tuple(dl_device)}; numpy() copies it to the host")
        if copy:
            raise BufferError("this array is shared without a copy; copy what you make of it")
        if stream is not None and (stream == 0 or stream < -1):
            raise ValueError(f"{stream} is not a stream; 1 is CUDA's default stream, -1 asks for no synchronisation")
        if stream != -1:
            _order("cgp_let_wait", self._file, stream or _DEFAULT_STREAM)
        capsule, done = _dlpack.capsule(self, self._address, self.device, self.dtype, self.shape, max_version is not None and max_version[0] >= 1)
        self._shared.append(done)
        return capsule

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        if self.dtype == "bfloat16":
            raise AttributeError("__cuda_array_interface__ has no bfloat16; take DLPack")
        if not self._shared or self._shared[0] is not _NEVER_DONE:
            self._shared.insert(0, _NEVER_DONE)
        address = int(self._address) if self.nbytes else 0
        return {"version": 3, "shape": self.shape, "typestr": np.dtype(self.dtype).str, "data": (address, False), "strides": None, "stream": self._file.stream}

    def _wait_for_others(self) -> bool:
        """Waits for what other libraries do with it by now; whether there are any."""
        if not self._shared:
            return False
        over = [done for done in self._shared if done.value]
        error = Error()
        check(library().cgp_synchronize(self._file._handle, ctypes.byref(error)), error)
        for done in over:
            with contextlib.suppress(ValueError):  # another thread did
                self._shared.remove(done)
        return bool(self._shared)

    def __repr__(self) -> str:
        return f"DeviceArray({self.dtype}{list(self.shape)}, GPU {self.device})"


_NEVER_DONE = ctypes.c_int32(0)  # nothing tells when a user of __cuda_array_interface__ is


def _free(c: Any, file: Handle, address: int, shared: list[ctypes.c_int32]) -> None:
    if shared:  # other streams may still read it
        c.cgp_synchronize(file, None)
    c.cgp_free(file, address)


def _order(function: str, file: Any, stream: int) -> None:
    error = Error()
    check(getattr(library(), function)(file._handle, stream, ctypes.byref(error)), error)


def is_on_device(value: Any) -> bool:
    """Whether a value is an array on a GPU, of ours or of another library."""
    if isinstance(value, DeviceArray):
        return True
    if isinstance(value, (np.ndarray, np.generic, bool, int, float, list, tuple)):
        return False
    if hasattr(type(value), "__dlpack_device__"):
        return value.__dlpack_device__()[0] in _dlpack.DEVICES
    return hasattr(value, "__cuda_array_interface__")


class Given(NamedTuple):
    """An array on the GPU that a program takes.

    Attributes:
        address: of its first element.
        nbytes: its size.
        keep: what keeps it there.
        stream: the stream that has to wait until the program has used it, as its owner's later work is given to it; 0: the caller waits itself.
    """

    address: int
    nbytes: int
    keep: Any
    stream: int


def given(file: Any, info: Any, value: Any) -> Given:
    """The array for an input. Work on the file's stream comes after that which makes it.

    Raises:
        TypeError: of another dtype or byte order; no array.
        ValueError: of another shape, on another GPU, with a mask, not contiguous, not at a multiple of 16 bytes; written, but read-only.
    """
    if not file.on_gpu:
        raise ValueError(f"'{info.name}' is given on a GPU, and the program runs on the CPU: give a copy on the host")
    if isinstance(value, DeviceArray):  # of the same stream, if it is of the same GPU
        _suits(file, info, _dlpack.Message(value._address, _dlpack.CUDA, value.device, value.dtype, value.shape, None, False))
        shared = value._wait_for_others()  # whose later work is on streams that nobody knows
        return Given(value._address, value.nbytes, value, 0 if shared else file.stream)
    interface = getattr(value, "__cuda_array_interface__", None) if not _speaks_dlpack(value) else None
    stream = 0
    if interface is None:
        message, keep = _exchanged(file, info, value)
    else:
        stream = interface.get("stream") or 0
        dtype = np.dtype(interface["typestr"])
        if interface.get("mask") is not None:
            raise ValueError(f"'{info.name}' is given with a mask, which programs do not know: give its data alone")
        if not dtype.isnative:
            raise TypeError(f"'{info.name}' is given in another byte order ({interface['typestr']}) than this machine's")
        strides, size = interface.get("strides"), max(dtype.itemsize, 1)
        if strides is not None:
            strides = tuple(step // size if step % size == 0 else -1 for step in strides)
        message = _dlpack.Message(interface["data"][0] or 0, _dlpack.CUDA, file.device, dtype.name, tuple(interface["shape"]), strides, bool(interface["data"][1]))
        keep = value
        if stream or interface.get("version", 0) < 3:  # which says of no stream: what makes the array was given to the default one
            _order("cgp_wait_for", file, stream or _DEFAULT_STREAM)
    _suits(file, info, message)
    return Given(message.address, math.prod(info.shape) * _arrays.storage(info.dtype).itemsize, keep, stream)


def _speaks_dlpack(value: Any) -> bool:
    return hasattr(value, "__dlpack__") and hasattr(value, "__dlpack_device__")


def _exchanged(file: Any, info: Any, value: Any) -> tuple[_dlpack.Message, Any]:
    """By DLPack: the producer lets the file's stream wait for its own."""
    kind, device = value.__dlpack_device__()
    if device != file.device:
        raise ValueError(f"'{info.name}' is on GPU {device}, and the file's programs run on GPU {file.device}")
    try:
        capsule = value.__dlpack__(stream=file.stream, max_version=(1, 0))
    except TypeError:  # older than version 1
        capsule = value.__dlpack__(stream=file.stream)
    return _dlpack.read(capsule), capsule


def _suits(file: Any, info: Any, message: _dlpack.Message) -> None:
    name = f"'{info.name}'"
    if message.device != file.device or message.device_type not in _dlpack.DEVICES:
        raise ValueError(f"{name} is on GPU {message.device}, and the file's programs run on GPU {file.device}")
    if message.dtype != info.dtype and (info.dtype, message.dtype) != ("bfloat16", "uint16"):
        raise TypeError(f"{name} has dtype {info.dtype}, but the array on the GPU is {message.dtype}")
    if message.shape != info.shape:
        raise ValueError(f"{name} has shape {info.shape}, but the array on the GPU has {message.shape}")
    step = 1
    for size, stride in zip(reversed(message.shape), reversed(message.strides or ())):
        if size > 1 and stride != step and 0 not in message.shape:
            raise ValueError(f"{name} is not contiguous (row-major): give a contiguous copy")
        step *= size
    if message.address % 16 and 0 not in message.shape:
        raise ValueError(f"{name} does not begin at a multiple of 16 bytes, as arrays on the GPU have to: give a copy")
    if info.written and message.readonly:
        raise ValueError(f"{name} is written by the program, and the array is read-only")
