"""The kernels of a program for a device: PTX and machine code of a GPU's, HIVM of an accelerator's, what they use. Needs no device; a GPU's machine code needs ptxas."""
from __future__ import annotations

import os
import re
import tempfile
from typing import Any, NamedTuple

from .. import _errors as err
from . import cuda_tools, stages

__all__ = ["AscendKernel", "DeviceCode", "Kernel", "assemble"]


class Kernel(NamedTuple):
    """A kernel of a program.

    Attributes:
        name: in the PTX.
        file, line: the user's line that it computes, the first one where several were fused; ``""`` and 0 where there is none.
        grid, block: blocks and threads in x, y, z; -1 where launches differ or the program computes the number.
        launches: how many places of the program launch it.
        shared_bytes: static shared memory of a block.
        registers, spill_bytes, stack_bytes: of a thread, by ptxas; ``None`` where it is not installed.
    """

    name: str
    file: str
    line: int
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    launches: int
    shared_bytes: int
    registers: int | None
    spill_bytes: int | None
    stack_bytes: int | None


class AscendKernel(NamedTuple):
    """A kernel of a program for an accelerator.

    Attributes:
        name: of its function.
        file, line: the user's line that it computes, the first one where several were fused; ``""`` and 0 where there is none.
        core: ``"aiv"`` (vector core), ``"aic"`` (cube core) or ``"aicpu"`` (plain loops on a general core of the device).
        blocks: how many cores share it; -1 where launches differ or the program computes the number.
        launches: how many places of the program launch it.
    """

    name: str
    file: str
    line: int
    core: str
    blocks: int
    launches: int


class DeviceCode:
    """A program on its way to a device, from its module at stage "cell"; everything is made at its first use and kept."""

    def __init__(self, module: Any, name: str, chip: str, level: int, lines: bool | None = None) -> None:
        self._module, self.name, self.chip, self._level, self._lines = module, name, stages.name_of_chip(chip), level, lines
        self._target = chip  # with options of the mapping
        self._places: list[tuple] | None = None
        self._lowered: Any = None
        self._ptx: str | None = None
        self._assembled: tuple[bytes, dict[str, cuda_tools.Usage]] | None = None

    def places(self) -> dict[str, tuple[str, int]]:
        """Name of a kernel -> the user's file and line."""
        return {entry[0]: (entry[1], entry[2]) for entry in self._entries()}

    def _entries(self) -> list[tuple]:
        if self._places is None:
            self._places = stages.lower(self._module, self.name, {}, stages.with_kernels(self.chip), chip=self._target).kernels()
        return self._places

    def prepare(self, seconds: dict[str, float] | None = None) -> None:
        """Lowers the program all the way, so that what the device cannot do is said now; ``seconds`` gets the times of the stages."""
        if self._lowered is None:
            seconds = {} if seconds is None else seconds
            self._lowered = stages.lower(self._module, self.name, seconds, chip=self._target, lines=self._lines)
            if self.chip.startswith("sm_"):
                self._ptx = stages.ptx(self._lowered, self.name, seconds, self._level)

    def ptx(self) -> str:
        if not self.chip.startswith("sm_"):
            raise ValueError(f"{self.name} was compiled for {self.chip!r}, which has no PTX; use .lower(..., target='gpu', chip='sm_90')")
        self.prepare()
        assert self._ptx is not None
        return self._ptx

    def _code(self) -> tuple[bytes, dict[str, cuda_tools.Usage]]:
        if self._assembled is None:
            text = self.ptx()
            self._assembled = assemble(text, self.chip, self.name, self._level, self.places) if text else (b"", {})
        return self._assembled

    def cubin(self) -> bytes:
        return self._code()[0]

    def sass(self) -> str:
        code = self.cubin()
        return cuda_tools.disassemble(code) if code else ""

    def hivm(self, form: str) -> str:
        if self.chip not in stages.ASCEND_CHIPS:
            raise ValueError(f"{self.name} was compiled for {self.chip!r}, which has no HIVM; use .lower(..., target='ascend')")
        if form not in ("auto", "planned"):
            raise ValueError(f"For 'hivm', the 'form' should be 'auto' or 'planned', but got {form!r}.")
        return stages.hivm(self._module, self.name, self.chip, form)

    def kernels(self) -> list[Kernel] | list[AscendKernel]:
        if self.chip in stages.ASCEND_CHIPS:
            return [AscendKernel(name, file, line, core, grid[0], launches) for name, file, line, _, grid, _, _, launches, core in self._entries()]
        usage = self._code()[1] if self.chip.startswith("sm_") and cuda_tools.find("ptxas") else {}
        found = []
        for name, file, line, _, grid, block, shared, launches, _ in self._entries():
            used = usage.get(name)
            found.append(Kernel(name, file, line, grid, block, launches, used.shared_bytes if used else shared, used.registers if used else None,
                                used.spill_bytes if used else None, used.stack_bytes if used else None))
        return found


def assemble(ptx: str, chip: str, name: str, level: int, places: Any) -> tuple[bytes, dict[str, cuda_tools.Usage]]:
    """Machine code of a program's PTX, and what each kernel needs.

    Args:
        ptx: the text.
        chip: ``"sm_90"``.
        name: of the program, for messages.
        level: of optimisation.
        places: called for name of a kernel -> file and line, where ptxas refuses a kernel.

    Raises:
        UnsupportedError: a kernel needs more than the chip has, at the user's line.
        InternalError: ptxas refuses the text for another reason; the text is in a file that the message names.
        FileNotFoundError: there is no ptxas.
    """
    try:
        return cuda_tools.assemble(ptx, chip, level)
    except cuda_tools.AssemblerError as error:
        kernel = _kernel_at_fault(ptx, error.text)
        file, line = places().get(kernel, ("", 0)) if kernel else ("", 0)
        where = f"kernel {kernel!r}" + (f" ({file}:{line})" if file else "") if kernel else "a kernel"
        if "too much shared data" in error.text or "too many resources" in error.text:
            position = err.Position(file, line) if file else None
            raise err.UnsupportedError(f"{name}: {where} needs more shared memory than {chip} has", position=position,
                                       hint="compute it in smaller pieces, or on another chip", notes=(error.text,)) from None
        handle, path = tempfile.mkstemp(prefix="cellgrad-kernels-", suffix=".ptx", dir=os.environ.get("CELLGRAD_DUMP_IR") or None)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(ptx)
        raise err.InternalError(f"assembling {name!r} for {chip} failed in {where}: {error.text}\n"
                                f"  This is a fault of cellgrad. The PTX was written to {path}\n  and this command shows it again: ptxas -arch={chip} {path}", path) from None


def _kernel_at_fault(ptx: str, log: str) -> str | None:
    """The entry function that a message of ptxas is about: by name, or by the line that it names."""
    named = re.search(r"[Ff]unction '?([\w$.]+)'?", log)
    if named and re.search(rf"\.entry {re.escape(named[1])}\b", ptx):
        return named[1]
    at = re.search(r"line (\d+)", log)
    if not at:
        return None
    entries = re.findall(r"\.entry ([\w$.]+)", "\n".join(ptx.split("\n")[:int(at[1])]))
    return entries[-1] if entries else None
