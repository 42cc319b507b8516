"""Nothing that Python passes to the builder may end the process."""
import os
import pathlib
import subprocess
import sys

import pytest


@pytest.mark.parametrize("seed", [1, 2])
def test_random_calls(seed, tmp_path):
    log = tmp_path / "last_call"
    script = pathlib.Path(__file__).with_name("fuzz_builder.py")
    done = subprocess.run([sys.executable, str(script), str(seed), "1500"], capture_output=True, text=True, env={**os.environ, "FUZZ_LOG": str(log)})
    assert done.returncode == 0, f"{log.read_text()}\n{done.stderr[-2000:]}"
    ops, kinds, modules = map(int, done.stdout.split())
    assert ops > 2000 and kinds > 60 and modules > 50  # the calls do reach the dialect
