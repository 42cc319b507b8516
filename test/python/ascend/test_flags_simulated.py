"""The simulator sees what the verifier sees: planned kernels run in any order of their pipes, and no flag can be left out."""
import numpy as np
import pytest
from kernel_maker import Maker
from kernel_trace import flags, races, without
from planned_kernels import arguments, scheduled, simulate

RUNS = [{3: 5, 4: 4, 5: 1}, {3: 5, 4: 5, 5: 0}]


@pytest.mark.parametrize("seed", range(4))
def test_simulated_orders_agree(seed):
    text = scheduled(Maker(500 + seed).text())
    runs = [(text, arguments(text, numbers), "k") for numbers in RUNS]
    plain = simulate(runs, "")
    for mode in ("checked", "seed=3"):
        for expected, found in zip(plain, simulate(runs, mode)):
            assert not isinstance(found, str), found
            for a, b in zip(expected, found):
                np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("seed", range(4))
def test_simulator_misses_every_flag(seed):
    text = scheduled(Maker(500 + seed, branches=False).text())
    cut = [without(text, flag) for flag in flags(text)]
    # The few flags that no run with these numbers needs (see test_schedule.py) are found in none.
    wanted = [[bool(races(t, **{f"arg{i}": n for i, n in numbers.items()})) for t in cut] for numbers in RUNS]
    assert any(map(any, wanted))
    for numbers, expected in zip(RUNS, wanted):
        found = simulate([(t, arguments(t, numbers), "k") for t in cut])
        assert [isinstance(r, str) and ("race" in r or "deadlock" in r or "flag <" in r) for r in found] == expected, found
