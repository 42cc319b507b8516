"""Tensors from Python and NumPy values, and NumPy arrays from Tensors."""
from __future__ import annotations

from typing import Any

import numpy as np

from . import _core
from . import dtype as dt

__all__ = ["asnumpy", "from_numpy", "from_value", "shared"]

_BF16 = dt.bfloat16


def asnumpy(tensor: _core.TensorBase) -> np.ndarray:
    """A NumPy array of the same shape and dtype.

    On the CPU it shares the tensor's memory and keeps it alive: writing into the array changes the tensor, and an in-place update of a Parameter shows in
    the array. It is read-only where the tensor shares read-only memory. Of a tensor on a GPU, and of any tensor while programs run on a GPU (it may
    be there or on its way), it is a copy. ``bfloat16`` gives an array of ``ml_dtypes.bfloat16``.

    Raises:
        RuntimeError: the tensor is being traced and has no values yet; a program of the GPU that was to compute them failed.
    """
    if not tensor._has_data:
        tensor.data_ptr()  # raises, saying why there are no values
    if tensor._device >= 0:
        return _view(tensor._to(-1))
    return _view(tensor).copy() if _core.current_device() >= 0 else _view(tensor)


def shared(tensor: _core.TensorBase) -> np.ndarray:
    """A NumPy array on the tensor's own memory, for those who write into it. What lies on a GPU comes back to the host for it.

    Raises:
        RuntimeError: the tensor is being traced.
        ValueError: it lies on a GPU and its memory is shared with others (DLPack).
    """
    if not tensor._has_data:
        tensor.data_ptr()
    if tensor._device >= 0:
        tensor._place(-1)
    return _view(tensor)


def _view(tensor: _core.TensorBase) -> np.ndarray:
    if tensor.dtype is not _BF16:
        return np.asarray(memoryview(tensor))
    if not tensor.size:
        return np.empty(tensor.shape, _BF16.np_dtype)
    return np.frombuffer(tensor._storage, _BF16.np_dtype).reshape(tensor.shape)


def _bytes_of(array: np.ndarray) -> np.ndarray:
    """The array as something that exports its bytes (the dtypes of ml_dtypes do not)."""
    return array.view(np.uint16) if array.dtype.name == "bfloat16" else array


def from_numpy(array: np.ndarray, cls: type | None = None) -> Any:
    """A Tensor that shares the memory of a C-contiguous, aligned array; of any other array, a copy.

    Writing into the array changes the Tensor. A Tensor on a read-only array is never written.

    Raises:
        TypeError: not an array, or of a dtype that cellgrad does not support.
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"Expected a NumPy array, but got {type(array).__name__}.")
    dtype = dt.from_np_dtype(array.dtype)
    if not array.flags.c_contiguous:
        return _core.from_buffer(_bytes_of(np.ascontiguousarray(array)), dtype, array.shape, False, cls)
    return _core.from_buffer(_bytes_of(array), dtype, array.shape, False, cls)


def _copied(array: np.ndarray, dtype: dt.DType | None, cls: type | None) -> Any:
    if dtype is None:
        native = array.dtype if array.dtype.isnative else array.dtype.newbyteorder("=")
        dtype = dt.from_np_dtype(native)
    if array.dtype is not dtype.np_dtype and array.dtype != dtype.np_dtype:
        if array.dtype.kind in "OUSMmV" and array.dtype.name != "bfloat16":
            raise TypeError(f"a Tensor cannot be made from a NumPy array of dtype '{array.dtype}'")
        if array.dtype.kind == "c":
            raise TypeError(f"{array.dtype.name} is not supported by cellgrad; pass the real and imaginary parts as two Tensors")
        with np.errstate(invalid="ignore", over="ignore"):
            array = array.astype(dtype.np_dtype)
    if not array.flags.c_contiguous:
        shape = array.shape
        array = np.ascontiguousarray(array)
        return _core.from_buffer(_bytes_of(array), dtype, shape, True, cls)
    return _core.from_buffer(_bytes_of(array), dtype, array.shape, True, cls)


def _plain(value: Any) -> Any:
    """Nested sequences with the Tensors in them replaced by arrays."""
    if isinstance(value, _core.TensorBase):
        return asnumpy(value)
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value


def _array_of(data: list | tuple) -> np.ndarray:
    try:
        array = np.array(_plain(data))
    except ValueError as error:
        raise TypeError(f"For Tensor, the rows of input_data have different lengths or shapes ({error}).") from None
    if array.dtype == object and any(isinstance(v, int) and abs(v) > 2**63 for v in array.flat):
        raise OverflowError("For Tensor, an int in input_data does not fit into int64.")
    if array.dtype.kind in "OUSMm":
        raise TypeError(f"For Tensor, the input_data contains elements that are not numbers (NumPy dtype '{array.dtype}').")
    return array


def from_value(data: Any, dtype: Any = None, cls: type | None = None) -> Any:
    """A Tensor with its own copy of ``data``, as MindSpore's constructor makes it.

    Args:
        data: a Tensor, NumPy array or scalar, Python number, or a nested list or tuple of these.
        dtype: None keeps an array's dtype; Python ``bool`` gives ``bool_``, ``int`` ``int64``, ``float`` ``float32``, and so do
            lists of them, an empty list gives ``float32``. A given dtype converts as C does (values wrap, fractions are cut).
        cls: class of the result, a subclass of TensorBase.

    Raises:
        TypeError: elements that are not numbers, or of an unsupported dtype; rows of different lengths.
        OverflowError: an int beyond int64.
    """
    want = None if dtype is None else dt.as_dtype(dtype)
    kind = type(data)
    if kind is float and (want is None or want.kind == dt.FLOAT):
        return _core.make_scalar(data, want or dt.float32, cls)
    if kind is bool and want is None:
        return _core.make_scalar(data, dt.bool_, cls)
    if kind is int:
        if not -(2**63) <= data < 2**63:
            raise OverflowError(f"For Tensor, {data} does not fit into int64.")
        if want is None or want is dt.int64:
            return _core.make_scalar(data, dt.int64, cls)
    if isinstance(data, _core.TensorBase):
        return _copied(asnumpy(data), want or data.dtype, cls)
    if isinstance(data, (np.ndarray, np.generic)):
        return _copied(np.asarray(data), want, cls)
    if isinstance(data, (list, tuple)):
        array = _array_of(data)
        if want is None and array.dtype == np.float64:
            want = dt.float32
        return _copied(array, want, cls)
    if isinstance(data, (bool, int, float)):
        if want is None:
            want = dt.bool_ if isinstance(data, bool) else dt.int64 if isinstance(data, int) else dt.float32
        return _copied(np.asarray(data), want, cls)
    if isinstance(data, complex):
        raise TypeError("complex128 is not supported by cellgrad; pass the real and imaginary parts as two Tensors")
    raise TypeError("For 'Tensor', the type of 'input_data' should be one of Tensor, ndarray, list, tuple, float, int, bool, "
                    f"but got type '{kind.__name__}'.")
