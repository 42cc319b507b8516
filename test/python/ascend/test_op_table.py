"""The page that says on which cores each op runs, the files that the pages name, and the documentation's examples on the accelerator."""
from __future__ import annotations

import doctest
import importlib.util
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


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
