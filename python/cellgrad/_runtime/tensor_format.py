"""The text of Tensors: ``str`` as NumPy prints arrays, ``repr`` as MindSpore prints Tensors."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import dtype as dt
from .tensor_data import asnumpy

__all__ = ["tensor_repr", "tensor_str"]

_EDGE = 3  # elements shown at each end of a shortened dimension
_LONGEST_VECTOR = 1000  # a vector up to this length is shown in full
_LONGEST_DIM = 2 * _EDGE  # in matrices and higher, a dimension longer than this is shortened


def _header(tensor: Any) -> str:
    return f"Tensor(shape={list(tensor.shape)}, dtype={tensor.dtype}, value="


def _traced(tensor: Any) -> str:
    return _header(tensor) + " <traced>)"


def tensor_str(tensor: Any) -> str:
    """What ``print(tensor)`` shows: the values as NumPy prints them."""
    if not tensor._has_data:
        return _traced(tensor)
    array = asnumpy(tensor)
    return str(array.astype(np.float32) if tensor.dtype is dt.bfloat16 else array)


def _scalar_text(dtype: dt.DType, value: Any) -> str:
    """A 0-d value: six significant digits, as C++ streams print numbers."""
    return f"{float(value):g}" if dtype.kind == dt.FLOAT else str(value)


def _element_format(dtype: dt.DType) -> tuple[Callable[[Any], str], int]:
    """How one element is written, and how many stand on a line of a vector."""
    if dtype.kind == dt.BOOL:
        return (lambda v: " True" if v else "False"), 12
    if dtype.kind != dt.FLOAT:
        return str, 24
    if dtype.itemsize == 2:
        return (lambda v: f"{float(v):11.4e}"), 12
    return (lambda v: f"{float(v):15.8e}"), 12


def _shown(length: int, longest: int) -> tuple[range, range]:
    if length <= longest:
        return range(length), range(0)
    return range(_EDGE), range(length - _EDGE, length)


def _vector(array: np.ndarray, write: Callable[[Any], str], per_line: int) -> str:
    head, tail = _shown(len(array), _LONGEST_VECTOR)
    if tail:
        return "[" + ", ".join(write(array[i]) for i in head) + " ... " + ", ".join(write(array[i]) for i in tail) + "]"
    words = [write(v) for v in array.tolist()]
    lines = [", ".join(words[i:i + per_line]) for i in range(0, len(words), per_line)]
    end = "\n ]" if len(words) % per_line == 0 else "]"
    return "[" + ", \n ".join(lines) + end


def _block(array: np.ndarray, write: Callable[[Any], str], depth: int) -> str:
    head, tail = _shown(len(array), _LONGEST_DIM)
    if array.ndim == 1:
        words = ", ".join(write(array[i]) for i in head)
        return "[" + words + (" ... " + ", ".join(write(array[i]) for i in tail) if tail else "") + "]"
    indent = "\n" + " " * (depth + 1)
    rows = [_block(array[i], write, depth + 1) for i in head]
    text = ("," + indent).join(rows)
    if tail:
        text += "," + indent + "..." + indent + ("," + indent).join(_block(array[i], write, depth + 1) for i in tail)
    return "[" + text + "]"


def _visible(array: np.ndarray) -> np.ndarray:
    """The elements that are shown, flat: their widest number sets the width of integers."""
    longest = _LONGEST_VECTOR if array.ndim == 1 else _LONGEST_DIM
    for axis in range(array.ndim):
        head, tail = _shown(array.shape[axis], longest)
        if tail:
            array = np.take(array, [*head, *tail], axis=axis)
    return array.reshape(-1)


def tensor_repr(tensor: Any) -> str:
    """``Tensor(shape=[2], dtype=Float32, value= [ 1.00000000e+00,  2.00000000e+00])``, as MindSpore writes it."""
    if not tensor._has_data:
        return _traced(tensor)
    array, dtype = asnumpy(tensor), tensor.dtype
    if array.ndim == 0:
        return f"{_header(tensor)} {_scalar_text(dtype, array[()])})"
    if array.size == 0:
        return _header(tensor) + (" )" if array.ndim == 1 else "\n)")
    write, per_line = _element_format(dtype)
    if write is str:
        width = max(len(str(v)) for v in _visible(array).tolist())

        def write(v: Any) -> str:
            return str(v).rjust(width)

    if array.ndim == 1:
        return f"{_header(tensor)} {_vector(array, write, per_line)})"
    return f"{_header(tensor)}\n{_block(array, write, 0)})"
