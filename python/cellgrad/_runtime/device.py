"""Where programs run: the CPU, a GPU or an Ascend device. Programs of one device do not serve another; Tensors move to where a program needs them."""
from __future__ import annotations

import ctypes
import functools
import glob
import os
import sys
from typing import Any, NamedTuple

from . import _core

__all__ = ["ASCEND_CHIP", "ASCEND_CHIPS", "CPU", "TARGETS", "WAYS", "Device", "configure", "current", "explain_failure", "explain_memory", "first_of", "name_of", "parse", "select", "settings", "target_of"]

# Targets besides the CPU, with the number that ``_core`` has for the first device of each (runtime/gpu/cellgrad_gpu.h), and how many there can be.
_FIRST = {"GPU": 0, "Ascend": 64}
_MOST = 64
TARGETS = ("CPU", *_FIRST)
# What the accelerator can be (dialect/Ascend/Target.h), and what it is where none is chosen.
ASCEND_CHIPS = ("Ascend910B1", "Ascend910B2", "Ascend910B3", "Ascend910B4")
ASCEND_CHIP = "Ascend910B3"


class Device(NamedTuple):
    """The CPU, or a device by its number among its kind, with the chip that programs are compiled for and ``full``, the chip with the options of the mapping."""

    target: str
    number: int
    chip: str | None
    full: str | None = None

    @property
    def core(self) -> int:
        """The number that ``_core`` has for it."""
        return -1 if self.target == "CPU" else _FIRST[self.target] + self.number


CPU = Device("CPU", 0, None)
_variants: dict[str | None, int] = {}  # what programs were compiled for so far, numbered for _core
_current = CPU
WAYS = ("generated", "library", "measured")
# By (cuBLASLt is here, cuDNN is here): a program has no scratch memory for a library that is not there.
_measured_ways = {(True, True): "measured", (True, False): "measured-matmul", (False, True): "measured-conv", (False, False): "generated"}
_settings: dict[str, Any] = {"matmul_allow_tf32": False, "conv_allow_tf32": False, "products": None, "wgmma": None}


def current() -> Device:
    """The device that programs are compiled for from now on."""
    return _current


def first_of(target: str) -> int:
    """The number that ``_core`` has for the first device of a target."""
    return _FIRST[target]


def target_of(chip: str, multiprocessors: int = 0, products: str | None = None) -> str:
    """A chip with the options of the mapping as they are set now: what programs are compiled for, and part of their names in the cache."""
    if chip in ASCEND_CHIPS:
        return chip
    matmul, conv = _settings["matmul_allow_tf32"], _settings["conv_allow_tf32"]
    tf32 = "all" if matmul and conv else "matmul" if matmul else "conv" if conv else ""
    way = products or _products(local=False)
    wgmma = {None: "", True: "on", False: "off"}[_settings["wgmma"]]
    options = {"multiprocessors": multiprocessors or "", "tf32": tf32, "products": "" if way == "generated" else way, "wgmma": wgmma}
    return chip + "".join(f" {key}={value}" for key, value in options.items() if value)


def _products(local: bool) -> str:
    """How products are computed. Where nothing is set: measured on a GPU that is here, with its library; generated otherwise.

    Raises:
        ValueError: CELLGRAD_GPU_PRODUCTS is another word.
    """
    way = _settings["products"] or os.environ.get("CELLGRAD_GPU_PRODUCTS") or ("measured" if local else "generated")
    if way not in WAYS:
        raise ValueError(f"CELLGRAD_GPU_PRODUCTS is one of {', '.join(WAYS)}, not {way!r}")
    return _measured_ways[_libraries_here()] if local and way == "measured" else way


def _libraries_here() -> tuple[bool, bool]:
    """Whether there are a cuBLASLt and a cuDNN: a chosen one, else that of an installed package, else the system's."""
    blas, dnn = _load_library("libcublasLt.so.13", "libcublasLt.so.12"), _load_library("libcudnn.so.9")
    return blas or bool(os.environ.get("CELLGRAD_CUBLASLT")), dnn or bool(os.environ.get("CELLGRAD_CUDNN"))


@functools.cache
def _load_library(*names: str) -> bool:
    """Loads the first of the libraries, so that the runtime, which asks for it by its bare name, gets this one."""
    packages = [path for name in names for folder in sys.path if folder for path in glob.glob(os.path.join(glob.escape(folder), "nvidia", "*", "lib", name))]
    for path in (*packages, *names):
        try:
            ctypes.CDLL(path)
            return True
        except OSError:
            continue
    return False


def settings() -> dict[str, Any]:
    """What ``configure`` was given."""
    return dict(_settings)


def configure(**changes: Any) -> None:
    """Changes how products are computed on GPUs, from the next call on: ``matmul_allow_tf32``, ``conv_allow_tf32``, ``products``, ``wgmma``."""
    before = dict(_settings)
    _settings.update(changes)
    if _current.target == "GPU":
        try:
            select("GPU", _current.number, _current.chip)
        except BaseException:
            _settings.update(before)
            raise


def _full(target: str, number: int, chip: str) -> str:
    """The chip of a device that is here with the options of the mapping."""
    if target != "GPU" or chip.startswith("sim"):
        return target_of(chip)
    return target_of(chip, _core.gpu_info(number)["processors"], _products(local=True))


def select(target: str, number: int = 0, chip: str | None = None) -> Device:
    """Makes a device the current one.

    Args:
        target: one of ``TARGETS``.
        number: of the device among those of its target.
        chip: what programs are compiled for; ``None``: the GPU that the driver names, ``ASCEND_CHIP`` of the simulated accelerator, which can be any of them.

    Raises:
        RuntimeError: there is no driver, no such device, or it cannot be used; the message says what is missing and how to get it.
    """
    global _current
    if target == "CPU":
        chosen = CPU
    else:
        if number >= _MOST:
            raise RuntimeError(f"there is no {target} device {number}; they are numbered from 0 to {_MOST - 1}")
        named = _core.gpu_info(_FIRST[target] + number)["chip"]
        chip = chip or (named if target == "GPU" else ASCEND_CHIP)
        chosen = Device(target, number, chip, _full(target, number, chip))
    _core.set_device(chosen.core, 0 if target == "CPU" else _variants.setdefault(chosen.full, len(_variants)))
    _current = chosen
    return _current


def parse(text: Any) -> int:
    """The number that ``_core`` has for a device's name: ``"CPU"``, ``"GPU"`` (the current one, else the first), ``"GPU:1"`` or ``"Ascend:0"``.

    Raises:
        ValueError: another text.
    """
    name, _, number = str(text).partition(":")
    if name.upper() == "CPU" and number in ("", "0"):
        return -1
    target = {"GPU": "GPU", "CUDA": "GPU", "ASCEND": "Ascend"}.get(name.upper())
    if target is not None and not number:
        return _FIRST[target] + (_current.number if _current.target == target else 0)
    if target is not None and number.isascii() and number.isdecimal() and int(number) < _MOST:
        return _FIRST[target] + int(number)
    raise ValueError(f"a device is 'CPU', 'GPU', 'Ascend', or one with a number as 'GPU:1', but got {text!r}")


def name_of(number: int) -> str:
    """The name of a device: ``"CPU"``, ``"GPU:0"`` or ``"Ascend:0"``."""
    if number < 0:
        return "CPU"
    return f"GPU:{number}" if number < _FIRST["Ascend"] else f"Ascend:{number - _FIRST['Ascend']}"


# --------------------------------------------------------------------------------------------------------------------
# Failures; called by _core with the exception that it is about to raise
# --------------------------------------------------------------------------------------------------------------------
def _bytes(count: int) -> str:
    power = min(max(count.bit_length() - 1, 0) // 10, 4)
    return f"{count / 1024**power:.2f} {('bytes', 'KiB', 'MiB', 'GiB', 'TiB')[power]}" if power else f"{count} bytes"


def _size(spec: Any) -> int:
    size = spec[0].itemsize
    for length in spec[1]:
        size *= length
    return size


def explain_memory(executable: Any, error: BaseException) -> str:
    """The text of an out-of-memory error with what the program needs, largest first."""
    needs = [(_size(spec), f"input {k}, {spec[0]} {tuple(spec[1])}") for k, spec in enumerate(executable.inputs)]
    needs += [(_size(spec), f"result {k}, {spec[0]} {tuple(spec[1])}") for k, spec in enumerate(executable.outputs) if spec[2] < 0]
    if executable.arena_bytes:
        needs.append((executable.arena_bytes, "scratch memory for values in between"))
    needs.sort(key=lambda need: -need[0])
    lines = [f"  {_bytes(size):>12}  {what}" for size, what in needs[:5]]
    more = f"\n  and {len(needs) - 5} smaller ones" if len(needs) > 5 else ""
    return (f"{executable.name}: {error}\n  The program needs {_bytes(sum(size for size, _ in needs))} in all:\n" + "\n".join(lines) + more +
            "\n  Smaller batches need less; recompute() saves less between forward and backward.")


def explain_failure(executable: Any, error: BaseException) -> str:
    """The text of a failure with the user's lines of the kernels that it names."""
    text = f"{executable.name}: {error}"
    places = getattr(executable.keepalive, "kernel_places", None)
    if places is None or "kernel '" not in text:
        return text
    for kernel, place in places().items():
        text = text.replace(f"kernel '{kernel}'", f"kernel '{kernel}' of {place[0]}:{place[1]}", 1)
    return text
