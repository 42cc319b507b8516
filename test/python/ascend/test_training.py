"""Training steps on the accelerator follow those of the CPU."""
from __future__ import annotations

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, nn, ops, value_and_grad

pytestmark = pytest.mark.usefixtures("ascend")


def mlp():
    return nn.SequentialCell(nn.Dense(32, 64, activation="relu"), nn.LayerNorm((64,)), nn.Dense(64, 10)), (32,)


def lenet5():
    conv = [nn.Conv2d(1, 6, 5, pad_mode="valid"), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Conv2d(6, 16, 5, pad_mode="valid"), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Flatten()]
    dense = [nn.Dense(256, 120, activation="relu"), nn.Dense(120, 84, activation="relu"), nn.Dense(84, 10)]
    return nn.SequentialCell(*conv, *dense), (1, 28, 28)


class Block(nn.Cell):
    """A transformer block with causal attention, and a head that sees the mean over positions."""

    def __init__(self, width: int = 32, heads: int = 4, length: int = 12) -> None:
        super().__init__()
        self.heads, self.width = heads, width
        self.before, self.after = nn.LayerNorm((width,)), nn.LayerNorm((width,))
        self.qkv, self.out = nn.Dense(width, 3 * width), nn.Dense(width, width)
        self.up, self.down, self.head = nn.Dense(width, 4 * width), nn.Dense(4 * width, width), nn.Dense(width, 10)
        self.mask = Tensor(np.triu(np.full((length, length), -1e4, np.float32), 1))

    def construct(self, x):
        batch, length, width = x.shape
        q, k, v = (t.reshape(batch, length, self.heads, width // self.heads).transpose(0, 2, 1, 3) for t in ops.split(self.qkv(self.before(x)), width, axis=2))
        scores = ops.softmax(ops.matmul(q, k.transpose(0, 1, 3, 2)) * (width // self.heads) ** -0.5 + self.mask)
        x = x + self.out(ops.matmul(scores, v).transpose(0, 2, 1, 3).reshape(batch, length, width))
        x = x + self.down(ops.gelu(self.up(self.after(x))))
        return self.head(x.mean(1))


def transformer():
    return Block(), (12, 32)


def train(make, optimizer, steps):
    """Losses and Parameters after some steps from a fixed start."""
    rng = np.random.default_rng(7)
    net, shape = make()
    for p in net.trainable_params():
        p.set_data(Tensor((rng.standard_normal(p.shape) * 0.1).astype(np.float32)))
    x, y = rng.standard_normal((4, *shape)).astype(np.float32), Tensor(rng.integers(0, 10, 4), ms.int32)
    loss = nn.CrossEntropyLoss()
    update = optimizer(net.trainable_params())
    gradient = value_and_grad(lambda x, y: loss(net(x), y), None, net.trainable_params())

    @ms.jit
    def step(x, y):
        value, grads = gradient(x, y)
        update(grads)
        return value

    losses = [float(step(Tensor(x), y)) for _ in range(steps)]
    return losses, [p.asnumpy() for p in net.trainable_params()], {p.device for p in net.trainable_params()}


@pytest.mark.parametrize("make", [mlp, lenet5, transformer])
def test_steps_follow_the_cpu(make):
    def optimizer(parameters):
        return nn.Momentum(parameters, 0.05, 0.9)

    losses, parameters, devices = train(make, optimizer, 4)
    assert devices == {"Ascend:0"}
    ms.set_context(device_target="CPU")
    expected, same, devices = train(make, optimizer, 4)
    assert devices == {"CPU"} and expected[-1] < expected[0]
    np.testing.assert_allclose(losses, expected, rtol=2e-5)
    for here, there in zip(parameters, same, strict=True):
        np.testing.assert_allclose(here, there, atol=3e-5)
