"""safetensors files: eight bytes with the header's length, the header in JSON, the data."""
from __future__ import annotations

import contextlib
import json
import os
import struct
import tempfile
from typing import Any

import numpy as np

from ._arrays import storage

__all__ = ["read", "write"]

_NAMES = {"bool": "BOOL", "int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64", "uint8": "U8", "float16": "F16", "bfloat16": "BF16", "float32": "F32", "float64": "F64"}
_TYPES = {short: name for name, short in _NAMES.items()}


def write(path: Any, tensors: dict[str, tuple[str, np.ndarray]]) -> None:
    """Writes element types and arrays by name, beside the file's place and then into it."""
    entries: dict[str, Any] = {"__metadata__": {"format": "cellgrad"}}
    at = 0
    for name, (dtype, array) in tensors.items():
        entries[name] = {"dtype": _NAMES[dtype], "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    path = os.path.abspath(os.fspath(path))
    handle, temporary = tempfile.mkstemp(prefix="." + os.path.basename(path) + ".", suffix=".tmp", dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(struct.pack("<Q", len(header)) + header)
            for _, array in tensors.values():
                file.write(array.tobytes())
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def read(path: Any) -> dict[str, np.ndarray]:
    """Arrays by name; bfloat16 as its bits. Raises ``ValueError`` where the file is damaged."""
    with open(path, "rb") as file:
        data = file.read()
    damaged = ValueError(f"{os.fspath(path)} is no safetensors file, or it is damaged")
    try:
        length, = struct.unpack_from("<Q", data)
        if length > len(data) - 8:
            raise damaged
        entries = json.loads(data[8:8 + length])
        body = memoryview(data)[8 + length:]
        found = {}
        for name, entry in entries.items():
            if name == "__metadata__":
                continue
            begin, end = entry["data_offsets"]
            if not 0 <= begin <= end <= len(body):
                raise damaged
            found[name] = np.frombuffer(body[begin:end], storage(_TYPES[entry["dtype"]])).reshape(entry["shape"])
        return found
    except (struct.error, KeyError, TypeError, AttributeError, ValueError) as error:
        raise damaged from error
