"""Positions on the vector cores: rows by index, sums of rows, classes, extremes, running sums, reversed lines; in order and with adversarial pipes."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, ops

pytestmark = pytest.mark.usefixtures("ascend")
SIZES = [1, 2, 3, 7, 8, 13, 31, 64, 97, 257, 1021]


def run(function, *inputs: np.ndarray, cores: set[str] = frozenset({"aiv"})) -> np.ndarray:
    """The function's result on the device; its kernels are for these cores."""
    operands = [Tensor(a) for a in inputs]
    program = ms.jit(function).lower(*operands, target="ascend")
    assert {kernel.core for kernel in program.kernels()} <= cores, program.remarks()
    return ms.jit(function)(*operands).asnumpy()


def take(x: np.ndarray, indices: np.ndarray, axis: int) -> np.ndarray:
    """Negative indices count from the end; 0 where an index is out of range."""
    size = x.shape[axis]
    at = np.where(indices < 0, indices + size, indices)
    inside = (at >= 0) & (at < size)
    shape = [1] * (x.ndim + indices.ndim - 1)
    shape[axis:axis + indices.ndim] = indices.shape
    return np.where(inside.reshape(shape), np.take(x, np.where(inside, at, 0), axis), 0).astype(x.dtype)


def add_rows(x: np.ndarray, indices: np.ndarray, updates: np.ndarray) -> np.ndarray:
    sums = x.copy()
    for index, update in zip(np.where(indices < 0, indices + len(x), indices), updates):
        if 0 <= index < len(x):
            sums[index] += update
    return sums


@pytest.mark.parametrize("seed", range(6))
def test_rows_by_index(seed):
    random = np.random.default_rng(seed)
    outer, size, inner = (int(random.choice(SIZES[:limit])) for limit in (5, 10, 11))
    inner = max(inner, 2)
    x = random.standard_normal((outer, size, inner)).astype(np.float32)
    indices = random.integers(-size - 3, size + 3, (int(random.choice(SIZES[:9])), 2)).astype([np.int32, np.int64][seed % 2])
    np.testing.assert_array_equal(run(lambda x, i: ops.gather(x, i, 1), x, indices), take(x, indices, 1))
    np.testing.assert_array_equal(run(lambda x, i: ops.gather(x, i, 0), x[0], indices), take(x[0], indices, 0))


@pytest.mark.parametrize("dtype", ["float16", "int32", "int64", "bool"])
def test_types_of_rows(dtype):
    random = np.random.default_rng(1)
    x = random.integers(0, 2 if dtype == "bool" else 100, (50, 33)).astype(dtype)
    indices = random.integers(-60, 60, 77).astype(np.int32)
    np.testing.assert_array_equal(run(lambda x, i: ops.gather(x, i, 0), x, indices), take(x, indices, 0))


def test_rows_longer_than_ub_and_ops_around_them():
    random = np.random.default_rng(2)
    x, indices = random.standard_normal((7, 70_001)).astype(np.float32), np.array([3, -1, 9, 0], np.int32)
    np.testing.assert_allclose(run(lambda x, i: ops.gather(x * 2.0, i, 0) + 1.0, x, indices), take(x * 2, indices, 0) + 1, rtol=1e-6)
    x, indices = x[:, :64], random.integers(0, 7, 500).astype(np.int32)
    np.testing.assert_allclose(run(lambda x, i: ops.sum(ops.gather(x, i, 0), 0), x, indices), take(x, indices, 0).sum(0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_sums_of_rows_are_those_of_the_cpu(seed):
    """Bit for bit: every core has columns of its own and takes the rows in order."""
    random = np.random.default_rng(seed)
    size, width, count = int(random.choice(SIZES)), max(2, int(random.choice(SIZES))), int(random.choice(SIZES))
    x, updates = random.standard_normal((size, width)).astype(np.float32), random.standard_normal((count, width)).astype(np.float32)
    indices = random.integers(-size - 2, size + 2, count).astype(np.int32)
    gradient = run(ms.grad(lambda x, i, u: ops.sum(ops.gather(x, i, 0) * u)), x, indices, updates)
    np.testing.assert_array_equal(gradient, add_rows(np.zeros_like(x), indices, updates))
    inside = np.clip(indices, -size, size - 1).reshape(-1, 1)
    both = {"aiv", "aicpu"}  # ops.tensor_scatter_add makes i64 of indices
    np.testing.assert_array_equal(run(lambda x, i, u: ops.tensor_scatter_add(x, i, u), x, inside, updates, cores=both), add_rows(x, inside[:, 0], updates))
    whole = (random.standard_normal((size, width)) * 100).astype(np.int32)
    add = (random.standard_normal((count, width)) * 100).astype(np.int32)
    np.testing.assert_array_equal(run(lambda x, i, u: ops.tensor_scatter_add(x, i, u), whole, inside, add, cores=both), add_rows(whole, inside[:, 0], add))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int32, np.int64])
def test_classes(dtype):
    """Labels that are no class take no part, whatever their type; 2^32 + 1 is none."""
    random = np.random.default_rng(3)
    labels = random.integers(-2, 14, 61).astype(dtype)
    if dtype == np.int64:
        labels[:4] = [2**32 + 1, -(2**32) + 1, 2**63 - 1, -(2**63)]
    hits = labels[:, None] == np.arange(11)
    found = run(lambda i: ops.one_hot(i, 11, Tensor(1.0), Tensor(0.0)), labels, cores={"aiv", "aicpu"} if dtype == np.int64 else {"aiv"})
    np.testing.assert_array_equal(found, hits)
    logits = random.standard_normal((61, 11)).astype(np.float32)
    shifted = logits - np.log(np.exp(logits.astype(np.float64)).sum(1, keepdims=True))
    loss = run(lambda x, i: ops.cross_entropy(x, i, reduction="none"), logits, labels, cores={"aiv", "aicpu"} if dtype in (np.int64, np.uint8) else {"aiv"})
    np.testing.assert_allclose(loss, -(shifted * hits).sum(1), rtol=1e-5, atol=1e-5)


def extremes(x: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """The first of the largest and of the smallest; a NaN is both."""
    return np.argmax(x, axis), np.argmin(x, axis)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32"])
@pytest.mark.parametrize("seed", range(4))
def test_positions_of_extremes(dtype, seed):
    """Ties, NaN, infinities, lines of one number; along rows, columns and in between."""
    random = np.random.default_rng([seed, 7])
    shape = tuple(int(random.choice(SIZES[:limit])) for limit in (4, 9, 11))
    x = random.integers(-3, 4, shape).astype(dtype)
    if dtype != "int32":
        x[random.random(shape) < 0.1] = -np.inf
        x[random.random(shape) < 0.02] = np.inf
        x[random.random(shape) < 0.02] = np.nan
        x[0, 0] = -np.inf
        x[-1, -1] = np.nan
    else:
        x[0, 0] = -(2**31)
    for axis in range(3):
        for function, expected in zip((ops.argmax, ops.argmin), extremes(x, axis)):
            cores = {"aiv"} if shape[axis] > 1 else {"aiv", "aicpu"}  # nothing is reduced
            np.testing.assert_array_equal(run(lambda x, f=function, axis=axis: f(x, axis), x, cores=cores), expected)


@pytest.mark.parametrize("shape", [(2, 70_001), (70_001, 3), (300_007,)])
def test_positions_in_what_does_not_fit(shape):
    x = np.random.default_rng(5).integers(-1000, 1000, shape).astype(np.float32)
    for axis in range(len(shape)):
        for function, expected in zip((ops.argmax, ops.argmin), extremes(x, axis)):
            np.testing.assert_array_equal(run(lambda x, f=function, axis=axis: f(x, axis), x), expected)
    x.reshape(-1)[[40_000, 60_000]] = np.nan
    np.testing.assert_array_equal(run(lambda x: ops.argmax(x, 0), x), np.argmax(x, 0))


@pytest.mark.parametrize("seed", range(6))
def test_running_sums_are_those_of_a_loop(seed):
    """Bit for bit: lines beside each other are summed up at once, each in order."""
    random = np.random.default_rng([seed, 9])
    shape = tuple(max(2, int(random.choice(SIZES[:limit]))) for limit in (5, 10, 10))
    x = random.standard_normal(shape).astype(np.float32)
    cumsum = ms.grad(lambda x, u, axis: ops.sum(ops.cumsum(x, axis) * u))
    for axis in range(3):
        np.testing.assert_array_equal(run(lambda x, axis=axis: ops.cumsum(x, axis), x), np.cumsum(x, axis))
        flipped = np.flip(np.cumsum(np.flip(x, axis), axis), axis)
        np.testing.assert_array_equal(run(lambda x, u, axis=axis: cumsum(x, u, axis), x, x), flipped)
    halves, whole = x.astype(np.float16), (x * 100).astype(np.int32)
    np.testing.assert_array_equal(run(lambda x: ops.cumsum(x, 1), halves), np.cumsum(halves.astype(np.float32), 1).astype(np.float16))
    np.testing.assert_array_equal(run(lambda x: ops.cumsum(x, 1), whole), np.cumsum(whole, 1, dtype=np.int32))


def test_running_sums_of_long_lines():
    x = np.random.default_rng(6).standard_normal((5, 30_011)).astype(np.float32)
    np.testing.assert_array_equal(run(lambda x: ops.cumsum(x, 1), x), np.cumsum(x, 1))
    np.testing.assert_array_equal(run(lambda x: ops.cumsum(x, 0), x.T.copy()), np.cumsum(x.T, 0))


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32"])
@pytest.mark.parametrize("seed", range(3))
def test_backwards(dtype, seed):
    random = np.random.default_rng([seed, 11])
    shape = tuple(int(random.choice(SIZES[:limit])) for limit in (4, 8, 11))
    x = (random.standard_normal(shape) * 100).astype(dtype)
    for axes in ((0,), (1,), (2,), (0, 2), (1, 2), (0, 1, 2)):
        np.testing.assert_array_equal(run(lambda x, axes=axes: ops.flip(x, axes), x), np.flip(x, axes))


@pytest.mark.parametrize("seed", [1, 2])
def test_with_adversarial_pipes(seed):
    """All of the above in a simulator whose pipes run in any order that flags allow; it reports races."""
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "--tb=short", __file__, "-k", "not adversarial"],
                          env={**os.environ, "CELLGRAD_ASCEND_SIM": f"seed={seed}"}, cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
