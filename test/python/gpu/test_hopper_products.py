"""Products by wgmma and bulk copies: the simulator runs them where ``gpu_config`` asks for them, a GPU of compute capability 9.0 by itself."""
from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, ops
from cellgrad._runtime import device

rng = np.random.default_rng(3)


@pytest.fixture(autouse=True)
def wgmma():
    if device.current().chip not in ("sim", "sim-checked", "sm_90a"):
        pytest.skip("only GPUs of compute capability 9.0 have wgmma")
    ms.set_context(gpu_config={"wgmma": True, "products": "generated"})
    yield
    ms.set_context(gpu_config={"wgmma": None, "products": None})


def check(fn, reference, *arrays, dtype=ms.float16, tolerance=2e-3, names=("_wgmma",)):
    """Runs `fn` on arrays that are rounded to `dtype`, against what `reference` makes of the same numbers in float64."""
    tensors = [Tensor(x).astype(dtype) for x in arrays]
    program = ms.jit(fn)
    found = " ".join(k.name for k in program.lower(*tensors).kernels())
    assert all(name in found for name in names), found
    got = program(*tensors).astype(ms.float32).asnumpy()
    expected = reference(*(t.astype(ms.float32).asnumpy().astype(np.float64) for t in tensors))
    scale = np.abs(expected).max()
    assert np.isfinite(got).all() and np.abs(got - expected).max() <= tolerance * (8 if dtype == ms.bfloat16 else 1) * scale


def normal(*shape):
    return rng.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("dtype", [ms.float16, ms.bfloat16], ids=str)
@pytest.mark.parametrize("ta, tb", [(False, False), (True, False), (False, True), (True, True)], ids=["nn", "tn", "nt", "tt"])
@pytest.mark.parametrize("m, n, k", [(64, 64, 64), (136, 72, 200), (200, 264, 136)])
def test_layouts(m, n, k, ta, tb, dtype):
    a, b = normal(*((k, m) if ta else (m, k))), normal(*((n, k) if tb else (k, n)))
    check(lambda a, b: ops.matmul(a.T if ta else a, b.T if tb else b), lambda a, b: (a.T if ta else a) @ (b.T if tb else b), a, b, dtype=dtype)


@pytest.mark.skipif(os.environ.get("CELLGRAD_CUDA_DRIVER") != "sim", reason="a device says how many multiprocessors it has")
@pytest.mark.parametrize("ta, tb", [(False, False), (True, False), (False, True), (True, True)], ids=["nn", "tn", "nt", "tt"])
@pytest.mark.parametrize("m, n, k, blocks", [(256, 512, 200, 4), (136, 520, 264, 6), (256, 128, 136, 2), (64, 256, 136, 1)])
def test_large_tiles(monkeypatch, m, n, k, blocks, ta, tb):
    # Few multiprocessors want the tiles that large products have on many.
    monkeypatch.setattr(device, "_full", lambda target, number, chip: device.target_of(chip, 1))
    ms.set_context(gpu_config={"wgmma": True})
    a, b = normal(*((k, m) if ta else (m, k))), normal(*((n, k) if tb else (k, n)))
    fn = ms.jit(lambda a, b: ops.matmul(a.T if ta else a, b.T if tb else b))
    (kernel,) = fn.lower(Tensor(a).astype(ms.bfloat16), Tensor(b).astype(ms.bfloat16)).kernels()
    assert kernel.grid == (blocks, 1, 1), kernel
    check(lambda a, b: ops.matmul(a.T if ta else a, b.T if tb else b), lambda a, b: (a.T if ta else a) @ (b.T if tb else b), a, b, dtype=ms.bfloat16)


@pytest.mark.skipif(os.environ.get("CELLGRAD_CUDA_DRIVER") != "sim", reason="a device says how many multiprocessors it has")
@pytest.mark.parametrize("batch", [(), (2,)], ids=str)
@pytest.mark.parametrize("use, number, k", [(True, 8, 136), (False, 4, 40)], ids=["wgmma", "mma"])
def test_bands_of_tiles(monkeypatch, use, number, k, batch):
    """More tiles than run at a time, in bands of rows, of which the last one is lower; no tile twice and none left out."""
    monkeypatch.setattr(device, "_full", lambda target, _, chip: device.target_of(chip, number))
    ms.set_context(gpu_config={"wgmma": use})
    m, n = 600, 1320
    a, b = normal(*batch, m, k), normal(*batch, k, n)
    text = ms.jit(lambda a, b: ops.matmul(a, b)).lower(Tensor(a).astype(ms.bfloat16), Tensor(b).astype(ms.bfloat16)).mlir("gpu")
    start = text[: text.index("nvgpu.mbarrier.create" if use else "nvgpu.device_async_copy")]
    assert "arith.cmpi eq" in start and "arith.select" in start  # of the last band
    check(lambda a, b: ops.matmul(a, b), lambda a, b: a @ b, a, b, dtype=ms.bfloat16, names=("_wgmma" if use else "_mma",))


@pytest.mark.parametrize("m, n, k", [(67, 53, 72), (5, 131, 520), (129, 257, 64)])
def test_rows_and_columns_beyond_the_tiles(m, n, k):
    check(lambda a, b: ops.matmul(a, b.T), lambda a, b: a @ b.T, normal(m, k), normal(n, k))


def test_batches_and_one_factor_for_all():
    check(lambda a, b: ops.matmul(a, b), lambda a, b: a @ b, normal(3, 72, 80), normal(3, 80, 40))
    check(lambda a, b: ops.matmul(a, b), lambda a, b: a @ b, normal(3, 72, 80), normal(80, 40))


def test_epilogue_and_split_sum():
    check(lambda a, b, c: ops.relu(ops.matmul(a, b) + c), lambda a, b, c: np.maximum(a @ b + c, 0), normal(130, 200), normal(200, 136), normal(136))
    check(lambda a, b: ops.tanh(ops.matmul(a, b)), lambda a, b: np.tanh(a @ b), normal(64, 4096) / 64, normal(4096, 64), names=("_wgmma", "_sum"))


def test_a_buffer_that_is_both_factors_and_read_besides():
    check(lambda a: ops.matmul(a, a) + a, lambda a: a @ a + a, normal(128, 128))


def test_gradients():
    gradient = ms.grad(lambda a, b: ops.sum(ops.matmul(a, b).astype(ms.float32) ** 2), (0, 1))
    a, b = normal(72, 80), normal(80, 136)
    check(lambda a, b: gradient(a, b)[0], lambda a, b: 2 * (a @ b) @ b.T, a, b, tolerance=4e-3)
    check(lambda a, b: gradient(a, b)[1], lambda a, b: 2 * a.T @ (a @ b), a, b, tolerance=4e-3)


def test_what_does_not_fit_stays_with_mma():
    check(lambda a, b: ops.matmul(a, b), lambda a, b: a @ b, normal(64, 100), normal(100, 64), names=("_mma",))
    ms.set_context(gpu_config={"wgmma": False})
    check(lambda a, b: ops.matmul(a, b), lambda a, b: a @ b, normal(64, 64), normal(64, 64), names=("_mma",))


def test_replayed_with_other_memory():
    product = ms.jit(lambda a, b: ops.matmul(ops.matmul(a, b), b))
    for _ in range(4):
        a, b = normal(64, 64), normal(64, 64) / 8
        got = product(Tensor(a).astype(ms.float16), Tensor(b).astype(ms.float16)).astype(ms.float32).asnumpy()
        assert np.abs(got - a @ b @ b).max() < 0.05 * np.abs(a @ b @ b).max()


@pytest.mark.skipif(os.environ.get("CELLGRAD_CUDA_DRIVER") != "sim", reason="modes of the simulator")
@pytest.mark.parametrize("mode", ["checked", "checked,seed=5", "seed=11"])
def test_other_orders_of_threads_and_checks(mode):
    # The switch is read once per process.
    tests = f"{__file__}::test_layouts[136-72-200-tn-Float16]", f"{__file__}::test_large_tiles[256-512-200-4-tn]", f"{__file__}::test_epilogue_and_split_sum", f"{__file__}::test_rows_and_columns_beyond_the_tiles[67-53-72]"
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests], env={**os.environ, "CELLGRAD_GPU_SIM": mode}, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:]


def test_wrong_settings():
    with pytest.raises(TypeError, match="the 'wgmma' of 'gpu_config' should be a bool"):
        ms.set_context(gpu_config={"wgmma": "on"})
