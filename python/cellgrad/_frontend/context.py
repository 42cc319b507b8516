"""Execution mode and device, as MindSpore's ``set_context`` has them."""
from __future__ import annotations

import re
from typing import Any

from .._runtime import _core, device

__all__ = ["GRAPH_MODE", "PYNATIVE_MODE", "get_context", "get_mode", "set_context", "set_device"]

GRAPH_MODE = 0
PYNATIVE_MODE = 1

_UNITS = {"": 1, "B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
_context: dict[str, Any] = {"mode": PYNATIVE_MODE, "device_target": "CPU", "device_id": 0, "max_device_memory": None, "ascend_chip": device.ASCEND_CHIP}


def get_mode() -> int:
    return _context["mode"]


def set_context(*, mode: int | None = None, device_target: str | None = None, device_id: int | None = None, max_device_memory: str | None = None,
                ascend_chip: str | None = None, gpu_config: dict[str, Any] | None = None) -> None:
    """How programs run.

    Programs are compiled for the device that is set when they are first called, and run there. Tensors are taken to where a program runs: those
    of the host move to the device at their first use and stay, its results are Tensors of the device.

    Args:
        mode: ``GRAPH_MODE`` compiles every call of a Cell, ``PYNATIVE_MODE`` (the default) runs op by op.
        device_target: ``"CPU"``, ``"GPU"`` or ``"Ascend"`` (a simulated accelerator).
        device_id: number of the GPU or Ascend device; 0 where it is not given and the target is.
        max_device_memory: what Tensors and programs may take of the device's memory, as ``"30GB"``; without it, all.
        ascend_chip: which accelerator programs are compiled for and simulated on, ``"Ascend910B1"`` to ``"Ascend910B4"`` (``"Ascend910B3"`` at first).
        gpu_config: ``matmul_allow_tf32`` and ``conv_allow_tf32`` (both ``False``) let products and convolutions of float32 round their factors to the 11 bits of tf32,
            which tensor cores take. ``products`` says what computes matrix products and convolutions: ``"generated"`` kernels, the ``"library"`` (cuBLASLt, cuDNN), or what is
            faster on this GPU (``"measured"``, the default where a library is installed; ``None`` goes back to it). ``wgmma``: whether products of float16 and bfloat16 use the instructions of chip sm_90a (``None``, the default: there, where they are faster;
            ``True``: wherever they fit, which the simulator runs and other GPUs refuse; ``False``: never). Programs are compiled for what is set when they are called.

    Raises:
        ValueError: an unknown mode, target, chip, size or key; another device than 0 of the CPU.
        TypeError: a value of ``gpu_config`` of another type.
        RuntimeError: the device cannot be used; the message says what is missing (driver, device, library) and how to get it.
    """
    if mode is not None and (mode not in (GRAPH_MODE, PYNATIVE_MODE) or isinstance(mode, bool)):
        raise ValueError(f"For 'set_context', the 'mode' should be GRAPH_MODE (0) or PYNATIVE_MODE (1), but got {mode!r}.")
    target = _context["device_target"] if device_target is None else device_target
    if target not in device.TARGETS:
        raise ValueError(f"For 'set_context', the 'device_target' should be one of {list(device.TARGETS)}, but got {device_target!r}.")
    chip = _context["ascend_chip"] if ascend_chip is None else ascend_chip
    if chip not in device.ASCEND_CHIPS:
        raise ValueError(f"For 'set_context', the 'ascend_chip' should be one of {', '.join(device.ASCEND_CHIPS)}, but got {ascend_chip!r}.")
    if device_id is None:
        number = 0 if device_target is not None and device_target != _context["device_target"] else _context["device_id"]
    elif isinstance(device_id, bool) or not isinstance(device_id, int) or device_id < 0:
        raise ValueError(f"For 'set_context', the 'device_id' should be the number of a device, but got {device_id!r}.")
    else:
        number = device_id
    if target == "CPU" and number != 0:
        raise ValueError(f"For 'set_context', there is one CPU device, number 0, but got {number!r}.")
    wanted = _context["max_device_memory"] if max_device_memory is None else max_device_memory  # it holds for the device that comes
    limit = None if wanted is None else _bytes(wanted)
    configuration = _configuration(gpu_config)
    if (target, number) != (_context["device_target"], _context["device_id"]) or (target == "Ascend" and chip != _context["ascend_chip"]):
        device.select(target, number, chip if target == "Ascend" else None)
        _context["device_target"], _context["device_id"] = target, number
    _context["ascend_chip"] = chip
    if configuration:
        device.configure(**configuration)
    if limit is not None:
        if target != "CPU":
            _core.gpu_set_memory_limit(device.current().core, limit)
        _context["max_device_memory"] = wanted
    if mode is not None:
        _context["mode"] = mode


def _configuration(given: Any) -> dict[str, Any]:
    """``gpu_config``, checked."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise TypeError(f"For 'set_context', the 'gpu_config' should be a dict, but got {type(given).__name__}.")
    for key, value in given.items():
        if key not in ("matmul_allow_tf32", "conv_allow_tf32", "products", "wgmma"):
            raise ValueError(f"For 'set_context', 'gpu_config' has the keys 'matmul_allow_tf32', 'conv_allow_tf32', 'products' and 'wgmma', but got {key!r}.")
        if key == "products":
            if value is not None and value not in device.WAYS:
                raise ValueError(f"For 'set_context', the 'products' of 'gpu_config' should be one of {list(device.WAYS)}, but got {value!r}.")
        elif not isinstance(value, bool) and not (key == "wgmma" and value is None):
            raise TypeError(f"For 'set_context', the '{key}' of 'gpu_config' should be a bool, but got {type(value).__name__}.")
    return given


def _bytes(text: Any) -> int:
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?B?)\s*", text.upper()) if isinstance(text, str) else None
    if found is None or found[2] not in _UNITS:
        raise ValueError(f"For 'set_context', the 'max_device_memory' should be a size as '30GB', but got {text!r}.")
    return int(float(found[1]) * _UNITS[found[2]])


def set_device(device_target: str, device_id: int | None = None) -> None:
    """As ``set_context`` with these two; without a number, device 0.

    Raises:
        ValueError, RuntimeError: as ``set_context``.
    """
    set_context(device_target=device_target, device_id=0 if device_id is None else device_id)


def get_context(attr_key: str) -> Any:
    """One setting of ``set_context``.

    Raises:
        ValueError: there is no such setting.
    """
    if attr_key == "gpu_config":
        return device.settings()
    if attr_key not in _context:
        raise ValueError(f"For 'get_context', the 'attr_key' should be one of {[*_context, 'gpu_config']}, but got {attr_key!r}.")
    return _context[attr_key]
