"""HIVM text against the vendor's own compiler, device library and conversion. Skipped without the package ``ascendnpu-ir``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from needs import needs

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "tools")]

import hivm_check  # noqa: E402
import hivm_kernels  # noqa: E402
import vendor_run  # noqa: E402

from cellgrad._compiler import _native  # noqa: E402

pytestmark = needs(hivm_check.available(), "needs the vendor's compiler: pip install 'cellgrad[ascend]'")

PLAN = "ascend-multi-buffer,ascend-plan-memory,ascend-insert-sync,ascend-verify-kernels"
TABLE = hivm_kernels.table()
FORMS = ("auto", "planned")


def planned(text: str) -> _native.Module:
    module = _native.Module.parse(text)
    module.run(PLAN)
    return module


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", TABLE)
def test_the_vendor_accepts_every_op_for_every_element_type(name: str, form: str) -> None:
    module = planned(TABLE[name])
    assert hivm_check.check_kernel(module.hivm(form), form)["calls"]


def test_scratch_memory_is_missed_when_it_is_left_out() -> None:
    text = planned(TABLE["reduce-rows-sum-f32"]).hivm("planned")
    assert " temp_buffer(" in text
    with pytest.raises(ValueError, match=r"reduce_sum_ra_float is called with 2 buffers, but takes 3"):
        hivm_check.check_kernel(re.sub(r" temp_buffer\(.*?\)(?= )", "", text), "planned")


def test_scratch_memory_is_missed_beside_a_kernel_that_has_it() -> None:
    (good,) = hivm_check.kernels(planned(TABLE["reduce-rows-sum-f32"]).hivm("planned"))
    bad = re.sub(r" temp_buffer\(.*?\)(?= )", "", good)
    assert list(hivm_check.check_kernels({"good": good, "bad": bad}, "planned")) == ["bad"]


def test_a_function_that_the_library_does_not_have_is_missed() -> None:
    text = planned(TABLE["shl-scalar-i32"]).hivm("auto").replace("i32", "i64")
    with pytest.raises(ValueError, match="not in the device library"):
        hivm_check.check_kernel(text, "auto")


@pytest.mark.parametrize("form", FORMS)
def test_what_the_vendor_refuses_is_told(form: str) -> None:
    text = planned(TABLE["add-f32"]).hivm(form)
    with pytest.raises(ValueError, match="error"):
        hivm_check.check_kernel(text.replace("hivm.hir.vadd ins", "hivm.hir.vexp ins"), form)


def reference(name: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """NumPy's values of a kernel of the table."""
    kind, *rest = name.split("-")
    if kind == "reduce":
        axis, operation = (0, rest[1]) if rest[0] == "rows" else (1, rest[0])
        return {"sum": np.sum, "max": np.max, "min": np.min}[operation](a, axis=axis, keepdims=True, **({"dtype": a.dtype} if operation == "sum" else {}))
    binary = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "max": np.maximum, "min": np.minimum, "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}
    unary = {"exp": np.exp, "ln": np.log, "sqrt": np.sqrt, "rsqrt": lambda x: 1 / np.sqrt(x), "rec": lambda x: 1 / x, "abs": np.abs, "neg": np.negative}
    if kind in binary:
        if rest == ["reverse"]:
            return binary[kind](np.float32(1.5), a)
        return binary[kind](a, a.dtype.type(1.5) if rest[0] == "scalar" else b)
    return {"transpose": np.transpose, "brc": lambda x: np.broadcast_to(x, (16, 64)), **unary}[kind](a)


RUN = [n for n in TABLE if re.fullmatch(r"(add|sub|mul|div|max|min|exp|ln|sqrt|rsqrt|rec|abs|neg|transpose|brc-rows|brc-columns|reduce-sum|reduce-max|reduce-min|reduce-rows-\w+)(-scalar)?-f32|"
                                    r"(add|sub|mul|max|min|and|or|xor|transpose|reduce-max|reduce-sum)-i32|(sub|div)-reverse", n)]


@pytest.mark.parametrize("name", RUN)
def test_the_vendors_conversion_gives_the_right_numbers(name: str, tmp_path: Path) -> None:
    """The meaning that we give an op is the vendor's: its own conversion, run here, agrees with NumPy."""
    text = planned(TABLE[name]).hivm("auto")
    head = re.search(r"func\.func @k\((.*?)\)\n", text).group(1)
    kinds = [(tuple(map(int, shape.split("x"))), element) for shape, element in re.findall(r"memref<([\dx]+)x(\w+),", head)]
    random = np.random.default_rng(3)
    arrays = [
        np.ascontiguousarray(random.uniform(0.5, 4, shape).astype(np.float32) if element == "f32" else random.integers(-50, 50, shape).astype(np.int32)) for shape, element in kinds
    ]
    inputs = [a.copy() for a in arrays[:-1]]
    vendor_run.run(text, [1.5, *arrays], tmp_path)
    np.testing.assert_allclose(arrays[-1], reference(name, inputs[0], inputs[-1]), rtol=2e-6, atol=1e-6)
