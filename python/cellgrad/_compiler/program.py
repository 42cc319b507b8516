"""From a module to a program that runs: pipelines, disk cache, loading."""
from __future__ import annotations

import os
import threading
import time
import weakref
import zlib
from collections.abc import Sequence
from functools import cache as once
from importlib.util import find_spec
from typing import Any

from .._runtime import _core
from . import _loader, cuda_tools, kernels, stages
from . import cache as disk

__all__ = ["Compiled", "Lowered", "compile", "lookup", "lowered"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_RUNTIME = os.path.join(_PACKAGE, "lib", "libcellgrad_cpu.so")
_GPU_RUNTIME = os.path.join(_PACKAGE, "lib", "libcellgrad_gpu.so")

# Programs that are in memory, by the name of their code; equal programs share it.
_loaded: weakref.WeakValueDictionary[str, _Code] = weakref.WeakValueDictionary()
_lock = threading.Lock()


class _Code:
    """Machine code in memory."""

    __slots__ = ("__weakref__", "arena_bytes", "entry", "failure", "keep", "prints", "program")

    def __init__(self, loaded: Any) -> None:
        self.entry: int = loaded.entry
        self.arena_bytes: int = loaded.arena_bytes
        self.failure = _symbol(loaded, "cg_failure")
        self.program = _symbol(loaded, "cg_gpu_program")
        hook = _symbol(loaded, "cg_print_to")
        self.prints = hook != 0
        if hook:
            _core.serve_prints(hook)
        self.keep = loaded

    def __del__(self, unload: Any = _core.gpu_unload) -> None:
        if getattr(self, "program", 0):  # the driver's copy of the kernels goes before what it was made from
            unload(self.program)


def _symbol(loaded: Any, name: str) -> int:
    """The address of a function that only some programs have; 0 where this one has none."""
    try:
        return int(loaded.symbol(name))
    except KeyError:
        return 0


class Lowered:
    """A program to look at.

    Attributes:
        name: of the program.
        chip: what its kernels are for, with options of the mapping (``"sm_90 tf32=matmul"``); ``None`` for a program of the CPU.
    """

    __slots__ = ("_devices", "_module", "_seconds", "_text", "chip", "name")

    def __init__(self, name: str, seconds: dict[str, float], module: Any, chip: str | None, text: disk.Entry | None = None) -> None:
        self.name, self.chip, self._seconds, self._module, self._text = name, chip, seconds, module, text
        self._devices: dict[bool | None, kernels.DeviceCode] = {}

    def _cell(self) -> Any:
        """The module at stage "cell"."""
        if self._module is None:
            from . import _native

            assert self._text is not None
            self._module = _native.Module.parse(self._text.text, self.name)
        return self._module

    def mlir(self, stage: str = "cell") -> str:
        """The program's text at a stage: "cell", "differentiated", "linalg", "gpu" (of a program for a GPU), "ascend" (for an accelerator) or "llvm".

        Raises:
            ValueError: there is no such stage.
        """
        return stages.text_at(self._cell(), self.name, stage, self.chip)

    def asm(self) -> str:
        """The program as the processor's assembly; of a program for a device, its host part."""
        return stages.lower(self._cell(), self.name, {}, chip=self.chip).assembly(_level())

    def device(self, lines: bool | None = None) -> kernels.DeviceCode:
        """The kernels of a program for a device, with the user's lines in them or not; ``None``: as ``CELLGRAD_GPU_LINES`` says.

        Raises:
            ValueError: the program is for the CPU.
        """
        if self.chip is None:
            raise ValueError(f"{self.name} was compiled for the CPU and has no kernels; use .lower(..., target='gpu', chip='sm_90') or target='ascend'")
        if lines not in self._devices:
            self._devices[lines] = kernels.DeviceCode(self._cell(), self.name, self.chip, _level(), lines)
        return self._devices[lines]

    def kernel_places(self) -> dict[str, tuple[str, int]]:
        """Name of a kernel -> the user's file and line."""
        return self.device().places()

    def remarks(self) -> tuple[str, ...]:
        """What the compiler has to say of the program, each with the user's line; compiles it once more."""
        return stages.remarks(self._cell(), self.name, self.chip)

    def timings(self) -> dict[str, float]:
        """Seconds of each stage; "cache" instead of the stages where the program came from the disk."""
        return dict(self._seconds)


class Compiled(Lowered):
    """A program in memory. It must be kept as long as its ``entry`` may be called.

    Attributes:
        entry: address of ``void cg_entry(void **args, void *arena)``.
        arena_bytes: size of the scratch memory that a call needs.
        failure: address of ``int cg_failure(const char **text)``, which says why the last run stopped; 0 where it cannot.
        prints: whether it prints, and so runs Python code.
        program: address of ``cg_gpu_program``, which carries the kernels; 0 for a program of the CPU.
        outputs: what the caller of ``compile`` gave as ``outputs``.
    """

    __slots__ = ("_code", "arena_bytes", "entry", "failure", "outputs", "prints", "program")

    def __init__(self, name: str, code: _Code, seconds: dict[str, float], outputs: Any, module: Any = None, text: disk.Entry | None = None,
                 chip: str | None = None) -> None:
        super().__init__(name, seconds, module, chip, text)
        self.outputs, self._code = outputs, code
        self.entry, self.arena_bytes, self.failure, self.prints, self.program = code.entry, code.arena_bytes, code.failure, code.prints, code.program


def lowered(module: Any, name: str, chip: str) -> Lowered:
    """A program for a device that need not be here: lowered all the way, not loaded.

    Args:
        module: at stage "cell", verified; stays as it is.
        name: of the program, for messages.
        chip: ``"sm_90"``, ``"Ascend910B3"``.

    Raises:
        UserError: the program asks for something that this chip cannot do.
        ValueError: there is no such chip.
    """
    seconds: dict[str, float] = {}
    program = Lowered(name, seconds, module, chip)
    program.device().prepare(seconds)
    return program


def compile(module: Any, name: str, *, key: str | None = None, outputs: Sequence[Any] | None = None, chip: str | None = None) -> Compiled:
    """Compiles a module, or takes the program from the cache.

    Args:
        module: at stage "cell", verified; stays as it is.
        name: of the program, for messages and files.
        key: a text that says everything about the program, so that ``lookup`` finds it without a module.
        outputs: kept with the program, plain values (numbers, strings, lists).
        chip: the GPU that it is for, "sm_90", or "sim" for the simulator (options of the mapping behind it), or the accelerator, "Ascend910B3"; ``None`` is the CPU.

    Raises:
        UserError: the program asks for something that cannot be differentiated or compiled.
        InternalError: a fault of cellgrad; the message names a file and a command that show it again.
    """
    start = time.perf_counter()
    prefix = stages.dump_prefix(name)
    place = _name_of(key, chip) if key is not None and not stages.wants_lines(chip) else disk.digest("module", _environment(chip), _content(module, chip))
    if prefix is None:
        found = _find(place, start, chip)
        if found is not None:
            code, seconds, entry = found
            return Compiled(name, code, seconds, outputs, module, entry, chip)
    seconds = {}
    work = stages.lower(module, name, seconds, prefix=prefix, chip=chip)
    machine = stages.emit(work, name, seconds, _level(), cubin=_cubin(module, work, name, chip, seconds, prefix))
    if prefix is not None:
        stages.dump(prefix, "o", machine)
        stages.dump(prefix, "s", work.assembly(_level()))
    begin = time.perf_counter()
    code = _Code(_loader.load(machine, _libraries(chip)))
    seconds["load"] = time.perf_counter() - begin
    header = {"name": name, "outputs": outputs, "seconds": seconds}
    disk.write(place, disk.Entry(header, machine, zlib.compress(module.text(locations=True).encode(errors="replace"), 1)))
    with _lock:
        _loaded[place] = code
    return Compiled(name, code, seconds, outputs, module, chip=chip)


def _content(module: Any, chip: str | None) -> str:
    """What the code of a module depends on: kernels that check their accesses, or have line tables, name the user's lines."""
    return module.text(locations=True) if chip is not None and stages.name_of_chip(chip) == "sim-checked" or chip in stages.ASCEND_CHIPS or stages.wants_lines(chip) else module.fingerprint()


def _cubin(module: Any, work: Any, name: str, chip: str | None, seconds: dict[str, float], prefix: str | None) -> bytes:
    """Machine code of the kernels where ptxas is installed, so that the driver need not make it; empty otherwise."""
    if chip is None or not chip.startswith("sm_"):
        return b""
    text = stages.ptx(work, name, seconds, _level())
    if prefix is not None:
        stages.dump(prefix, "ptx", text)
    if not text or cuda_tools.find("ptxas") is None:
        return b""
    begin = time.perf_counter()
    code, _ = kernels.assemble(text, stages.name_of_chip(chip), name, _level(), lambda: kernels.DeviceCode(module, name, chip, _level()).places())
    seconds["ptxas"] = time.perf_counter() - begin
    return code


def lookup(key: str, chip: str | None = None) -> Compiled | None:
    """The program that was compiled with this key, from memory or from the disk; ``None`` where there is none. Needs no LLVM."""
    if os.environ.get("CELLGRAD_DUMP_IR") or stages.wants_lines(chip):
        return None  # every program is to be seen, or has lines that a key does not say
    place = _name_of(key, chip)
    found = _find(place, time.perf_counter(), chip, memory=False)
    if found is None:
        return None
    code, seconds, entry = found
    assert entry is not None
    return Compiled(entry.header["name"], code, seconds, entry.header["outputs"], None, entry, chip)


def _find(place: str, start: float, chip: str | None, memory: bool = True) -> tuple[_Code, dict[str, float], disk.Entry | None] | None:
    """Code in memory or on the disk."""
    with _lock:
        code = _loaded.get(place)
    if code is not None and memory:
        return code, {"cache": time.perf_counter() - start}, None
    entry = disk.read(place)
    if entry is None:
        return None
    if code is None:
        try:
            code = _Code(_loader.load(entry.object, _libraries(chip)))
        except _loader.LoadError as error:
            disk.remove(place, str(error))
            return None
        with _lock:
            _loaded[place] = code
    return code, {"cache": time.perf_counter() - start}, entry


def _level() -> int:
    """Optimisation level of the code generator: ``CELLGRAD_OPT_LEVEL``, 0 to 3."""
    text = os.environ.get("CELLGRAD_OPT_LEVEL", "3")
    if text not in ("0", "1", "2", "3"):
        raise ValueError(f"CELLGRAD_OPT_LEVEL is 0, 1, 2 or 3, not {text!r}")
    return int(text)


@once
def _libraries(chip: str | None = None) -> tuple[str, ...]:
    """The libraries that compiled code calls."""
    chosen = os.environ.get("CELLGRAD_RUNTIME_LIBRARY")
    if chosen:
        return (chosen,)
    return (_RUNTIME,) if chip is None else (_RUNTIME, _GPU_RUNTIME)


def _environment(chip: str | None) -> str:
    """Everything besides the program that its machine code depends on."""
    target = "" if chip is None else f"|{chip}" if not chip.startswith("sm_") else f"|{chip}|ptxas {cuda_tools.version()}|lines {stages.wants_lines(chip)}"
    return _machine() + f"|O{_level()}{target}"


@once
def _machine() -> str:
    return "|".join((_compiler_build(), os.uname().machine, _loader.cpu()))


@once
def _compiler_build() -> str:
    """Identifies the compiler without loading it: the content hash that the linker wrote into the native module."""
    spec = find_spec("cellgrad._compiler._native")
    if spec is None or spec.origin is None:
        raise ImportError("cellgrad's compiler module is missing; install cellgrad again or build it")
    with open(spec.origin, "rb") as file:
        head = file.read(8192)
    note = head.find(b"\x14\0\0\0\x03\0\0\0GNU\0")  # description of 20 bytes, type NT_GNU_BUILD_ID, owner GNU
    if note < 0:
        status = os.stat(spec.origin)
        return f"{status.st_size}-{status.st_mtime_ns}"
    return head[note + 12:note + 32].hex()


@once
def _sources() -> str:
    """Identifies the Python sources of the package: what a key stands for is made by them."""
    found = []
    for folder, folders, files in os.walk(_PACKAGE):
        folders[:] = [name for name in folders if name not in ("__pycache__", "bin", "lib")]
        for name in files:
            if name.endswith(".py"):
                status = os.stat(os.path.join(folder, name))
                found.append(f"{name}{status.st_size}{status.st_mtime_ns}")
    return disk.digest(*sorted(found))


def _name_of(key: str, chip: str | None = None) -> str:
    return disk.digest("key", _environment(chip), _sources(), key)
