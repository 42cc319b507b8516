"""Training steps on the device follow those of the CPU."""
from __future__ import annotations

import os

import numpy as np
import pytest
from training import follow_the_cpu, lenet5, mlp, train

import cellgrad as ms
from cellgrad import nn, ops

SLACK = 1 if os.environ.get("CELLGRAD_CUDA_DRIVER") == "sim" else 20  # where the real library may choose Winograd's transforms


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


@pytest.mark.parametrize("make", [mlp, lenet5])
@pytest.mark.parametrize("optimizer", [lambda ps: nn.Momentum(ps, 0.05, 0.9), lambda ps: nn.Adam(ps, 0.01)], ids=["momentum", "adam"])
def test_steps_follow_the_cpu(make, optimizer):
    follow_the_cpu(make, optimizer, "GPU:0", 2e-5)


@pytest.mark.parametrize("make", [lenet5, residual])
def test_steps_by_libraries_follow_the_cpu(make, libraries):
    ms.set_context(gpu_config={"products": "library"})
    try:
        follow_the_cpu(make, lambda ps: nn.Momentum(ps, 0.05, 0.9), "GPU:0", 5e-5 * SLACK, 1e-5 * SLACK)
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
