"""Whole generated kernels by two ways: our simulator runs the planned kernel, and this machine what the vendor's own conversion makes of its HIVM text."""
from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from needs import needs

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[3] / "tools")]

import hivm_check  # noqa: E402
import vendor_run  # noqa: E402
from kernel_kinds import KINDS, array, gradient  # noqa: E402
from planned_kernels import Simulator, arguments, kernels  # noqa: E402

import cellgrad as ms  # noqa: E402
from cellgrad import Tensor, ops  # noqa: E402

pytestmark = needs(hivm_check.available(), "needs the vendor's compiler: pip install 'cellgrad[ascend]'")
# The vendor's conversion has no casts, no sums of everything, and nothing of the cube; comparisons and selections are put in by vendor_run.
SAME = ["pointwise", "broadcasts", "row-sums", "folded-rows", "column-sums", "middle-sums", "softmax", "softmax-gradient", "layer-norm", "layer-norm-gradient", "gelu-gradient", "comparisons", "optimizer", "transpose",
        "transpose-inside", "strides", "concat", "pad", "max-pooling", "average-pooling-gradient", "rows-by-index"]  # fmt: skip
PROGRAMS = {
    **{name: KINDS[name] for name in SAME},
    "odd-rows": (lambda a: ops.softmax(a, -1), array(301, 509)),
    "gelu": (ops.gelu, array(50_001)),
    "tanh": (ops.tanh, array(50_001)),
    "silu-gradient": (gradient(lambda a: a / (1 + ops.exp(-a))), array(70_001)),
    "momentum": (lambda p, m, g: (p - 0.1 * (m * 0.9 + g), m * 0.9 + g), array(50_000), array(50_000), array(50_000)),
}


@pytest.fixture(scope="module")
def simulator():
    with Simulator("") as process:
        yield process


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_vendors_conversion_gives_the_same_numbers(name, simulator, tmp_path):
    function, *inputs = PROGRAMS[name]
    program = ms.jit(function).lower(*[Tensor(a) for a in inputs], target="ascend")
    ours = kernels(program.mlir("ascend"))
    theirs = {re.search(r"@(\w+)", text)[1]: text for text in hivm_check.kernels(program.hivm("auto"))}
    assert ours.keys() == theirs.keys() and ours
    for kernel, text in ours.items():
        blocks = int(re.search(r"ascend.block_dim = (\d+)", text)[1])
        # Positive, as variances and counts are; what is not written stays.
        given = [np.abs(a) + np.float32(0.25) if a.dtype == np.float32 else a for a in arguments(text)]
        ((expected,),) = simulator.launch_all([(text, [(kernel, given, blocks)])])
        assert not isinstance(expected, str), expected
        found = [a.copy() for a in given]
        vendor_run.run(theirs[kernel], found, tmp_path, blocks)
        assert any((a != b).any() for a, b in zip(given, found)), "nothing was written"
        for a, b in zip(expected, found):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=4e-6 * max(1, np.abs(b).max()), err_msg=kernel)  # sums in another order
