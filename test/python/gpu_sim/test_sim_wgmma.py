"""Products of warpgroups fed by bulk copies, in all four layouts, and what the simulator finds when such a kernel breaks a rule of the hardware."""

import ctypes

import numpy as np
import pytest
from hopper_kernels import SPACE, ring, round_to
from sim_driver import Driver, DriverError, compile_kernels


@pytest.fixture(scope="module")
def driver():
    return Driver()


class Ring:
    """One program of `ring`, its factors on the device."""

    def __init__(self, driver, n=64, steps=3, stages=2, a_rows=False, b_rows=False, kind="f16"):
        self.driver, self.shape, self.stages = driver, (64, n), stages
        self.text = ring(n, steps, stages, a_rows, b_rows, kind)
        rng = np.random.default_rng(n + steps)
        a, self.a = round_to(kind, rng.standard_normal((64, 64 * steps)))
        b, self.b = round_to(kind, rng.standard_normal((64 * steps, n)))
        code = 6 if kind == "f16" else 9
        self.maps = []
        for half, box in ((a.T if a_rows else a, 64), (b if b_rows else b.T, 64 if b_rows else n)):
            half = np.ascontiguousarray(half)
            self.maps.append(driver.tensor_map(driver.upload(half), half.shape[::-1], [2 * half.shape[1]], [64, box], code))

    def run(self, *changes, checked=True):
        text = self.text
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        out = self.driver.upload(np.full(self.shape, np.nan, np.float32))
        function = self.driver.function(self.driver.load(compile_kernels(text, checked)), "f")
        shared = self.stages * (8192 + 128 * self.shape[1])
        self.driver.call("cuFuncSetAttribute", function, 8, shared)
        self.driver.launch(function, (1, 1, 1), (160, 1, 1), *self.maps, out, shared=shared)
        return self.driver.download(out, self.shape, np.float32)

    def agrees(self, got):
        return np.allclose(got, self.a @ self.b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["f16", "bf16"])
@pytest.mark.parametrize("b_rows", [False, True])
@pytest.mark.parametrize("a_rows", [False, True])
def test_layouts(driver, a_rows, b_rows, kind):
    for n, steps, stages in ((64, 1, 1), (128, 5, 3)):
        case = Ring(driver, n, steps, stages, a_rows, b_rows, kind)
        assert case.agrees(case.run(checked=n == 128))
