"""Checks of constructor arguments, with MindSpore's wording."""
from __future__ import annotations

from typing import Any

import numpy as np

from .. import _errors as err


def is_int(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))


def positive_int(owner: str, name: str, value: Any) -> int:
    if not is_int(value):
        raise err.UserTypeError(f"For '{owner}', '{name}' must be an int, but got {type(value).__name__}.")
    if value < 1:
        raise err.UserValueError(f"For '{owner}', '{name}' must be at least 1, but got {value}.")
    return int(value)


def boolean(owner: str, name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise err.UserTypeError(f"For '{owner}', '{name}' must be a bool, but got {type(value).__name__}.")
    return bool(value)


def number(owner: str, name: str, value: Any, low: float | None = None, high: float | None = None, *, open_low: bool = False, open_high: bool = False) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise err.UserTypeError(f"For '{owner}', '{name}' must be a number, but got {type(value).__name__}.")
    below = low is not None and (value < low or (open_low and value == low))
    above = high is not None and (value > high or (open_high and value == high))
    if below or above or value != value:
        left = "(-inf" if low is None else f"{'(' if open_low else '['}{low}"
        right = "inf)" if high is None else f"{high}{')' if open_high else ']'}"
        raise err.UserValueError(f"For '{owner}', '{name}' must be a number in {left}, {right}, but got {value}.")
    return float(value)


def choice(owner: str, name: str, value: Any, choices: tuple) -> Any:
    if value not in choices:
        raise err.UserValueError(f"For '{owner}', '{name}' must be one of {', '.join(map(repr, choices))}, but got {value!r}.")
    return value


def two(owner: str, name: str, value: Any, low: int = 1) -> tuple[int, int]:
    """(height, width) from an int or two."""
    sizes = (value, value) if is_int(value) else tuple(value) if isinstance(value, (tuple, list)) else None
    if sizes is None or not all(is_int(v) for v in sizes):
        raise err.UserTypeError(f"For '{owner}', '{name}' must be an int or a tuple of two ints, but got {value!r}.")
    if len(sizes) != 2 or min(sizes) < low:
        raise err.UserValueError(f"For '{owner}', '{name}' must be an int or a tuple of two ints of at least {low}, but got {value}.")
    return int(sizes[0]), int(sizes[1])
