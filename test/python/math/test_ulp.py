"""Largest errors of the functions that expand-math writes out, compiled as a user's program is, and their special values."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from elementary import FUNCTIONS, cell_run, worst
from needs import module, needs

pytestmark = needs(cell_run(), "cell-run is not built")

CASES = [(f, d, b) for f in FUNCTIONS for d, b in zip(("f32", "f64"), f.bounds) if b]


@pytest.mark.parametrize("function, dtype, bound", CASES, ids=[f"{f.name}-{d}" for f, d, _ in CASES])
def test_error(function, dtype, bound, tmp_path):
    count = 400_000
    if (function.name, dtype) == ("erf", "f64"):
        module("mpmath")
        count = 4_000
    error, inputs, value = worst(function, dtype, tmp_path, count)
    assert error <= bound, f"{function.name}({', '.join(x.item().hex() for x in inputs)}) = {value.item().hex()} is {error} ulp off"


@pytest.mark.parametrize("features", ["-avx512f", "-avx512f,-fma,-avx2"])
@pytest.mark.parametrize("name", ["exp", "log", "sin", "tanh"])
def test_error_on_older_machines(name, features, tmp_path):
    function = next(f for f in FUNCTIONS if f.name == name)
    error, _, _ = worst(function, "f32", tmp_path, 20_000, [f"--features={features}"])
    assert error <= function.bounds[0]
