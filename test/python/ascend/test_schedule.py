"""Memory and flags of kernels: no races in any run, no flag that could be left out, errors where memory runs out."""
import re

import pytest

from kernel_maker import Maker
from kernel_trace import flags, races, without
from planned_kernels import refused, scheduled

from cellgrad._errors import CompileError

NUMBERS = [dict(arg3=n, arg4=m, arg5=p) for n, m in ((0, 3), (1, 2), (4, 0), (5, 4)) for p in (0, 1)]


@pytest.mark.parametrize("seed", range(60))
def test_random_kernels_have_no_races(seed):
    text = scheduled(Maker(seed).text())
    for numbers in NUMBERS:
        assert races(text, **numbers) == [], text


@pytest.mark.parametrize("seed", range(60))
def test_without_any_flag_a_kernel_is_refused(seed):
    text = scheduled(Maker(seed).text())
    for flag in flags(text):
        assert refused(without(text, flag)), (flag, text)
        for op in flag if len(flag) > 1 else ():
            assert refused(without(text, [op])), (op, text)


@pytest.mark.parametrize("branches", [False, True])
def test_flags_that_stay_are_needed_in_some_run(branches):
    # Exact but for loops of the same length and the like, which the compiler takes to be independent of each other.
    numbers = [dict(arg3=n, arg4=m, arg5=p) for n in (0, 1, 2, 5) for m in (0, 1, 2, 5) for p in (0, 1)]
    found = needed = 0
    for seed in range(200, 280):
        text = scheduled(Maker(seed, branches).text())
        for flag in flags(text):
            found += 1
            needed += any(races(without(text, flag), **n) for n in numbers)
    assert found > 200 and needed >= 0.97 * found, (needed, found)


@pytest.mark.parametrize("seed", range(20))
def test_kernels_fit_into_less_memory_until_they_do_not(seed):
    def attempt(size):
        return scheduled(Maker(300 + seed).text(f'attributes {{ascend.target = #ascend.target<"Ascend910B3", {{ub_bytes = {size} : i64}}>}}'))

    needs = None
    for size in (8192, 4096, 2048, 1536, 1024, 768, 512, 256, 32):
        try:
            text = attempt(size)
        except CompileError as error:
            found = re.search(rf"the kernel 'k' needs (\d+) bytes of UB, Ascend910B3 has {size}; use smaller tiles", str(error))
            assert found and int(found[1]) > size, error
            assert needs is None or int(found[1]) == needs  # what it needs at least does not depend on what there is
            needs = int(found[1])
        else:
            assert needs is None
            for numbers in NUMBERS:
                assert races(text, **numbers) == [], text
    assert races(attempt(needs), **NUMBERS[-1]) == []
