"""The global seed: of initial values, of random ops and of NumPy's global generator."""
from __future__ import annotations

import secrets
from typing import Any

import numpy as np

from .._frontend import state

__all__ = ["generator", "get_seed", "set_seed"]

_seed: int | None = None
_words: int | None = None  # the key of initial values: the seed, or drawn once
_calls = 0


def set_seed(seed: int) -> None:
    """Sets the seed of initial values, of random ops and of ``numpy.random``, and starts all of them anew.

    Args:
        seed: int, at least 0.

    Raises:
        TypeError: not an int.
        ValueError: negative, or 2**63 and more.
    """
    global _seed, _words, _calls
    if isinstance(seed, int) and not isinstance(seed, bool) and seed >= 2**63:
        raise ValueError(f"For 'set_seed', the seed should be below 2**63, but got {seed}.")
    state.set_seed(seed)
    np.random.seed(seed % 2**32)
    _seed, _words, _calls = seed, seed, 0


def get_seed() -> Any:
    """The seed, or None when none has been set."""
    return _seed


def generator() -> np.random.Generator:
    """The generator of the next Tensor of initial values."""
    global _words, _calls
    if _words is None:
        _words = secrets.randbits(62)
    _calls += 1
    return np.random.Generator(np.random.Philox(key=[_words, _calls]))
