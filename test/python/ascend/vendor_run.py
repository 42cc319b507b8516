"""HIVM kernels on this machine's processor: the vendor's compiler turns vector HIVM into upstream dialects, which the MLIR tools compile."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np

import hivm_check

LOWER = [
    "--convert-linalg-to-loops",
    "--expand-strided-metadata",
    "--lower-affine",
    "--convert-scf-to-cf",
    "--convert-math-to-llvm",
    "--convert-math-to-libm",
    "--convert-arith-to-llvm",
    "--convert-cf-to-llvm",
    "--finalize-memref-to-llvm",
    "--convert-func-to-llvm=use-bare-ptr-memref-call-conv=1",
    "--reconcile-unrealized-casts",
]


COMPARE = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}


def pointwise(match: re.Match[str]) -> str:
    """A comparison or selection of f32 along one axis as upstream op: the vendor's conversion has none. Masks are bytes."""
    op, names, types, out, kind, mode = match.groups()
    operands = list(zip(names.split(", "), re.findall(r"memref<[^>]*>, #hivm\.address_space<ub>>|\w+", types)))
    buffers = [(name, type_) for name, type_ in operands if type_.startswith("memref")]
    if len(operands) != names.count(",") + 1 or any(type_.count("x") != 1 or "strided" not in type_ for _, type_ in [*buffers, ("", kind)]):
        return match.group(0)
    inside = {name: f"%e{i}" for i, (name, _) in enumerate(buffers)}
    values = [inside.get(name, name) for name, _ in operands]
    compares = op == "vcmp"
    block = ", ".join([f"%e{i}: {'i8' if 'xi8' in type_ else 'f32'}" for i, (_, type_) in enumerate(buffers)] + [f"%out: {'i8' if compares else 'f32'}"])
    if compares:
        body = f"%c = arith.cmpf {COMPARE[mode]}, {', '.join(values)} : f32\n  %r = arith.extui %c : i1 to i8"
    else:
        body = f"%c = arith.trunci {values[0]} : i8 to i1\n  %r = arith.select %c, {', '.join(values[1:])} : f32"
    maps = ", ".join(["affine_map<(d) -> (d)>"] * (len(buffers) + 1))
    ins = f"{', '.join(name for name, _ in buffers)} : {', '.join(type_ for _, type_ in buffers)}"
    result = "i8" if compares else "f32"
    return f"linalg.generic {{indexing_maps = [{maps}], iterator_types = [\"parallel\"]}} ins({ins}) outs({out} : {kind}) {{\n^bb0({block}):\n  {body}\n  linalg.yield %r : {result}\n}}"


def ready(text: str) -> str:
    """The kernel as one core runs it: the number of its block is the last argument. Reductions of the vendor's conversion add to their output, those of its library do not: outputs are set before."""
    text = text.replace("hivm.hir.get_block_num -> i64", "arith.constant 1 : i64")
    for name in re.findall(r"(%[\w-]+) = hivm\.hir\.get_block_idx -> i64\n", text):
        text = re.sub(rf"^ *{re.escape(name)} = hivm.*\n", "", text, flags=re.M)
        text = re.sub(rf"{re.escape(name)}\b", "%block_number", text)
    text = re.sub(r"^ *annotation\.mark .*\n", "", text, flags=re.M)
    # It has no copies within UB.
    text = re.sub(r"hivm\.hir\.copy ins\((%[\w-]+) : (.*)\) outs\((%[\w-]+) : (.*)\)$", r"memref.copy \1, \3 : \2 to \4", text, flags=re.M)
    text = text.replace("xi1,", "xi8,")
    text = re.sub(r"hivm\.hir\.(vcmp|vsel) ins\(([^:]*) : (.*)\) outs\((%[\w-]+) : (.*)\)(?: compare_mode = <(\w+)>)?$", pointwise, text, flags=re.M)
    text = re.sub(r"(func\.func @\w+\(.*)\)$", lambda m: m[1] + ("" if m[1].endswith("(") else ", ") + "%block_number: i64)", text, count=1, flags=re.M)
    count = 0

    def start(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        kind, out, shape, element = match.group(2), match.group(3), match.group(4), match.group(5)
        real = element.startswith(("f", "bf"))
        bits = int(element.strip("bfi"))
        lowest, highest = ({16: "0xFC00", 32: "0xFF800000"}.get(bits), {16: "0x7C00", 32: "0x7F800000"}.get(bits)) if real else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        value = {"sum": "0.0" if real else 0, "max": lowest, "min": highest}[kind]
        fill = f"  %start_{count} = arith.constant {value} : {element}\n  hivm.hir.vbrc ins(%start_{count} : {element}) outs({out} : {shape})\n"
        return fill + match.group(0)

    return re.sub(r"^( *)hivm\.hir\.vreduce <(\w+)> ins\(.*?\) outs\((%\w+) : (memref<[\dx?]*x(\w+)[^)]*>)\)", start, text, flags=re.M)


def run(text: str, arguments: list[np.ndarray | float], folder: Path, blocks: int = 1) -> None:
    """Runs the one kernel of `text` (form auto) block by block on arrays, which it may write. Raises ValueError where the vendor has no conversion."""
    upstream = hivm_check.opt(ready(text), "--execution-engine-convert-hivm-to-upstream", "--execution-engine-convert-hfusion-to-upstream", "--one-shot-bufferize")
    # What is left of the vendor's own attributes is unknown to the MLIR tools.
    upstream = re.sub(r" attributes \{[^\n]*hacc[^\n]*\} \{", " {", upstream)
    # As loops: the MLIR tools call a function of their own library for strided copies.
    upstream = re.sub(r"memref\.copy (%[\w-]+), (%[\w-]+) : (.*) to (.*)$", r"linalg.copy ins(\1 : \3) outs(\2 : \4)", upstream, flags=re.M)
    name = re.search(r"func\.func @(\w+)", upstream).group(1)
    mlir, llvm = hivm_check._package("mlir"), hivm_check._package("llvm")

    def tool(path: Path, *options: str, text: str) -> str:
        done = subprocess.run([str(path), *options], input=text, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    lowered = tool(mlir / "bin" / "mlir-opt", *LOWER, text=upstream)
    ir = tool(mlir / "bin" / "mlir-translate", "--mlir-to-llvmir", text=lowered)
    tool(llvm / "bin" / "llc", "-O1", "-filetype=obj", "-relocation-model=pic", "-o", str(folder / f"{name}.o"), text=ir)
    compiler = shutil.which("cc") or "cc"
    subprocess.run([compiler, "-shared", "-o", str(folder / f"{name}.so"), str(folder / f"{name}.o"), "-lm"], check=True)
    function = getattr(ctypes.CDLL(str(folder / f"{name}.so")), name)
    values = [a.ctypes.data_as(ctypes.c_void_p) if isinstance(a, np.ndarray) else ctypes.c_float(a) for a in arguments]
    for block in range(blocks):
        function(*values, ctypes.c_int64(block))
