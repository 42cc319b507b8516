"""What the tests of planned kernels share: planning, single kernels of a module, and checked runs of many kernels in one process of the simulator."""
from __future__ import annotations

import os
import pathlib
import pickle
import re
import subprocess
import sys

import numpy as np

from cellgrad._compiler import Module
from cellgrad._errors import CompileError

SCHEDULE = ("ascend-multi-buffer", "ascend-plan-memory", "ascend-insert-sync", "ascend-verify-kernels")
DTYPES = {"f32": "float32", "f16": "float16", "bf16": "uint16", "i32": "int32", "i16": "int16", "i8": "int8", "i64": "int64", "i1": "bool"}


def scheduled(text: str, passes: tuple[str, ...] = SCHEDULE) -> str:
    module = Module.parse(text)
    for name in passes:
        module.run(name)
    return module.text()


def refused(text: str) -> str:
    """What the verifier says against kernels that can be parsed; empty where it has nothing against them."""
    module = Module.parse(text)
    try:
        module.run("ascend-verify-kernels")
    except CompileError as error:
        return str(error)
    return ""


def kernels(text: str) -> dict[str, str]:
    """Name -> a module with this kernel of the vector or cube cores alone."""
    module, found = re.search(r"gpu\.module @\w+.*\{", text), {}
    if module is None:
        return {}
    for function in re.findall(r"^ *func\.func @\w+\(.*?^ *return\n *\}", text[module.start():], re.M | re.S):
        if "ascend.core<aiv>" in function or "ascend.core<aic>" in function:
            found[re.search(r"@(\w+)", function)[1]] = f"{module[0]}\n{function}\n}}\n"
    return found


def arguments(text: str, scalars: dict[int, int] | None = None, seed: int = 0) -> list[np.ndarray]:
    """Random arrays for the arguments of a kernel, flat where they have gaps; ``scalars``: numbers of the arguments that are no buffers."""
    random, made = np.random.default_rng(seed), []
    for i, kind in enumerate(re.findall(r"%arg\d+: (memref<[^>]*>?[^>]*>|\w+)", text[text.index("func.func"):text.index("attributes {", text.index("func.func"))])):
        if not kind.startswith("memref"):
            made.append(np.array((scalars or {}).get(i, 1)))
            continue
        *sizes, element = kind[7:].split(",")[0].rstrip(">").split("x")
        shape = [int(n) for n in sizes] or [1]
        if strided := re.search(r"strided<\[(.*?)\](?:, offset: (\d+))?>", kind):
            shape = [int(strided[2] or 0) + sum((n - 1) * int(stride) for n, stride in zip(shape, strided[1].split(","))) + 1]
        dtype = np.dtype(DTYPES[element])
        values = random.standard_normal(shape) if dtype.kind == "f" else random.integers(0, 2, shape)
        made.append(values.astype(dtype))
    return made


WORKER = """
import os, pickle, sys
out, sys.stdout = os.fdopen(os.dup(1), "wb"), sys.stderr
import ascend_sim
while True:
    try:
        runs = pickle.load(sys.stdin.buffer)
    except EOFError:
        break
    pickle.dump([ascend_sim.launch_all(*run) for run in runs], out)
    out.flush()
"""


class Simulator:
    """A process of the simulator with CELLGRAD_ASCEND_SIM=mode, for many runs."""

    def __init__(self, mode: str = "checked"):
        here = pathlib.Path(__file__).parent.parent
        path = os.pathsep.join([str(here / "ascend_sim"), str(here / "gpu_sim"), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "CELLGRAD_ASCEND_SIM": mode, "PYTHONPATH": path}
        self.process = subprocess.Popen([sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def launch_all(self, modules: list[tuple[str, list[tuple[str, list[np.ndarray], int]]]]) -> list[list]:
        """Of each module the runs (kernel, arrays, blocks): the arrays afterwards, or the text of the failure."""
        pickle.dump(modules, self.process.stdin)
        self.process.stdin.flush()
        return pickle.load(self.process.stdout)


def simulate(runs: list[tuple[str, list[np.ndarray], str]], mode: str = "checked") -> list:
    """Runs kernels (text, arguments, name) on one core of the simulator. For each: the arrays afterwards, or the text of its failure."""
    with Simulator(mode) as simulator:
        return [result for (result,) in simulator.launch_all([(text, [(name, arrays, 1)]) for text, arrays, name in runs])]


def variants(texts: dict[str, list[str]]) -> str:
    """One module with the kernel of each text, as ``name_0``, ``name_1`` ..."""
    bodies = []
    for name, own in texts.items():
        for i, text in enumerate(own):
            head = text[: text.index("\n") + 1]
            bodies.append(text[len(head) : text.rstrip().rindex("}")].replace(f"func.func @{name}(", f"func.func @{name}_{i}(", 1))
    return head + "".join(bodies) + "}\n"
