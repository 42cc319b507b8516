"""Kernels of programs in small memories: they are enough, or refused by name with what was needed and the tile; few flags are enough, too."""
import re

import numpy as np
import pytest
from kernel_kinds import SMALL, compiled
from planned_kernels import Simulator, arguments, refused

from cellgrad._errors import CompileError

VECTOR = ["pointwise", "row-sums", "column-sums", "softmax", "softmax-gradient", "transpose"]
# Sizes that a kernel can do with, and one that is too small.
ENOUGH = {"l1": (4096, 2048), "l0a": (4096, 1024), "l0b": (4096, 1024), "l0c": (4096, 1024), "bt": (1024, 128)}
TOO_SMALL = {"l1": 256, "l0a": 256, "l0b": 256, "l0c": 256, "bt": 32}


def shrunk(name: str, memory: str, size: int) -> dict[str, str]:
    numbers = re.sub(rf"{memory}_bytes = \d+", f"{memory}_bytes = {size}", SMALL)
    return compiled(name, numbers if f"{memory}_bytes" in numbers else f"{numbers}, {memory}_bytes = {size} : i64")


@pytest.mark.parametrize("memory", ENOUGH)
def test_memories_of_the_cube_shrink_until_the_kernel_is_refused(memory):
    for size in ENOUGH[memory]:
        made = shrunk("matmul-epilogue", memory, size)
        assert made
        assert not any(refused(text) for text in made.values())
    with pytest.raises(CompileError) as raised:
        shrunk("matmul-epilogue", memory, TOO_SMALL[memory])
    assert re.search(rf"the kernel '\w+' needs \d+ bytes of {memory.upper()}, Ascend910B3 has {TOO_SMALL[memory]}; use smaller tiles", str(raised.value))
    assert re.search(rf"\d+ bytes: .*memref<.*, #ascend.space<{memory}>>", str(raised.value))


@pytest.mark.parametrize("name", VECTOR)
def test_ub_shrinks_until_no_kernel_is_for_the_vector_core(name):
    assert compiled(name)
    for size in (4096, 1024, 256):
        made = shrunk(name, "ub", size)
        assert made or size < 4096 or name == "transpose"  # its blocks of 32 bytes need more than 4096
        assert not any(refused(text) for text in made.values())
    assert not shrunk(name, "ub", 64)  # plain loops of the general cores


@pytest.mark.parametrize("name", ["softmax", "optimizer", "matmul-epilogue", "convolution"])
def test_few_flags_are_enough(name):
    """With fewer flags for a pair of pipes they are shared, or barriers take their place: slower, and right."""
    most = compiled(name)
    for ids in (2, 1):
        made = compiled(name, f"{SMALL}, event_ids = {ids} : i64")
        assert made.keys() == most.keys()
        for kernel, text in made.items():
            used = {int(n) for group in re.findall(r"_flag <\w+, \w+> \[([\d, ]+)\]", text) for n in group.split(",")}
            assert used <= set(range(ids)) and not refused(text)
            inputs = arguments(text)
            with Simulator("checked") as simulator:
                ((found,), (expected,)) = simulator.launch_all([(t, [(kernel, inputs, 1)]) for t in (text, most[kernel])])
            assert not isinstance(found, str), found
            for a, b in zip(found, expected):
                np.testing.assert_array_equal(a, b)
