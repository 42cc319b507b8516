"""Mixed precision on a GPU: training steps of each level follow those of float32, steps that overflow change nothing, and products accumulate in float32."""
from __future__ import annotations

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, amp, jit, nn, ops, value_and_grad

RNG = np.random.default_rng(4)
X, Y = RNG.standard_normal((16, 32)).astype(np.float32), np.arange(16, dtype=np.int32) % 5


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.hidden, self.norm, self.out = nn.Dense(32, 48), nn.LayerNorm((48,)), nn.Dense(48, 5)

    def construct(self, x):
        return self.out(ops.gelu(self.norm(self.hidden(x))))


def training(level, low, scale):
    ms.set_seed(0)
    net = amp.auto_mixed_precision(Net(), level, low)
    optimizer = nn.Momentum(net.trainable_params(), 0.1, 0.9)
    scaler, loss_fn = amp.DynamicLossScaler(scale, 2**20, 100), nn.CrossEntropyLoss()
    differentiated = value_and_grad(lambda x, y: scaler.scale(loss_fn(net(x), y)), None, optimizer.parameters)

    @jit
    def step(x, y):
        loss, grads = differentiated(x, y)
        finite = amp.all_finite(grads)
        if finite:
            optimizer(scaler.unscale(grads))
        scaler.adjust(finite)
        return scaler.unscale(loss), finite

    return step, net


def losses(step, count=4):
    return [float(step(Tensor(X), Tensor(Y))[0].asnumpy()) for _ in range(count)]


@pytest.mark.parametrize("low", [ms.float16, ms.bfloat16], ids=str)
@pytest.mark.parametrize("level", ["O1", "O2", "O3"])
def test_levels_follow_float32(level, low):
    reference = losses(training("O0", low, 2.0**8)[0])
    step, net = training(level, low, 2.0**8)
    found = losses(step)
    assert found != reference  # it was lower
    np.testing.assert_allclose(found, reference, rtol=2e-3 if low is ms.float16 else 2e-2)
    assert {p.dtype for p in net.get_parameters()} == {ms.float32}


def test_a_step_that_overflows_changes_nothing():
    step, net = training("O3", ms.float16, 2.0**40)
    before = [p.asnumpy().copy() for p in net.get_parameters()]
    assert not bool(step(Tensor(X), Tensor(Y))[1].asnumpy())
    assert all(np.array_equal(p.asnumpy(), b) for p, b in zip(net.get_parameters(), before))
    for _ in range(2):
        finite = step(Tensor(X), Tensor(Y))[1]
    assert bool(finite.asnumpy()) and not np.array_equal(net.out.weight.asnumpy(), before[-2])


@pytest.mark.parametrize("low", [ms.float16, ms.bfloat16], ids=str)
def test_products_and_reductions_accumulate_in_float32(low):
    def exact(t):
        return t.astype(ms.float32).asnumpy().astype(np.float64)

    a, b = (Tensor(RNG.random(s).astype(np.float32)).astype(low) for s in ((16, 2048), (2048, 8)))
    rounding = 2.0**-10 if low is ms.float16 else 2.0**-7
    for got, want in ((ops.matmul(a, b), exact(a) @ exact(b)), (a.sum(1), exact(a).sum(1)), (a.mean(0), exact(a).mean(0))):
        assert got.dtype is low
        np.testing.assert_allclose(exact(got), want, rtol=rounding)
