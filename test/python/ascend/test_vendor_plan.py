"""Our plans beside the vendor's: they fit where those fit, with about as many flags."""
import pathlib
import sys

import pytest
from needs import needs

ROOT = pathlib.Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tools"))
import ascend_compare  # noqa: E402

pytestmark = needs(ascend_compare.hivm_check.available(), "needs the vendor's compiler: pip install 'cellgrad[ascend]'")


@pytest.mark.parametrize("name", ["insert-sync", "rows", "nested-loops", "in-place", "plan-scratch", "flags-run-out"])
def test_no_larger_than_the_vendors_plan(name):
    for kernel, ours, theirs in ascend_compare.compare(ROOT / "test" / "passes" / "AscendSchedule" / f"{name}.mlir"):
        for space, peak in ours["peaks"].items():
            assert peak <= theirs["peaks"][space], (kernel, space)
        assert ours["flags"] <= theirs["flags"] + 1 and ours["barriers"] <= theirs["barriers"], (kernel, ours, theirs)
