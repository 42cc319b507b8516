"""Program files: loading, calls and Parameters."""
from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from . import _arrays, _device, _safetensors, _tree
from ._library import Array, Buffer, DamagedError, Error, Handle, check, library

__all__ = ["Program", "ProgramFile", "TensorInfo", "load"]

_TYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "float16", "bfloat16", "float32", "float64")


class TensorInfo(NamedTuple):
    """An input, output or Parameter. ``written``: the program writes into it."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    written: bool

    def __str__(self) -> str:
        return f"{self.name or 'result'}: {self.dtype}{list(self.shape)}" + (" (written)" if self.written else "")


def _info(pointer: Any) -> TensorInfo:
    tensor = pointer.contents
    return TensorInfo(tensor.name.decode(), _TYPES[tensor.dtype], tuple(tensor.shape[:tensor.rank]), bool(tensor.written))


class _Memory:
    """What an array on a Parameter keeps alive."""

    def __init__(self, handle: Handle, address: int, dtype: np.dtype, shape: tuple[int, ...]) -> None:
        self.handle = handle
        self.__array_interface__ = {"version": 3, "data": (address, False), "typestr": dtype.str, "shape": shape}


class Program:
    """One program of a file; called like the function that it was made from, with NumPy arrays for Tensors.

    Attributes:
        name: its name in the file.
        inputs, outputs: its Tensors, as ``TensorInfo``; ``outputs`` are those that a call makes anew.

    Calls raise ``TypeError`` or ``ValueError`` for arguments that do not fit, ``AssertionError`` for an assertion of the program that fails, ``MemoryError`` and
    ``ProgramError``. Arrays have to be of the program's dtype and shape; numbers and lists are converted. bfloat16 is given as float32 (and rounded), ``uint16`` (its bits) or
    ``ml_dtypes.bfloat16``, and comes back as float32. Python's lock is released during a call.

    On a GPU, arrays that are there are used where they are: ``DeviceArray``, and those of other libraries by DLPack or ``__cuda_array_interface__``. Where at least one is given, the new results stay on the
    GPU too, as ``DeviceArray``, and the call does not wait for them unless one given by DLPack has to be kept until then; otherwise results are NumPy arrays.
    """

    def __init__(self, file: ProgramFile, pointer: int, description: dict) -> None:
        self._file, self._pointer, self._description = file, pointer, description
        c = library()
        self.name: str = description["name"]
        self.inputs = [_info(c.cgp_input(pointer, i)) for i in range(c.cgp_input_count(pointer))]
        self.outputs = [_info(c.cgp_output(pointer, i)) for i in range(c.cgp_output_count(pointer))]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        values: list = [None] * len(self.inputs)
        _tree.bind(self.name, self._description["arguments"], args, kwargs, values)
        on_gpu = [_device.is_on_device(value) for value in values]
        arrays: list = [(_device.given(self._file, info, value) if there else _arrays.given(info, value)) for info, value, there in zip(self.inputs, values, on_gpu)]
        made = (self._on_gpu if any(on_gpu) else self._on_host)(arrays)

        def leaf(kind: str, index: int) -> Any:
            if kind == "output":
                return made[index] if any(on_gpu) else _arrays.shown(self.outputs[index], made[index])
            if kind == "input":
                return values[index] if on_gpu[index] else _arrays.shown(self.inputs[index], arrays[index])
            return self._file._parameter(index)

        return _tree.build(self._description["result"], leaf)

    def _on_host(self, arrays: list) -> list:
        """Runs with arrays of the host; the new results."""
        _arrays.separate(self.inputs, arrays)
        made = [np.empty(info.shape, _arrays.storage(info.dtype)) for info in self.outputs]
        error = Error()
        check(library().cgp_call(self._pointer, _buffers(arrays), len(arrays), _buffers(made), len(made), ctypes.byref(error)), error)
        return made

    def _on_gpu(self, arrays: list) -> list:
        """Runs with arrays some of which are on the GPU; the new results, there."""
        host = [(info, i) for i, info in enumerate(self.inputs) if isinstance(arrays[i], np.ndarray)]
        separated = [arrays[i] for _, i in host]
        _arrays.separate([info for info, _ in host], separated)
        for (_, i), array in zip(host, separated):
            arrays[i] = array
        file, error = self._file, Error()
        made = [_device.DeviceArray(file, info.dtype, info.shape) for info in self.outputs]
        given = (Array * max(len(arrays), 1))(*(Array(a.ctypes.data, a.nbytes, 0) if isinstance(a, np.ndarray) else Array(a.address, a.nbytes, 1) for a in arrays))
        results = (Array * max(len(made), 1))(*(Array(array._address, array.nbytes, 1) for array in made))
        streams = {array.stream for array in arrays if not isinstance(array, np.ndarray)}
        # An array of which no stream is known may be gone when its owner lets go of it after the call: then the call waits.
        check(library().cgp_call_on(self._pointer, given, len(arrays), results, len(made), None if 0 in streams else file.stream, ctypes.byref(error)), error)
        for stream in streams - {0, file.stream}:
            check(library().cgp_let_wait(file._handle, stream, ctypes.byref(error)), error)
        return made

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.inputs))}) -> {', '.join(map(str, self.outputs)) or 'nothing new'}"


def _buffers(arrays: list) -> Any:
    return (Buffer * max(len(arrays), 1))(*(Buffer(array.ctypes.data, array.nbytes) for array in arrays))


class ProgramFile:
    """A loaded program file; see ``load``. Parameters live as long as it or an array on them does.

    Attributes:
        digest: BLAKE2b-256 of the file's content, in hexadecimal.
        header: what the file says about itself (docs/design/export-format.md).
        on_gpu: whether its programs run on a GPU, where the Parameters stay from call to call.
        device: the number of that GPU; -1 on the CPU.
        stream: the CUDA stream on which its programs run, as a number; 0 on the CPU.
    """

    def __init__(self, handle: int) -> None:
        c = library()
        self._handle = Handle(handle, partial(c.cgp_close, handle))  # arrays on its memory, or of its GPU, have it too
        self.digest: str = c.cgp_digest(handle).decode()
        self.on_gpu = bool(c.cgp_runs_on_gpu(handle))
        self.device: int = c.cgp_device(handle)
        self.stream: int = c.cgp_stream(handle) or 0
        try:
            # The loader has read what it needs to run; texts that are no UTF-8 and the like show here.
            self.header: dict[str, Any] = json.loads(c.cgp_header(handle))
            self._programs = {item["name"]: (i, item) for i, item in enumerate(self.header["programs"])}
            self._state = [_info(c.cgp_parameter(handle, i)) for i in range(c.cgp_parameter_count(handle))]
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise DamagedError(f"the file's header cannot be read: {error}") from None

    @property
    def programs(self) -> dict[str, Program]:
        """The programs by name."""
        return {name: self[name] for name in self._programs}

    def __getitem__(self, name: str) -> Program:
        if name not in self._programs:
            raise KeyError(f"there is no program '{name}'; there are {', '.join(self._programs)}")
        index, description = self._programs[name]
        return Program(self, library().cgp_program_at(self._handle, index), description)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the file's only program. Raises ``ValueError`` where it has several."""
        first = next(iter(self._programs))
        if len(self._programs) != 1:
            raise ValueError(f"the file has several programs ({', '.join(self._programs)}): choose one, as in file[{first!r}](...)")
        return self[first](*args, **kwargs)

    def to_device(self, value: Any, dtype: str | None = None) -> _device.DeviceArray:
        """A copy of an array of the host on the GPU of these programs, for calls without further copies.

        Args:
            value: a NumPy array, or what becomes one.
            dtype: the element type; that of the array where it is ``None``. ``"bfloat16"`` takes float32 and rounds it.

        Raises:
            TypeError: its dtype is none that programs have, or another one than asked for.
            ValueError: the programs run on the CPU.

        Examples:
            >>> x = file.to_device(batch)
            >>> for _ in range(10):
            ...     x = file["step"](x)         # stays on the GPU
            >>> x.numpy()
        """
        if not self.on_gpu:
            raise ValueError("the programs of this file run on the CPU: give them arrays as they are")
        array = np.asarray(value)
        dtype = dtype or array.dtype.name
        if dtype not in _TYPES:
            raise TypeError(f"there are no arrays of dtype {dtype} on the GPU; there are those of {', '.join(_TYPES)}")
        array = _arrays.given(TensorInfo("value", dtype, array.shape, False), array)
        made, error = _device.DeviceArray(self, dtype, array.shape), Error()
        check(library().cgp_upload(self._handle, made._address, array.ctypes.data, array.nbytes, ctypes.byref(error)), error)
        return made

    def _parameter(self, index: int) -> np.ndarray:
        info = self._state[index]
        if self.on_gpu:
            return _arrays.shown(info, self._copied(index))
        address = library().cgp_parameter_data(self._handle, index)
        return _arrays.shown(info, np.asarray(_Memory(self._handle, address, _arrays.storage(info.dtype), info.shape)))

    def _copied(self, index: int) -> np.ndarray:
        """A Parameter's value, bfloat16 as its bits."""
        info, error = self._state[index], Error()
        copy = np.empty(info.shape, _arrays.storage(info.dtype))
        check(library().cgp_read_parameter(self._handle, index, copy.ctypes.data, copy.nbytes, ctypes.byref(error)), error)
        return copy

    def parameters(self) -> dict[str, np.ndarray]:
        """Parameters and other state of the programs by name: arrays on the memory that the programs read and write.

        bfloat16 comes as a copy in float32, and everything as a copy where programs run on a GPU; ``load_parameters`` changes these.
        """
        return {info.name: self._parameter(i) for i, info in enumerate(self._state)}

    def load_parameters(self, values: Mapping[str, Any] | str | os.PathLike, *, strict: bool = True) -> list[str]:
        """Writes values into Parameters, all or none.

        Args:
            values: arrays by name, or the path of a safetensors file, such as a checkpoint. Parameters that are not named stay.
            strict: whether every name has to be that of a Parameter; otherwise values of other names are left out, as a checkpoint of more than these programs has them.

        Returns:
            The names of Parameters that stayed as they were.

        Raises:
            KeyError: there is no Parameter of a name, or, of a file, none has any of its names.
            TypeError, ValueError: another dtype or shape; a damaged file.
        """
        if isinstance(values, (str, os.PathLike)):
            values = _safetensors.read(values)
        places = {info.name: i for i, info in enumerate(self._state)}
        found = []
        for name, value in values.items():
            if name not in places:
                if strict:
                    raise KeyError(f"there is no Parameter '{name}'; strict=False leaves such values out")
                continue
            info = self._state[places[name]]
            found.append((places[name], _arrays.given(info._replace(written=False), value)))
        if values and not found:
            raise KeyError(f"no Parameter has one of the names given ({', '.join(list(values)[:3])}, ...); there are {', '.join(places) or 'none'}")
        for index, array in found:
            error = Error()
            check(library().cgp_write_parameter(self._handle, index, array.ctypes.data, array.nbytes, ctypes.byref(error)), error)
        written = {index for index, _ in found}
        return [name for name, index in places.items() if index not in written]

    def save_parameters(self, path: str | os.PathLike) -> None:
        """Writes all Parameters into a safetensors file, which ``cellgrad.load_checkpoint`` reads too. The file appears whole or not at all."""
        found = {}
        for i, info in enumerate(self._state):
            found[info.name] = (info.dtype, self._copied(i))
        _safetensors.write(path, found)

    def __repr__(self) -> str:
        lines = [f"<program file {self.digest[:12]} for {self.header['target']['cpu']}>", *(f"  {program!r}" for program in self.programs.values())]
        return "\n".join(lines)


def load(source: str | os.PathLike | bytes, *, digest: str | None = None, gpu: int = 0) -> ProgramFile:
    """Loads a program file, after checking all of it.

    Args:
        source: its path, or its content as bytes.
        digest: the digest that it has to have, as ``export`` returned it; ``None`` takes any file that is whole.

        gpu: the number of the GPU on which programs for one run.

    Raises:
        OSError: the file cannot be read.
        DamagedError: it is no program file, of another version, or not as it was written.
        UntrustedError: it has another digest.
        MachineError: it is for another processor, GPU, system or version of the runtime; the GPU's driver is missing.
    """
    handle, error = ctypes.c_void_p(), Error()
    library().cgp_choose_gpu(gpu)
    wanted = None if digest is None else digest.encode()
    if isinstance(source, bytes):
        status = library().cgp_open_memory(source, len(source), wanted, ctypes.byref(handle), ctypes.byref(error))
    else:
        status = library().cgp_open(os.fsencode(source), wanted, ctypes.byref(handle), ctypes.byref(error))
    check(status, error)
    assert handle.value is not None
    return ProgramFile(handle.value)
