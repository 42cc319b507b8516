"""Convolutions whose windows move by more than one element, and their gradients: what the cube multiplies with is made by transfers and by index."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, ops

pytestmark = pytest.mark.usefixtures("ascend")

# images, channels, size of the image; channels, size of windows; stride, padding, dilation, groups
SHAPES = [((2, 3, 9, 9), (8, 3, 3), 2, 1, 1, 1), ((1, 4, 32, 33), (5, 3, 3), 2, 1, 1, 1), ((3, 2, 17, 31), (4, 1, 1), 2, 0, 1, 1), ((2, 4, 13, 22), (4, 2, 3), 2, 1, 1, 2),
          ((1, 2, 25, 40), (3, 3, 3), 2, 2, 2, 1), ((2, 2, 13, 19), (2, 2, 2), (2, 1), 0, 1, 1), ((2, 2, 13, 19), (2, 2, 4), (1, 2), 1, 1, 1), ((1, 2, 100, 7), (2, 3, 3), 2, 1, 1, 1)]
# Gradients in part on the AI CPU: a stride of 3, many taps. So are those of windows of one element, and of the last two above.
ODD = ((2, 3, 21, 26), (4, 3, 3), 3, 1, 1, 1)
LARGE = ((1, 2, 15, 17), (3, 5, 5), 2, 4, 1, 1)


def program(shape):
    (n, c, *size), (out, *window), stride, padding, dilation, groups = shape
    random = np.random.default_rng(n * 1000 + size[1])
    x, w = (random.integers(-4, 5, s).astype(np.float32) for s in ((n, c, *size), (out, c // groups, *window)))

    def loss(x, w, weights):
        return ops.sum(ops.conv2d(x, w, stride=stride, pad_mode="pad", padding=padding, dilation=dilation, groups=groups) * weights)

    def forward(x, w):
        return ops.conv2d(x, w, stride=stride, pad_mode="pad", padding=padding, dilation=dilation, groups=groups)

    ms.set_context(device_target="CPU")
    y = forward(Tensor(x), Tensor(w)).asnumpy()
    weights = random.integers(-2, 3, y.shape).astype(np.float32)
    expected = [y, *(g.asnumpy() for g in ms.grad(loss, (0, 1))(Tensor(x), Tensor(w), Tensor(weights)))]
    ms.set_context(device_target="Ascend")
    return forward, ms.grad(loss, (0, 1)), (x, w, weights), expected


@pytest.mark.parametrize("shape", [*SHAPES, ODD, LARGE], ids=str)
def test_numbers_are_those_of_the_cpu(shape):
    """Whole numbers: sums are exact in any order."""
    forward, gradient, arrays, expected = program(shape)
    tensors = [Tensor(a) for a in arrays]
    found = [ms.jit(forward)(*tensors[:2]), *ms.jit(gradient)(*tensors)]
    for got, right in zip(found, expected):
        np.testing.assert_array_equal(got.asnumpy(), right)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES[:6] if shape[1][1:] != (1, 1)], ids=str)
def test_no_element_goes_to_the_ai_cpu(shape):
    forward, gradient, arrays, _ = program(shape)
    tensors = [Tensor(a) for a in arrays]
    for lowered in (ms.jit(forward).lower(*tensors[:2], target="ascend"), ms.jit(gradient).lower(*tensors, target="ascend")):
        assert "aicpu" not in {kernel.core for kernel in lowered.kernels()}, lowered.remarks()


def test_a_stride_that_is_no_power_of_two():
    _, gradient, arrays, _ = program(ODD)
    lowered = ms.jit(gradient).lower(*(Tensor(a) for a in arrays), target="ascend")
    assert any("element by element" in remark for remark in lowered.remarks())


def test_with_adversarial_pipes():
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "--tb=short", __file__, "-k", "numbers"], env={**os.environ, "CELLGRAD_ASCEND_SIM": "seed=1"},
                          cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
