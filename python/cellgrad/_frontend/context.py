"""Execution mode and device, as MindSpore's ``set_context`` has them."""
from __future__ import annotations

from typing import Any

__all__ = ["GRAPH_MODE", "PYNATIVE_MODE", "get_context", "get_mode", "set_context", "set_device"]

GRAPH_MODE = 0
PYNATIVE_MODE = 1

_TARGETS = ("CPU",)
_context: dict[str, Any] = {"mode": PYNATIVE_MODE, "device_target": "CPU", "device_id": 0}


def get_mode() -> int:
    return _context["mode"]


def set_context(*, mode: int | None = None, device_target: str | None = None, device_id: int | None = None) -> None:
    """How programs run.

    Args:
        mode: ``GRAPH_MODE`` compiles every call of a Cell, ``PYNATIVE_MODE`` (the default) runs op by op.
        device_target: ``"CPU"``.
        device_id: 0.

    Raises:
        ValueError: an unknown mode or target.
    """
    if mode is not None:
        if mode not in (GRAPH_MODE, PYNATIVE_MODE) or isinstance(mode, bool):
            raise ValueError(f"For 'set_context', the 'mode' should be GRAPH_MODE (0) or PYNATIVE_MODE (1), but got {mode!r}.")
        _context["mode"] = mode
    if device_target is not None:
        if device_target not in _TARGETS:
            raise ValueError(f"For 'set_context', the 'device_target' should be one of {list(_TARGETS)}, but got {device_target!r}.")
        _context["device_target"] = device_target
    if device_id is not None:
        if device_id != 0:
            raise ValueError(f"For 'set_context', there is one CPU device, number 0, but got {device_id!r}.")
        _context["device_id"] = device_id


def set_device(device_target: str, device_id: int | None = None) -> None:
    """As ``set_context`` with these two."""
    set_context(device_target=device_target, device_id=device_id)


def get_context(attr_key: str) -> Any:
    """One setting of ``set_context``.

    Raises:
        ValueError: there is no such setting.
    """
    if attr_key not in _context:
        raise ValueError(f"For 'get_context', the 'attr_key' should be one of {list(_context)}, but got {attr_key!r}.")
    return _context[attr_key]
