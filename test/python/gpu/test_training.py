"""Training steps on the device follow those of the CPU."""
from __future__ import annotations

import os

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, nn, ops, value_and_grad

SLACK = 1 if os.environ.get("CELLGRAD_CUDA_DRIVER") == "sim" else 20  # where the real library may choose Winograd's transforms


def mlp():
    return nn.SequentialCell(nn.Dense(32, 64, activation="relu"), nn.LayerNorm((64,)), nn.Dense(64, 10)), (32,)


def lenet5():
    conv = [nn.Conv2d(1, 6, 5, pad_mode="valid"), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Conv2d(6, 16, 5, pad_mode="valid"), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Flatten()]
    dense = [nn.Dense(256, 120, activation="relu"), nn.Dense(120, 84, activation="relu"), nn.Dense(84, 10)]
    return nn.SequentialCell(*conv, *dense), (1, 28, 28)


class Block(nn.Cell):
    """A block of ResNet whose shortcut has other channels and half the rows."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(4, 8, 3, stride=2, pad_mode="pad", padding=1)
        self.bn1, self.bn2, self.bn3 = nn.BatchNorm2d(8), nn.BatchNorm2d(8), nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, pad_mode="pad", padding=1)
        self.shortcut = nn.Conv2d(4, 8, 1, stride=2, pad_mode="valid")

    def construct(self, x):
        y = self.bn2(self.conv2(ops.relu(self.bn1(self.conv1(x)))))
        return ops.relu(y + self.bn3(self.shortcut(x)))


def residual():
    return nn.SequentialCell(Block(), nn.Flatten(), nn.Dense(8 * 8 * 8, 10)), (4, 16, 16)


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
    follow_the_cpu(make, optimizer, 2e-5)


@pytest.mark.parametrize("make", [lenet5, residual])
def test_steps_by_libraries_follow_the_cpu(make, libraries):
    ms.set_context(gpu_config={"products": "library"})
    try:
        follow_the_cpu(make, lambda ps: nn.Momentum(ps, 0.05, 0.9), 5e-5 * SLACK, 1e-5 * SLACK)
    finally:
        ms.set_context(gpu_config={"products": None})


def test_mixed_precision_by_libraries(libraries):
    def halved():
        net, shape = residual()
        return ms.amp.auto_mixed_precision(net, "O2"), shape

    def train_by(way):
        ms.set_context(gpu_config={"products": way})
        try:
            return train(halved, lambda ps: nn.Momentum(ps, 0.05, 0.9), steps=3)
        finally:
            ms.set_context(gpu_config={"products": None})

    losses, parameters, _ = train_by("library")
    expected, same, _ = train_by("generated")
    np.testing.assert_allclose(losses, expected, rtol=2e-3)
    for here, there in zip(parameters, same, strict=True):
        np.testing.assert_allclose(here, there, atol=5e-3)


def follow_the_cpu(make, optimizer, atol, rtol=1e-5):
    losses, parameters, devices = train(make, optimizer)
    assert devices == {"GPU:0"}
    ms.set_context(device_target="CPU")
    expected, same, devices = train(make, optimizer)
    assert devices == {"CPU"} and expected[-1] < expected[0]
    np.testing.assert_allclose(losses, expected, rtol=rtol)
    for here, there in zip(parameters, same, strict=True):
        np.testing.assert_allclose(here, there, atol=atol)
