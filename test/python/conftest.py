"""``CELLGRAD_TEST_DEVICE=GPU pytest test/python/ops`` runs tests on a GPU, or with CELLGRAD_CUDA_DRIVER=sim on the simulated one."""
from __future__ import annotations

import os
from typing import Any

from needs import need


def pytest_configure(config: Any) -> None:
    config.addinivalue_line("markers", "needs(there, what): without it the test is skipped, or fails under CELLGRAD_TEST_REQUIRE")
    target = os.environ.get("CELLGRAD_TEST_DEVICE")
    if target:
        import cellgrad as ms

        ms.set_device(target)


def pytest_runtest_setup(item: Any) -> None:
    for mark in item.iter_markers("needs"):
        need(*mark.args)
