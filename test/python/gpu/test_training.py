"""Training steps on the device follow those of the CPU."""
from __future__ import annotations

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, nn, value_and_grad


def mlp():
    return nn.SequentialCell(nn.Dense(32, 64, activation="relu"), nn.LayerNorm((64,)), nn.Dense(64, 10)), (32,)


def lenet5():
    conv = [nn.Conv2d(1, 6, 5, pad_mode="valid"), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Conv2d(6, 16, 5, pad_mode="valid"), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Flatten()]
    dense = [nn.Dense(256, 120, activation="relu"), nn.Dense(120, 84, activation="relu"), nn.Dense(84, 10)]
    return nn.SequentialCell(*conv, *dense), (1, 28, 28)


def train(make, optimizer, steps=5):
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


@pytest.mark.parametrize("make", [mlp, lenet5])
@pytest.mark.parametrize("optimizer", [lambda ps: nn.Momentum(ps, 0.05, 0.9), lambda ps: nn.Adam(ps, 0.01)], ids=["momentum", "adam"])
def test_steps_follow_the_cpu(make, optimizer):
    losses, parameters, devices = train(make, optimizer)
    assert devices == {"GPU:0"}
    ms.set_context(device_target="CPU")
    expected, same, devices = train(make, optimizer)
    assert devices == {"CPU"} and expected[-1] < expected[0]
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    for here, there in zip(parameters, same, strict=True):
        np.testing.assert_allclose(here, there, atol=2e-5)
