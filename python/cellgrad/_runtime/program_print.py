"""What running programs print."""
from __future__ import annotations

import sys
from typing import Any

import numpy as np

from .tensor_data import asnumpy

__all__ = ["show"]


class _Batch:
    """A Tensor that was one number in the function that prints it, and is a batch of them in the program: a format is that of each."""

    def __init__(self, tensor: Any) -> None:
        self._tensor = tensor

    def __repr__(self) -> str:
        return repr(self._tensor)

    def __str__(self) -> str:
        return str(self._tensor)

    def __format__(self, spec: str) -> str:
        try:
            return format(self._tensor, spec)
        except ValueError:
            return np.array2string(asnumpy(self._tensor), formatter={"all": lambda value: format(value.item(), spec)})  # type: ignore[arg-type]


def show(pattern: str, tensors: tuple[Any, ...]) -> None:
    """Writes ``pattern`` to standard output with the Tensors at its places: ``{}`` as ``print`` shows them, ``{!r}`` and ``{:.3f}`` as in f-strings.

    Raises:
        OSError: standard output cannot be written.
    """
    if sys.stdout is not None:  # a program without a console has none
        sys.stdout.write(pattern.format(*map(_Batch, tensors)))
