"""Every op against its reference on the accelerator, and the page that says on which cores."""
from __future__ import annotations

import doctest
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("suite, mode, least", [("ops/test_table.py", "", 1000), ("ops/test_table.py", "seed=5", 1000), ("ops/test_mindspore_results.py", "", 20), ("nn/test_layers.py", "checked", 20),
                                                ("optim", "checked", 20), ("ascend/test_training.py", "seed=3", 3)])
def test_on_the_device(suite: str, mode: str, least: int) -> None:
    """In the order of the program, or with all pipes at once, in which every access that no flag orders is reported as a race."""
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "--tb=short", str(TESTS / suite)], cwd=TESTS.parents[1], capture_output=True, text=True, timeout=1200,
                          env={**os.environ, "CELLGRAD_TEST_DEVICE": "Ascend", "CELLGRAD_ASCEND_SIM": mode})
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert done.stdout.count(".") >= least, done.stdout[-1000:]


def test_the_page_is_up_to_date() -> None:
    path = TESTS.parents[1] / "tools" / "gen" / "ascend_ops.py"
    spec = importlib.util.spec_from_file_location("ascend_ops", path)
    ascend_ops = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ascend_ops)
    assert ascend_ops.PAGE.read_text(encoding="utf-8") == ascend_ops.page(), "python tools/gen/ascend_ops.py writes docs/ascend-ops.md again"


def test_files_of_the_page_for_other_accelerators_exist() -> None:
    page = (TESTS.parents[1] / "docs" / "accelerator.md").read_text(encoding="utf-8")
    named = [name for name in re.findall(r"`((?:dialect|passes|runtime|python|tools)/[\w/]+(?:\.\w+)?)`", page)]
    assert len(named) > 40
    assert [name for name in named if not (TESTS.parents[1] / name).exists()] == []


@pytest.mark.usefixtures("ascend")
@pytest.mark.parametrize("page", ["README.md", "docs/python.md", "docs/derivatives.md", "docs/control-flow.md", "docs/mixed-precision.md"])
def test_the_documentations_examples_run_on_the_device(page: str) -> None:
    found = doctest.testfile(str(TESTS.parents[1] / page), module_relative=False)
    assert found.attempted > 5 and not found.failed
