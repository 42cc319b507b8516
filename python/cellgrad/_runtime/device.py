"""Where programs run: the CPU or one of the GPUs. Programs of one device do not serve another; Tensors move to where a program needs them."""
from __future__ import annotations

from typing import Any, NamedTuple

from . import _core

__all__ = ["CPU", "Device", "current", "explain_failure", "explain_memory", "name_of", "parse", "select"]


class Device(NamedTuple):
    """The CPU, or a GPU by its number, with the chip that programs are compiled for."""

    target: str
    number: int
    chip: str | None

    @property
    def core(self) -> int:
        """The number that ``_core`` has for it."""
        return -1 if self.target == "CPU" else self.number


CPU = Device("CPU", 0, None)
_current = CPU


def current() -> Device:
    """The device that programs are compiled for from now on."""
    return _current


def select(target: str, number: int = 0) -> Device:
    """Makes a device the current one.

    Raises:
        RuntimeError: there is no driver, no such GPU, or it cannot be used; the message says what is missing and how to get it.
    """
    global _current
    if target == "CPU":
        _core.set_device(-1)
        _current = CPU
    else:
        _core.set_device(number)
        _current = Device("GPU", number, _core.gpu_info(number)["chip"])
    return _current


def parse(text: Any) -> int:
    """The number that ``_core`` has for a device's name: ``"CPU"``, ``"GPU"`` (the current one, else the first) or ``"GPU:1"``.

    Raises:
        ValueError: another text.
    """
    name, _, number = str(text).partition(":")
    if name.upper() == "CPU" and number in ("", "0"):
        return -1
    if name.upper() in ("GPU", "CUDA") and (not number or number.isdecimal()):
        return int(number) if number else _current.number
    raise ValueError(f"a device is 'CPU', 'GPU' or 'GPU:1' with a number, but got {text!r}")


def name_of(number: int) -> str:
    """The name of a device: ``"CPU"`` or ``"GPU:0"``."""
    return "CPU" if number < 0 else f"GPU:{number}"


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
