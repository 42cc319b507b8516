"""``mutable``: containers whose Tensors are differentiated."""
from __future__ import annotations

from typing import Any

from .._runtime import _core

__all__ = ["MutableDict", "MutableList", "MutableTuple", "is_mutable", "mutable"]


class MutableTuple(tuple):
    """A tuple that was marked by ``mutable``."""


class MutableList(list):
    """A list that was marked by ``mutable``."""


class MutableDict(dict):
    """A dict that was marked by ``mutable``."""


def mutable(input_data: Any, dynamic_len: bool = False) -> Any:
    """Marks a tuple, list or dict of Tensors as one that is differentiated: its gradient has the same structure.

    Numbers and Tensors come back as they are.

    Args:
        input_data: the container, nested ones included.
        dynamic_len: must be False; the length of a container is part of the program.

    Raises:
        TypeError: something else.
        ValueError: ``dynamic_len``.
    """
    if dynamic_len:
        raise ValueError("For 'mutable', the length of a container is part of the program: dynamic_len=True is not supported.")
    if isinstance(input_data, tuple):
        return input_data if isinstance(input_data, MutableTuple) else MutableTuple(input_data)
    if isinstance(input_data, list):
        return input_data if isinstance(input_data, MutableList) else MutableList(input_data)
    if isinstance(input_data, dict):
        return input_data if isinstance(input_data, MutableDict) else MutableDict(input_data)
    if isinstance(input_data, (int, float, _core.TensorBase)):
        return input_data
    raise TypeError(f"For 'mutable', a tuple, list, dict, number or Tensor was expected, but got {type(input_data).__name__}.")


def is_mutable(value: Any) -> bool:
    return isinstance(value, (MutableTuple, MutableList, MutableDict))
