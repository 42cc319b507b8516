"""Traced Tensors that stand for Python numbers: counters of loops, and what Python computes from them. In arithmetic they take the dtype of what they meet, as
the numbers do when the same function runs op by op."""
from __future__ import annotations

from typing import Any

import numpy as np

from .._runtime import _core
from .._runtime import dtype as dt

__all__ = ["as_number", "beside_numbers", "numbered", "stands_for_number"]

_NUMBERS = (bool, int, float, np.bool_, np.integer, np.floating)


def stands_for_number(x: Any) -> bool:
    """Whether a Tensor stands for a Python number."""
    return isinstance(x, _core.TensorBase) and x._node is not None and x._node.number


def as_number(x: Any) -> Any:
    """Marks a traced Tensor as one that stands for a Python number."""
    x._node.number = True
    return x


def numbered(result: Any, *operands: Any) -> Any:
    """Marks the result of an op whose operands are all numbers."""
    if all(stands_for_number(v) or isinstance(v, _NUMBERS) for v in operands) and any(map(stands_for_number, operands)):
        result._node.number = True
    return result


def beside_numbers(x: Any, y: Any, division: bool = False) -> tuple:
    """The operands of a binary op, of which one at least stands for a number, as Tensors: numbers by Python's arithmetic, beside a Tensor in the dtype
    that a number takes there."""
    from .dispatch import as_tensor, cast

    numbers = [stands_for_number(v) or isinstance(v, _NUMBERS) for v in (x, y)]
    floating = [v.dtype.is_floating_point if isinstance(v, _core.TensorBase) else isinstance(v, (float, np.floating)) for v in (x, y)]
    if all(numbers):
        dtype = dt.float64 if any(floating) or division else dt.int64
        return as_tensor(x, dtype), as_tensor(y, dtype)
    if numbers[0]:
        y = as_tensor(y)
        return cast(x, dt.promote_scalar(y.dtype, 1.0 if floating[0] else 1)), y
    x = as_tensor(x)
    return x, cast(y, dt.promote_scalar(x.dtype, 1.0 if floating[1] else 1))
