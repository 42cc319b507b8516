"""Tensor, Parameter and their kin, under the names of MindSpore's ``common``."""
from __future__ import annotations

import importlib
from typing import Any

_NAMES = {"Tensor": "tensor", "Parameter": "parameter", "ParameterTuple": "parameter", "mutable": "containers", "set_seed": "seed", "get_seed": "seed",
          "from_numpy": "convert", "from_dlpack": "convert", "is_tensor": "convert"}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(importlib.import_module("." + _NAMES[name], __name__), name)
    dtype = importlib.import_module(".dtype", __name__)
    if name in dtype.__all__:
        return getattr(dtype, name)
    raise AttributeError(f"module 'cellgrad.common' has no attribute '{name}'")
