"""Programs and Tensors on a GPU: the simulator's, or with ``make test-gpu`` a real one (CELLGRAD_CUDA_DRIVER names the driver)."""
from __future__ import annotations

import os

# Read when the driver starts, which is at the first use of a GPU.
os.environ.setdefault("CELLGRAD_CUDA_DRIVER", "sim")
os.environ.setdefault("CELLGRAD_SIM_DEVICES", "2")

import pytest

import cellgrad as ms
from cellgrad._runtime import device


@pytest.fixture(autouse=True)
def gpu():
    """The test runs with device_target="GPU", device 0."""
    before = ms.get_context("device_target")
    ms.set_context(device_target="GPU", device_id=0)
    yield
    ms.set_context(device_target=before, mode=ms.PYNATIVE_MODE)


@pytest.fixture
def second_gpu() -> str:
    if ms.runtime.device_count() < 2:
        assert os.environ.get("CELLGRAD_CUDA_DRIVER") != "sim", "the simulator should have two devices"
        pytest.skip("this machine has one GPU")
    return "GPU:1"


@pytest.fixture
def libraries():
    """For tests that need cuBLASLt and cuDNN: the simulator has both, a GPU's machine need not."""
    if os.environ.get("CELLGRAD_CUDA_DRIVER") == "sim":
        return
    missing = [name for name, here in zip(("cuBLASLt", "cuDNN"), device._libraries_here()) if not here]
    if missing:
        pytest.skip(f"there is no {' and no '.join(missing)}: pip install 'cellgrad[cuda]'")
