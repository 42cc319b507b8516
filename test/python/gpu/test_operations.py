"""Every operation, layer and optimiser against its reference, on the device: their own tests, run with the device chosen."""
from __future__ import annotations

from pathlib import Path

import device_suites
import pytest


@pytest.mark.parametrize("suite, least", device_suites.SUITES)
def test_on_the_device(suite: str, least: int, tmp_path: Path) -> None:
    device_suites.run(suite, least, "GPU", tmp_path)
