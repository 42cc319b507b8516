"""Training steps through the whole GPU way, on the simulator with all checks and several orders of threads, against the CPU."""

import os
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = """
import sys
import numpy as np
import cellgrad as ms
from cellgrad import nn, ops

ms.set_context(device_target=sys.argv[1])
ms.set_seed(1)

class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.first, self.norm, self.second = nn.Dense(20, 33), nn.LayerNorm((33,)), nn.Dense(33, 10)

    def construct(self, x):
        return self.second(ops.relu(self.norm(self.first(x))))

net, loss = Net(), nn.CrossEntropyLoss()
optimizer = nn.Adam(net.trainable_params(), 0.01)
gradient = ms.value_and_grad(lambda x, y: loss(net(x), y), None, net.trainable_params())

@ms.jit
def step(x, y):
    value, grads = gradient(x, y)
    optimizer(grads)
    return value

rng = np.random.default_rng(0)
x = ms.Tensor(rng.random((32, 20), np.float32))
y = ms.Tensor(rng.integers(0, 10, 32).astype(np.int32))
losses = [float(step(x, y).asnumpy()) for _ in range(4)]
print(*losses)
print(*[float(np.abs(p.asnumpy()).sum()) for p in net.trainable_params()])
"""


def train(target: str, **environment: str) -> np.ndarray:
    done = subprocess.run([sys.executable, "-c", SCRIPT, target], env=dict(os.environ, **environment), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return np.array([float(word) for word in done.stdout.split()])


@pytest.mark.parametrize("simulation", ["", "seed=3", "checked", "checked,seed=4"])
def test_training_agrees_with_the_cpu(simulation):
    expected = train("CPU")
    assert expected[3] < expected[0]
    got = train("GPU", CELLGRAD_CUDA_DRIVER="sim", CELLGRAD_GPU_SIM=simulation)
    np.testing.assert_allclose(got, expected, rtol=2e-5)
