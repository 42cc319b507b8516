"""Kernels that the compiler makes of programs: each flag is needed, the simulator sees it missing, and small memories are either enough or refused by name."""
import re

import numpy as np
import pytest
from kernel_trace import flags, without
from planned_kernels import arguments, kernels, refused, simulate

import cellgrad as ms
from cellgrad import ops
from cellgrad._compiler import Module
from cellgrad._errors import CompileError

random = np.random.default_rng(0)


def array(*shape, dtype="float32"):
    return random.standard_normal(shape).astype(dtype)


PROGRAMS = {
    "pointwise": (lambda a, b: ops.exp(a * b) + a, array(3001), array(3001)),
    "row-sums": (lambda a: a.sum(1), array(301, 64)),
    "column-sums": (lambda a: a.sum(0), array(301, 64)),
    "softmax": (lambda a: ops.softmax(a, -1), array(101, 128)),
    "softmax-gradient": (ms.grad(lambda a: (ops.softmax(a, -1) * a).sum()), array(101, 64)),
    "transpose": (lambda a: a.swapaxes(0, 1) * 2, array(100, 64)),
    "matmul": (lambda a, b: ops.matmul(a, b), array(100, 200, dtype="float16"), array(200, 70, dtype="float16")),
}
SMALL = "ub_bytes = 8192 : i64, aiv_cores = 1 : i64, aic_cores = 1 : i64, l1_bytes = 16384 : i64, l0a_bytes = 4096 : i64, l0b_bytes = 4096 : i64, l0c_bytes = 8192 : i64"


def compiled(name: str, numbers: str = SMALL) -> dict[str, str]:
    """The program's kernels for a chip with other numbers: small memories and one core make loops of many steps."""
    function, *inputs = PROGRAMS[name]
    text = ms.jit(function).lower(*[ms.Tensor(a) for a in inputs]).mlir("linalg")
    target = f'ascend.target = #ascend.target<"Ascend910B3", {{{numbers}}}>'
    text = re.sub(r"^module( attributes \{)?", lambda m: f"module attributes {{{target}" + (", " if m[1] else "} "), text, count=1, flags=re.M)
    module = Module.parse(text)
    module.run("linalg-to-ascend")
    return kernels(module.text())


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_flag_can_be_left_out(name):
    made = compiled(name)
    assert made
    for kernel, text in made.items():
        assert not refused(text)
        for flag in flags(text):
            assert refused(without(text, flag)), (kernel, flag, text)


@pytest.mark.parametrize("name", ["pointwise", "column-sums", "softmax", "matmul"])
def test_simulator_sees_that_a_flag_is_missing(name):
    made = compiled(name)
    assert made
    for kernel, text in made.items():
        cut = flags(text)
        good, *bad = simulate([(t, arguments(t), kernel) for t in (text, *(without(text, flag) for flag in cut))])
        assert not isinstance(good, str), good
        for flag, result in zip(cut, bad):
            assert isinstance(result, str) and ("race" in result or "deadlock" in result or "flag <" in result), (kernel, flag, text)


def shrunk(name: str, memory: str, size: int) -> dict[str, str]:
    return compiled(name, re.sub(rf"{memory}_bytes = \d+", f"{memory}_bytes = {size}", SMALL))


@pytest.mark.parametrize("memory", ["l1", "l0a", "l0b", "l0c"])
def test_memories_of_the_cube_shrink_until_the_kernel_is_refused(memory):
    for size in (4096, 1024):
        made = shrunk("matmul", memory, size)
        assert made
        assert not any(refused(text) for text in made.values())
    with pytest.raises(CompileError, match=rf"the kernel '\w+' needs \d+ bytes of {memory.upper()}, Ascend910B3 has 256; use smaller tiles"):
        shrunk("matmul", memory, 256)


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "matmul"])
def test_ub_shrinks_until_no_kernel_is_for_the_vector_core(name):
    assert compiled(name)
    for size in (4096, 1024, 256):
        made = shrunk(name, "ub", size)
        assert made or size < 4096 or name == "transpose"  # its blocks of 32 bytes need more than 4096
        assert not any(refused(text) for text in made.values())
    assert not shrunk(name, "ub", 64)  # plain loops of the general cores
