"""Whole suites of tests, run again with a device chosen. Nothing may be left out without notice: each has a least number of tests that must have run and passed."""
from __future__ import annotations

import importlib
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

TESTS = Path(__file__).resolve().parent


def counts(report: Path) -> tuple[int, int, int]:
    """(tests, failed, skipped) of a JUnit file."""
    suites = list(ET.parse(report).getroot().iter("testsuite"))
    return tuple(sum(int(s.get(key, 0)) for s in suites for key in keys) for keys in (("tests",), ("failures", "errors"), ("skipped",)))  # type: ignore[return-value]


def rows_of_the_table() -> int:
    sys.path.insert(0, str(TESTS / "ops"))
    try:
        return len(importlib.import_module("table").ROWS)
    finally:
        sys.path.pop(0)


SUITES = [("ops/test_table.py", rows_of_the_table()), ("ops/test_mindspore_results.py", 200), ("nn/test_layers.py", 50), ("optim", 40)]


def run(suite: str, least: int, device: str, folder: Path) -> None:
    """The suite passes on ``device``; ``folder`` is for the report."""
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "--tb=short", f"--junitxml={folder / 'report.xml'}", str(TESTS / suite)],
                          env={**os.environ, "CELLGRAD_TEST_DEVICE": device}, cwd=TESTS.parents[1], capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    tests, failed, skipped = counts(folder / "report.xml")
    assert failed == 0 and tests - skipped >= least, (tests, failed, skipped)
