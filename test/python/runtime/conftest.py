"""These tests use a bare Tensor class, so that they need no frontend."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import support
from cellgrad._runtime import _core


@pytest.fixture(autouse=True)
def plain_tensor_class():
    before = support.use_plain_class()
    yield
    _core.set_tensor_class(before) if before is not _core.TensorBase else None
