"""Programs of every kind of kernel on the accelerator with its pipes in another order and all checks, against the CPU."""
from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from test_mapping_numbers import compute, differences

STEPS = """
import sys
import numpy as np
import cellgrad as ms
from cellgrad import nn, ops

ms.set_context(device_target=sys.argv[1])
ms.set_seed(1)

class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.conv, self.pool, self.flat = nn.Conv2d(1, 6, 5, pad_mode="same"), nn.MaxPool2d(2, 2), nn.Flatten()
        self.dense, self.norm, self.last = nn.Dense(6 * 7 * 7, 33), nn.LayerNorm((33,)), nn.Dense(33, 10)

    def construct(self, x):
        x = self.flat(self.pool(ops.relu(self.conv(x))))
        return self.last(ops.relu(self.norm(self.dense(x))))

net, loss = Net(), nn.CrossEntropyLoss()
optimizer = nn.Adam(net.trainable_params(), 0.01)
gradient = ms.value_and_grad(lambda x, y: loss(net(x), y), None, net.trainable_params())

@ms.jit
def step(x, y):
    value, grads = gradient(x, y)
    optimizer(grads)
    return value

rng = np.random.default_rng(0)
x = ms.Tensor(rng.random((8, 1, 14, 14), np.float32))
y = ms.Tensor(rng.integers(0, 10, 8).astype(np.int32))
print(*[float(step(x, y).asnumpy()) for _ in range(4)])
"""


def train(target: str, mode: str = "") -> np.ndarray:
    done = subprocess.run([sys.executable, "-c", STEPS, target], env={**os.environ, "CELLGRAD_ASCEND_SIM": mode}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return np.array([float(word) for word in done.stdout.split()])


@pytest.mark.parametrize("mode", ["", "checked", "seed=4"])
def test_training_agrees_with_the_cpu(mode):
    expected = train("CPU")
    assert expected[3] < expected[0]
    np.testing.assert_allclose(train("Ascend", mode), expected, rtol=2e-5)


def test_every_kernel_gives_what_the_cpu_gives(tmp_path):
    expected = compute(tmp_path / "cpu.npz", "CPU")
    got = compute(tmp_path / "ascend.npz", "Ascend", CELLGRAD_ASCEND_SIM="seed=5")
    assert not differences(got, expected)
