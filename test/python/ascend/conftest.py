"""Programs and Tensors on the simulated accelerator."""
from __future__ import annotations

import pathlib
import sys

import pytest

import cellgrad as ms

sys.path.insert(0, str(pathlib.Path(__file__).parent))  # the tests share makers and readers of kernels


@pytest.fixture
def ascend():
    """The test runs with device_target="Ascend"."""
    before = ms.get_context("device_target")
    ms.set_context(device_target="Ascend", device_id=0)
    yield
    ms.set_context(device_target=before, mode=ms.PYNATIVE_MODE, ascend_chip="Ascend910B3")
