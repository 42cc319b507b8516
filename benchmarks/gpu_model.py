"""What the machine code of kernels says, without a GPU: bytes, multiply-adds, instructions and the time that they allow.

    python benchmarks/gpu_model.py [--cases softmax,matmul_4096_tf32] [--chip sm_90] [--kernels 12] [--output FILE.md]

Needs ptxas and nvdisasm, compiles the cases of run.py, and runs nothing. It is a model: the rates are those of `GpuTarget` (passes/LinalgToGpu/GpuTarget.cpp, from data
sheets) and of sass.py (CUDA programming guide), and latencies, caches and the time of launches are left out. So the times are lower bounds, and a kernel that looks
bad here is bad; one that looks good has still to be measured. Nothing of it is a measurement.

Per case: launches, the fewest bytes (arguments read once, results written once) beside the bytes of all kernels (each one's operands once), the lower bounds, and the
floor: what the device would take for the fewest bytes, or for all products at its best rate, if that is more. Per kernel the floor is that of its own bytes and products; of the innermost loop that does most (else of the whole kernel): the share of instructions that do arithmetic of the product (FFMA, HMMA, HGMMA), the
share of global accesses that move 16 bytes a lane, and which units are busy longest. The multiprocessor with the most blocks ends last, so a grid that leaves others
idle in its last round takes as long as a full one.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sass

ROOT = Path(__file__).resolve().parents[1]
BITS = {"f64": 64, "i64": 64, "f32": 32, "i32": 32, "f16": 16, "bf16": 16, "i16": 16, "i8": 8, "i1": 8, "index": 64}
# Multiply-adds of 16-bit factors per cycle of a multiprocessor by HGMMA, tf32 half of it: H100 SXM, 989.4 TFLOP/s dense (data sheet) = 132 multiprocessors x 2 x 2048 x
# 1.83 GHz. So 64 x n x 16 takes n / 2 cycles, and reads n + 64 rows of 32 bytes from shared memory in n / 4 + 16: from n = 64 on the tensor cores are the longer.
HGMMA_RATE = {"sm_90": 2048, "sm_90a": 2048}
# Bytes per cycle that all of L2 gives: A100 white paper. For the H100 no figure is published, and measurements find less (cacheRate of `GpuTarget`, by which tiles are chosen).
L2_RATE = {"sm_80": 5120, "sm_90": 5120, "sm_90a": 5120}
ORDINARY = ["chain_64m", "softmax", "layer_norm", "matmul_1024", "matmul_4096", "matmul_1024_tf32", "matmul_4096_tf32", "matmul_1024_bf16", "matmul_4096_bf16", "mlp", "resnet", "gpt"]


def target(chip: str) -> dict[str, float]:
    """The numbers of a chip, from the compiler's sources.

    Raises:
        KeyError: the compiler does not know the chip.
    """
    header, source = ((ROOT / "passes/LinalgToGpu" / name).read_text() for name in ("GpuTarget.h", "GpuTarget.cpp"))
    names = re.findall(r"\w+", re.search(r"StringLiteral chip;(.*?)\};", source, re.S)[1].replace("int64_t", "").replace("double", ""))
    rows = {row[0]: [float(x) for x in row[1].split(",") if x.strip()] for row in re.findall(r'\{"(sm_\w+)", ([^}]*)\}', source)}
    facts = {name: float(value) for name, value in re.findall(r"\b(registers|sharedRate) = (\d+)", header)}
    found = {**facts, **dict(zip(names, rows[chip]))}
    found["hgmma"], found["l2Rate"] = HGMMA_RATE.get(chip, 0), L2_RATE.get(chip, 0)
    return found


def bytes_of(kind: str) -> int:
    *shape, element = re.match(r"memref<([^,>]*)", kind)[1].split("x")
    count = BITS[element]
    for extent in shape:
        count *= int(extent)
    return count // 8


@dataclass
class Launch:
    """A kernel with what its launches move and compute."""

    name: str
    launches: int
    blocks: int
    threads: int
    moved: int  # bytes of one launch, each operand once
    multiply_adds: int  # of one launch, those of tensor cores and fma in its loops
    copied: int  # bytes of one launch that bulk copies (TMA) bring to shared memory
    registers: int
    shared: int
    local: int  # bytes of spills and stack
    code: sass.Code
    loop: sass.Code

    def resident(self, chip: dict[str, float]) -> float:
        """The part of a multiprocessor's threads that are there at a time."""
        warps = -(-self.threads // 32)
        blocks = min(chip["residentBlocks"], chip["residentThreads"] // self.threads, chip["registers"] // (-(-max(self.registers, 24) // 8) * 8 * 32 * warps),
                     chip["sharedKiB"] * 1024 // (self.shared + 1024))
        return min(1.0, blocks * self.threads / chip["residentThreads"])

    def bounds(self, chip: dict[str, float]) -> dict[str, float]:
        """Cycles of one launch on the whole device for each unit: memory's from its bytes, the others' from those of its loop, as often as the bytes or multiply-adds want."""
        taken = self.loop.cycles(self.tensor_rate(chip))
        done = sum(map(sass.multiply_adds, self.loop.instructions))
        if self.multiply_adds and done:
            times = self.multiply_adds / done
        else:
            times = self.moved / max(1, 32 * self.loop.global_bytes())
        rounds = -(-self.blocks // int(chip["multiprocessors"]))
        result = {unit: cycles * times * rounds / self.blocks for unit, cycles in taken.items()}
        if self.copied:
            result["shared"] = result.get("shared", 0) + self.copied / sass.SHARED_RATE * rounds / self.blocks
        from_l2 = self.copied + 32 * times * sum(i.bytes for i in self.loop.of("LDGSTS"))
        if from_l2 and chip["l2Rate"]:
            result["L2"] = from_l2 / chip["l2Rate"]
        result["memory"] = self.moved / (chip["memoryRate"] * chip["multiprocessors"])
        return result

    def tensor_rate(self, chip: dict[str, float]) -> float:
        """Multiply-adds per cycle and multiprocessor of the instructions that its loop has."""
        is_tf32 = any("TF32" in i.name for i in self.loop.instructions)
        if self.loop.of("HGMMA"):
            return chip["hgmma"] / (2 if is_tf32 else 1)
        return chip["tensorTf32" if is_tf32 else "tensor16"]

    def product_floor(self, chip: dict[str, float]) -> float:
        """Cycles of the whole device for its products at the best rate for their type."""
        rate = chip["simt64" if self.loop.of("DFMA") else "simt32"]
        if self.loop.of("tensor"):
            is_tf32 = any("TF32" in i.name for i in self.loop.instructions)
            rate = max(self.tensor_rate(chip), chip["hgmma"] / (2 if is_tf32 else 1))
        return self.multiply_adds / (rate * chip["multiprocessors"])

    def share(self) -> float:
        """The part of the loop's instructions that do the product; 0 where there is none."""
        done = [i for i in self.loop.instructions if sass.multiply_adds(i)]
        return len(done) / len(self.loop) if self.multiply_adds else 0.0


class Trips:
    """How often each line of a function of a module at stage "gpu" runs: its loops have constant bounds, or are counted once."""

    def __init__(self, body: str) -> None:
        self.constants = {name: int(value) for name, value in re.findall(r"(%c\w+) = arith\.constant (\d+) : (?:index|i32|i64)", body)}
        self.constants |= {value: self.constants[b] for value, b in re.findall(r"(%\w+) = arith\.minsi %\w+, (%c\w+)", body) if b in self.constants}
        self.body = body

    def __iter__(self) -> Iterator[tuple[str, int]]:
        depth, open_loops = 0, []
        for line in self.body.splitlines():
            yield line, math.prod(count for _, count in open_loops)
            if loop := re.search(r"scf\.for %\w+ = (%\w+) to (%\w+) step (%\w+)", line):
                first, last, step = (self.constants.get(loop[i], default) for i, default in ((1, 0), (2, 1), (3, 1)))
                open_loops.append((depth, max(1, -(-(last - first) // step))))
            depth += line.count("{") - line.count("}")
            while open_loops and depth <= open_loops[-1][0]:
                open_loops.pop()


def _work(body: str) -> tuple[int, int, int, int]:
    """Which arguments a kernel reads and writes, as bit masks, the multiply-adds of one of its threads that multiply, and the bytes of a block's bulk copies."""
    roots = {f"%arg{i}": i for i in range(body.split("\n")[0].count("%arg"))}
    read = written = copied = 0
    work = 0.0
    for line, count in Trips(body):
        if view := re.match(r"\s*(%\w+) = memref\.(?:collapse_shape|expand_shape|reinterpret_cast|subview|cast|view) (%\w+)", line):
            if view[2] in roots:
                roots[view[1]] = roots[view[2]]
        elif access := re.search(r"(?:memref|vector)\.load (%\w+)\[|device_async_copy (%\w+)\[|unrealized_conversion_cast (%\w+) : memref", line):
            root = access[1] or access[2] or access[3]
            read |= 1 << roots[root] if root in roots else 0
        elif access := re.search(r"(?:memref|vector)\.store %[\w#]+, (%\w+)\[|memref\.atomic_rmw \w+ %[\w#]+, (%\w+)\[|generic_atomic_rmw (%\w+)\[", line):
            root = access[1] or access[2] or access[3]
            written |= 1 << roots[root] if root in roots else 0
        elif mma := re.search(r"mma\.sync.*mmaShape = \[(\d+), (\d+), (\d+)\]", line):
            work += count * math.prod(map(int, mma.groups())) / 32
        elif fma := re.search(r"math\.fma .*: (?:vector<(\d+)x)?\w+", line):
            work += count * int(fma[1] or 1)
        elif "wgmma.mma_async" in line and (shape := re.search(r"m = (\d+), n = (\d+), k = (\d+)", line)):
            work += count * math.prod(map(int, shape.groups())) / 128
        elif copy := re.search(r"tma\.async\.load .*<tensor = (memref<[^>]*>)", line):
            copied += count * bytes_of(copy[1])
    return read, written, int(work), copied


def launches_of(program: Any) -> tuple[list[Launch], int]:
    """The kernels of a program for a GPU, and the fewest bytes that it moves: what it is given and what it returns, each once."""
    text, codes = program.mlir("gpu"), sass.kernels(program.sass())
    about = {name: _work(body) for name, body in re.findall(r"gpu\.func @(\w+)\((.*?)\n    \}", text, re.S)}
    host = text[: text.index("gpu.module @kernels")]
    functions = {name: Trips(body) for name, body in re.findall(r"func\.func (?:private )?@(\S+?)\((.*?\n  \})", host, re.S)}
    sizes: dict[str, int] = {}
    dynamic: dict[str, int] = {}
    counts: Counter = Counter()

    def visit(function: str, times: int) -> None:
        for line, count in functions[function]:
            if launch := re.search(r"gpu\.launch_func\s+@kernels::@(\w+) .*?args\((.*)\)", line):
                read, written = about[launch[1]][:2]
                if size := re.search(r"dynamic_shared_memory_size (%\w+)", line):
                    dynamic[launch[1]] = functions[function].constants[size[1]]
                kinds = [kind for _, kind in re.findall(r"(%[\w#]+) : ((?:memref<(?:[^<>]|<[^<>]*>)*>)|\w+)", launch[2])]
                sizes[launch[1]] = sum(bytes_of(kind) * ((read >> i & 1) + (written >> i & 1)) for i, kind in enumerate(kinds) if kind.startswith("memref"))
                counts[launch[1]] += times * count
            elif call := re.search(r"\bcall @([^\s(]+)\(", line):
                visit(call[1], times * count)

    entry = next(line for line in host.splitlines() if re.match(r"\s*func\.func @", line))
    visit(re.search(r"@(\S+?)\(", entry)[1], 1)
    found = []
    for k in program.kernels():
        blocks, threads, code = math.prod(k.grid), math.prod(k.block), codes[k.name]
        local = sum(i.bytes for i in code.of("local"))
        multiplying = threads // 128 * 128 if code.of("HGMMA") else threads  # whole groups of four warps; the warp beside them copies
        _, _, work, copied = about[k.name]
        found.append(Launch(k.name, counts[k.name], blocks, threads, sizes[k.name], work * blocks * multiplying, copied * blocks, k.registers,
                            k.shared_bytes + dynamic.get(k.name, 0), local, code, sass.main_loop(code)))
    least = sum(bytes_of(kind) for kind, rest in re.findall(r"%arg\d+: (memref<[^>]*>+)( \{[^}]*\})?", entry) if "cellrt.arena" not in rest)
    return found, least


def program_of(case: str, chip: str) -> Any:
    """The case of run.py, compiled for the chip."""
    import cellgrad as ms
    from workers.mindspore_style import System

    system = System("cellgrad")
    before = ms.get_context("gpu_config")
    try:
        step, arrays = system.step_of(case)
        ms.set_context(gpu_config={"matmul_allow_tf32": case.endswith("tf32")})  # as the workers do where a GPU is there
        return step.lower(*arrays, target="gpu", chip=chip)
    finally:
        ms.set_context(gpu_config=before)


def measure(case: str, chip: str) -> tuple[list[str], list[list[str]], list[Launch]]:
    """A line on the case, a line on each of its kernels, slowest bound first, and the kernels themselves."""
    facts = target(chip)
    found, least = launches_of(program_of(case, chip))
    lines, total, products = [], 0.0, 0.0
    for k in found:
        bounds = k.bounds(facts)
        slowest = max(bounds, key=lambda unit: bounds[unit])
        total += k.launches * bounds[slowest]
        products += k.launches * k.product_floor(facts)
        times = bounds[slowest] / max(bounds["memory"], k.product_floor(facts))
        rest = sorted(bounds, key=lambda unit: -bounds[unit])
        seconds = ", ".join(f"{unit} {bounds[unit] * k.launches:,.0f}" for unit in rest[:3])
        wide, part = f"{100 * k.code.wide_share():.0f} %", f"{100 * k.share():.0f} % of {len(k.loop)}" if k.share() else f"of {len(k.loop)}"
        lines.append((bounds[slowest] * k.launches, [k.name, str(k.launches), f"{k.blocks} x {k.threads}", f"{k.moved / 1e6:,.2f}", str(k.registers), str(k.local), f"{100 * k.resident(facts):.0f} %", wide, part, seconds, f"{times:.2f}"]))
    moved = sum(k.moved * k.launches for k in found)
    multiply_adds = sum(k.multiply_adds * k.launches for k in found)
    floor = max(products, least / (facts["memoryRate"] * facts["multiprocessors"]))
    row = [case, str(sum(k.launches for k in found)), f"{least / 1e6:,.1f}", f"{moved / 1e6:,.1f}", f"{multiply_adds / 1e9:,.2f}", f"{total:,.0f}", f"{floor:,.0f}", f"{total / floor:.2f}"]
    return row, [line for _, line in sorted(lines, key=lambda line: -line[0])], found


CASE_HEADER = ["case", "launches", "fewest MB", "MB of its kernels", "10^9 multiply-adds", "cycles at least", "floor", "times the floor"]
KERNEL_HEADER = ["kernel", "launches", "blocks x threads", "MB", "registers", "local bytes", "resident", "16-byte accesses", "product's instructions", "cycles at least", "times its floor"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default=",".join(ORDINARY))
    parser.add_argument("--chip", default="sm_90")
    parser.add_argument("--kernels", type=int, default=12, help="how many kernels of a case to show, slowest first")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    from report import table

    rows, parts = [], []
    for case in options.cases.split(","):
        row, lines, _ = measure(case, options.chip)
        rows.append(row)
        parts += [f"## {case}", "", *table(KERNEL_HEADER, lines[: options.kernels]), ""]
        print("\n".join(parts[-len(lines[: options.kernels]) - 5 :]), flush=True)
    note = (
        f"{options.chip}. Nothing here was measured: the numbers are reckoned from machine code (benchmarks/gpu_model.py says with which rates) and are lower bounds, with\n"
        "no latencies, no launches and a cache that never misses what was there before. Cycles are those of the whole device; the unit that is busy longest stands first."
    )
    text = "\n".join([note, "", *table(CASE_HEADER, rows)]) + "\n"
    print(text)
    if options.output:
        options.output.write_text("# Kernels of the GPU target by their machine code\n\n" + text + "\n" + "\n".join(parts))
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "python"))
    raise SystemExit(main())
