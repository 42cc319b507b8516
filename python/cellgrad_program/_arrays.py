"""NumPy arrays as the buffers of a call. bfloat16, which NumPy lacks, is kept as its bits in uint16."""
from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["given", "separate", "shown", "storage"]


def storage(dtype: str) -> np.dtype:
    """The dtype of an array that holds a Tensor of this element type."""
    return np.dtype(np.uint16 if dtype == "bfloat16" else dtype)


def _rounded(array: np.ndarray) -> np.ndarray:
    """float32 to the bits of the nearest bfloat16, ties to even."""
    bits = np.ascontiguousarray(array).view(np.uint32).reshape(array.shape)
    near = (bits + np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1))) >> np.uint32(16)
    return np.where(np.isnan(array), bits >> np.uint32(16) | np.uint32(0x40), near).astype(np.uint16)


def given(info: Any, value: Any) -> np.ndarray:
    """The array for an input.

    Raises:
        TypeError: of another dtype.
        ValueError: of another shape; written, but not a contiguous, writable array.
    """
    wanted = storage(info.dtype)
    name = f"'{info.name}'"
    if info.written and not isinstance(value, np.ndarray):
        raise ValueError(f"{name} is written by the program: give a NumPy array")
    if isinstance(value, (bool, int, float, list, tuple)):
        found = np.asarray(value)
        plain = np.dtype(np.float32) if info.dtype == "bfloat16" else wanted
        whole = found.dtype.kind in "iu" and plain.kind in "iu"  # as long as the numbers fit
        if found.size and not whole and not np.can_cast(found.dtype, plain, "same_kind"):
            raise TypeError(f"{name} has dtype {info.dtype}, and the value given is {found.dtype}")
        array = found.astype(plain)
        if whole and not np.array_equal(array, found):
            raise TypeError(f"{name} has dtype {info.dtype}, which cannot hold the value given")
    else:
        array = np.asarray(value)
    if array.shape != info.shape:
        raise ValueError(f"{name} has shape {info.shape}, but the value given has {array.shape}")
    if info.dtype == "bfloat16" and array.dtype.name == "bfloat16":
        array = array.view(np.uint16)
    elif info.dtype == "bfloat16" and array.dtype == np.float32 and not info.written:
        array = _rounded(array)
    if array.dtype != wanted:
        raise TypeError(f"{name} has dtype {info.dtype}, but the value given is {array.dtype}")
    if info.written:
        if not (array.flags.c_contiguous and array.flags.writeable and array.flags.aligned):
            raise ValueError(f"{name} is written by the program: give a contiguous, writable array")
        return array
    if array.dtype.isnative and array.flags.c_contiguous and array.flags.aligned:
        return array
    return np.array(array, wanted, order="C", copy=True)


def separate(infos: list, arrays: list) -> None:
    """Copies what shares memory with an input that is written: a program sees the values from before the call."""
    written = [array for info, array in zip(infos, arrays) if info.written]
    for i, info in enumerate(infos):
        if not info.written and any(np.may_share_memory(arrays[i], array) for array in written):
            arrays[i] = arrays[i].copy()


def shown(info: Any, array: np.ndarray) -> np.ndarray:
    """The array that a user gets."""
    if info.dtype != "bfloat16":
        return array
    return (array.astype(np.uint32) << np.uint32(16)).view(np.float32).reshape(array.shape)
