"""Convolutions by cuDNN: numbers, what it is asked for, and what happens where it cannot."""
from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, ops, value_and_grad

SIMULATED = os.environ.get("CELLGRAD_CUDA_DRIVER") == "sim"
SLACK = 1 if SIMULATED else 20  # the real library may choose Winograd's transforms here
simulated = pytest.mark.skipif(not SIMULATED, reason="counts on the simulator's library")
rng = np.random.default_rng(5)


@pytest.fixture(autouse=True)
def settings(libraries):
    ms.set_context(gpu_config={"products": "library"})
    yield
    ms.set_context(gpu_config={"matmul_allow_tf32": False, "conv_allow_tf32": False, "products": None})


def normal(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def taps(x, w, stride, pads, dilation):
    """For each tap of the window its elements of the padded input, as (row, column, view)."""
    top, bottom, left, right = pads
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    rows = (padded.shape[2] - dilation[0] * (w.shape[2] - 1) - 1) // stride[0] + 1
    columns = (padded.shape[3] - dilation[1] * (w.shape[3] - 1) - 1) // stride[1] + 1
    for p in range(w.shape[2]):
        for q in range(w.shape[3]):
            at = (slice(None), slice(None), slice(p * dilation[0], p * dilation[0] + rows * stride[0], stride[0]), slice(q * dilation[1], q * dilation[1] + columns * stride[1], stride[1]))
            yield p, q, padded, padded[at][:, :, :rows, :columns], at


def reference(x, w, dy_of, stride, pads, dilation, groups):
    """y, and for dy = dy_of(y) the gradients of x and w, in float64."""
    x, w = x.astype(np.float64), w.astype(np.float64)
    split = lambda t: t.reshape(t.shape[0], groups, -1, *t.shape[2:])
    filters = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
    y = sum(np.einsum("ngcij,goc->ngoij", split(view), filters[..., p, q]) for p, q, _, view, _ in taps(x, w, stride, pads, dilation))
    dy = split(dy_of(y.reshape(y.shape[0], -1, *y.shape[3:])))
    dw, dx = np.zeros_like(filters), None
    for p, q, padded, view, (_, _, rows, columns) in taps(x, w, stride, pads, dilation):
        dw[..., p, q] = np.einsum("ngcij,ngoij->goc", split(view), dy)
        dx = np.zeros_like(padded) if dx is None else dx
        step = np.einsum("ngoij,goc->ngcij", dy, filters[..., p, q])
        dx[:, :, rows, columns][:, :, : dy.shape[3], : dy.shape[4]] += step.reshape(step.shape[0], -1, *step.shape[3:])
    top, _, left, _ = pads
    return y.reshape(y.shape[0], -1, *y.shape[3:]), dx[:, :, top : top + x.shape[2], left : left + x.shape[3]], dw.reshape(w.shape)


CASES = {
    "same": (dict(x=(2, 8, 9, 11), w=(12, 8, 3, 3)), (1, 1), (1, 1, 1, 1), (1, 1), 1),
    "strided": (dict(x=(2, 8, 13, 12), w=(16, 8, 3, 5)), (2, 3), (1, 1, 2, 2), (1, 1), 1),
    "dilated": (dict(x=(2, 6, 15, 14), w=(8, 6, 3, 3)), (1, 2), (2, 2, 0, 0), (2, 3), 1),
    "grouped": (dict(x=(3, 12, 10, 10), w=(16, 3, 3, 3)), (1, 1), (1, 1, 1, 1), (1, 1), 4),
    "point": (dict(x=(2, 24, 8, 8), w=(16, 24, 1, 1)), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    "valid": (dict(x=(2, 3, 20, 20), w=(6, 3, 5, 5)), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    "one side, out of reach": (dict(x=(2, 8, 12, 12), w=(16, 8, 3, 3)), (2, 2), (1, 0, 1, 0), (1, 1), 1),
}


def convolution(stride, pads, dilation, groups):
    return lambda x, w: ops.conv2d(x, w, stride=stride, pad_mode="pad", padding=pads, dilation=dilation, groups=groups)


def program_of(conv):
    """y and both gradients of sum(y * y) / 2, so that dy is y."""
    gradient = value_and_grad(lambda x, w: (lambda y: ((y * y).sum() * 0.5, y))(conv(x, w)), (0, 1), has_aux=True)

    @ms.jit
    def run(x, w):
        (_, y), (dx, dw) = gradient(x, w)
        return y, dx, dw

    return run


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(name):
    shapes, *geometry = CASES[name]
    x, w = normal(*shapes["x"]), normal(*shapes["w"])
    program = program_of(convolution(*geometry))
    expected = reference(x, w, lambda y: y, *geometry)
    lowered = program.lower(Tensor(x), Tensor(w))
    assert lowered.mlir("gpu").count('"library_product"') == 3 and not any("conv" in k.name for k in lowered.kernels())
    for got, exact in zip(program(Tensor(x), Tensor(w)), expected, strict=True):
        np.testing.assert_allclose(got.asnumpy(), exact, atol=SLACK * 2e-6 * np.abs(exact).max())
    again = [t.asnumpy() for t in program(Tensor(x), Tensor(w))]
    assert all(np.array_equal(a, b.asnumpy()) for a, b in zip(again, program(Tensor(x), Tensor(w)), strict=True))


@pytest.mark.parametrize("case", ["more on one side", "little work", "float64"])
def test_what_stays_generated(case):
    dtype = ms.float64 if case == "float64" else ms.float32
    x, w = Tensor(normal(2, 2 if case == "little work" else 16, 12, 12)).astype(dtype), Tensor(normal(4, 2 if case == "little work" else 16, 3, 3)).astype(dtype)
    program = ms.jit(convolution((1, 1), (1, 0, 1, 0) if case == "more on one side" else (1, 1, 1, 1), (1, 1), 1))
    assert "library_product" not in program.lower(x, w).mlir("gpu")


@pytest.mark.parametrize("dtype, limit", [(ms.float32, 1e-6), (ms.float16, 2e-3), (ms.bfloat16, 1e-2)], ids=["f32", "f16", "bf16"])
def test_bias_and_relu(dtype, limit):
    x, w, b = (Tensor(normal(*shape)).astype(dtype) for shape in ((2, 8, 12, 12), (16, 8, 3, 3), (16,)))
    program = ms.jit(lambda x, w, b: ops.relu(ops.conv2d(x, w, b, pad_mode="pad", padding=1)))
    exact, _, _ = reference(x.astype(ms.float32).asnumpy(), w.astype(ms.float32).asnumpy(), np.zeros_like, (1, 1), (1, 1, 1, 1), (1, 1), 1)
    exact = np.maximum(exact + b.astype(ms.float32).asnumpy()[:, None, None].astype(np.float64), 0)
    lowered = program.lower(x, w, b)
    assert '"library_product"' in lowered.mlir("gpu") and not lowered.kernels()
    np.testing.assert_allclose(program(x, w, b).astype(ms.float32).asnumpy(), exact, atol=SLACK * limit * exact.max())


@pytest.mark.parametrize("dtype, limit", [(ms.float16, 2e-3), (ms.bfloat16, 1.2e-2)], ids=["f16", "bf16"])
@pytest.mark.parametrize("name", ["same", "strided", "grouped"])
def test_values_and_gradients_in_16_bits(name, dtype, limit):
    shapes, *geometry = CASES[name]
    x, w = (Tensor(normal(*shapes[k])).astype(dtype) for k in "xw")
    conv = convolution(*geometry)
    # dy is y, rounded; each result is rounded by the program before it is used.
    program = program_of(conv)
    y, dx, dw = (t.astype(ms.float32).asnumpy() for t in program(x, w))
    wide = [t.astype(ms.float32).asnumpy() for t in (x, w)]
    exact, _, _ = reference(*wide, lambda y: y, *geometry)
    _, exact_dx, exact_dw = reference(*wide, lambda _: y.astype(np.float64), *geometry)
    for got, expected in ((y, exact), (dx, exact_dx), (dw, exact_dw)):
        np.testing.assert_allclose(got, expected, atol=SLACK * limit * np.abs(expected).max())
    # Results of several groups are rounded by a kernel of their own in generated code, so the library cannot store them rounded.
    assert program.lower(x, w).mlir("gpu").count('"library_product"') == (0 if name == "grouped" else 3)


def test_other_epilogues_are_kernels_behind_the_library():
    x, w, b = Tensor(normal(2, 8, 12, 12)), Tensor(normal(16, 8, 3, 3)), Tensor(normal(16))
    program = ms.jit(lambda x, w, b: ops.tanh(ops.conv2d(x, w, b, pad_mode="pad", padding=1)) * 2)
    got = program(x, w, b).asnumpy()
    assert len(program.lower(x, w, b).kernels()) == 1
    ms.set_context(gpu_config={"products": "generated"})
    np.testing.assert_allclose(got, program(x, w, b).asnumpy(), atol=SLACK * 1e-5)


def test_tf32_is_off_until_it_is_allowed():
    x, w = normal(2, 16, 9, 9), normal(16, 16, 3, 3)
    exact, _, _ = reference(x, w, np.zeros_like, (1, 1), (1, 1, 1, 1), (1, 1), 1)
    program = ms.jit(convolution((1, 1), (1, 1, 1, 1), (1, 1), 1))
    error = lambda: np.abs(program(Tensor(x), Tensor(w)).asnumpy() - exact).max()
    assert error() < 1e-4
    ms.set_context(gpu_config={"matmul_allow_tf32": True})
    assert error() < 1e-4
    ms.set_context(gpu_config={"conv_allow_tf32": True})
    assert 5e-4 < error() < 5e-2


def test_programs_are_captured():
    x, w = Tensor(normal(2, 8, 12, 12)), ms.Parameter(Tensor(normal(8, 8, 3, 3)), name="w")
    start = w.asnumpy()
    gradient = value_and_grad(lambda x: (ops.conv2d(x, w, pad_mode="pad", padding=1) ** 2).sum() * 0.5, None, [w])

    @ms.jit
    def step(x):
        value, (dw,) = gradient(x)
        w.set_data(w - dw * 1e-4)
        return value

    losses = [float(step(x)) for _ in range(6)]
    stats = step._latest().executable.gpu_stats
    assert stats["captures"] == 1 and stats["replays"] >= 3, stats
    here, there = x.asnumpy(), start.astype(np.float64)
    for loss in losses:
        y, _, dw = reference(here, there, lambda y: y, (1, 1), (1, 1, 1, 1), (1, 1), 1)
        assert abs(loss - 0.5 * (y**2).sum()) < 1e-5 * abs(loss)
        there = there - dw * 1e-4


SCRIPT = """
import sys, numpy as np, cellgrad as ms
from cellgrad import Tensor, ops
ms.set_context(device_target="GPU")
x, w = np.ones((1, 8, 12, 12), np.float32), np.ones((8, 8, 3, 3), np.float32)
x[0, 0, 5, 6] = float(sys.argv[1])
y = ms.jit(lambda x, w: ops.conv2d(x, w, pad_mode="valid"))(Tensor(x), Tensor(w)).asnumpy()
print(int(np.isnan(y).sum()), float(np.nansum(y)))
"""


def run(tmp_path, element="1", **environment):
    done = subprocess.run([sys.executable, "-c", SCRIPT, element], env=dict(os.environ, CELLGRAD_CACHE_DIR=str(tmp_path), **environment), capture_output=True, text=True)
    choices = tmp_path / "gpu-products.txt"
    return done, [line.split("\t") for line in choices.read_text().splitlines()] if choices.exists() else []


@simulated
def test_measured_choice_keeps_nan_in_its_place(tmp_path):
    # 3 x 3 of a window's results for each of 8 channels; a Winograd transform would bring NaN to more of them.
    for _ in range(2):  # the second time the choice is known
        done, choices = run(tmp_path, "nan", CELLGRAD_GPU_PRODUCTS="measured", CELLGRAD_GPU_SIM="checked")
        assert done.returncode == 0 and done.stdout.split()[0] == str(9 * 8), done.stderr[-2000:]
        assert [line[1] for line in choices] == ["library"] and "cuDNN" in choices[0][0]
    done, _ = run(tmp_path, "nan", CELLGRAD_GPU_PRODUCTS="library")
    assert int(done.stdout.split()[0]) > 9 * 8  # the library's own choice


@simulated
def test_library_that_refuses_or_is_missing(tmp_path):
    total = str(float(8 * 100 * 72))
    for environment, reason in (({"CELLGRAD_SIM_LIBRARY_REFUSES": "1"}, "CUDNN_STATUS_NOT_SUPPORTED"), ({"CELLGRAD_CUDNN": "/nowhere/lib.so"}, "pip install 'cellgrad[cuda]'")):
        done, _ = run(tmp_path, CELLGRAD_GPU_PRODUCTS="library", **environment)
        assert done.returncode == 1 and reason in done.stderr and "cuDNN" in done.stderr and "<string>" in done.stderr, done.stderr[-2000:]
        done, choices = run(tmp_path, CELLGRAD_GPU_PRODUCTS="measured", **environment)
        assert done.returncode == 0 and done.stdout.split() == ["0", total] and not choices, done.stderr[-2000:]
    done, choices = run(tmp_path, CELLGRAD_GPU_PRODUCTS="measured", CELLGRAD_SIM_LIBRARY_DELAY="400")
    assert done.returncode == 0 and [line[1] for line in choices] == ["generated"]
