#!/usr/bin/env python3
"""Runs the tests that need a GPU on the one that is there: programs, Tensors and memory of devices, then every operation, layer and optimiser against its
reference, then the kernels under compute-sanitizer where it is installed. Needs an installed cellgrad with pytest, the folder `test`, and no network.

    python test/run_gpu.py                             # the GPU of this machine
    python test/run_gpu.py gpu racecheck               # some of it
    CELLGRAD_CUDA_DRIVER=sim python test/run_gpu.py    # the simulator

compute-sanitizer is that of CELLGRAD_COMPUTE_SANITIZER (empty: none), of the package nvidia-cuda-sanitizer-api, of a CUDA toolkit, or the one in PATH.
"""
from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
# Folder -> whether its tests select the GPU themselves.
SUITES = {"gpu": True, "ops": False, "nn": False, "optim": False, "amp": False}
# The tools of compute-sanitizer, and the tests that run under each: every kind of kernel, none that fails on purpose, none of other libraries' kernels.
TOOLS = ("memcheck", "racecheck", "synccheck")
SANITIZED = ("gpu", "ops/test_table.py")
UNSANITIZED = ("gpu/test_failures.py", "gpu/test_dlpack.py", "gpu/test_library_convolutions.py")
# Runs suites of this list again in processes of its own, for those who test without a GPU.
AGAIN = "gpu/test_operations.py"
FOUND = 86  # compute-sanitizer's exit status where it found something


def compute_sanitizer() -> str | None:
    chosen = os.environ.get("CELLGRAD_COMPUTE_SANITIZER")
    if chosen is not None:
        return chosen or None
    places = [*(os.path.join(place, "nvidia/cu13/bin") for place in sys.path), os.environ.get("PATH", ""), os.path.join(os.environ.get("CUDA_HOME", "/usr/local/cuda"), "bin")]
    return shutil.which("compute-sanitizer", path=os.pathsep.join(places))


@functools.cache
def why_not_sanitized() -> str | None:
    if compute_sanitizer() is None:
        return "compute-sanitizer is not installed (a CUDA toolkit has it, and: pip install 'nvidia-cuda-sanitizer-api>=13.5,<14'; CELLGRAD_COMPUTE_SANITIZER names another)"
    if os.environ["CELLGRAD_CUDA_DRIVER"] == "sim" and "CELLGRAD_COMPUTE_SANITIZER" not in os.environ:
        return "compute-sanitizer sees no simulated GPU (CELLGRAD_GPU_SIM=checked looks for the same there)"
    # Some packages of it hold no launcher, and it says of a program that it could not start what it says of one that uses no GPU.
    probe = [str(compute_sanitizer()), "--require-cuda-init", "no", sys.executable, "-c", "print('it', 'starts')"]
    try:
        said = subprocess.run(probe, capture_output=True, text=True, timeout=120).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    return None if "it starts" in said else f"{compute_sanitizer()} starts no programs here: {' '.join(said.split())}"


def run(name: str) -> int:
    """The exit status of one suite, or of the kernels under one tool."""
    pytest = [sys.executable, "-m", "pytest"]
    if name in SUITES:
        target = {} if SUITES[name] else {"CELLGRAD_TEST_DEVICE": "GPU"}
        return subprocess.run([*pytest, str(ROOT / "python" / name), f"--ignore={ROOT / 'python' / AGAIN}"], env={**os.environ, **target}, cwd=ROOT.parent).returncode
    # Processes that tests start on purpose are not looked at: some of them have a fault to show. Programs are ours throughout, with the user's lines.
    tool = [str(compute_sanitizer()), "--tool", name, "--error-exitcode", str(FOUND), "--target-processes", "application-only", "--launch-timeout", "0"]
    tests = [*(str(ROOT / "python" / part) for part in SANITIZED), *(f"--ignore={ROOT / 'python' / part}" for part in (*UNSANITIZED, AGAIN))]
    settings = {"CELLGRAD_TEST_DEVICE": "GPU", "CELLGRAD_GPU_PRODUCTS": "generated", "CELLGRAD_GPU_LINES": "1"}
    return subprocess.run([*tool, *pytest, "-q", "-p", "no:cacheprovider", *tests], env={**os.environ, **settings}, cwd=ROOT.parent).returncode


def main() -> int:
    os.environ.setdefault("CELLGRAD_CUDA_DRIVER", "libcuda.so.1")
    chosen = sys.argv[1:] or [*SUITES, *TOOLS]
    unknown = [name for name in chosen if name not in SUITES and name not in TOOLS]
    if unknown:
        print(f"there is no {', '.join(unknown)}; there are {', '.join((*SUITES, *TOOLS))}")
        return 2
    import cellgrad as ms

    try:
        count = ms.runtime.device_count()
        devices = [ms.runtime.device_info(f"GPU:{number}") for number in range(count)]
    except RuntimeError as error:
        print(f"no GPU to test on: {error}")
        return 1
    for number, device in enumerate(devices):
        print(f"GPU:{number}  {device['name']}, {device['chip']}, {device['memory_bytes'] / 2**30:.1f} GiB, driver {device['driver_version']}", flush=True)
    failed, left_out = [], [name for name in chosen if name in TOOLS and why_not_sanitized()]
    for name in chosen:
        if name not in left_out:
            print(f"== {name}", flush=True)
            if run(name):
                failed.append(name)
    if left_out:
        print(f"left out: {', '.join(left_out)}, as {why_not_sanitized()}")
    print("failed: " + ", ".join(failed) if failed else "all others passed" if left_out else "all passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
