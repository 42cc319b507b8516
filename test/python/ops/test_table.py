"""The generic checks of every row of the op table."""
from __future__ import annotations


import images
import numpy as np
import pytest
import table
from table import Row

import cellgrad as ms
from cellgrad import ops

ROWS = table.ROWS + images.ROWS
TOLERANCE = {"float64": 1e-11, "float32": 4e-6, "float16": 4e-3, "bfloat16": 3e-2}
EVERY = [pytest.param(row, dtype, id=f"{row}-{dtype}") for row in ROWS for dtype in row.dtypes]
SMOOTH = [pytest.param(row, id=str(row)) for row in ROWS if row.derivative]


def sample(row: Row, dtype: str, shapes: tuple | None = None, seed: int = 0) -> list[ms.Tensor]:
    random = np.random.default_rng(seed)
    out = []
    for k, shape in enumerate(shapes or row.shapes):
        mine = row.dtype_of.get(k, dtype)
        low, high = row.domains[k]
        values = random.uniform(low, high, shape)
        if mine == "bool_":
            values = values > (low + high) / 2
        elif not mine.startswith(("float", "bfloat")):
            values = np.floor(np.abs(values) if mine == "uint8" else values)
        out.append(ms.Tensor(values, getattr(ms, mine)))
    return out


def arrays(xs: list) -> list[np.ndarray]:
    """What the op got, with floats in float64."""
    return [x.asnumpy().astype(np.float64) if x.dtype.is_floating_point else x.asnumpy() for x in xs]


def check(result: ms.Tensor, expected: np.ndarray, dtype: str, tolerance: float = 1.0) -> None:
    expected = np.asarray(expected)
    assert result.shape == expected.shape
    got = result.asnumpy()
    if not result.dtype.is_floating_point:
        np.testing.assert_array_equal(got, expected.astype(got.dtype))
        return
    limit = TOLERANCE.get(dtype, 1e-5) * tolerance
    expected = expected.astype(got.dtype).astype(np.float64)  # overflows as the dtype does
    np.testing.assert_allclose(got.astype(np.float64), expected, rtol=limit, atol=limit, equal_nan=True)


@pytest.mark.parametrize("row, dtype", EVERY)
def test_value(row: Row, dtype: str) -> None:
    xs = sample(row, dtype)
    result = row.call(ops, *xs)
    with np.errstate(all="ignore"):
        check(result, row.reference(*arrays(xs)), dtype, row.tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", [pytest.param(row, id=str(row)) for row in ROWS if row.edges])
def test_edge_points(row: Row, dtype: str) -> None:
    xs = [ms.Tensor(np.array(e), getattr(ms, dtype)) for e in row.edges]
    with np.errstate(all="ignore"):
        check(row.call(ops, *xs), row.reference(*arrays(xs)), dtype, row.tolerance)


@pytest.mark.parametrize("row", [pytest.param(row, id=str(row)) for row in ROWS])
def test_compiled_equals_eager(row: Row) -> None:
    xs = sample(row, row.dtypes[-1])
    np.testing.assert_array_equal(row.call(ops, *xs).asnumpy(), ms.jit(lambda *a: row.call(ops, *a))(*xs).asnumpy())


def _active(row: Row) -> tuple[int, ...]:
    return row.differentiable or tuple(range(len(row.shapes)))


def _directions(row: Row, seed: int) -> list:
    random = np.random.default_rng(seed)
    return [random.standard_normal(shape) for shape in row.shapes]


def _weighted(row: Row, weights: np.ndarray):
    """A scalar function of the row's operands in which every element of the result has a part."""
    w = ms.Tensor(weights)
    return lambda *xs: ops.sum(row.call(ops, *xs) * w)


@pytest.mark.parametrize("row", SMOOTH)
def test_first_derivative(row: Row) -> None:
    xs, active = sample(row, "float64"), _active(row)
    weights = np.random.default_rng(1).standard_normal(row.call(ops, *xs).shape)
    f = _weighted(row, weights)
    grads = ms.grad(f, active)(*xs)
    grads = grads if isinstance(grads, tuple) else (grads,)
    eps = 1e-6
    for seed in (2, 3):
        d = _directions(row, seed)
        moved = [[ms.Tensor(x.asnumpy() + s * eps * v) if k in active else x for k, (x, v) in enumerate(zip(xs, d, strict=True))] for s in (1, -1)]
        slope = (f(*moved[0]).item() - f(*moved[1]).item()) / (2 * eps)
        expected = sum(float((g.asnumpy() * d[k]).sum()) for g, k in zip(grads, active, strict=True))
        assert slope == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("row", [p for p in SMOOTH if p.values[0].second])
def test_second_derivative(row: Row) -> None:
    """d/dt of the gradient along a direction, against differences of the gradient."""
    xs, active = sample(row, "float64"), _active(row)
    f = _weighted(row, np.random.default_rng(1).standard_normal(row.call(ops, *xs).shape))
    u, v = _directions(row, 4), _directions(row, 5)
    us = [ms.Tensor(u[k]) for k in active]

    def along(*args):
        grads = ms.grad(f, active)(*args)
        grads = grads if isinstance(grads, tuple) else (grads,)
        total = None
        for g, w in zip(grads, us, strict=True):
            part = ops.sum(g * w)
            total = part if total is None else total + part
        return total

    second = ms.grad(along, active)(*xs)
    second = second if isinstance(second, tuple) else (second,)
    eps = 1e-5
    moved = [[ms.Tensor(x.asnumpy() + s * eps * w) if k in active else x for k, (x, w) in enumerate(zip(xs, v, strict=True))] for s in (1, -1)]
    slope = (along(*moved[0]).item() - along(*moved[1]).item()) / (2 * eps)
    expected = sum(float((g.asnumpy() * v[k]).sum()) for g, k in zip(second, active, strict=True))
    assert slope == pytest.approx(expected, rel=1e-4, abs=1e-5)


ELEMENTWISE = [pytest.param(row, id=str(row)) for row in ROWS if row.elementwise]


@pytest.mark.parametrize("shape", [(), (0, 3), (1,), (17,), (3, 0), (2, 1, 3)], ids=str)
@pytest.mark.parametrize("row", ELEMENTWISE)
def test_shapes(row: Row, shape: tuple) -> None:
    xs = sample(row, "float32", (shape,) * len(row.shapes))
    with np.errstate(all="ignore"):
        check(row.call(ops, *xs), row.reference(*arrays(xs)), "float32", row.tolerance)


@pytest.mark.parametrize("shapes", [((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 3)), ((0, 3), (1, 3))], ids=str)
@pytest.mark.parametrize("row", [p for p in ELEMENTWISE if len(p.values[0].shapes) == 2])
def test_broadcasting(row: Row, shapes: tuple) -> None:
    xs = sample(row, "float32", shapes)
    with np.errstate(all="ignore"):
        check(row.call(ops, *xs), row.reference(*arrays(xs)), "float32", row.tolerance)
