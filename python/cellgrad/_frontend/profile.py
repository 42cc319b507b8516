"""What a program costs on the simulated accelerator: cycles, pipes, bytes. Figures of a model with cited parameters (docs/ascend.md), not measurements."""
from __future__ import annotations

import ctypes
import json
import os
import tempfile
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from .. import _errors as err
from .._runtime import _core, device

__all__ = ["LaunchProfile", "Profile", "profiled"]

_lock = threading.Lock()  # the simulator collects for the process


class LaunchProfile(NamedTuple):
    """A kernel that was launched.

    Attributes:
        kernel: its name.
        core: ``"aiv"``, ``"aic"`` or ``"aicpu"``.
        blocks, cores: how many blocks it has, and on how many cores they ran.
        cycles: from the first op to the last of all cores; on the AI CPU an assumption: its scalar operations and accesses, one after the other.
        microseconds: the same at the chip's clock.
        bound: the pipe that is busy longest, ``"MTE2"``.
        pipes: pipe -> cycles in which it is busy, on the core that is done last.
        bytes: path, ``"gm->ub"`` -> bytes moved, of all cores together.
    """

    kernel: str
    core: str
    blocks: int
    cores: int
    cycles: int
    microseconds: float
    bound: str
    pipes: dict[str, int]
    bytes: dict[str, int]

    def busy(self) -> dict[str, float]:
        """Pipe -> percentage of the kernel's time in which it is busy."""
        return {pipe: 100.0 * cycles / self.cycles for pipe, cycles in self.pipes.items()} if self.cycles else {}


class Profile:
    """What the kernels of one call cost. Printed as a table.

    Attributes:
        result: what the call gave.
        launches: a ``LaunchProfile`` for each kernel, in order.
    """

    def __init__(self, result: Any, launches: list[LaunchProfile], trace: bytes) -> None:
        self.result, self.launches, self._trace = result, launches, trace

    @property
    def cycles(self) -> int:
        """Cycles of all kernels, one after the other."""
        return sum(launch.cycles for launch in self.launches)

    @property
    def pipes(self) -> dict[str, int]:
        """Pipe -> cycles in which it is busy, over all kernels."""
        return self._sum("pipes")

    @property
    def bytes(self) -> dict[str, int]:
        """Path -> bytes moved, over all kernels."""
        return self._sum("bytes")

    def busy(self) -> dict[str, float]:
        """Pipe -> percentage of all cycles in which it is busy."""
        return {pipe: 100.0 * cycles / self.cycles for pipe, cycles in self.pipes.items()} if self.cycles else {}

    def _sum(self, field: str) -> dict[str, int]:
        total: dict[str, int] = {}
        for launch in self.launches:
            for key, value in getattr(launch, field).items():
                total[key] = total.get(key, 0) + value
        return total

    def write_trace(self, path: str | os.PathLike) -> None:
        """Writes what each pipe of each core does when, as a Chrome trace: for chrome://tracing or https://ui.perfetto.dev.

        Raises:
            OSError: the file cannot be written.
        """
        from .._runtime.files import write_file

        write_file(os.path.abspath(os.fspath(path)), self._trace)

    def __repr__(self) -> str:
        lines = [f"{'kernel':<36} {'core':<6} {'cores':>5} {'cycles':>10}  {'bound':<5} busy"]
        for launch in self.launches:
            busy = ", ".join(f"{pipe} {share:.0f} %" for pipe, share in sorted(launch.busy().items(), key=lambda item: -item[1]))
            lines.append(f"{launch.kernel[:36]:<36} {launch.core:<6} {launch.cores:>5} {launch.cycles:>10}  {launch.bound:<5} {busy}".rstrip())
        moved = ", ".join(f"{path} {count}" for path, count in sorted(self.bytes.items()))
        return "\n".join([*lines, f"{self.cycles} cycles in {len(self.launches)} kernels; bytes: {moved or 'none'}"])


def _simulator() -> ctypes.CDLL:
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    library = ctypes.CDLL(os.path.join(package, "lib", "libcellgrad_ascend_sim.so"))
    library.cgAscendProfileJson.restype = ctypes.c_char_p
    return library


def profiled(name: str, call: Callable[[], Any]) -> Profile:
    """What a call costs on the current device.

    Raises:
        ValueError: programs do not run on an Ascend device.
    """
    here = device.current()
    if here.target != "Ascend":
        raise err.UserValueError(f"profile: {name} runs on the {here.target}, and cycles are those of the simulated accelerator; ms.set_context(device_target=\"Ascend\") chooses it.")
    simulator = _simulator()
    with _lock, tempfile.TemporaryDirectory() as folder:
        _core.synchronize(here.core)
        simulator.cgAscendProfileStart()
        try:
            result = call()
            _core.synchronize(here.core)
            found = json.loads(simulator.cgAscendProfileJson())["launches"]
            path = os.path.join(folder, "trace.json")
            if simulator.cgAscendTraceWrite(os.fsencode(path)):
                raise OSError(f"profile: the trace cannot be written to {path}")
        finally:
            simulator.cgAscendProfileStop()
        with open(path, "rb") as file:
            trace = file.read()
    return Profile(result, [_launch(item) for item in found], trace)


def _launch(item: dict[str, Any]) -> LaunchProfile:
    return LaunchProfile(item["kernel"], item["core"], item["blocks"], item["cores"], item["cycles"], item["microseconds"], item["bound"], item["pipes"],
                         item["bytes"])
