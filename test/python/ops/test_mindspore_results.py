"""Values, dtypes and shapes as MindSpore 2.10 has them."""
from __future__ import annotations

import json

import mindspore_cases
import numpy as np
import pytest

import cellgrad as ms

EXPECTED = json.loads(mindspore_cases.RESULTS.read_text())
#: MindSpore's own approximations, or float32 rounding of its order of operations.
LOOSE = {"ops.tanhshrink(x)": 2e-4, "ops.asinh(x)": 1e-4, "ops.logsigmoid(x)": 2e-5}


@pytest.mark.parametrize("case", EXPECTED)
def test_same_as_mindspore(case: str) -> None:
    got = mindspore_cases.flat(eval(case, mindspore_cases.names(ms)))
    expected = EXPECTED[case]
    assert [g[:2] for g in got] == [e[:2] for e in expected]
    limit = LOOSE.get(case, 5e-6)
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(np.array(g[2], np.float64), np.array(e[2], np.float64), rtol=limit, atol=limit, equal_nan=True)
