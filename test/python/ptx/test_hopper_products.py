"""Products by wgmma for sm_90a: they assemble without spills and without products that ptxas takes apart, and the machine code has their instructions."""
from __future__ import annotations

import subprocess

import numpy as np
import pytest
from needs import needs

import cellgrad as ms
from cellgrad import Tensor, ops
from cellgrad._compiler import cuda_tools

PTXAS = cuda_tools.find("ptxas")
pytestmark = needs(PTXAS, "ptxas is not installed: pip install 'cellgrad[cuda]'")


@pytest.fixture(autouse=True)
def wgmma():
    ms.set_context(gpu_config={"wgmma": True})
    yield
    ms.set_context(gpu_config={"wgmma": None})


def program_of(fn, *shapes, dtype, chip="sm_90a"):
    return ms.jit(fn).lower(*(Tensor(np.zeros(shape, np.float32)).astype(dtype) for shape in shapes), target="gpu", chip=chip)


def check(program, tmp_path):
    found = [k for k in program.kernels() if "_wgmma" in k.name]
    assert found
    for kernel in found:
        assert kernel.spill_bytes == 0 and kernel.registers <= 168, kernel
    ptx = tmp_path / "program.ptx"
    ptx.write_text(program.ptx())
    done = subprocess.run([PTXAS, "-arch=sm_90a", "-v", ptx, "-o", tmp_path / "program.cubin"], capture_output=True, text=True)
    text = done.stdout + done.stderr
    assert done.returncode == 0 and "serializ" not in text and "warning" not in text, text


@pytest.mark.parametrize("dtype", [ms.float16, ms.bfloat16], ids=str)
@pytest.mark.parametrize("ta, tb", [(False, False), (True, False), (False, True), (True, True)], ids=["nn", "tn", "nt", "tt"])
def test_layouts(tmp_path, ta, tb, dtype):
    fn = lambda a, b, c: ops.relu(ops.matmul(a.T if ta else a, b.T if tb else b) + c)
    m, n, k = 2048, 4096, 1024
    check(program_of(fn, (k, m) if ta else (m, k), (n, k) if tb else (k, n), (n,), dtype=dtype), tmp_path)


@pytest.mark.parametrize("m, n, k", [(2048, 136, 1024), (2000, 4008, 1000), (1024, 64, 1024), (40, 4096, 512), (48, 128, 8192), (56, 64, 512), (1000, 1000, 512)])
def test_tiles(tmp_path, m, n, k):
    check(program_of(lambda a, b: ops.gelu(ops.matmul(a, b)), (m, k), (k, n), dtype=ms.bfloat16), tmp_path)


def test_batches(tmp_path):
    check(program_of(lambda a, b: ops.matmul(a, b), (8, 512, 256), (8, 256, 512), dtype=ms.float16), tmp_path)


def test_machine_code():
    program = program_of(lambda a, b: ops.matmul(a, b), (2048, 1024), (1024, 4096), dtype=ms.bfloat16)
    ptx = program.ptx()
    assert "wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16" in ptx and ".param .align 64 .b8" in ptx
    if cuda_tools.find("nvdisasm"):
        sass = program.sass()
        assert "HGMMA.64x256x16.F32.BF16" in sass and "UTMALDG.2D" in sass




def test_only_sm_90a_has_them():
    with pytest.raises(Exception, match="needs the chip sm_90a.*wgmma"):
        program_of(lambda a, b: ops.matmul(a, b), (512, 512), (512, 512), dtype=ms.float16, chip="sm_90").ptx()


def test_the_model_chooses():
    ms.set_context(gpu_config={"wgmma": None})
    large = program_of(lambda a, b: ops.matmul(a, b), (4096, 1024), (1024, 4096), dtype=ms.float16)
    assert "_wgmma" in large.kernels()[0].name
    assert "_mma" in program_of(lambda a, b: ops.matmul(a, b), (4096, 1024), (1024, 4096), dtype=ms.float16, chip="sm_90").kernels()[0].name
