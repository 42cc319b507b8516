"""What the cycle model of the Ascend simulator says of kernels, against the peaks of the same model. No hardware is measured.

    python benchmarks/ascend_model.py [--cases matmul_2048_f16,softmax] [--chip Ascend910B3] [--output FILE.md]

Products are held against the cube's multiply-adds per cycle, everything else against the bandwidth of the memory behind global memory: the bytes of arguments and
results, read and written side by side, at the rates of a core group times the number of groups. The numbers are those of dialect/Ascend/Target.h, whose sources
stand in docs/design/ascend-dialect.md; the model itself is in docs/design/ascend-simulator.md.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from report import table

ROOT = Path(__file__).resolve().parents[1]

WANTED = 0.7  # of the modelled peak
BYTES = {"f32": 4, "f16": 2, "bf16": 2}


@dataclass
class Case:
    """A function of the cell dialect: `text` is its body, %0, %1 ... its arguments of the given types."""

    arguments: list[str]
    results: list[str]
    text: str
    multiplies: int = 0  # multiply-adds; 0: bound by memory
    forward: Case | None = None  # what a gradient is of: its arguments, and a cotangent

    def function(self, name: str = "main") -> str:
        inputs, results = [f"%{i}" for i in range(len(self.arguments))], ", ".join(self.results)
        head = f"func.func {'private ' if name != 'main' else ''}@{name}({', '.join(map(': '.join, zip(inputs, self.arguments)))}) -> ({results}) {{\n"
        if not self.forward:
            return f"{head}  %r = {self.text}\n  return %r : {results}\n}}\n"
        wrt = len(self.results)
        types = f"({', '.join(self.arguments[:-1])}), ({self.arguments[-1]}) -> ({', '.join(self.forward.results + self.results)})"
        call = f"  %r:{wrt + 1} = cell.vjp @forward({', '.join(inputs[:-1])}) cotangents({inputs[-1]}) wrt {list(range(wrt))} outputs [0] : {types}\n"
        return self.forward.function("forward") + f"{head}{call}  return {', '.join(f'%r#{i + 1}' for i in range(wrt))} : {results}\n}}\n"


def tensor(*shape: int, kind: str) -> str:
    return f"tensor<{'x'.join(map(str, shape))}x{kind}>"


def matmul(m: int, n: int, k: int, kind: str, batch: tuple[int, ...] = ()) -> Case:
    a, b, c = tensor(*batch, m, k, kind=kind), tensor(*batch, k, n, kind=kind), tensor(*batch, m, n, kind=kind)
    count = m * n * k
    for size in batch:
        count *= size
    return Case([a, b], [c], f"cell.matmul %0, %1 : ({a}, {b}) -> {c}", count)


def pointwise(op: str, inputs: int, *shape: int) -> Case:
    kind = tensor(*shape, kind="f32")
    return Case([kind] * inputs, [kind], f"cell.{op} {', '.join(f'%{i}' for i in range(inputs))} : {kind}")


def softmax(rows: int, columns: int, element: str = "f32") -> Case:
    kind = tensor(rows, columns, kind=element)
    return Case([kind], [kind], f"cell.softmax %0 {{axis = 1 : i64}} : ({kind}) -> {kind}")


def layer_norm(rows: int, columns: int) -> Case:
    kind, row = tensor(rows, columns, kind="f32"), tensor(columns, kind="f32")
    return Case([kind, row, row], [kind], f"cell.layer_norm %0, %1, %2 {{axis = 1 : i64, epsilon = 1.0e-5 : f64}} : ({kind}, {row}, {row}) -> {kind}")


def reduction(op: str, axis: int, rows: int, columns: int) -> Case:
    kind, result = tensor(rows, columns, kind="f32"), tensor(rows if axis else columns, kind="f32")
    return Case([kind], [result], f"cell.{op} %0 {{axes = array<i64: {axis}>, keepdims = false}} : ({kind}) -> {result}")


def gradient(case: Case) -> Case:
    """With respect to all arguments; the last argument is the cotangent."""
    return Case([*case.arguments, *case.results], case.arguments, "", forward=case)


CASES = {
    "matmul_2048_f16": matmul(2048, 2048, 2048, "f16"),
    "matmul_2048_bf16": matmul(2048, 2048, 2048, "bf16"),
    "matmul_1024_f32": matmul(1024, 1024, 1024, "f32"),
    "matmul_512_f16": matmul(512, 512, 512, "f16"),
    "matmul_batch_16x512_f16": matmul(512, 512, 512, "f16", (16,)),
    "matmul_1x4096x4096_f16": matmul(1, 4096, 4096, "f16"),
    "add": pointwise("add", 2, 4096, 1024),
    "exp": pointwise("exp", 1, 4096, 1024),
    "softmax": softmax(4096, 1024),
    "softmax_odd_rows": softmax(4096, 1021),
    "softmax_f16": softmax(4096, 1024, "f16"),
    "softmax_gradient": gradient(softmax(4096, 1024)),
    "layer_norm": layer_norm(4096, 1024),
    "layer_norm_gradient": gradient(layer_norm(4096, 1024)),
    "sum_of_rows": reduction("reduce_sum", 1, 4096, 1024),
    "maximum_of_rows": reduction("reduce_max", 1, 4096, 1024),
    "sum_of_columns": reduction("reduce_sum", 0, 4096, 1024),
}


def target(chip: str) -> dict[str, int]:
    """The numbers of a chip, from the compiler's sources."""
    header = (ROOT / "dialect/Ascend/Target.h").read_text()
    numbers = {name: value for name, value in re.findall(r"X\((\w+), ([^,]+),", header)}
    result = {name: int(eval(value.replace("ll", ""), {"__builtins__": {}})) for name, value in numbers.items() if name != "name"}
    for names, body in re.findall(r"if \(((?:chip == \"\w+\"(?: \|\| )?)+)\) \{(.*?)\}", (ROOT / "dialect/Ascend/Target.cpp").read_text(), re.S):
        if f'"{chip}"' in names:
            result.update({name: int(value) for name, value in re.findall(r"result\.(\w+) = (\d+);", body)})
    return result


def size(kind: str) -> int:
    *shape, element = re.fullmatch(r"tensor<(.*)>", kind)[1].split("x")
    count = BYTES[element]
    for extent in shape:
        count *= int(extent)
    return count


def cell_run() -> str:
    """The tool of the build folder, else the installed one. Raises RuntimeError."""
    built = ROOT / "build/bin/cell-run"
    found = str(built) if built.exists() else shutil.which("cell-run")
    if not found:
        raise RuntimeError("cell-run is neither in build/bin nor on the path")
    return found


def profile(case: Case, chip: str) -> list[tuple[str, int, str]]:
    """(kernel, cycles, the rest of its line) of each launch. Raises RuntimeError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.mlir"
        path.write_text(case.function())
        command = [cell_run(), str(path), "--target=ascend", "--profile", "--print-limit=0", *(f"--input=rand:{i}" for i in range(len(case.arguments)))]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "CELLGRAD_ASCEND_CHIP": chip})
    if done.returncode:
        raise RuntimeError(done.stderr)
    found = re.findall(r"^(\w+): \d+ blocks on \w+, (?:(\d+) cycles, )?(.*)$", done.stdout, re.M)
    return [(kernel, int(cycles or 0), rest) for kernel, cycles, rest in found]


def measure(name: str, chip: str) -> tuple[list[str], float]:
    case, t = CASES[name], target(chip)
    launches = profile(case, chip)
    if not all(cycles for _, cycles, _ in launches):
        raise RuntimeError(f"{name}: kernels of the AI CPU have no model: {[kernel for kernel, cycles, _ in launches if not cycles]}")
    cycles = sum(cycles for _, cycles, _ in launches)
    read, written = sum(map(size, case.arguments)), sum(map(size, case.results))
    memory = max(read / t["hbm_read_rate"], written / t["hbm_write_rate"]) / t["aic_cores"]
    element = case.arguments[0][:-1].rsplit("x", 1)[1]
    cube = case.multiplies / (t["fractal_rows"] ** 2 * t["cube_k_f32" if element == "f32" else "cube_k_f16"] * t["aic_cores"])
    fraction = max(memory, cube) / cycles
    bound = re.search(r"bound by (\w+)", max(launches, key=lambda launch: launch[1])[2])[1]
    return [name, str(len(launches)), f"{cycles:,}", f"{cycles / t['clock_mhz']:.1f}", bound, "cube" if cube > memory else "memory", f"{100 * fraction:.0f} %"], fraction


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--chip", default="Ascend910B3")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    unknown = set(options.cases.split(",")) - set(CASES)
    if unknown:
        parser.error(f"unknown cases: {', '.join(sorted(unknown))}; known are {', '.join(CASES)}")
    rows, low = [], []
    for name in options.cases.split(","):
        row, fraction = measure(name, options.chip)
        rows.append(row)
        if fraction < WANTED:
            low.append(name)
        print(f"{name}: {row[-1]} of the modelled {row[-2]} peak", flush=True)
    header = ["case", "kernels", "cycles", "µs", "slowest pipe", "peak of", "of the peak"]
    text = "\n".join(table(header, rows)) + f"\n{options.chip}, cycle model of the simulator with published parameters (docs/design/ascend-simulator.md): a model, not a measurement.\n"
    print("\n" + text)
    if options.output:
        options.output.write_text("# Kernels of the Ascend target in the cycle model\n\n" + text)
    if low:
        print(f"below {100 * WANTED:.0f} %: {', '.join(low)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
