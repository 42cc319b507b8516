"""Loops over scalars and small tensors of the device are one kernel each, and compute what the CPU computes."""
from __future__ import annotations

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, ops


def newton(a):
    x = a
    while ops.abs(x * x - a) > 1e-5 * a:
        x = 0.5 * (x + a / x)
    return x


def counted(a, b):
    turns = 0
    while a > b:
        a, b = a * 0.5, b + 0.1
        turns = turns + 1
    return a, b, turns


def trajectory(x, v):
    for i in range(30):
        v = v - 0.05 * x
        x = x + 0.05 * v + 0.001 * i
    return x, v


def normalised(x):
    """Sums over rows, columns and all, and a position, in each turn."""
    last = x.argmax()
    while x.sum() > 1:
        last = x.reshape(-1).argmax()
        x = x / (1 + 0.1 * x.sum(0, keepdims=True)) - 0.01 * x.max(1, keepdims=True)
    return x, last


def numbers(*shape: int) -> Tensor:
    return Tensor((np.arange(np.prod(shape, dtype=int)) * 0.37 % 5 + 0.5).astype(np.float32).reshape(shape))


CASES = [(newton, (numbers() * 4,), 2), (ms.vmap(newton), (numbers(8),), 2), (ms.vmap(newton), (numbers(700),), 2), (counted, (numbers() * 8, numbers() * 0.1), 3),
         (trajectory, (numbers(), numbers()), 2), (trajectory, (numbers(5, 30), numbers(5, 30)), 2), (normalised, (numbers(6, 7),), 4)]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_small_loops_are_one_kernel(case):
    fn, inputs, launches = CASES[case]
    got = ms.jit(fn)(*inputs)
    program = ms.jit(fn).lower(*inputs, target="gpu", chip="sm_90")
    assert "small_loop_0" in program.ptx()
    text = program.mlir("gpu")
    host = text[:text.index("gpu.module @kernels")]
    assert host.count("gpu.launch_func") <= launches and "scf." not in host and "small_loop_0" in host
    ms.set_context(device_target="CPU")
    expected = ms.jit(fn)(*inputs)
    for a, b in zip(*(x if isinstance(x, tuple) else (x,) for x in (got, expected))):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=2e-6)


def test_others_stay_on_the_host():
    def large(x):
        while x.sum() > 1:
            x = x * 0.5
        return x

    def product(x):
        for _ in range(3):
            x = ops.matmul(x, x) * 0.1
        return x

    for fn, x in ((large, numbers(100, 100)), (product, numbers(40, 40))):
        assert "small_loop" not in ms.jit(fn).lower(x, target="gpu", chip="sm_90").mlir("gpu")


def branching(x, s):
    while x.sum() > 3:
        if x.max() > 2:
            x, s = x * 0.5, s + 1
        else:
            x = x - 0.25 * s
    return x, s


def nested(x):
    for i in range(20):
        while x.sum() > 10 + i:
            x = x * 0.75
        x = x + 0.5
    return x


def swapped(a, b):
    while a.sum() < 100:
        a, b = b, a + b
    return a, b


# Branches, loops in loops, values that change places, loops of no turn, a NaN in the condition, other types.
KEPT = [(branching, (numbers(6, 7), numbers())), (nested, (numbers(50),)), (swapped, (numbers(33), numbers(33) * 2)), (swapped, (numbers(), numbers() * 2)), (branching, (numbers(2) * 0.1, numbers())),
        (nested, (numbers(5) * np.nan,)), (swapped, (Tensor(np.arange(40)), Tensor(np.arange(40) * 2))), (nested, (numbers(50).astype(ms.float64),))]


@pytest.mark.parametrize("case", range(len(KEPT)))
def test_loops_of_all_forms_follow_the_cpu(case):
    fn, inputs = KEPT[case]
    got = ms.jit(fn)(*inputs)
    ms.set_context(device_target="CPU")
    expected = ms.jit(fn)(*inputs)
    for a, b in zip(got if isinstance(got, tuple) else (got,), expected if isinstance(expected, tuple) else (expected,), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a.asnumpy(), b.asnumpy(), rtol=1e-5)
