"""Positions that are on the device stay there: slices, updates and scatters wait for nothing, and are replayed as graphs."""
from __future__ import annotations

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, ops
from cellgrad._frontend.dispatch import dispatch


def runs(function, *arguments):
    """Results of four calls with the same memory, and what the last calls were."""
    results = [function(*arguments).asnumpy() for _ in range(4)]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
    return results[0], function._latest().executable.gpu_stats


def reads_nothing_back(function, *arguments):
    program = function.lower(*arguments, target="gpu", chip="sm_80")
    assert program.kernels()  # PTX, and assembled where ptxas is
    text = program.mlir("gpu")
    return "memref.load" not in text.split("gpu.module @")[0]


def test_a_slice_with_a_start_on_the_device():
    x = np.arange(48, dtype=np.float32).reshape(6, 8)
    taken = ms.jit(lambda x, i: ops.sin(x[i]) * 2.0)
    for start in (0, 3, -1):
        got, _ = runs(taken, Tensor(x), Tensor(np.int32(start)))
        np.testing.assert_allclose(got, np.sin(x[start]) * 2, rtol=1e-5)
    assert reads_nothing_back(taken, Tensor(x), Tensor(np.int32(0)))


def test_an_update_with_a_start_on_the_device():
    @ms.jit
    def put(x, i, row):
        x = x * 1.0
        x[i] = row
        return x

    x, row = np.zeros((6, 8), np.float32), np.arange(8, dtype=np.float32)
    for start in (0, 5):
        got, stats = runs(put, Tensor(x), Tensor(np.int32(start)), Tensor(row))
        want = x.copy()
        want[start] = row
        np.testing.assert_array_equal(got, want)
    assert stats["captures"] > 0 and reads_nothing_back(put, Tensor(x), Tensor(np.int32(0)), Tensor(row)), stats


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.uint8, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_scatter_add_of_every_kind_is_one_kernel_that_waits_for_nothing(dtype, axis):
    random = np.random.default_rng(0)
    shape, index = (3, 4, 5), np.array([1, 0, 1, 2], np.int32)
    x = random.integers(0, 9, shape).astype(dtype)
    part = list(shape)
    part[axis] = len(index)
    updates = random.integers(0, 9, part).astype(dtype)
    want = np.moveaxis(x.copy(), axis, 0)
    np.add.at(want, index, np.moveaxis(updates, axis, 0))
    added = ms.jit(lambda x, i, u: dispatch("scatter_add", (x, i, u), {"axis": axis}))
    got, stats = runs(added, Tensor(x), Tensor(index), Tensor(updates))
    np.testing.assert_array_equal(got, np.moveaxis(want, 0, axis))
    assert stats["captures"] == 1 and stats["replays"] == 2, stats
    program = added.lower(Tensor(x), Tensor(index), Tensor(updates), target="gpu", chip="sm_80")
    assert [k.name for k in program.kernels() if "scatter_add" in k.name] == ["scatter_add_0"]
    assert reads_nothing_back(added, Tensor(x), Tensor(index), Tensor(updates))


def test_a_number_of_the_host_is_never_a_stale_one():
    """A graph has the numbers that kernels were launched with: those of another call must not be replayed."""

    @ms.jit
    def repeated(x, n, scale):
        for _ in range(n):
            x = ops.tanh(x) + scale
        return x * n

    x = Tensor([0.5, -0.25])
    for _ in range(4):
        for n, scale in ((3, 0.5), (5, 0.25), (2, 1.0)):
            want = np.array([0.5, -0.25], np.float32)
            for _ in range(n):
                want = np.tanh(want) + np.float32(scale)
            np.testing.assert_allclose(repeated(x, n, scale).asnumpy(), want * n, rtol=1e-5)


def test_a_counter_on_the_device_is_never_a_stale_one():
    state = ms.Parameter(Tensor(0, ms.int32), name="count")

    @ms.jit
    def step(x):
        state.set_data(state + 1)
        y = x
        while (y.sum() < 4.0 * state):  # read back at each turn
            y = y * 2.0
        return y[state % 2] + ops.sin(x).sum()

    x, want = np.array([1.0, 2.0], np.float32), []
    for count in range(1, 7):
        y = x
        while y.sum() < 4.0 * count:
            y = y * 2
        want.append(y[count % 2] + np.sin(x).sum())
    fixed = Tensor(x)
    np.testing.assert_allclose([float(step(fixed)) for _ in range(6)], want, rtol=1e-5)
