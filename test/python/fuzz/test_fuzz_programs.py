"""A bounded run of the fuzzer. The seed is printed; CELLGRAD_FUZZ_SEED and CELLGRAD_FUZZ_SECONDS set it and the time."""
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
SECONDS = os.environ.get("CELLGRAD_FUZZ_SECONDS", "18")
_LIMIT = float(SECONDS) + 300  # for a program that never ends


def _fuzz(folder, *arguments):
    command = [sys.executable, HERE / "fuzz.py", "--folder", folder, *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT)
    except subprocess.TimeoutExpired:
        left = max(folder.glob("fuzz_*.py"), key=lambda path: path.stat().st_mtime)
        pytest.fail(f"{left.name} does not end:\n{left.read_text()}")
    left = sorted(folder.glob("fuzz_*.py"))
    print(done.stdout)
    # A program that ends the process is the last one written.
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}\n{left[-1].read_text() if left and not done.stdout.count('FAILED') else ''}"
    return done.stdout


def test_random_programs(tmp_path):
    seed = os.environ.get("CELLGRAD_FUZZ_SEED", str(int(time.time()) % 1_000_000))
    text = _fuzz(tmp_path, "--seed", seed, "--seconds", SECONDS)
    counts = dict(re.findall(r"(\w+) (\d+)", text.splitlines()[-1].split("failed;")[1]))
    assert int(counts["eager"]) == int(counts["second"]) > 0


@pytest.mark.parametrize("path", sorted((HERE / "found").glob("*.py")), ids=lambda path: path.stem)
def test_programs_that_once_failed(tmp_path, path):
    assert "eager" in _fuzz(tmp_path, "--file", path)


def test_a_wrong_derivative_is_found(tmp_path):
    """The checks see a gradient that is off: a rule that says half of the truth."""
    sys.path.insert(0, str(HERE))
    import checks

    bad = tmp_path / "fuzz_1_1.py"
    bad.write_text('"""Fuzzer: seed 1, program 1."""\nfrom fuzz_support import *\n\nnet = nn.Cell()\n\ndef f(a, b, c, n):\n    return (a * ops.stop_gradient(a)).sum() + b.sum() + c\n')
    with pytest.raises(checks.Disagreement, match="finite differences"):
        checks.check(bad, 2)
