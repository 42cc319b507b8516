"""What `make test-gpu` runs, and how it calls compute-sanitizer: a program of that name which notes its arguments and starts the rest, on the simulator."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAKE = """#!/bin/sh
echo "called: $*; lines $CELLGRAD_GPU_LINES, device $CELLGRAD_TEST_DEVICE, products $CELLGRAD_GPU_PRODUCTS"
while [ "$1" != {python} ]; do shift; done
"$@" && exit {status}
"""


def run_gpu(*names: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The run, which only collects its tests."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("CELLGRAD_COMPUTE")}
    env |= {"CELLGRAD_CUDA_DRIVER": "sim", "PYTEST_ADDOPTS": "--collect-only -q -p no:xdist", **environment}
    return subprocess.run([sys.executable, str(ROOT / "test" / "run_gpu.py"), *names], env=env, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("status", (0, 86))
def test_compute_sanitizer_looks_at_every_kind_of_kernel(tmp_path, status):
    fake = tmp_path / "compute-sanitizer"
    fake.write_text(FAKE.format(python=sys.executable, status=status))
    fake.chmod(0o755)
    done = run_gpu("racecheck", CELLGRAD_COMPUTE_SANITIZER=str(fake))
    assert done.returncode == (1 if status else 0), done.stdout[-2000:] + done.stderr[-2000:]
    assert "called: --tool racecheck --error-exitcode 86 --target-processes application-only" in done.stdout
    assert "lines 1, device GPU, products generated" in done.stdout
    for tested in ("gpu/test_programs.py: ", "gpu/test_hopper_products.py: ", "ops/test_table.py: "):
        assert tested in done.stdout
    assert "test_failures.py: " not in done.stdout and "test_operations.py: " not in done.stdout
    assert done.stdout.endswith("failed: racecheck\n" if status else "all passed\n")


def test_a_compute_sanitizer_that_starts_nothing_is_told_apart(tmp_path):
    fake = tmp_path / "compute-sanitizer"
    fake.write_text("#!/bin/sh\necho no launcher\nexit 255\n")
    fake.chmod(0o755)
    done = run_gpu("racecheck", CELLGRAD_COMPUTE_SANITIZER=str(fake))
    assert f"left out: racecheck, as {fake} starts no programs here: no launcher" in done.stdout and "all passed" not in done.stdout


def test_suites_run_once():
    done = run_gpu("gpu")
    assert done.returncode == 0 and "gpu/test_failures.py: " in done.stdout and "test_operations.py" not in done.stdout


def test_what_is_left_out_is_said():
    done = run_gpu("amp", "memcheck", CELLGRAD_COMPUTE_SANITIZER="")
    assert done.returncode == 0 and "left out: memcheck, as compute-sanitizer is not installed" in done.stdout
    assert done.stdout.endswith("all others passed\n")


def test_a_suite_that_does_not_exist():
    done = run_gpu("gpus")
    assert done.returncode == 2 and "there is no gpus; there are gpu, ops" in done.stdout


def test_the_archive_measures_even_where_a_test_fails(tmp_path):
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import gpu_bundle
    finally:
        sys.path.pop(0)
    for name, text in {"run": gpu_bundle.RUN.format(version="3.11"), "python": '#!/bin/sh\n[ "$1" = -c ] && echo 3.11 && exit\necho "ran $*"\n[ "$1" != test/run_gpu.py ]\n'}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    done = subprocess.run([tmp_path / "run", "all"], env={**os.environ, "PYTHON": str(tmp_path / "python")}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "ran test/run_gpu.py\nran benchmarks/run.py --device GPU\n" in done.stdout, done.stdout + done.stderr
