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


def refused(text: str) -> bool:
    try:
        Module.parse(text).run("ascend-verify-kernels")
    except CompileError:
        return True
    return False


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
    """Random arrays for the arguments of a kernel; ``scalars``: numbers of the arguments that are no buffers."""
    random, made = np.random.default_rng(seed), []
    for i, kind in enumerate(re.findall(r"%arg\d+: (memref<[^>]*>?[^>]*>|\w+)", text[text.index("func.func"):text.index("attributes {", text.index("func.func"))])):
        if not kind.startswith("memref"):
            made.append(np.array((scalars or {}).get(i, 1)))
            continue
        *shape, element = kind[7:].split(",")[0].rstrip(">").split("x")
        dtype = np.dtype(DTYPES[element])
        values = random.standard_normal([int(n) for n in shape]) if dtype.kind == "f" else random.integers(0, 2, [int(n) for n in shape])
        made.append(values.astype(dtype))
    return made


def simulate(runs: list[tuple[str, list[np.ndarray], str]], mode: str = "checked") -> list:
    """Runs kernels (text, arguments, name) on one core of the simulator. For each: the arrays afterwards, or the text of its failure."""
    code = "import pickle, sys, ascend_sim; sys.stdout.buffer.write(pickle.dumps([ascend_sim.launch(t, a, 1, n) for t, a, n in pickle.loads(sys.stdin.buffer.read())]))"
    here = pathlib.Path(__file__).parent.parent
    path = os.pathsep.join([str(here / "ascend_sim"), str(here / "gpu_sim"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(runs), capture_output=True, env={**os.environ, "CELLGRAD_ASCEND_SIM": mode, "PYTHONPATH": path})
    assert done.returncode == 0, done.stderr.decode()
    return pickle.loads(done.stdout)
