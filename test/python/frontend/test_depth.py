"""Equal Cells compile once: what grows with depth is a few operations of the entry per layer, not kernels and not machine code."""
from __future__ import annotations

import re

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import nn, ops


class Block(nn.Cell):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.LayerNorm((8,)), nn.LayerNorm((8,))
        self.mix, self.up, self.down = nn.Dense(8, 8), nn.Dense(8, 16), nn.Dense(16, 8)

    def construct(self, x):
        y = self.mix(self.first(x))
        x = x + ops.matmul(ops.softmax(ops.matmul(y, y.transpose(1, 0)), -1), y)
        return x + self.down(ops.gelu(self.up(self.second(x))))


class Net(nn.Cell):
    def __init__(self, layers):
        super().__init__()
        self.layers = nn.CellList([Block() for _ in range(layers)])

    def construct(self, x):
        for layer in self.layers:
            x = layer(x)
        return (x * x).mean()


def lowered(layers):
    net = Net(layers)
    step = ms.jit(ms.value_and_grad(net, None, net.trainable_params()))
    return step.lower(ms.Tensor(np.ones((4, 8), np.float32)))


@pytest.fixture(scope="module")
def texts():
    return [lowered(layers).mlir("llvm") for layers in (7, 14)]


def test_deeper_networks_have_no_more_functions(texts):
    counts = [len(re.findall(r"^  llvm\.func internal", text, re.M)) for text in texts]
    assert counts[0] == counts[1]


def test_a_layer_adds_few_operations_to_the_entry(texts):
    sizes = [text[text.index("llvm.func @cg_entry"):].count("\n") for text in texts]
    assert (sizes[1] - sizes[0]) / 7 <= 12


def test_a_layer_adds_no_copies(texts):
    assert texts[0].count("llvm.intr.memcpy") == texts[1].count("llvm.intr.memcpy")
