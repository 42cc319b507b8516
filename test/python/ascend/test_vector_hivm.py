"""Generated vector kernels as HIVM: the vendor's compiler takes both forms down to calls of its device library. Skipped without the package ``ascendnpu-ir``."""
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from needs import needs

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

import hivm_check

import cellgrad as ms
from cellgrad import Tensor, ops

pytestmark = [pytest.mark.usefixtures("ascend"), needs(hivm_check.available(), "needs the vendor's compiler: pip install 'cellgrad[ascend]'")]


def ones(*shape: int, dtype: object = np.float32) -> Tensor:
    return Tensor(np.ones(shape), getattr(ms, dtype) if isinstance(dtype, str) else ms.float32)


CASES = {
    "broadcasts": (lambda a, b, c, d: (a * b + c) * d, ones(13, 97), ones(97), ones(13, 1), ones()),
    "integers": (lambda a, b: ops.maximum(a * b, a) <= b, ones(31, 257, dtype="int32"), ones(257, dtype="int32")),
    "halves": (lambda a, b: ops.select(a > b, a * b, a - b), ones(31, 257, dtype="float16"), ones(31, 257, dtype="float16")),
    "selections": (lambda a, b, c: ops.select(a > 0, b, c), ones(97, 61), ones(97, 1), ones(61)),
    "selections-in-place": (lambda a, b, c: ops.select(a > c, a * b, c), ones(97, 61), ones(97, 61), ones(97, 1)),
    "single-numbers": (lambda a, b, s: ops.select(a > ops.exp(s), a + b, ops.exp(s)), ones(97, 61), ones(97, 1), ones()),
    "bfloats": (lambda a: ops.exp(a * a), ones(1000, dtype="bfloat16")),
    "bools": (lambda a, b: ops.logical_and(a > 0, b > 0), ones(100, 7), ones(100, 7)),
    "casts": (lambda a: ops.cast(a, ms.int32), ones(1000)),
    "rows": (lambda a: ops.sum(a, 1), ones(100, 257)),
    "columns": (lambda a: ops.sum(a, 0), ones(5000, 257)),
    "everything": (lambda a: ops.sum(a), ones(300_000)),
    "softmax": (lambda a: ops.softmax(a, -1), ones(100, 509)),
    "transposes": (lambda a: ops.transpose(a, (2, 1, 0)) + 1.0, ones(97, 5, 64)),
    "strides": (lambda a: a[:, ::2] * 2.0, ones(13, 97)),
    "tails": (lambda a, b: ops.exp(a) * b, ones(300_001), ones(300_001)),
    "functions": (lambda a, b: ops.pow(ops.tanh(a), b) + ops.erf(a) + ops.sin(b), ones(1000), ones(1000)),
}


@pytest.mark.parametrize("form", ["auto", "planned"])
@pytest.mark.parametrize("case", CASES)
def test_the_vendor_accepts(case: str, form: str) -> None:
    function, *arguments = CASES[case]
    lowered = ms.jit(function).lower(*arguments, target="ascend")
    assert {kernel.core for kernel in lowered.kernels()} == {"aiv"}
    kernels = hivm_check.kernels(lowered.hivm(form))
    assert kernels
    for kernel in kernels:
        hivm_check.check_kernel(kernel, form)
