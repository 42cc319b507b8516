"""NVIDIA's assembler and disassemblers, where they are installed: from the wheels or from a CUDA toolkit."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from functools import cache as once
from typing import NamedTuple

__all__ = ["AssemblerError", "Usage", "assemble", "disassemble", "find", "version"]

# Where the wheels put programs: nvidia-cuda-nvcc 13 and 12 and their like. The CUDA version of the pinned ones is in pyproject.toml.
_WHEELS = ("nvidia/cu13/bin", "nvidia/cuda_nvcc/bin", "nvidia/cuda_cuobjdump/bin", "nvidia/cuda_nvdisasm/bin")
_PIP = {"ptxas": "pip install 'cellgrad[cuda]'", "nvdisasm": "pip install 'cellgrad[cuda]'", "cuobjdump": "pip install nvidia-cuda-cuobjdump"}


# What a PTX text with line tables has.
_LOC = "\n\t.loc\t"


class AssemblerError(Exception):
    """ptxas refused a text; ``text`` is what it wrote."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Usage(NamedTuple):
    """What a kernel needs of a multiprocessor, by ptxas."""

    registers: int
    shared_bytes: int
    spill_bytes: int
    stack_bytes: int


@once
def find(tool: str) -> str | None:
    """The path of ``ptxas``, ``nvdisasm`` or ``cuobjdump``; ``None`` where it is not installed.

    ``CELLGRAD_PTXAS`` names another ptxas; empty, there is none. Then come the wheels beside this package and ``PATH``.
    """
    chosen = os.environ.get("CELLGRAD_PTXAS") if tool == "ptxas" else None
    if chosen is not None:
        return chosen or None
    for site in dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))):
        for folder in _WHEELS:
            path = os.path.join(site, folder, tool)
            if os.access(path, os.X_OK):
                return path
    return shutil.which(tool)


def _required(tool: str) -> str:
    path = find(tool)
    if path is None:
        raise FileNotFoundError(f"{tool} is not installed; it comes with a CUDA toolkit or by: {_PIP[tool]}")
    return path


@once
def version() -> str | None:
    """The version of ptxas, part of what its code depends on; ``None`` where it is not installed."""
    path = find("ptxas")
    if path is None:
        return None
    try:
        text = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"V(\d[\d.]*)", text)
    return found[1] if found else None


def assemble(ptx: str, chip: str, level: int = 3) -> tuple[bytes, dict[str, Usage]]:
    """Machine code of a PTX text, and what each kernel needs.

    Args:
        ptx: the text.
        chip: ``"sm_90"``.
        level: of optimisation, 0 to 3.

    Raises:
        FileNotFoundError: there is no ptxas.
        AssemblerError: it refuses the text.
    """
    with tempfile.TemporaryDirectory(prefix="cellgrad-") as folder:
        source, target = os.path.join(folder, "kernels.ptx"), os.path.join(folder, "kernels.cubin")
        with open(source, "w", encoding="utf-8") as file:
            file.write(ptx)
        lines = ["-lineinfo"] if _LOC in ptx else []
        done = subprocess.run([_required("ptxas"), f"-arch={chip}", f"-O{level}", "-v", *lines, source, "-o", target], capture_output=True, text=True)
        log = done.stdout + done.stderr
        if done.returncode or not os.path.exists(target):
            raise AssemblerError(log.replace(source, "kernels.ptx").strip() or f"ptxas ended with status {done.returncode}")
        with open(target, "rb") as file:
            return file.read(), _usage(log)


def _usage(log: str) -> dict[str, Usage]:
    """What ``ptxas -v`` says of each entry function."""
    usage: dict[str, Usage] = {}
    for part in re.split(r"Compiling entry function ", log)[1:]:
        name = re.match(r"'([^']*)'", part)

        def number(pattern: str, part: str = part) -> int:
            found = re.search(pattern, part)
            return int(found[1]) if found else 0

        if name:
            spilled = number(r"(\d+) bytes spill stores") + number(r"(\d+) bytes spill loads")
            usage[name[1]] = Usage(number(r"Used (\d+) registers"), number(r"(\d+) bytes smem"), spilled, number(r"(\d+) bytes stack frame"))
    return usage


def disassemble(cubin: bytes) -> str:
    """The machine code of a cubin as text, by nvdisasm or cuobjdump; nvdisasm says the user's lines too where the cubin has them.

    Raises:
        FileNotFoundError: neither is installed.
    """
    disassembler = find("nvdisasm")
    command = [disassembler, "-c", "-g"] if disassembler else [find("cuobjdump") or _required("nvdisasm"), "--dump-sass"]
    with tempfile.TemporaryDirectory(prefix="cellgrad-") as folder:
        path = os.path.join(folder, "kernels.cubin")
        with open(path, "wb") as file:
            file.write(cubin)
        return subprocess.run([*command, path], capture_output=True, text=True, check=True).stdout
