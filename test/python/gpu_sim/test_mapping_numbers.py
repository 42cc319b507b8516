"""Kernels of every kind give on the simulator, with its checks and other orders of threads, what the CPU gives."""
from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = pathlib.Path(__file__).parent / "mapping_cases.py"
TOLERANCE = {"float64": 1e-10, "float32": 3e-5, "float16": 4e-3}


def compute(path: pathlib.Path, target: str, **environment: str) -> dict:
    done = subprocess.run([sys.executable, str(SCRIPT), target, str(path)], env=dict(os.environ, **environment), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    with np.load(path) as results:
        return dict(results)


def differences(got: dict, expected: dict) -> list[str]:
    """The cases that differ by more than their type allows."""
    assert got.keys() == expected.keys()
    wrong = []
    for name, value in expected.items():
        limit = TOLERANCE.get(str(value.dtype), 0)
        peak = float(np.nanmax(np.abs(value.astype(np.float64)), initial=0, where=np.isfinite(value.astype(np.float64)))) if limit else 1.0
        scale = peak if name.startswith("softmax") and peak else max(1.0, peak)  # of long rows every element is small
        same = got[name].shape == value.shape and got[name].dtype == value.dtype
        if not same or not np.allclose(got[name].astype(np.float64), value.astype(np.float64), rtol=limit, atol=limit * scale, equal_nan=True):
            wrong.append(name)
    return wrong


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return compute(tmp_path_factory.mktemp("cpu") / "results.npz", "CPU")


@pytest.mark.parametrize("simulation", ["checked", "seed=5"])
def test_every_kernel_gives_what_the_cpu_gives(expected, tmp_path, simulation):
    got = compute(tmp_path / "results.npz", "GPU", CELLGRAD_CUDA_DRIVER="sim", CELLGRAD_GPU_SIM=simulation)
    assert not differences(got, expected)
