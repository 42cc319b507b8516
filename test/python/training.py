"""Training of small networks from a fixed start, for tests that hold a device against the CPU."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import cellgrad as ms
from cellgrad import Tensor, nn, value_and_grad

Net = Callable[[], tuple[nn.Cell, tuple]]  # a new network, and the shape of one of its inputs


def mlp() -> tuple[nn.Cell, tuple]:
    return nn.SequentialCell(nn.Dense(32, 64, activation="relu"), nn.LayerNorm((64,)), nn.Dense(64, 10)), (32,)


def lenet5() -> tuple[nn.Cell, tuple]:
    conv = [nn.Conv2d(1, 6, 5, pad_mode="valid"), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Conv2d(6, 16, 5, pad_mode="valid"), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Flatten()]
    dense = [nn.Dense(256, 120, activation="relu"), nn.Dense(120, 84, activation="relu"), nn.Dense(84, 10)]
    return nn.SequentialCell(*conv, *dense), (1, 28, 28)


def train(make: Net, optimizer: Callable[[Any], nn.Optimizer], steps: int = 5) -> tuple[list[float], list[np.ndarray], set[str]]:
    """Losses and Parameters after some steps from a fixed start, and where the Parameters are."""
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


def follow_the_cpu(make: Net, optimizer: Callable[[Any], nn.Optimizer], device: str, atol: float, rtol: float = 1e-5, steps: int = 5) -> None:
    """The steps on the current device, then on the CPU; losses may differ by ``rtol``, Parameters by ``atol``."""
    losses, parameters, devices = train(make, optimizer, steps)
    assert devices == {device}
    ms.set_context(device_target="CPU")
    expected, same, devices = train(make, optimizer, steps)
    assert devices == {"CPU"} and expected[-1] < expected[0]
    np.testing.assert_allclose(losses, expected, rtol=rtol)
    for here, there in zip(parameters, same, strict=True):
        np.testing.assert_allclose(here, there, atol=atol)
