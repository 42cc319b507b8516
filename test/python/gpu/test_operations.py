"""Every operation, layer and optimiser against its reference, on the device: their own tests, run with the device chosen."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("suite", ["ops/test_table.py", "ops/test_mindspore_results.py", "nn/test_layers.py", "optim"])
def test_on_the_device(suite: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "--tb=short", str(TESTS / suite)], env={**os.environ, "CELLGRAD_TEST_DEVICE": "GPU"},
                          cwd=TESTS.parents[1], capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
