#!/usr/bin/env python3
"""Runs the tests that need a GPU on the one that is there: programs, Tensors and memory of devices, then every operation, layer and optimiser against its
reference. Needs an installed cellgrad with pytest, the folder `test`, and no network.

    python test/run_gpu.py                             # the GPU of this machine
    CELLGRAD_CUDA_DRIVER=sim python test/run_gpu.py    # the simulator
"""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
# Folder -> whether its tests select the GPU themselves.
SUITES = {"gpu": True, "ops": False, "nn": False, "optim": False}


def main() -> int:
    os.environ.setdefault("CELLGRAD_CUDA_DRIVER", "libcuda.so.1")
    import cellgrad as ms

    try:
        count = ms.runtime.device_count()
        devices = [ms.runtime.device_info(f"GPU:{number}") for number in range(count)]
    except RuntimeError as error:
        print(f"no GPU to test on: {error}")
        return 1
    for number, device in enumerate(devices):
        print(f"GPU:{number}  {device['name']}, {device['chip']}, {device['memory_bytes'] / 2**30:.1f} GiB, driver {device['driver_version']}", flush=True)
    failed = []
    for name in sys.argv[1:] or SUITES:
        print(f"== {name}", flush=True)
        target = {} if SUITES[name] else {"CELLGRAD_TEST_DEVICE": "GPU"}
        done = subprocess.run([sys.executable, "-m", "pytest", str(ROOT / "python" / name)], env={**os.environ, **target}, cwd=ROOT.parent)
        if done.returncode:
            failed.append(name)
    print("failed: " + ", ".join(failed) if failed else "all passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
