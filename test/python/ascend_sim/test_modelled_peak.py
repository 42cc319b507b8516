"""The benchmark of the cycle model: what it must reach."""
from __future__ import annotations

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "benchmarks"))
import ascend_model


@pytest.mark.parametrize("case", ["matmul_2048_f16", "matmul_1024_f32", "matmul_1x4096x4096_f16", "add", "exp", "softmax", "softmax_odd_rows", "layer_norm", "softmax_gradient", "sum_of_rows"])
def test_kernels_reach_most_of_the_modelled_peak(case):
    row, fraction = ascend_model.measure(case, "Ascend910B3")
    assert fraction >= ascend_model.WANTED, row


def test_a_chip_with_more_cores_is_faster():
    rows = [int(ascend_model.measure("matmul_1024_f32", chip)[0][2].replace(",", "")) for chip in ("Ascend910B1", "Ascend910B3")]
    assert rows[0] < rows[1]
