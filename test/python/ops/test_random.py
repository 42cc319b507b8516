"""Random ops: distributions, seeds, and that a program draws anew at each call."""
from __future__ import annotations

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, ops

N = 20000


def test_normal() -> None:
    ms.set_seed(0)
    x = ops.standard_normal((N,)).asnumpy()
    assert abs(x.mean()) < 0.03 and abs(x.std() - 1) < 0.03 and abs(np.mean(x < -1.6449) - 0.05) < 0.006
    y = ops.normal((N,), 3.0, 0.5).asnumpy()
    assert abs(y.mean() - 3) < 0.02 and abs(y.std() - 0.5) < 0.02


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_uniform(dtype) -> None:
    ms.set_seed(0)
    x = ops.rand(N, dtype=getattr(ms, dtype))
    assert x.dtype is getattr(ms, dtype)
    values = x.asnumpy().astype(np.float64)
    assert values.min() >= 0 and values.max() < 1
    histogram = np.histogram(values, 10, (0, 1))[0] / N
    assert abs(histogram - 0.1).max() < 0.012


def test_uniform_limits_and_integers() -> None:
    ms.set_seed(0)
    x = ops.uniform((N,), -2.0, 4.0).asnumpy()
    assert x.min() >= -2 and x.max() < 4 and abs(x.mean() - 1) < 0.05
    i = ops.randint(-3, 5, (N,)).asnumpy()
    assert i.dtype == np.int64 and set(i.tolist()) == set(range(-3, 5)) and np.bincount(i + 3).min() > N / 8 * 0.9
    assert ops.uniform((5,), Tensor(2, ms.int32), Tensor(3, ms.int32), dtype=ms.int32).asnumpy().tolist() == [2] * 5


def test_bernoulli() -> None:
    ms.set_seed(0)
    x = ops.bernoulli(ops.zeros((N,)), 0.3)
    assert x.dtype is ms.float32 and set(np.unique(x.asnumpy())) == {0, 1} and abs(x.asnumpy().mean() - 0.3) < 0.02
    p = ops.bernoulli(ops.zeros((2, N)), Tensor([[0.1], [0.9]], ms.float32)).asnumpy().mean(1)
    assert abs(p - [0.1, 0.9]).max() < 0.02


def test_seed_and_order() -> None:
    ms.set_seed(7)
    a, b = ops.randn(50).asnumpy().copy(), ops.randn(50).asnumpy().copy()
    ms.set_seed(7)
    assert (ops.randn(50).asnumpy() == a).all() and (a != b).any()
    assert (ops.randn(50, seed=3).asnumpy() == ops.randn(50, seed=3).asnumpy()).all()


def test_a_program_draws_anew() -> None:
    draw = ms.jit(lambda x: x + ops.randn(50))
    x = ops.zeros((50,))
    ms.set_seed(9)
    first, second = draw(x).asnumpy().copy(), draw(x).asnumpy().copy()
    ms.set_seed(9)
    again = draw(x).asnumpy().copy()
    assert (first != second).any() and (first == again).all() and draw.stats()["misses"] == 1


def test_eager_equals_compiled() -> None:
    ms.set_seed(2)
    eager = ops.randn(30).asnumpy().copy()
    ms.set_seed(2)
    assert (ms.jit(lambda: ops.randn(30))().asnumpy() == eager).all()


@pytest.mark.parametrize("call, error", [
    (lambda: ops.dropout(ops.ones((2,)), 1.0), ValueError), (lambda: ops.bernoulli(ops.ones((2,)), 1.5), ValueError), (lambda: ops.randint(3, 3, (2,)), ValueError),
    (lambda: ops.randn(2, dtype=ms.int32), TypeError), (lambda: ops.standard_normal((-1,)), ValueError), (lambda: ops.randn(2, seed=-1), ValueError),
])
def test_mistakes(call, error) -> None:
    with pytest.raises(error):
        call()
