"""What generated programs import: the package under test and a few helpers. Every value that a program keeps lies within [-1, 1]."""
from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np

import cellgrad as ms
from cellgrad import Parameter, Tensor, nn, ops

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "ops"))
import table

# Rows that a derivative in float64 goes through. batch_norm moves its statistics, so a second call of a program would differ.
ROWS = {str(row): row for row in table.ROWS if row.derivative and "float64" in row.dtypes and not row.dtype_of and row.op != "batch_norm"}
CALL = {name: row.call for name, row in ROWS.items()}

__all__ = ["CALL", "ROWS", "Parameter", "Tensor", "fit", "ms", "nn", "np", "ops", "weight"]


def fit(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The elements of ``x`` in order, repeated or cut, in another shape."""
    count, size = math.prod(shape), math.prod(x.shape)
    flat = ops.reshape(x, (-1,))
    if size < count:
        flat = ops.concat([flat] * -(-count // size), 0)
    return ops.reshape(flat[:count], shape)


def weight(seed: int, shape: tuple[int, ...]) -> Tensor:
    return Tensor(np.random.default_rng(seed).uniform(-1, 1, shape))
