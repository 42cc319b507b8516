"""The functions of the pass expand-math: their bounds, inputs and references, and how they are run.

A program applies functions to one tensor through the pipeline `linalg-to-llvm` in `cell-run`. References of f32 are computed in f64, those of f64 in
long double (NumPy's) or, where NumPy has none, by mpmath.
"""
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from collections.abc import Callable

import numpy as np

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Function:
    name: str  # of the op: math.<name>
    bounds: tuple  # largest error in ulp of f32 and f64; None: the C library computes it
    reference: Callable  # in the precision of its arguments
    operands: int = 1


def erf(x):
    if x.dtype == np.float64:
        import math
        return np.vectorize(math.erf, otypes=[np.float64])(x)
    import mpmath
    mpmath.mp.prec = 90
    high = [mpmath.erf(mpmath.mpf(float(v))) for v in x]
    heads = np.array([float(v) for v in high], np.longdouble)
    tails = np.array([float(v - mpmath.mpf(float(v))) if mpmath.isfinite(v) else 0 for v in high], np.longdouble)
    return np.where(x == 0, x, heads + tails)  # mpmath has no negative zero


FUNCTIONS = [
    Function("exp", (1, 1), np.exp),
    Function("exp2", (1, 1), np.exp2),
    Function("expm1", (1.5, 1.5), np.expm1),
    Function("log", (1, 1), np.log),
    Function("log2", (2, 2), np.log2),
    Function("log10", (2, 2), np.log10),
    Function("log1p", (1.6, 1.6), np.log1p),
    Function("sin", (1.7, None), np.sin),
    Function("cos", (1.7, None), np.cos),
    Function("tan", (4, None), np.tan),
    Function("sinh", (2.2, 2.5), np.sinh),
    Function("cosh", (1.5, 1.5), np.cosh),
    Function("tanh", (2, 2.2), np.tanh),
    Function("asin", (2.5, None), np.arcsin),
    Function("acos", (1.5, None), np.arccos),
    Function("atan", (1.6, None), np.arctan),
    Function("erf", (1.3, 1.3), erf),
    Function("rsqrt", (2, 2), lambda x: 1 / np.sqrt(x)),
    Function("powf", (0.7, None), np.power, 2),
    Function("atan2", (1.7, None), np.arctan2, 2),
]


def cell_run():
    package = find_spec("cellgrad")
    for folder in (ROOT / "build" / "bin", *(Path(p) / "bin" for p in (package.submodule_search_locations if package else []))):
        if (folder / "cell-run").exists():
            return folder / "cell-run"
    return None


def program(function, dtype, size):
    operands = ["%a", "%b"][: function.operands]
    tensor = f"tensor<{size}x{dtype}>"
    return f"""#id = affine_map<(d0) -> (d0)>
func.func @main({", ".join(f"{x}: {tensor}" for x in operands)}) -> {tensor} {{
  %e = tensor.empty() : {tensor}
  %r = linalg.generic {{indexing_maps = [{", ".join(["#id"] * (len(operands) + 1))}], iterator_types = ["parallel"]}}
      ins({", ".join(operands)} : {", ".join([tensor] * len(operands))}) outs(%e : {tensor}) {{
  ^bb0({", ".join(f"{x}x: {dtype}" for x in operands)}, %o: {dtype}):
    %y = math.{function.name} {", ".join(x + "x" for x in operands)} : {dtype}
    linalg.yield %y : {dtype}
  }} -> {tensor}
  return %r : {tensor}
}}
"""


def run(function, dtype, inputs, folder, flags=()):
    """(values, what cell-run printed) of the function on arrays."""
    source = Path(folder) / f"{function.name}-{dtype}.mlir"
    source.write_text(program(function, dtype, inputs[0].size))
    command = [str(cell_run()), str(source), "--pipeline=linalg-to-llvm", f"--save-npy={folder}/out", "--print-limit=1", *flags]
    for i, x in enumerate(inputs):
        np.save(f"{folder}/in{i}.npy", x)
        command.append(f"--input={folder}/in{i}.npy")
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return np.load(f"{folder}/out0.npy"), done.stdout


EDGES = [0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 1e-20, -1e-20, 1e10, -1e10, 88.72283, 88.7229, -87.3365, -103.97, -103.98, 89.41, 89.42,
         709.78, 709.79, -708.4, -745.13, -745.14, 710.475, 710.476, 128, -149, -150, 1024, -1074, -1075, 1.5707964, 3.1415927, 16777217, 0.9275, 3.95, 6]


def samples(function, dtype, count):
    """Inputs: random bit patterns, all binades from tiny to large, the usual range densely, and the edges."""
    kind, integer = (np.float32, np.uint32) if dtype == "f32" else (np.float64, np.uint64)
    info = np.finfo(kind)
    edges = np.array([*EDGES, info.max, -info.max, info.tiny, -info.tiny, info.smallest_subnormal, -info.smallest_subnormal, info.eps, 1 + info.eps, 1 - info.epsneg], np.float64).astype(kind)
    out = []
    for i in range(function.operands):
        rng = np.random.default_rng(7 + i)
        part = count // 8
        pattern = rng.integers(0, np.iinfo(integer).max, part, integer, endpoint=True).view(kind)
        binades = (rng.choice([-1, 1], part) * rng.uniform(1, 2, part) * 2.0 ** rng.integers(-30, 12, part)).astype(kind)
        ranges = [rng.uniform(-w, w, part).astype(kind) for w in (1, 8, 100, 800)]
        near_one = (1 + rng.uniform(-0.5, 1, part)).astype(kind)
        x = np.concatenate([pattern, binades, *ranges, near_one])
        if function.operands == 2:
            rng.shuffle(x)
        e = np.tile(edges, len(edges)) if i else np.repeat(edges, len(edges)) if function.operands == 2 else edges
        x = np.concatenate([e, x])
        out.append(np.concatenate([x, x[: (-len(x)) % 64]]))
    return out


def errors(function, inputs, got):
    """Error of each value in units of the last place of the exact result; infinite where NaN, infinity, zero or a sign is wrong."""
    kind = got.dtype
    wide = np.float64 if kind == np.float32 else np.longdouble
    with np.errstate(all="ignore"):
        exact = function.reference(*[x.astype(wide) for x in inputs])
        rounded = exact.astype(kind)
        info = np.finfo(kind)
        exponent = np.frexp(np.where(np.isfinite(exact), exact, 1))[1]
        ulp = np.ldexp(wide(1), np.maximum(exponent - info.nmant - 1, info.minexp - info.nmant))
        # Against an overflow the largest number counts as one step away.
        limit = np.ldexp(wide(1), info.maxexp)
        clip = lambda x: np.where(np.isinf(x), np.copysign(limit, x), x.astype(wide))
        error = np.abs(clip(got) - np.where(np.isinf(rounded), clip(rounded), exact)) / np.where(np.isinf(rounded), np.ldexp(wide(1), info.maxexp - info.nmant - 1), ulp)
        wrong = np.isnan(got) != np.isnan(exact)
        wrong |= np.isinf(exact) & (got != exact)
        wrong |= (exact == 0) & ((got != 0) | (np.signbit(got) != np.signbit(exact)))
        wrong |= (got != 0) & (rounded != 0) & ~np.isnan(got) & (np.signbit(got) != np.signbit(exact))
    return np.where(wrong, np.inf, np.where(np.isnan(exact), 0, error)).astype(np.float64)


def worst(function, dtype, folder, count, flags=()):
    """(largest error, its inputs, value there)."""
    inputs = samples(function, dtype, count)
    got, _ = run(function, dtype, inputs, folder, flags)
    error = errors(function, inputs, got)
    i = int(np.argmax(error))
    return float(error[i]), [x[i] for x in inputs], got[i]


def nanoseconds(function, dtype, folder, size=1 << 16):
    """Time for one element on one thread, data in the cache."""
    rng = np.random.default_rng(3)
    kind = np.float32 if dtype == "f32" else np.float64
    inputs = [rng.uniform(0.1, 0.9, size).astype(kind) for _ in range(function.operands)]
    os.environ["OMP_NUM_THREADS"] = "1"
    _, text = run(function, dtype, inputs, folder, ["--repeat=200"])
    return float(text.split("run ")[1].split(" ms")[0]) * 1e6 / size


def table():
    """The table of docs/design/vector-math.md."""
    import tempfile
    print("| function | f32: ulp | f32: ns | f64: ulp | f64: ns |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for function in FUNCTIONS:
            cells = []
            for dtype, bound in zip(("f32", "f64"), function.bounds):
                count = 4000 if (function.name, dtype) == ("erf", "f64") else 2_000_000
                error = f"{worst(function, dtype, folder, count)[0]:.2f}" if bound else "C library"
                cells += [error, f"{nanoseconds(function, dtype, folder):.2f}"]
            print(f"| `{function.name}` | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    sys.exit(table())
