"""Registers, spills and shared memory of the large forms of products and convolutions, by ptxas."""
from __future__ import annotations

import numpy as np
import pytest
from needs import needs

import cellgrad as ms
from cellgrad import Tensor, ops
from cellgrad._compiler import cuda_tools

pytestmark = needs(cuda_tools.find("ptxas"), "ptxas is not installed: pip install 'cellgrad[cuda]'")


def kernels(fn, chip, *shapes, dtype):
    return ms.jit(fn).lower(*(Tensor(np.zeros(shape, np.float32)).astype(dtype) for shape in shapes), target="gpu", chip=chip).kernels()


@pytest.mark.parametrize("chip", ["sm_80", "sm_90"])
@pytest.mark.parametrize("dtype, instruction", [(ms.float32, ""), (ms.float64, ""), (ms.float16, "_mma"), (ms.bfloat16, "_mma")], ids=str)
def test_large_product_with_bias_and_relu(chip, dtype, instruction):
    (kernel,) = kernels(lambda a, b, c: ops.relu(ops.matmul(a, b) + c), chip, (2048, 512), (512, 2048), (2048,), dtype=dtype)
    assert kernel.name.startswith("matmul_") and ("_mma" in kernel.name) == bool(instruction)
    assert kernel.spill_bytes == 0 and kernel.registers * kernel.block[0] <= 32768 and kernel.shared_bytes <= 48 * 1024


@pytest.mark.parametrize("dtype", [ms.float32, ms.float16], ids=str)
def test_convolution_and_its_gradients(dtype):
    loss = lambda x, w: ops.sum(ops.conv2d(x, w, pad_mode="pad", padding=1).astype(ms.float32) ** 2)
    gradient = ms.grad(loss, (0, 1))
    found = [k for k in kernels(lambda x, w: gradient(x, w), "sm_80", (32, 64, 28, 28), (64, 64, 3, 3), dtype=dtype) if k.name.startswith("conv2d")]
    assert {"_".join(k.name.split("_")[:2]) for k in found} >= {"conv2d_dx", "conv2d_dw"}
    for kernel in found:
        assert kernel.spill_bytes == 0 and kernel.registers <= 128, kernel
        assert dtype == ms.float32 or "_mma" in kernel.name or "_sum" in kernel.name, kernel


def test_convolution_of_few_channels_and_its_gradients():
    loss = lambda x, w: ops.sum(ops.conv2d(x, w, pad_mode="pad", padding=1) ** 2)
    gradient = ms.value_and_grad(loss, (0, 1))
    found = [k for k in kernels(lambda x, w: gradient(x, w), "sm_90", (32, 16, 32, 32), (16, 16, 3, 3), dtype=ms.float32) if k.name.startswith("conv2d")]
    assert {"_".join(k.name.split("_")[:2]) for k in found} >= {"conv2d_dx", "conv2d_dw"} and len(found) >= 3
    for kernel in found:
        assert kernel.spill_bytes == 0 and kernel.registers <= 168 and kernel.registers * kernel.block[0] <= 32768, kernel


@pytest.mark.parametrize("chip", ["sm_80", "sm_90a"])
@pytest.mark.parametrize("ta, tb", [(False, False), (True, False), (False, True)], ids=["nn", "tn", "nt"])
def test_product_in_tf32(chip, ta, tb):
    before = ms.get_context("gpu_config")
    ms.set_context(gpu_config={"matmul_allow_tf32": True})
    try:
        fn = ms.jit(lambda a, b: ops.relu(ops.matmul(a.T if ta else a, b.T if tb else b)))
        program = fn.lower(Tensor(np.zeros((512, 2048) if ta else (2048, 512), np.float32)), Tensor(np.zeros((2048, 512) if tb else (512, 2048), np.float32)), target="gpu", chip=chip)
        (kernel,) = program.kernels()
        assert kernel.name.startswith("matmul_") and "_tf32" in kernel.name
        assert kernel.spill_bytes == 0 and kernel.registers * kernel.block[0] <= 32768 and kernel.shared_bytes <= 48 * 1024
        assert "cvt.rna.tf32.f32" in program.ptx() and "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32" in program.ptx()
        ms.set_context(gpu_config={"matmul_allow_tf32": False})
        assert "tf32" in program.ptx()  # made for what was set when it was lowered
    finally:
        ms.set_context(gpu_config=before)
