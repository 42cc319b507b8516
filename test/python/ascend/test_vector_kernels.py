"""Kernels of the vector cores: numbers for random shapes (primes, single elements, tails, rows that do not fit), in order and with adversarial pipes."""
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
SHORT, LONG = [1, 2, 3, 7, 8, 13, 16, 31, 64, 97, 128, 257], [509, 1000, 1021, 2048]


def array(random: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    if dtype == "int32":
        return random.integers(-100, 100, shape).astype(np.int32)
    return random.standard_normal(shape).astype(dtype)


def run(function, *inputs: np.ndarray, cores: set[str] = frozenset({"aiv"})) -> Tensor:
    """The function's result on the device; its kernels are for these cores."""
    operands = [Tensor(a) for a in inputs]
    program = ms.jit(function).lower(*operands, target="ascend")
    assert {kernel.core for kernel in program.kernels()} == cores, program.remarks()
    return ms.jit(function)(*operands)


def check(result: Tensor, expected: np.ndarray, tolerance: float = 1e-5) -> None:
    got = result.asnumpy()
    assert got.shape == expected.shape
    np.testing.assert_allclose(got.astype(np.float64), expected.astype(np.float64), rtol=tolerance, atol=tolerance)


def broadcasts(random, rows, columns):
    arrays = [array(random, shape, "float32") for shape in ((rows, columns), (columns,), (rows, 1), ())]
    check(run(lambda a, b, c, d: (a * b + c) * d, *arrays), (arrays[0] * arrays[1] + arrays[2]) * arrays[3])


def integers(random, rows, columns):
    a, b = array(random, (rows, columns), "int32"), array(random, (columns,), "int32")
    check(run(lambda a, b: ops.maximum(a * b, a) <= b, a, b), np.maximum(a * b, a) <= b)


def halves(random, rows, columns):
    a, b = array(random, (rows, columns), "float16"), array(random, (rows, columns), "float16")
    check(run(lambda a, b: ops.select(a > b, a * b, a - b), a, b), np.where(a > b, a * b, a - b), 4e-3)


def sums(random, rows, columns):
    a = array(random, (rows, 3, columns), "float32")
    for axes in (0, 1, 2, (0, 2), (0, 1), (1, 2), None):
        check(run(lambda a, axes=axes: ops.sum(a) if axes is None else ops.sum(a, axes), a), np.asarray(a.astype(np.float64).sum(axes)), 3e-4)


def extremes(random, rows, columns):
    a = array(random, (rows, columns), "float32")
    check(run(lambda a: ops.ReduceMax()(a, 1) - ops.ReduceMin()(a, 1), a), a.max(1) - a.min(1))


def softmax(random, rows, columns):
    a = array(random, (rows, columns), "float32")
    e = np.exp(a - a.max(-1, keepdims=True))
    check(run(lambda a: ops.softmax(a, -1), a), e / e.sum(-1, keepdims=True))


def sums_of_functions(random, rows, columns):
    a = array(random, (rows, columns), "float32")
    total = np.tanh(a.astype(np.float64)).sum(1, keepdims=True)
    check(run(lambda a: a * ops.sum(ops.tanh(a), 1, True), a), a * total, 3e-4)


def transposes(random, rows, columns):
    a = array(random, (rows, 5, columns), "float32")
    for order in ((2, 1, 0), (1, 2, 0), (0, 2, 1), (1, 0, 2)):
        check(run(lambda a, order=order: ops.transpose(a, order) + 1.0, a), a.transpose(order) + 1)


def slices(random, rows, columns):
    a = array(random, (rows, columns), "float32")
    for step in (1, 2, 3):
        check(run(lambda a, step=step: ops.concat((a[:, ::step], a[:, :1]), 1) * 2.0, a), np.concatenate((a[:, ::step], a[:, :1]), 1) * 2)


CASES = [broadcasts, integers, halves, sums, extremes, softmax, transposes, slices, sums_of_functions]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize("seed", range(3))
def test_random_shapes(case, seed):
    random = np.random.default_rng([seed, CASES.index(case)])
    case(random, int(random.choice(SHORT)), int(random.choice(SHORT + LONG)))


@pytest.mark.parametrize("size", [1, 63, 100_003, 300_000])
def test_sizes_in_a_row(size):
    random = np.random.default_rng(size)
    a, b = array(random, (size,), "float32"), array(random, (size,), "float32")
    check(run(lambda a, b: ops.exp(a) * b, a, b), np.exp(a) * b)
    total = float(run(lambda a, b: ops.sum(a * b), a, b))
    assert abs(total - float((a.astype(np.float64) * b).sum())) < 1e-4 * size**0.5


def test_rows_longer_than_ub():
    a = array(np.random.default_rng(0), (3, 70_001), "float32")
    e = np.exp(a - a.max(-1, keepdims=True))
    check(run(lambda a: ops.softmax(a, -1), a), e / e.sum(-1, keepdims=True))


LARGE = np.array([1e9, -1e9, 2.0**24, 3e38, -3e38, np.inf, -np.inf, np.nan, 0.5, 999_999], np.float32)


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_large_angles(name):
    """As exact as for small ones up to 10^6; within the function's range beyond; nan where there is no value."""
    angles = np.random.default_rng(3).uniform(-1e6, 1e6, 50_000).astype(np.float32)
    expected = getattr(np, name)(angles.astype(np.float64))
    error = np.abs(run(getattr(ops, name), angles).asnumpy() - expected)
    assert (error / (1 + expected**2 if name == "tan" else 1)).max() < 2.5e-7
    got = run(getattr(ops, name), LARGE).asnumpy()
    assert np.isnan(got[5:8]).all()
    np.testing.assert_allclose(got[8:], getattr(np, name)(LARGE[8:].astype(np.float64)), atol=1e-6)
    if name == "tan":
        assert np.isfinite(got[:5]).all()
    else:
        assert (np.abs(got[:5]) <= 1 + 1e-6).all()


def test_what_runs_on_the_ai_cpu_has_its_functions():
    """An op that no vector kernel takes (products of int64) keeps the reduction of large angles that the CPU has."""
    got = run(lambda x: ops.cast(ops.sin(x) * 1e6, ms.int64) * 3, LARGE[:5], cores={"aicpu"}).asnumpy()
    assert np.abs(got - np.sin(LARGE[:5].astype(np.float64)) * 3e6).max() < 10


def test_signs_of_zeros():
    x, y = np.array([-0.0, -0.0, -0.0, 0.0, -0.0, -0.0, -np.inf, -np.inf], np.float32), np.array([-1, 3, 2, -1, 0.5, -2, 3, -3], np.float32)
    with np.errstate(divide="ignore"):
        expected = np.power(x, y)
    got = run(ops.pow, x, y).asnumpy()
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(np.signbit(got), np.signbit(expected))
    y, x = (a.ravel() for a in np.meshgrid(np.array([-0.0, 0.0, 1, -1, -np.inf], np.float32), np.array([-0.0, 0.0, 2, -2, -np.inf], np.float32)))
    got, expected = run(ops.atan2, y, x).asnumpy(), np.arctan2(y, x)
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    np.testing.assert_array_equal(np.signbit(got), np.signbit(expected))
    for name in ("sinh", "tanh", "erf", "sin", "expm1", "asin", "atan"):
        assert np.signbit(run(getattr(ops, name), np.array([-0.0], np.float32)).asnumpy()).all(), name


@pytest.mark.parametrize("columns", [72, 127, 200, 1021, 8500, 13_000])
@pytest.mark.parametrize("dtype", ["float32", "float16", "int32"])
def test_rows_that_are_folded(columns, dtype):
    random = np.random.default_rng(columns)
    a = array(random, (1000 if columns < 2000 else 40, columns), dtype)
    np.testing.assert_array_equal(run(lambda a: ops.ReduceMax()(a, 1), a).asnumpy(), a.max(1))
    if dtype == "int32":  # sums are int64, of the AI CPU
        return
    wide = a.astype(np.float64)
    found = run(lambda a: ops.sum(a, 1), a).asnumpy().astype(np.float64)
    rounding = 2e-7 * np.abs(wide).sum(1) if dtype == "float32" else 1e-3 * np.abs(wide.sum(1)) + 1e-3
    assert (np.abs(found - wide.sum(1)) <= rounding).all()


def test_a_sum_is_the_same_each_time():
    a = Tensor(array(np.random.default_rng(1), (200_000,), "float32"))
    total = ms.jit(lambda a: ops.sum(a))
    assert len({float(total(a)) for _ in range(3)}) == 1


@pytest.mark.parametrize("seed", [1, 2])
def test_with_adversarial_pipes(seed):
    """All of the above in a simulator whose pipes run in any order that flags allow; it reports races."""
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "--tb=short", __file__, "-k", "random_shapes or in_a_row or longer"],
                          env={**os.environ, "CELLGRAD_ASCEND_SIM": f"seed={seed}"}, cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


@pytest.mark.parametrize("axis", [0, 1])
def test_sums_of_a_value_and_of_what_is_made_of_it(axis):
    x = np.random.default_rng(3).standard_normal((512, 200)).astype(np.float32)

    @ms.jit
    def sums(x):
        e = x - 1.0
        return e.sum(axis), (e * e).sum(axis), ops.relu(e), (ops.relu(e) * e).sum(axis)

    e = x.astype(np.float64) - 1
    for got, want in zip(sums(Tensor(x)), (e.sum(axis), (e * e).sum(axis), np.maximum(e, 0), (np.maximum(e, 0) * e).sum(axis))):
        np.testing.assert_allclose(got.asnumpy(), want, rtol=1e-4, atol=1e-3)
