"""``CELLGRAD_TEST_DEVICE=GPU pytest test/python/ops`` runs tests on a GPU, or with CELLGRAD_CUDA_DRIVER=sim on the simulated one."""
from __future__ import annotations

import os
from typing import Any


def pytest_configure(config: Any) -> None:
    target = os.environ.get("CELLGRAD_TEST_DEVICE")
    if target:
        import cellgrad as ms

        ms.set_device(target)
