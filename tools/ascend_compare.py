"""Puts our memory plan and flags of kernels beside those that the vendor's own compiler makes for the same kernels.

    python tools/ascend_compare.py kernels.mlir more.mlir          # kernels of the ascend dialect, not planned yet
    python tools/ascend_compare.py --pipeline cell-to-ascend=decompose=false program.mlir

Both plans are read from HIVM text: bytes up to the highest address of each space, static ``set_flag`` ops, and barriers that flags could
not replace (those of one pipe, and the last one, are of the vendor's form and not counted). Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from math import prod
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import hivm_check

PASSES = "ascend-multi-buffer,ascend-plan-memory,ascend-insert-sync,ascend-verify-kernels"
BYTES = {"f32": 4, "i32": 4, "f16": 2, "bf16": 2, "i16": 2, "i8": 1, "i64": 8, "i1": 1}
SPACES = {"ub": "UB", "cbuf": "L1", "cc": "L0C"}


def measure(text: str) -> dict:
    """Peak bytes per space, flags and barriers of planned HIVM text."""
    constants = {name: int(value) for name, value in re.findall(r"(%[\w-]+) = arith\.constant (-?\d+) : i64", text)}
    peaks: dict[str, int] = {}
    for operands, shape, space in re.findall(r"pointer_cast\((.*?)\) : memref<([\w]+), #hivm\.address_space<(\w+)>>", text):
        *dims, element = shape.split("x")
        size = prod(int(d) for d in dims) * BYTES[element]
        for operand in operands.split(","):
            peaks[SPACES.get(space, space)] = max(peaks.get(SPACES.get(space, space), 0), constants[operand.strip()] + size)
    sets = text.count("hivm.hir.set_flag[")
    barriers = len(re.findall(r"pipe_barrier\[<PIPE_ALL>\]", text)) - 1
    return {"peaks": peaks, "flags": sets, "barriers": max(barriers, 0)}


def tool(name: str) -> str:
    built = Path(__file__).resolve().parent.parent / "build" / "bin" / name
    return str(built) if built.exists() else name


def compare(path: Path, pipeline: str = PASSES, chip: str = "Ascend910B3") -> list[tuple[str, dict, dict]]:
    """(kernel, our measures, the vendor's) for each kernel of the vector and cube cores."""
    planned = subprocess.run([tool("cell-opt"), f"--pass-pipeline=builtin.module({pipeline})", str(path)], capture_output=True, text=True)
    if planned.returncode:
        raise ValueError(planned.stderr.strip())
    texts = {}
    for form in ("planned", "auto"):
        done = subprocess.run([tool("cell-translate"), "--ascend-to-hivm", f"--form={form}"], input=planned.stdout, capture_output=True, text=True)
        if done.returncode:
            raise ValueError(done.stderr.strip())
        texts[form] = hivm_check.kernels(done.stdout)
    rows = []
    for ours, auto in zip(texts["planned"], texts["auto"]):
        checked = hivm_check.check_kernel(auto, "auto", chip)
        rows.append((checked["name"], measure(ours), measure(checked["planned"])))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--pipeline", default=PASSES)
    options = parser.parse_args()
    print("| kernel | space | bytes, ours | vendor | flags, ours | vendor | barriers, ours | vendor |\n|---|---|---:|---:|---:|---:|---:|---:|")
    for path in options.files:
        try:
            rows = compare(path, options.pipeline)
        except (ValueError, hivm_check.Missing) as error:
            print(f"{os.path.basename(path)}: {error}", file=sys.stderr)
            return 1
        for name, ours, theirs in rows:
            for i, space in enumerate(sorted(ours["peaks"])):
                counts = " | ".join(f"{ours[k]} | {theirs[k]}" for k in ("flags", "barriers")) if i == 0 else " | | |"
                print(f"| {name if i == 0 else ''} | {space} | {ours['peaks'][space]} | {theirs['peaks'].get(space, 0)} | {counts} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
