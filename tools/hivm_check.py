"""Checks HIVM text with the vendor's published compiler, as far as that goes without its binary generator.

    python tools/hivm_check.py kernels.mlir --form planned

Each kernel goes through the vendor's passes (parse and verify; in form ``auto`` also memory planning and synchronisation; then the lowering to calls of the
device library), and every function that is called must be in the device library and take as many buffers. Needs the Python package ``ascendnpu-ir``
(``pip install cellgrad[ascend]``); only its tools are used, nothing is linked.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

BEFORE = ["--hivm-infer-func-core-type", "--hivm-init-entry-kernel"]
PLAN = ["--hivm-alloc-extra-buffer", "--hivm-infer-mem-scope", "--hivm-plan-memory", "--hivm-graph-sync-solver", "--hivm-enable-multi-buffer", "--annotation-lowering"]

# The library's functions have a buffer that the vendor's own compiler does not pass.
UNUSED = re.compile(r"vsh[lr]s_vs_|vsel_\w*int64_t")


class Missing(RuntimeError):
    """The vendor's package is not installed."""


def _package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None


@functools.cache
def vendor() -> Path:
    """Folder of the vendor's package. Raises Missing."""
    folder = _package("ascendnpuir")
    if folder is None or not (folder / "bin" / "bishengir-opt").exists():
        raise Missing("the Python package 'ascendnpu-ir' is not installed (pip install ascendnpu-ir==1.2.0)")
    tool = folder / "bin" / "bishengir-opt"
    if not os.access(tool, os.X_OK):
        tool.chmod(tool.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return folder


def available() -> bool:
    """True if the vendor's compiler is installed."""
    try:
        return bool(vendor())
    except Missing:
        return False


def opt(text: str, *passes: str) -> str:
    """Runs the vendor's optimizer on `text`; raises ValueError with its errors."""
    done = subprocess.run([str(vendor() / "bin" / "bishengir-opt"), *passes, "-"], input=text, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise ValueError(done.stderr.strip() or f"ended with {done.returncode}")
    return done.stdout


@functools.cache
def library(core: str) -> dict[str, int]:
    """Functions of the device library for cores `aiv` or `aic`, with their numbers of buffers. (Trailing scalars are the binary generator's business.)"""
    llvm = _package("llvm")
    if llvm is None:
        raise Missing("the LLVM tools are not installed")
    done = subprocess.run([str(llvm / "bin" / "llvm-dis"), str(vendor() / "lib" / f"meta_op.{core}.c220.bc"), "-o", "-"], capture_output=True, text=True, check=True)
    found = {}
    for name, parameters in re.findall(r"^define [^@\n]*@_mlir_ciface_(\w+)\(([^\n]*?)\) (?:#|local|unnamed)", done.stdout, re.M):
        found[name] = len(re.findall(r"\bptr\b", parameters))
    return found


def kernels(text: str) -> list[str]:
    """The functions of `text`, as modules of their own."""
    aliases = "".join(re.findall(r"^#\w+ = .*\n", text, re.M))
    return [aliases + function for function in re.findall(r"^func\.func @.*?^}\n", text, re.M | re.S)]


def check_kernel(text: str, form: str, chip: str = "Ascend910B3") -> dict:
    """Checks one kernel, or several of one kind of core. Returns the name of the first, the library functions that they call, and the vendor's text; raises ValueError with what is wrong."""
    name = re.search(r"func\.func @(\w+)", text)
    if not name:
        raise ValueError("there is no kernel in the text")
    core = core_of(text)
    passes = [f"--hacc-append-device-spec=target={chip}", *BEFORE, *(PLAN if form == "auto" else [])]
    planned = opt(text, *passes)
    lowered = opt(planned, "--convert-hivm-to-std")
    calls = {}
    for callee, signature in re.findall(r"func\.func private @(\w+)\((.*?)\)(?: attributes|\s*$)", lowered, re.M):
        calls[callee] = signature.count("memref<")
    wrong = []
    for callee, count in calls.items():
        there = library(core).get(callee)
        if there is None:
            wrong.append(f"{callee} is not in the device library for {core}")
        elif there != count and not UNUSED.match(callee):
            wrong.append(f"{callee} is called with {count} buffers, but takes {there}; is scratch memory missing?")
    left = sorted(set(re.findall(r"hivm\.hir\.(?:v\w+|load|store|copy|nd2nz|mmadL1|fixpipe)\b", lowered)))
    if left:
        wrong.append(f"no library call was made of {', '.join(left)}")
    if wrong:
        raise ValueError("; ".join(wrong))
    return {"name": name.group(1), "core": core, "calls": sorted(calls), "planned": planned}


def core_of(text: str) -> str:
    """The kind of core of a kernel, `aic` or `aiv`."""
    return "aic" if "func_core_type<AIC>" in text else "aiv"


def check_kernels(texts: dict[str, str], form: str, chip: str = "Ascend910B3") -> dict[str, str]:
    """Checks kernels, given by labels, in few calls of the vendor's tools. Returns what is wrong with those that are not taken."""
    wrong = {}
    for core in ("aic", "aiv"):
        own = {label: text for label, text in texts.items() if core_of(text) == core}
        aliases = dict.fromkeys(line for text in own.values() for line in re.findall(r"^#\w+ = .*\n", text, re.M))
        functions = [re.sub(r"@\w+", f"@kernel_{i}", text[text.index("func.func @") :], count=1) for i, text in enumerate(own.values())]
        try:
            if own:
                check_kernel("".join(aliases) + "".join(functions), form, chip)
        except ValueError:  # which of them?
            mine = {}
            for label, text in own.items():
                try:
                    check_kernel(text, form, chip)
                except ValueError as error:
                    mine[label] = str(error)
            if not mine:
                raise
            wrong |= mine
    return wrong


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("file", type=Path, nargs="?", help="HIVM text; standard input without it")
    parser.add_argument("--form", choices=["auto", "planned"], default="auto", help="whether memory and flags are the vendor's to plan (default) or planned in the text")
    parser.add_argument("--chip", default="Ascend910B3")
    options = parser.parse_args(arguments)
    text = options.file.read_text() if options.file else sys.stdin.read()
    bad = 0
    try:
        found = kernels(text)
        for kernel in found:
            label = re.search(r"@(\w+)", kernel).group(1)
            try:
                print(f"ok      {label}: {' '.join(check_kernel(kernel, options.form, options.chip)['calls'])}")
            except ValueError as error:
                bad += 1
                print(f"refused {label}: {error}")
    except Missing as error:
        print(f"hivm_check: {error}", file=sys.stderr)
        return 2
    if not found:
        print("hivm_check: there is no kernel in the text", file=sys.stderr)
        return 2
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
