"""Program files: compiled programs with their Parameters, for machines without cellgrad. The format is described in docs/design/export-format.md."""
from __future__ import annotations

import ctypes
import hashlib
import json
import struct
from typing import Any, NamedTuple

import numpy as np

from .. import _errors as err
from . import _loader, program, stages
from .processors import processor

__all__ = ["FORMAT", "Target", "compile_for", "pack", "value_bytes"]

FORMAT = 1
_MAGIC = b"\x89CGPROG\n"
_PREAMBLE = struct.Struct("<8sIIQQ")  # magic, format, zero, bytes of the file, bytes of the header
_DIGEST = 32
_ALIGN = 64
_SHORT = {"bool": "BOOL", "int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64", "uint8": "U8", "float16": "F16", "bfloat16": "BF16", "float32": "F32",
          "float64": "F64"}


class Target(NamedTuple):
    """What the programs of a file are compiled for.

    Attributes:
        cpu: the processor.
        chip: the GPU, such as ``"sm_90"``; ``None`` for programs of the CPU.
        cubin: whether machine code of the kernels goes into the file instead of PTX.
    """

    cpu: str
    chip: str | None
    cubin: bool

    def device(self) -> dict[str, str] | None:
        """The device as the header describes it."""
        if self.chip is None:
            return None
        return {"kind": "cuda", "image": "x86_64-elf" if self.chip.startswith("sim") else "cubin" if self.cubin else "ptx", "chip": stages.name_of_chip(self.chip)}


class _Kernels(ctypes.Structure):
    """cg_gpu_program of runtime/gpu/cellgrad_gpu.h."""

    _fields_ = [("image", ctypes.c_void_p), ("image_bytes", ctypes.c_int64), ("format", ctypes.c_char_p), ("chip", ctypes.c_char_p), ("kernels", ctypes.c_void_p),
                ("positions", ctypes.c_void_p), ("kernel_count", ctypes.c_int64)]


def compile_for(module: Any, name: str, target: Target) -> tuple[bytes, dict[str, int]]:
    """Object code of a module at stage "cell" for a target, and what the header says of it: bytes of scratch memory (``arena``), on a GPU the number of ``kernels``.

    Raises:
        UserError: the program asks for something that cannot be differentiated or compiled.
        InternalError: a fault of cellgrad.
    """
    seconds: dict[str, float] = {}
    model, features = processor(target.cpu)
    work = stages.lower(module, name, seconds, chip=target.chip)
    cubin = program._cubin(module, work, name, target.chip, seconds, None) if target.cubin else b""
    code = stages.emit(work, name, seconds, program._level(), cubin=cubin, cpu=model, features=",".join("+" + feature for feature in features))
    loaded = _loader.load(code, program._libraries(target.chip))
    about = {"arena": loaded.arena_bytes}
    if target.chip is not None:
        about["kernels"] = _Kernels.from_address(loaded.symbol("cg_gpu_program")).kernel_count
    return code, about


def _state_section(state: list[dict[str, Any]], values: list[Any]) -> bytes:
    """The values in safetensors form; sets each entry's offset in the section."""
    header: dict[str, Any] = {}
    at = 0
    for entry, value in zip(state, values):
        header[entry["name"]] = {"dtype": _SHORT[entry["dtype"]], "shape": entry["shape"], "data_offsets": [at, at + len(value)]}
        entry["offset"] = at
        at += len(value)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % _ALIGN)
    for entry in state:
        entry["offset"] += 8 + len(text)
    return b"".join((struct.pack("<Q", len(text)), text, *values))


def _producer() -> dict[str, str]:
    from .. import __version__

    return {"cellgrad": __version__, "compiler": program._compiler_build(), "numpy": np.__version__}


def pack(programs: list[dict[str, Any]], state: list[dict[str, Any]], values: list[Any], target: Target) -> tuple[bytes, str]:
    """A program file's content and its digest.

    Args:
        programs: for each its description as in the header, with ``"code"``, the object code, in place of ``"object"``, and perhaps ``"mlir"``, its text.
        state: name, dtype and shape of each Parameter.
        values: the bytes of each.
        target: what the code was compiled for.

    Raises:
        InternalError: the loader refuses what was made.
    """
    sections: list[tuple[str, bytes]] = []
    described = []
    for item in programs:
        item = dict(item)
        code, text = item.pop("code"), item.pop("mlir", None)
        item["object"] = len(sections)
        sections.append(("object", code))
        if text is not None:
            item["mlir"] = len(sections)
            sections.append(("mlir", text.encode(errors="replace")))
        described.append(item)
    state = [dict(entry) for entry in state]
    if state:
        sections.append(("state", _state_section(state, values)))
    header = {
        "producer": _producer(),
        "runtime_abi": _loader.RUNTIME_ABI,
        "target": {"arch": _loader.ARCHITECTURE, "os": "linux", "cpu": target.cpu, "features": list(processor(target.cpu)[1]),
                   "device": target.device()},
        "state": state,
        "programs": described,
    }
    content = _lay_out(header, sections)
    return content, _checked(content, header, sections, target)


def _lay_out(header: dict[str, Any], sections: list[tuple[str, bytes]]) -> bytes:
    # The header lists offsets that depend on its own length: it is given room, and padded with spaces, which JSON allows.
    def text_with(start: int) -> bytes:
        table = []
        at = start
        for kind, data in sections:
            table.append({"kind": kind, "offset": at, "bytes": len(data)})
            at += len(data) + -len(data) % _ALIGN
        return json.dumps({**header, "sections": table}, separators=(",", ":"), allow_nan=False).encode()

    fixed = _PREAMBLE.size + _DIGEST
    room = len(text_with(1 << 62)) + _ALIGN
    room += -(fixed + room) % _ALIGN
    text = text_with(fixed + room).ljust(room)
    parts = [text]
    for i, (_, data) in enumerate(sections):
        parts.append(data)
        if i + 1 < len(sections):
            parts.append(bytes(-len(data) % _ALIGN))
    preamble = _PREAMBLE.pack(_MAGIC, FORMAT, 0, fixed + sum(map(len, parts)), len(text))
    state = hashlib.blake2b(preamble, digest_size=_DIGEST)
    for part in parts:
        state.update(part)
    return b"".join((preamble, state.digest(), *parts))


def _checked(content: bytes, header: dict[str, Any], sections: list[tuple[str, bytes]], target: Target) -> str:
    """The digest of a file that its loader takes. One for a GPU that is not here is not read beyond its target."""
    import cellgrad_program

    from .._runtime import device

    digest = content[_PREAMBLE.size:_PREAMBLE.size + _DIGEST].hex()
    here = device.current()
    try:
        try:
            loaded = cellgrad_program.load(content, gpu=here.number if here.target == "GPU" else 0)
        except cellgrad_program.MachineError:
            if target.chip is not None:
                return digest
            if set(processor(target.cpu)[1]) <= set(_loader.features()):
                raise
            # For a processor with more than this one has: everything but that can be checked, as nothing is run.
            cellgrad_program.load(_lay_out({**header, "target": {**header["target"], "features": []}}, sections))
            return digest
    except cellgrad_program.DamagedError as error:
        raise err.InternalError(f"the exported program cannot be loaded: {error}") from None
    assert loaded.digest == digest
    return digest


def value_bytes(tensor: Any) -> bytes:
    """A Tensor's data, contiguous."""
    array = np.ascontiguousarray(tensor.asnumpy())
    return (array.view(np.uint16) if array.dtype.name == "bfloat16" else array).tobytes()
