"""``vmap`` of every row of the op table, for each choice of batched operands, against single calls."""
from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from test_table import ROWS, SMOOTH, TOLERANCE, sample
from table import Row

import cellgrad as ms
from cellgrad import ops

SIZE = 3
EVERY = [pytest.param(row, id=str(row)) for row in ROWS]


def choices(row: Row) -> list[tuple]:
    """in_axes: each operand batched or not, not all of them unbatched; the axis differs between the operands."""
    axes = [c for c in product((True, False), repeat=len(row.shapes)) if any(c)]
    return [tuple((k % 2 and len(shape)) * flag if flag else None for k, (flag, shape) in enumerate(zip(c, row.shapes))) for c in axes]


def batches(row: Row, dtype: str) -> list[list]:
    """Per operand one Tensor per example."""
    return [list(column) for column in zip(*(sample(row, dtype, seed=seed) for seed in range(SIZE)))]


def stacked(column: list, axis: int | None):
    if axis is None:
        return column[0]
    return ms.Tensor(np.stack([t.asnumpy() for t in column], axis))


def close(got, expected, dtype: str) -> None:
    got, expected = (t.asnumpy() if t.dtype != ms.bfloat16 else t.astype(ms.float32).asnumpy() for t in (got, expected))
    assert got.shape == expected.shape
    limit = 4 * TOLERANCE.get(dtype, 1e-5)
    np.testing.assert_allclose(got.astype(np.float64), expected.astype(np.float64), rtol=limit, atol=limit)


def check(row: Row, dtype: str, single, several) -> None:
    columns = batches(row, dtype)
    for in_axes in choices(row):
        examples = [[c[0] if a is None else c[i] for c, a in zip(columns, in_axes)] for i in range(SIZE)]
        expected = [single(*example) for example in examples]
        got = several(in_axes)(*[stacked(c, a) for c, a in zip(columns, in_axes)])
        for g, e in zip(got, zip(*expected)):
            close(g, ops.stack(list(e)), dtype)


@pytest.mark.parametrize("row", EVERY)
def test_value(row: Row) -> None:
    dtype = "float32" if "float32" in row.dtypes else row.dtypes[-1]
    check(row, dtype, ms.jit(lambda *xs: (row.call(ops, *xs),)), lambda in_axes: ms.vmap(lambda *xs: (row.call(ops, *xs),), in_axes))


@pytest.mark.parametrize("row", [p for p in EVERY if set(p.values[0].dtypes) & {"int32", "bool_"}])
def test_integers(row: Row) -> None:
    dtype = "int32" if "int32" in row.dtypes else "bool_"
    check(row, dtype, ms.jit(lambda *xs: (row.call(ops, *xs),)), lambda in_axes: ms.vmap(lambda *xs: (row.call(ops, *xs),), in_axes))


@pytest.mark.parametrize("row", SMOOTH)
def test_gradient_of_each_example(row: Row) -> None:
    """vmap(grad(f)), and the same by grad(vmap(f)) where every operand is batched."""
    active = row.differentiable or tuple(range(len(row.shapes)))
    weights = ms.Tensor(np.random.default_rng(1).standard_normal(row.call(ops, *sample(row, "float64")).shape))

    def f(*xs):
        return ops.sum(row.call(ops, *xs) * weights)

    def gradients(*xs):
        found = ms.grad(f, active)(*xs)
        return found if isinstance(found, tuple) else (found,)

    check(row, "float64", ms.jit(gradients), lambda in_axes: ms.vmap(gradients, in_axes))


@pytest.mark.parametrize("row", SMOOTH)
def test_gradient_of_the_batch(row: Row) -> None:
    """grad(vmap(f)): operands that examples share get the sum of their gradients."""
    active = row.differentiable or tuple(range(len(row.shapes)))
    columns = batches(row, "float64")
    weights = ms.Tensor(np.random.default_rng(1).standard_normal((SIZE, *row.call(ops, *sample(row, "float64")).shape)))

    def looped(in_axes):
        def f(*xs):
            total = None
            for i in range(SIZE):
                example = [x if a is None else x[i] if a == 0 else x[..., i] for x, a in zip(xs, in_axes)]
                part = ops.sum(row.call(ops, *example) * weights[i])
                total = part if total is None else total + part
            return total
        return f

    for in_axes in choices(row):
        xs = [stacked(c, a) for c, a in zip(columns, in_axes)]
        got = ms.grad(lambda *a, axes=in_axes: ops.sum(ms.vmap(lambda *example: row.call(ops, *example), axes)(*a) * weights), active)(*xs)
        expected = ms.grad(looped(in_axes), active)(*xs)
        for g, e in zip(got if isinstance(got, tuple) else (got,), expected if isinstance(expected, tuple) else (expected,)):
            close(g, e, "float64")
