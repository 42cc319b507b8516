"""What a test needs besides this package: without it the test is skipped, or fails where ``CELLGRAD_TEST_REQUIRE`` is set, as ``.ci/run`` does."""
from __future__ import annotations

import importlib
import os
from typing import Any

import pytest

__all__ = ["module", "need", "needs"]

REQUIRED = os.environ.get("CELLGRAD_TEST_REQUIRE", "0") != "0"


def need(there: Any, what: str) -> None:
    """Ends the running test, or at the top of a file all of it, if ``there`` is false; ``what`` says what is missing and how to get it."""
    if there:
        return
    if REQUIRED:
        pytest.fail(f"{what} (CELLGRAD_TEST_REQUIRE is set)", pytrace=False)
    pytest.skip(what, allow_module_level=True)


def needs(there: Any, what: str) -> pytest.MarkDecorator:
    """The same as a mark of a test, or of a module as ``pytestmark``."""
    return pytest.mark.needs(there, what)


def module(name: str) -> Any:
    """The module, without which the rest of the file is skipped."""
    return importlib.import_module(name) if REQUIRED else pytest.importorskip(name)
