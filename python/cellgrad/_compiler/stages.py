"""The stages of a program on its way to machine code, in order, and what the compiler's errors at each of them mean."""
from __future__ import annotations

import itertools
import os
import time
from typing import Any

from .. import _errors as err
from .._errors import CompileError, CompilerCrash
from .._runtime.device import ASCEND_CHIPS

__all__ = ["ASCEND_CHIPS", "CHIPS", "STAGES", "dump", "dump_prefix", "emit", "hivm", "lower", "name_of_chip", "of", "ptx", "remarks", "text_at", "with_kernels"]

_SHARED: dict[str, tuple[str, ...]] = {
    "cell": (),
    "differentiated": ("cell-differentiate-pipeline", "cell-simplify"),
    "linalg": ("cell-to-linalg-pipeline",),
}
# What programs can be compiled for (passes/GpuToLLVM/Chips.h); "sim" is the simulator, "sim-checked" the one that checks accesses to memory.
CHIPS = ("sm_80", "sm_86", "sm_87", "sm_89", "sm_90", "sm_90a", "sm_100", "sm_100a", "sm_120", "sim", "sim-checked")
# Name of a stage -> the pipelines that lead to it from the stage before, for the CPU.
STAGES: dict[str, tuple[str, ...]] = {**_SHARED, "llvm": ("linalg-to-llvm",)}


def name_of_chip(chip: str) -> str:
    """The chip of ``"sm_90"`` or ``"sm_90 tf32=matmul"``: what follows the name are options of ``linalg-to-gpu``."""
    return chip.partition(" ")[0]


def of(chip: str | None, lines: bool = False) -> dict[str, tuple[str, ...]]:
    """The stages for a target: ``None`` is the CPU, a chip such as ``"sm_90"`` (or ``"sim"``, the simulator) a GPU (options of the mapping
    may stand behind it), ``"Ascend910B3"`` the accelerator.

    ``lines`` puts the user's lines into PTX.
    """
    if chip is None:
        return STAGES
    if chip in ASCEND_CHIPS:
        return {**_SHARED, "ascend": (f"linalg-to-ascend{{chip={chip}}}",), "llvm": ("ascend-program-to-llvm",)}
    name = name_of_chip(chip)
    if name not in CHIPS:
        raise ValueError(f"there is no chip {name!r}; those that programs can be compiled for are {', '.join((*CHIPS, *ASCEND_CHIPS))}")
    options = f"chip={name}" + (" lines" if lines and chip.startswith("sm_") else "")
    return {**_SHARED, "gpu": (f"linalg-to-gpu{{chip={chip}}}",), "llvm": (f"gpu-program-to-llvm{{{options}}}",)}


def wants_lines(chip: str | None) -> bool:
    """Whether kernels that run shall have line tables: ``CELLGRAD_GPU_LINES=1``."""
    return chip is not None and chip.startswith("sm_") and os.environ.get("CELLGRAD_GPU_LINES", "0") not in ("", "0")


def with_kernels(chip: str) -> str:
    """The stage that has the kernels of a program as functions."""
    return "ascend" if chip in ASCEND_CHIPS else "gpu"


_numbers = itertools.count()
# What a stage says of programs that are well formed but beyond what it can do.
_UNSUPPORTED = ("has no lowering", "is not supported", "not supported on", "cannot be compiled for the GPU", "cannot be compiled for the accelerator", "not on this target",
                "device_target=\"CPU\"")
_ON_DEVICES = ("linalg-to-gpu", "gpu-program-to-llvm", "linalg-to-ascend", "ascend-program-to-llvm")


def lower(module: Any, name: str, timings: dict[str, float], last: str = "llvm", prefix: str | None = None, found: list | None = None,
          chip: str | None = None, lines: bool | None = None) -> Any:
    """Brings a copy of a module at stage "cell" to a later stage.

    Args:
        module: stays as it is.
        name: of the program, for messages.
        timings: gets the seconds of each stage.
        last: the stage to stop at.
        prefix: path and first part of the names of files that get the text of every stage; ``None`` writes none.
        found: gets what the compiler remarks, as tuples like those of ``CompileError.diagnostics``.
        chip: the GPU or accelerator that the program is for; ``None`` is the CPU.
        lines: whether its PTX has the user's lines; ``None``: as ``wants_lines`` says.

    Raises:
        UserError: the program asks for something that has no derivative or no lowering.
        InternalError: a pass failed on a valid program.
    """
    table = of(chip, wants_lines(chip) if lines is None else lines)
    if last not in table:
        raise ValueError(f"there is no stage {last!r}; the stages are {', '.join(table)}")
    work = module.clone()
    for stage, pipelines in table.items():
        start = time.perf_counter()
        for pipeline in pipelines:
            before = work.clone()  # costs microseconds, and is what a reproducer needs
            try:
                if found is None:
                    work.run(pipeline)
                else:
                    found.extend(work.remarks(pipeline))
            except CompileError as error:
                raise _explain(error, name, stage, before, pipeline) from None
        if pipelines:
            timings[stage] = time.perf_counter() - start
        if prefix is not None:
            dump(prefix, stage + ".mlir", work.text())
        if stage == last:
            break
    return work


def emit(work: Any, name: str, timings: dict[str, float], level: int, *, cubin: bytes = b"", cpu: str = "", features: str = "") -> bytes:
    """Machine code of a module at stage "llvm", for this processor or for ``cpu``, with ``cubin`` in place of the kernels' PTX; the seconds go to ``timings["object"]``. Raises
    InternalError."""
    start = time.perf_counter()
    try:
        code, _ = work.emit(level, cpu, features, cubin=cubin)
    except CompileError as error:
        raise _explain(error, name, "object", work, None) from None
    timings["object"] = time.perf_counter() - start
    return code


def ptx(work: Any, name: str, timings: dict[str, float], level: int) -> str:
    """The kernels of a module at stage "llvm" as PTX, ``""`` where it has none; the seconds go to ``timings["ptx"]``. Raises InternalError."""
    start = time.perf_counter()
    try:
        text = work.ptx(level)
    except CompileError as error:
        raise _explain(error, name, "ptx", work, None) from None
    timings["ptx"] = time.perf_counter() - start
    return text


def text_at(module: Any, name: str, stage: str, chip: str | None = None) -> str:
    """The text of a program at a stage, from its module at stage "cell"."""
    return lower(module, name, {}, stage, chip=chip).text()


def remarks(module: Any, name: str, chip: str | None = None) -> tuple[str, ...]:
    """What the compiler remarks on its way with a program, each as ``"file:line: text"``."""
    found: list = []
    lower(module, name, {}, found=found, chip=chip)
    return tuple(dict.fromkeys((f"{file}:{line}: " if file else "") + text for _, file, line, _, text, _ in found))


def hivm(module: Any, name: str, chip: str, form: str) -> str:
    """The kernels of a program for an accelerator as HIVM, from its module at stage "cell". Raises as ``lower``."""
    work = lower(module, name, {}, "linalg", chip=chip)
    pipeline = f"linalg-to-ascend{{chip={chip} decompose=false}}"
    before = work.clone()
    try:
        work.run(pipeline)
        return work.hivm(form)
    except CompileError as error:
        raise _explain(error, name, "ascend", before, pipeline) from None


def dump(prefix: str, suffix: str, content: str | bytes) -> None:
    """Writes one stage of one program beside the others."""
    os.makedirs(os.path.dirname(prefix), exist_ok=True)
    with open(f"{prefix}.{suffix}", "wb") as file:
        file.write(content.encode(errors="replace") if isinstance(content, str) else content)


def dump_prefix(name: str) -> str | None:
    """Where ``CELLGRAD_DUMP_IR`` wants the stages of the next program."""
    wanted = os.environ.get("CELLGRAD_DUMP_IR")
    if not wanted:
        return None
    return os.path.join(wanted, f"{os.getpid()}-{next(_numbers):04d}-{_file_name(name)}")


def _file_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)[:80] or "program"


def _explain(error: CompileError, name: str, stage: str, before: Any, pipeline: str | None) -> Exception:
    """The user's error or the internal one that a failure of a stage stands for."""
    first = error.errors[0]
    message = first[4]
    if not isinstance(error, CompilerCrash):
        kind: type[err.UserError] | None = None
        if stage == "differentiated":
            kind = err.GradError
        elif any(phrase in message for phrase in _UNSUPPORTED):
            kind = err.UnsupportedError
        if kind is not None:
            position = err.Position(first[1], first[2], first[3]) if first[1] else None  # None: the line that runs now
            notes = tuple((f"{file}:{line}: " if file else "") + text for file, line, _, text in first[5])
            # What a device cannot do the CPU mostly can.
            elsewhere = kind is err.UnsupportedError and pipeline is not None and pipeline.startswith(_ON_DEVICES) and "device_target" not in message
            return kind(message, position=position, notes=notes, hint='run this program with device_target="CPU"' if elsewhere else None)
    import shlex  # here and below: only errors need these

    path = _reproducer(name, before)
    command = f"cell-opt {shlex.quote(path)} --pass-pipeline=" + shlex.quote(f"builtin.module({pipeline})") if pipeline else f"cell-run {shlex.quote(path)}"
    return err.InternalError(f"compiling {name!r} failed at stage {stage!r}: {error}\n"
                             f"  This is a fault of cellgrad. The program was written to {path}\n  and this command shows it again: {command}", path)


def _reproducer(name: str, module: Any) -> str:
    import tempfile

    wanted = os.environ.get("CELLGRAD_DUMP_IR")
    if wanted:
        os.makedirs(wanted, exist_ok=True)
    handle, path = tempfile.mkstemp(prefix=f"cellgrad-{_file_name(name)}-", suffix=".mlir", dir=wanted or None)
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
        file.write(module.text(locations=True))
    return path
