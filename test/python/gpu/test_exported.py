"""Program files for the GPU that is there, loaded in a process that uses nothing but the loader."""
from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from needs import needs

import cellgrad as ms
from cellgrad import Parameter, Tensor, nn, ops
from cellgrad._compiler import cuda_tools

SOURCE = """
import sys, numpy as np, cellgrad_program
file = cellgrad_program.load(sys.argv[1])
x, y = np.load(sys.argv[2])["x"], np.load(sys.argv[2])["y"]
there = file.to_device(x)
losses = [float(file["step"](there if turn % 2 else x, y)) for turn in range(4)]
half = file["product"](x.astype(np.float16))
half = half if isinstance(half, np.ndarray) else half.numpy()
np.savez(sys.argv[3], losses=losses, w=file.parameters()["w"], half=half)
"""


@pytest.mark.parametrize("image", ["ptx", pytest.param("cubin", marks=needs(cuda_tools.find("ptxas"), "ptxas is not installed: pip install 'cellgrad[cuda]'"))])
def test_training_steps_of_a_file(tmp_path, image):
    chip = ms.runtime.device_info()["chip"]
    generator = np.random.default_rng(3)
    x, y = generator.standard_normal((64, 96)).astype(np.float32), generator.integers(0, 10, 64).astype(np.int32)
    start = generator.standard_normal((96, 10)).astype(np.float32) * 0.1
    w = Parameter(Tensor(start), name="w")
    loss = nn.CrossEntropyLoss()
    gradient = ms.value_and_grad(lambda x, y: loss(ops.matmul(x, w), y), None, [w])

    def step(x, y):
        value, grads = gradient(x, y)
        ops.assign_add(w, -0.5 * grads[0])
        return value

    def product(x):
        return ops.matmul(x, x.T)

    path, given, made = tmp_path / "f.cgp", tmp_path / "given.npz", tmp_path / "made.npz"
    ms.export_programs(path, {"step": (step, Tensor(x), Tensor(y)), "product": (product, Tensor(x.astype(np.float16)))}, target="gpu", chip=chip, image=image)
    np.savez(given, x=x, y=y)
    done = subprocess.run([sys.executable, "-c", SOURCE, path, given, made], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = np.load(made)
    compiled = ms.jit(step)
    expected = [float(compiled(Tensor(x), Tensor(y)).asnumpy()) for _ in range(4)]
    assert expected[3] < expected[0]
    np.testing.assert_allclose(found["losses"], expected, rtol=1e-5)
    np.testing.assert_allclose(found["w"], w.asnumpy(), rtol=1e-4, atol=1e-5)
    half = x.astype(np.float16).astype(np.float64)
    np.testing.assert_allclose(found["half"].astype(np.float64), half @ half.T, rtol=2e-3, atol=2e-2)
