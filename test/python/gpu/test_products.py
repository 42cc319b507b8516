"""How products are computed: tf32 where it is allowed, generated kernels or a library, the choice between them."""
from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, ops
from cellgrad._runtime import device

DEFAULT = {"matmul_allow_tf32": False, "conv_allow_tf32": False, "products": None, "wgmma": None}
rng = np.random.default_rng(11)


@pytest.fixture(autouse=True)
def settings():
    yield
    ms.set_context(gpu_config=DEFAULT)


def normal(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def to_tf32(x):
    """Rounded to 11 bits, ties away from zero."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return ((bits + 0x1000) & np.uint32(0xFFFFE000)).view(np.float32)


def kernels(fn, *args):
    return [k.name for k in fn.lower(*args).kernels()]


@pytest.mark.parametrize("ta, tb", [(False, False), (True, False), (False, True), (True, True)], ids=["nn", "tn", "nt", "tt"])
@pytest.mark.parametrize("m, n, k", [(64, 64, 64), (67, 53, 71), (130, 40, 1030)])
def test_products_in_tf32(m, n, k, ta, tb):
    a, b = normal(*((k, m) if ta else (m, k))), normal(*((n, k) if tb else (k, n)))
    product = ms.jit(lambda a, b: ops.matmul(a.T if ta else a, b.T if tb else b))
    exact = (a.T if ta else a).astype(np.float64) @ (b.T if tb else b).astype(np.float64)
    rounded = to_tf32(a.T if ta else a).astype(np.float64) @ to_tf32(b.T if tb else b).astype(np.float64)
    off = product(Tensor(a), Tensor(b)).asnumpy()
    assert not any("tf32" in name for name in kernels(product, Tensor(a), Tensor(b)))
    ms.set_context(gpu_config={"matmul_allow_tf32": True})
    on = product(Tensor(a), Tensor(b)).asnumpy()
    assert "tf32" in kernels(product, Tensor(a), Tensor(b))[0]
    scale = np.sqrt(k)
    assert np.abs(off - exact).max() < 3e-6 * scale
    assert np.abs(on - rounded).max() < 3e-6 * scale < 1e-4 * scale < np.abs(on - exact).max()


@pytest.mark.parametrize("ta, tb", [(False, False), (True, False), (False, True)], ids=["nn", "tn", "nt"])
def test_large_products_in_tf32(ta, tb):
    """Warps of 64 x 64, more steps along the sum than stages, tiles that are not full."""
    m, n, k = 1600, 1200, 200
    a, b = normal(*((k, m) if ta else (m, k))), normal(*((n, k) if tb else (k, n)))
    product = ms.jit(lambda a, b: ops.matmul(a.T if ta else a, b.T if tb else b))
    ms.set_context(gpu_config={"matmul_allow_tf32": True, "products": "generated"})
    (kernel,) = product.lower(Tensor(a), Tensor(b)).kernels()
    if os.environ.get("CELLGRAD_CUDA_DRIVER") == "sim":
        assert "tf32" in kernel.name and kernel.block == (128, 1, 1) and kernel.grid == (130, 1, 1)
    rounded = to_tf32(a.T if ta else a).astype(np.float64) @ to_tf32(b.T if tb else b).astype(np.float64)
    assert np.abs(product(Tensor(a), Tensor(b)).asnumpy() - rounded).max() < 8e-6 * np.sqrt(k)


def test_values_that_tf32_must_keep():
    a = np.zeros((64, 64), np.float32)
    a[0, 0], a[1, 0], a[2, 0], a[3, 0], a[4, 0] = np.inf, np.nan, 3.4e38, 1 + 2.0**-11, 1 + 3 * 2.0**-12
    a[1, 0] = np.array(0x7FFFFFFF, np.uint32).view(np.float32)  # a NaN that overflows where one only adds
    b = np.eye(64, dtype=np.float32)
    ms.set_context(gpu_config={"matmul_allow_tf32": True})
    with np.errstate(invalid="ignore"):
        got = ms.jit(ops.matmul)(Tensor(a), Tensor(b)).asnumpy()[:, 0]
    assert got[0] == np.inf and np.isnan(got[1]) and got[2] > 3.3e38
    assert got[3] == 1 + 2.0**-10 and got[4] == 1 + 2.0**-10  # the tie goes away from zero


def test_convolutions_have_their_own_switch():
    x, w = Tensor(normal(2, 8, 12, 12)), Tensor(normal(16, 8, 3, 3))
    gradient = ms.grad(lambda x, w: ops.conv2d(x, w, pad_mode="pad", padding=1).sum(), (0, 1))
    program = ms.jit(lambda x, w: gradient(x, w))
    exact = [g.asnumpy() for g in program(x, w)]
    ms.set_context(gpu_config={"matmul_allow_tf32": True})
    assert not any("tf32" in name for name in kernels(program, x, w))
    ms.device_context.gpu.op_precision.conv_allow_tf32(True)
    assert any("tf32" in name for name in kernels(program, x, w))
    for got, expected in zip(program(x, w), exact, strict=True):
        np.testing.assert_allclose(got.asnumpy(), expected, atol=2e-2 * np.abs(expected).max())


def test_eager_operations_follow_the_setting():
    a = Tensor(normal(64, 64))
    before = ops.matmul(a, a).asnumpy()
    ms.set_context(gpu_config={"matmul_allow_tf32": True})
    during = ops.matmul(a, a).asnumpy()
    ms.set_context(gpu_config={"matmul_allow_tf32": False})
    after = ops.matmul(a, a).asnumpy()
    assert np.array_equal(before, after) and not np.array_equal(before, during)


@pytest.mark.parametrize("given, error", [({"matmul_allow_tf32": 1}, TypeError), ({"precision": True}, ValueError), ({"products": "fast"}, ValueError), (True, TypeError)])
def test_wrong_settings(given, error):
    with pytest.raises(error, match="gpu_config"):
        ms.set_context(gpu_config=given)
    assert ms.get_context("gpu_config") == DEFAULT


LIBRARY_CASES = [
    # batch, m, n, k, left transposed, right transposed
    ((), 64, 48, 40, False, False), ((), 33, 65, 70, True, False), ((), 40, 56, 64, False, True), ((), 64, 32, 50, True, True), ((3,), 32, 24, 48, False, True), ((2, 2), 24, 40, 36, True, False),
]


@pytest.mark.parametrize("dtype", [ms.float32, ms.float64, ms.float16, ms.bfloat16], ids=str)
@pytest.mark.parametrize("batch, m, n, k, ta, tb", LIBRARY_CASES)
def test_products_by_the_library(batch, m, n, k, ta, tb, dtype):
    a = Tensor(normal(*batch, *((k, m) if ta else (m, k)))).astype(dtype)
    b = Tensor(normal(*batch, *((n, k) if tb else (k, n)))).astype(dtype)
    bias = Tensor(normal(n)).astype(dtype)
    transposed = lambda x, t: x.swapaxes(-1, -2) if t else x
    program = ms.jit(lambda a, b, bias: ops.relu(ops.matmul(transposed(a, ta), transposed(b, tb)) + bias))
    expected = program(a, b, bias).astype(ms.float64).asnumpy()
    ms.set_context(gpu_config={"products": "library"})
    got = program(a, b, bias).astype(ms.float64).asnumpy()
    limit = {"Float32": 1e-5, "Float64": 1e-12, "Float16": 4e-3, "BFloat16": 3e-2}[str(dtype)]
    assert np.abs(got - expected).max() <= limit * np.abs(expected).max()
    assert '"library_product"' in program.lower(a, b, bias).mlir("gpu")
    assert len(kernels(program, a, b, bias)) == (1 if dtype == ms.float64 else 0)  # bias and relu are the library's, but for f64


@pytest.mark.parametrize("dtype, limit", [(ms.float32, 1e-5), (ms.float16, 4e-3), (ms.bfloat16, 3e-2)], ids=str)
@pytest.mark.parametrize("bias", [False, True])
def test_gelu_by_the_library(bias, dtype, limit):
    a, b, c = (Tensor(normal(*shape)).astype(dtype) for shape in ((64, 64), (64, 48), (48,)))
    program = lambda approximate: ms.jit(lambda a, b, c: ops.gelu(ops.matmul(a, b) + c if bias else ops.matmul(a, b), approximate=approximate))
    expected = program("tanh")(a, b, c).astype(ms.float64).asnumpy()
    ms.set_context(gpu_config={"products": "library"})
    tanh, erf = program("tanh"), program("none")
    got = tanh(a, b, c).astype(ms.float64).asnumpy()
    assert np.abs(got - expected).max() <= limit * np.abs(expected).max()
    assert not kernels(tanh, a, b, c) and len(kernels(erf, a, b, c)) == 1  # the library has the form with tanh only


def test_other_epilogues_are_kernels_behind_the_library():
    a, b, c = (Tensor(normal(64, 64)) for _ in range(3))
    program = ms.jit(lambda a, b, c: ops.tanh(ops.matmul(a, b)) * c)
    expected = program(a, b, c).asnumpy()
    ms.set_context(gpu_config={"products": "library"})
    np.testing.assert_allclose(program(a, b, c).asnumpy(), expected, atol=1e-5)
    assert len(kernels(program, a, b, c)) == 1


def test_library_products_are_replayed_as_graphs():
    ms.set_context(gpu_config={"products": "library"})
    a, w = Tensor(normal(64, 64)), ms.Parameter(Tensor(normal(64, 64)), name="w")
    reference = w.asnumpy().astype(np.float64)

    @ms.jit
    def step(a):
        w.set_data(ops.matmul(a, w) * 0.05 + w * 0.5)
        return w.sum()

    for _ in range(6):
        got = float(step(a))
        reference = a.asnumpy() @ reference * 0.05 + reference * 0.5
    assert abs(got - reference.sum()) < 1e-5 * np.abs(reference).sum()
    stats = step._latest().executable.gpu_stats
    assert stats["captures"] == 1 and stats["replays"] >= 3, stats


SCRIPT = """
import numpy as np, cellgrad as ms
from cellgrad import Tensor, ops
ms.set_context(device_target="GPU")
a = Tensor(np.ones((64, 64), np.float32))
print(float(ms.jit(lambda a: ops.matmul(a, a) * 2)(a).sum()))
"""


def run(tmp_path, **environment):
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=dict(os.environ, CELLGRAD_CACHE_DIR=str(tmp_path), **environment), capture_output=True, text=True)
    choices = tmp_path / "gpu-products.txt"
    return done, [line.split("\t") for line in choices.read_text().splitlines()] if choices.exists() else []


@pytest.mark.skipif(os.environ.get("CELLGRAD_CUDA_DRIVER") != "sim", reason="counts on the simulator's library")
@pytest.mark.parametrize("environment, way", [({"CELLGRAD_SIM_LIBRARY_DELAY": "400"}, "generated"), ({"CELLGRAD_GPU_SIM": "checked"}, "library")])  # a checked kernel is slow
def test_measured_choice_is_kept(tmp_path, environment, way):
    done, choices = run(tmp_path, CELLGRAD_GPU_PRODUCTS="measured", **environment)
    assert done.returncode == 0 and float(done.stdout) == 2 * 64**3, done.stderr[-2000:]
    assert [line[1] for line in choices] == [way] and "cuBLASLt" in choices[0][0]
    done, again = run(tmp_path, CELLGRAD_GPU_PRODUCTS="measured", **environment)
    assert done.returncode == 0 and again == choices  # not measured a second time


@pytest.mark.skipif(os.environ.get("CELLGRAD_CUDA_DRIVER") != "sim", reason="counts on the simulator's library")
def test_library_that_refuses_or_is_missing(tmp_path):
    for environment, reason in (({"CELLGRAD_SIM_LIBRARY_REFUSES": "1"}, "CUBLAS_STATUS_NOT_SUPPORTED"), ({"CELLGRAD_CUBLASLT": "/nowhere/lib.so"}, "pip install 'cellgrad[cuda]'")):
        done, choices = run(tmp_path, CELLGRAD_GPU_PRODUCTS="library", **environment)
        assert done.returncode == 1 and reason in done.stderr and "<string>" in done.stderr, done.stderr[-2000:]
        done, choices = run(tmp_path, CELLGRAD_GPU_PRODUCTS="measured", **environment)
        assert done.returncode == 0 and float(done.stdout) == 2 * 64**3 and not choices, done.stderr[-2000:]
    # A choice that was made when there was a library.
    done, choices = run(tmp_path, CELLGRAD_GPU_PRODUCTS="measured", CELLGRAD_GPU_SIM="checked")
    assert done.returncode == 0 and [line[1] for line in choices] == ["library"]
    for environment in ({"CELLGRAD_SIM_LIBRARY_REFUSES": "1"}, {"CELLGRAD_CUBLASLT": "/nowhere/lib.so"}):
        done, again = run(tmp_path, CELLGRAD_GPU_PRODUCTS="measured", **environment)
        assert done.returncode == 0 and float(done.stdout) == 2 * 64**3 and again == choices, done.stderr[-2000:]
    done, _ = run(tmp_path, CELLGRAD_GPU_PRODUCTS="quick")
    assert done.returncode == 1 and "CELLGRAD_GPU_PRODUCTS is one of" in done.stderr


def test_settings_stay_where_a_change_fails(monkeypatch):
    monkeypatch.setenv("CELLGRAD_GPU_PRODUCTS", "quick")
    with pytest.raises(ValueError, match="CELLGRAD_GPU_PRODUCTS is one of"):
        ms.set_context(gpu_config={"matmul_allow_tf32": True})
    assert ms.get_context("gpu_config") == DEFAULT


def test_measuring_is_not_counted_as_launches(tmp_path, monkeypatch):
    monkeypatch.setenv("CELLGRAD_CACHE_DIR", str(tmp_path))
    ms.set_context(gpu_config={"products": "measured"})
    a = Tensor(normal(72, 88))
    program = ms.jit(lambda a: ops.matmul(a, a.T))
    program(a)
    assert program._latest().executable.gpu_stats["launches"] == 1


@pytest.mark.parametrize("given, kind", [({"tf32": True}, ValueError), ({"products": "fast"}, ValueError), ({"matmul_allow_tf32": 1}, TypeError), ([], TypeError)])
def test_a_setting_that_is_refused_changes_nothing(given, kind):
    before = ms.get_context("gpu_config"), ms.get_context("mode")
    with pytest.raises(kind, match="gpu_config"):
        ms.set_context(device_target="CPU", mode=ms.GRAPH_MODE, gpu_config=given)
    assert ms.get_context("device_target") == "GPU" and (ms.get_context("gpu_config"), ms.get_context("mode")) == before


@pytest.mark.parametrize("blas, dnn, way", [(True, True, "measured"), (True, False, "measured-matmul"), (False, True, "measured-conv"), (False, False, "generated")])
def test_only_libraries_that_are_here_are_measured(monkeypatch, blas, dnn, way):
    monkeypatch.setattr(device, "_load_library", lambda *names: dnn if "cudnn" in names[0] else blas)
    for name in ("CELLGRAD_CUBLASLT", "CELLGRAD_CUDNN", "CELLGRAD_GPU_PRODUCTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(device._settings, "products", None)
    assert device._products(local=True) == way and device._products(local=False) == "generated"
