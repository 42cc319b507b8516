"""Each flag of each kind of generated kernel is needed: without it the verifier refuses the kernel, and the simulator reports what goes wrong."""
from __future__ import annotations

import functools
import re

import pytest
from kernel_kinds import KINDS, compiled
from kernel_trace import flags, without
from planned_kernels import Simulator, arguments, refused, variants

WRONG = re.compile(r"race in|deadlock|a flag|flag <|is raised again")
SAYS = re.compile(r"without waiting for pipe|is not set|is set a second time|is set again|is still set|turns with another slot")
made = functools.cache(compiled)


@pytest.fixture(scope="module")
def simulator():
    with Simulator("checked") as process:
        yield process


@pytest.mark.parametrize("kind", KINDS)
def test_the_verifier_refuses_a_kernel_without_a_flag(kind):
    assert made(kind)
    for name, text in made(kind).items():
        assert not refused(text)
        assert flags(text) or "set_flag" not in text
        for flag in flags(text):
            assert SAYS.search(refused(without(text, flag))), (name, flag, text)
    assert any(flags(text) for text in made(kind).values())


@pytest.mark.parametrize("kind", KINDS)
def test_the_simulator_sees_that_a_flag_is_missing(kind, simulator):
    texts = {name: [text, *(without(text, flag) for flag in flags(text))] for name, text in made(kind).items()}
    runs = []
    for name, (text, *_) in texts.items():
        blocks = int(re.search(r"ascend.block_dim = (\d+)", text)[1])
        runs += [(f"{name}_{i}", arguments(text), blocks) for i in range(len(texts[name]))]
    (results,) = simulator.launch_all([(variants(texts), runs)])
    for name, (text, *_) in texts.items():
        good, *bad = (results.pop(0) for _ in texts[name])
        assert not isinstance(good, str), good
        for flag, result in zip(flags(text), bad):
            assert isinstance(result, str) and WRONG.search(result), (name, [text.split("\n")[i].strip() for i in flag], text)
    assert not results


def test_the_kinds_have_what_their_names_say():
    text = "".join(text for kind in KINDS for text in made(kind).values())
    for op in ("load", "store", "copy", "nd2nz", "l1_to_l0a", "l1_to_l0b", "l1_to_bt", "mmad", "fixpipe", "vbin", "vbin_scalar", "vun", "vcast", "vbrc", "vreduce", "vcmp", "vsel", "vtranspose", "varange"):
        assert f"ascend.{op} " in text, op
    assert "memref.load" in text and re.search(r"l1_to_l0\w .*transpose", text) and "reduce_join" in text and "img2col" in text
