"""Tensors from other libraries' arrays."""
from __future__ import annotations

from typing import Any

from .._runtime import _core, tensor_data
from .tensor import Tensor

__all__ = ["from_dlpack", "from_numpy", "is_tensor", "tensor"]


def from_numpy(array: Any) -> Tensor:
    """As ``Tensor.from_numpy``."""
    return tensor_data.from_numpy(array)


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A Tensor on the memory of an object with ``__dlpack__`` (PyTorch, JAX, NumPy, CuPy on the CPU); a copy where it is not contiguous."""
    return _core.from_dlpack(ext_tensor)


def tensor(input_data: Any = None, dtype: Any = None, shape: Any = None, init: Any = None, const_arg: bool = False) -> Tensor:
    """As the constructor ``Tensor``."""
    return Tensor(input_data, dtype, shape, init, const_arg)


def is_tensor(obj: Any) -> bool:
    """Whether the object is a Tensor."""
    return isinstance(obj, Tensor)
