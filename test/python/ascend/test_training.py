"""Training steps on the accelerator follow those of the CPU."""
from __future__ import annotations

import numpy as np
import pytest
from training import follow_the_cpu, lenet5, mlp

from cellgrad import Tensor, nn, ops

pytestmark = pytest.mark.usefixtures("ascend")


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


@pytest.mark.parametrize("make", [mlp, lenet5, transformer])
def test_steps_follow_the_cpu(make):
    follow_the_cpu(make, lambda ps: nn.Momentum(ps, 0.05, 0.9), "Ascend:0", 3e-5, 2e-5, steps=4)
