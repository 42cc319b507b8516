"""State that programs read and write: Parameters and the key of random numbers."""
from __future__ import annotations

from typing import Any

from .. import _errors as err
from .._runtime import _core
from .._runtime import dtype as dt
from . import dispatch, trace

__all__ = ["assign", "next_key", "set_seed", "write"]


def write(tensor: Any, value: Any) -> None:
    """The Tensor takes the value (of its own dtype and shape), now or in the program being captured."""
    capture = trace.current_capture()
    if capture is None:
        if tensor._node is not None or value._node is not None:
            trace.current_frame()  # raises: a traced Tensor outside its capture
        tensor._set_from(value)
        return
    frame = capture.frame
    frame.write(tensor, frame.value(value))


def assign(parameter: Any, value: Any) -> Any:
    """Writes ``value``, cast to the Parameter's dtype, into the Parameter; returns the Parameter.

    Raises:
        ShapeError: the shapes differ.
    """
    value = dispatch.as_tensor(value)
    if value.shape != parameter.shape:
        if value.shape == () and not trace.capturing() and parameter.size == 1:
            value = value._alias(parameter.shape)
        else:
            name = getattr(parameter, "name", None)
            of = f"Parameter '{name}'" if name else "a Tensor"
            raise err.ShapeError(f"assign: a value of shape {value.shape} cannot be written into {of} of shape {parameter.shape}",
                                 hint="reshape or broadcast the value first")
    write(parameter, dispatch.cast(value, parameter.dtype))
    return parameter


_key: Any = None


def set_seed(seed: int) -> None:
    """Sets the seed of all random numbers: initialisers and random ops give the same numbers after the same seed.

    Raises:
        TypeError: the seed is not an int.
        ValueError: it is negative.
    """
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError(f"For 'set_seed', the seed should be an int, but got {type(seed).__name__}.")
    if seed < 0:
        raise ValueError(f"For 'set_seed', the seed should be non-negative, but got {seed}.")
    _state_key()._set_from(_fresh_key(seed))


def _fresh_key(seed: int) -> Any:
    import numpy as np

    return _core.from_buffer(np.array([seed, 0], np.int64), dt.int64, (2,), True)


def _state_key() -> Any:
    global _key
    if _key is None:
        import secrets

        _key = _fresh_key(secrets.randbits(62))
    return _key


def next_key() -> Any:
    """A key for one random op: (seed, counter). The counter moves on, also from call to call of a compiled program."""
    state = _state_key()
    capture = trace.current_capture()
    key = state._copy() if capture is None else capture.frame.tensor(capture.frame.value(state))
    write(state, dispatch.dispatch("add", (key, dispatch.as_tensor([0, 1]))))
    return key
