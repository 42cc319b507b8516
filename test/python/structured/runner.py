"""Runs .mlir programs on NumPy arrays with `cell-run`, and checks derivatives that `cell.vjp` gives."""

import functools
import importlib.util
import subprocess
from pathlib import Path

import numpy as np
from needs import need

ROOT = Path(__file__).resolve().parents[3]
NUMPY = {"f32": np.float32, "f64": np.float64, "i8": np.int8, "i32": np.int32, "ui8": np.uint8, "i1": np.bool_, "i64": np.int64}
NAMES = {np.dtype(t): name for name, t in NUMPY.items()}


@functools.cache
def tool(name):
    """The built tool, else the installed one."""
    installed = importlib.util.find_spec("cellgrad")
    folders = [ROOT / "build" / "bin"] + [Path(p) / "bin" for p in (installed.submodule_search_locations if installed else [])]
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    need(False, f"{name} is neither built nor installed")


def tensor(shape, dtype):
    return f"tensor<{''.join(f'{n}x' for n in shape)}{dtype}>"


def type_of(array):
    return tensor(array.shape, NAMES[array.dtype])


def integers(values):
    return f"array<i64{': ' if len(values) else ''}{', '.join(map(str, values))}>"


def run(text, inputs, results, folder):
    """Results of the only public function of `text`, which gives `results` of them."""
    program = folder / "program.mlir"
    program.write_text(text)
    command = [tool("cell-run"), program, f"--save-npy={folder}/result.", "--print-limit=1"]
    for i, array in enumerate(inputs):
        np.save(folder / f"input.{i}.npy", array)
        command.append(f"--input={folder}/input.{i}.npy")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{text}\n{done.stderr}"
    return [np.load(folder / f"result.{i}.npy") for i in range(results)]


class Program:
    """One op as a function of its operands, and its vector-Jacobian products of first and second order.

    `op` is the text after the equals sign without types, with operands %0, %1 ...; `wrt` lists the operands to differentiate by.
    """

    def __init__(self, op, operands, result, wrt):
        self.types, self.result, self.wrt = [type_of(x) for x in operands], type_of(result), wrt
        arguments = ", ".join(f"%{i}: {t}" for i, t in enumerate(self.types))
        self.function = f"func.func private @op({arguments}) -> {self.result} {{\n  %r = {op} : ({', '.join(self.types)}) -> {self.result}\n  return %r : {self.result}\n}}\n"

    def _vjp(self, callee, visibility, name, types, cotangents, results):
        """A function of `types` and `cotangents` that gives the gradients of `callee` by its first arguments."""
        arguments = ", ".join(f"%a{i}: {t}" for i, t in enumerate(types)) + ", " + ", ".join(f"%c{i}: {t}" for i, t in enumerate(cotangents))
        gradients = [types[i] for i in self.wrt]
        values = ", ".join([f"%v{i}" for i in range(len(results))] + [f"%g{i}" for i in self.wrt])
        return (
            f"func.func {visibility}@{name}({arguments}) -> ({', '.join(gradients)}) {{\n  {values} = cell.vjp @{callee}({', '.join(f'%a{i}' for i in range(len(types)))}) "
            f"cotangents({', '.join(f'%c{i}' for i in range(len(cotangents)))}) wrt {list(self.wrt)} outputs {list(range(len(results)))} : ({', '.join(types)}), "
            f"({', '.join(cotangents)}) -> ({', '.join([*results, *gradients])})\n  return {', '.join(f'%g{i}' for i in self.wrt)} : {', '.join(gradients)}\n}}\n"
        )

    def forward(self):
        return self.function.replace("private ", "")

    def first(self):
        return self.function + self._vjp("op", "", "main", self.types, [self.result], [self.result])

    def second(self):
        """Gradients of <t, first order gradients> by the differentiated operands; arguments: operands, cotangent, t."""
        gradients = [self.types[i] for i in self.wrt]
        inner = self._vjp("op", "private ", "first", self.types, [self.result], [self.result])
        return self.function + inner + self._vjp("first", "", "main", [*self.types, self.result], gradients, gradients)


def check_derivatives(op, operands, result, wrt, folder):
    """First and second order products against differences of the compiled function itself, in f64.

    Every op here is linear in each differentiated operand (piecewise for maxima), so that a central difference with a small enough step is exact up to rounding.
    """
    rng = np.random.default_rng(1)
    program = Program(op, operands, result, wrt)
    step = 1e-5
    cotangent = rng.standard_normal(result.shape)
    directions = [rng.standard_normal(operands[i].shape) for i in wrt]

    def moved(sign, which=wrt):
        values = list(operands)
        for i, d in zip(wrt, directions):
            if i in which:
                values[i] = values[i] + sign * step * d
        return values

    gradients = run(program.first(), [*operands, cotangent], len(wrt), folder)
    for i, direction, gradient in zip(wrt, directions, gradients):
        plus, minus = (run(program.forward(), moved(sign, [i]), 1, folder)[0] for sign in (1, -1))
        np.testing.assert_allclose(np.sum(gradient * direction), np.sum(cotangent * (plus - minus)) / (2 * step), rtol=1e-6, atol=1e-7)

    weights = [rng.standard_normal(g.shape) for g in gradients]
    second = run(program.second(), [*operands, cotangent, *weights], len(wrt), folder)
    plus, minus = (run(program.first(), [*moved(sign), cotangent], len(wrt), folder) for sign in (1, -1))
    difference = sum(np.sum(w * (p - m)) for w, p, m in zip(weights, plus, minus)) / (2 * step)
    np.testing.assert_allclose(sum(np.sum(s * d) for s, d in zip(second, directions)), difference, rtol=1e-6, atol=1e-7)
