"""Every operation, layer and optimiser against its reference, on the simulated accelerator: their own tests, run with the device chosen."""
from __future__ import annotations

from pathlib import Path

import device_suites
import pytest


# In the order of the program, and with all pipes at once, where every access that no flag orders is a reported race.
@pytest.mark.parametrize("suite, least, mode", [(*device_suites.SUITES[0], ""), *((*suite, "seed=5") for suite in device_suites.SUITES), ("ascend/test_training.py", 3, "seed=3")])
def test_on_the_accelerator(suite: str, least: int, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLGRAD_ASCEND_SIM", mode)
    device_suites.run(suite, least, "Ascend", tmp_path)
