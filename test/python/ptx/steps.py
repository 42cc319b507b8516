"""Training steps whose kernels are counted and assembled: LeNet-5, ResNet-20, an MLP, a small transformer."""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

import cellgrad as ms
from cellgrad import nn, ops


class LeNet5(nn.Cell):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.SequentialCell(
            nn.Conv2d(1, 6, 5, pad_mode="pad", padding=2, has_bias=True), nn.ReLU(), nn.MaxPool2d(2, 2),
            nn.Conv2d(6, 16, 5, pad_mode="valid", has_bias=True), nn.ReLU(), nn.MaxPool2d(2, 2))
        self.classifier = nn.SequentialCell(
            nn.Flatten(), nn.Dense(400, 120, activation="relu"), nn.Dense(120, 84, activation="relu"), nn.Dense(84, 10))

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        return self.classifier(self.features(x))


class Block(nn.Cell):
    """Pre-norm attention of four heads and a gelu MLP."""

    def __init__(self, width: int = 64, heads: int = 4) -> None:
        super().__init__()
        self.heads, self.first, self.second = heads, nn.LayerNorm((width,)), nn.LayerNorm((width,))
        self.q, self.k, self.v, self.o = (nn.Dense(width, width) for _ in range(4))
        self.up, self.down = nn.Dense(width, 4 * width), nn.Dense(4 * width, width)

    def split(self, x: ms.Tensor) -> ms.Tensor:
        b, t, d = x.shape
        return x.reshape(b, t, self.heads, d // self.heads).transpose(0, 2, 1, 3)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        y = self.first(x)
        q, k, v = self.split(self.q(y)), self.split(self.k(y)), self.split(self.v(y))
        a = ops.softmax(ops.matmul(q, k.transpose(0, 1, 3, 2)) * 0.25, -1)
        x = x + self.o(ops.matmul(a, v).transpose(0, 2, 1, 3).reshape(x.shape))
        return x + self.down(ops.gelu(self.up(self.second(x))))


class Residual(nn.Cell):
    """Two convolutions with normalisations beside a shortcut, which is a convolution where the width changes."""

    def __init__(self, width_in: int, width: int) -> None:
        super().__init__()
        stride = 1 if width_in == width else 2
        self.conv1, self.norm1 = nn.Conv2d(width_in, width, 3, stride, pad_mode="pad", padding=1), nn.BatchNorm2d(width)
        self.conv2, self.norm2 = nn.Conv2d(width, width, 3, pad_mode="pad", padding=1), nn.BatchNorm2d(width)
        self.shortcut = None if stride == 1 else nn.SequentialCell(nn.Conv2d(width_in, width, 1, stride, pad_mode="valid"), nn.BatchNorm2d(width))

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        y = self.norm2(self.conv2(ops.relu(self.norm1(self.conv1(x)))))
        return ops.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class ResNet20(nn.Cell):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 16, 3, pad_mode="pad", padding=1), nn.BatchNorm2d(16)
        widths = [16] * 4 + [32] * 3 + [64] * 3
        self.blocks = nn.CellList([Residual(a, b) for a, b in zip(widths, widths[1:])])
        self.head = nn.Dense(64, 10)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        x = ops.relu(self.norm(self.conv(x)))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean((2, 3)))


def _step(net: nn.Cell, loss: Callable, optimizer: type) -> Callable:
    update = optimizer(net.trainable_params(), **({"learning_rate": 0.01, "momentum": 0.9} if optimizer is nn.Momentum else {"learning_rate": 0.01}))
    forward = ms.value_and_grad(lambda x, *y: loss(net(x), *y), None, net.trainable_params())

    @ms.jit
    def step(*batch: ms.Tensor) -> ms.Tensor:
        value, gradients = forward(*batch)
        update(gradients)
        return value

    return step


def lenet5() -> tuple[Callable, tuple]:
    random = np.random.default_rng(0)
    batch = ms.Tensor(random.standard_normal((16, 1, 28, 28)).astype(np.float32)), ms.Tensor(random.integers(0, 10, 16).astype(np.int32))
    return _step(LeNet5(), nn.CrossEntropyLoss(), nn.Momentum), batch


def resnet20() -> tuple[Callable, tuple]:
    random = np.random.default_rng(0)
    batch = ms.Tensor(random.standard_normal((32, 3, 32, 32)).astype(np.float32)), ms.Tensor(random.integers(0, 10, 32).astype(np.int32))
    return _step(ResNet20().set_train(), nn.CrossEntropyLoss(), nn.Momentum), batch


def mlp() -> tuple[Callable, tuple]:
    random = np.random.default_rng(0)
    net = nn.SequentialCell(nn.Dense(64, 256, activation="relu"), nn.Dense(256, 256, activation="relu"), nn.Dense(256, 10))
    batch = ms.Tensor(random.standard_normal((32, 64)).astype(np.float32)), ms.Tensor(random.integers(0, 10, 32).astype(np.int32))
    return _step(net, nn.CrossEntropyLoss(), nn.SGD), batch


def transformer() -> tuple[Callable, tuple]:
    batch = (ms.Tensor(np.random.default_rng(0).standard_normal((2, 16, 64)).astype(np.float32)),)
    return _step(nn.SequentialCell(Block(), Block()), lambda y: (y * y).mean(), nn.Adam), batch
