"""Networks in f16 and bf16: products and convolutions of the device against those of the CPU, whose sums are f32 as well."""
from __future__ import annotations

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, nn, ops


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(8, 16, 3, pad_mode="pad", padding=1, has_bias=True)
        self.wide = nn.Dense(16 * 6 * 6, 96)
        self.narrow = nn.Dense(96, 20)

    def construct(self, x):
        x = ops.relu(self.convolution(x))
        return self.narrow(ops.gelu(self.wide(x.reshape(x.shape[0], -1))))


def value_and_gradients(dtype, target):
    ms.set_context(device_target=target)
    rng = np.random.default_rng(3)
    net = Net()
    for p in net.trainable_params():
        p.set_data(Tensor((rng.standard_normal(p.shape) * 0.1).astype(np.float32)))
    net.to_float(dtype)
    x = Tensor(rng.standard_normal((20, 8, 6, 6)).astype(np.float32))
    gradient = ms.value_and_grad(lambda x: ops.mean(net(x).astype(ms.float32) ** 2), None, net.trainable_params())
    value, gradients = ms.jit(lambda x: gradient(x))(x)
    return value.asnumpy(), [g.asnumpy() for g in gradients]


@pytest.mark.parametrize("dtype, precision", [(ms.float16, 2e-3), (ms.bfloat16, 1.6e-2)], ids=["float16", "bfloat16"])
def test_gradients_of_halves(dtype, precision):
    value, gradients = value_and_gradients(dtype, "GPU")
    expected, references = value_and_gradients(dtype, "CPU")
    np.testing.assert_allclose(value, expected, rtol=precision)
    for got, reference in zip(gradients, references, strict=True):
        np.testing.assert_allclose(got, reference, rtol=4 * precision, atol=4 * precision * np.abs(reference).max())
        difference = (got.astype(np.float64) - reference).ravel()
        assert np.linalg.norm(difference) <= precision * np.linalg.norm(reference.astype(np.float64).ravel())


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_conversion_to_float16(dtype):
    """From f64 it is a function and no instruction where kernels run on the simulator's processor."""
    x = np.linspace(-3.0, 3.0, 100).astype(dtype)
    half = ms.jit(lambda x: x.astype(ms.float16))(Tensor(x) * 1.0)
    np.testing.assert_array_equal(half.asnumpy(), x.astype(np.float16))


def test_conversion_of_doubles_rounds_once():
    """Beside the middle of two bfloat16 by less than f32 can tell: rounding to f32 first would end at the even one."""
    middle = 1.0 + 2.0**-8
    x = np.array([middle, middle + 2.0**-40, middle - 2.0**-40, -middle - 2.0**-40, 2.0**-134 + 2.0**-180, 3.4e38, 1e300, -np.inf, 0.0])
    narrow = ms.jit(lambda x: x.astype(ms.bfloat16))(Tensor(x)).astype(ms.float64).asnumpy()
    expected = [1.0, 1.0 + 2.0**-7, 1.0, -1.0 - 2.0**-7, 2.0**-133, np.inf, np.inf, -np.inf, 0.0]
    np.testing.assert_array_equal(narrow, expected)
