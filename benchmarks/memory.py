"""What the choice of what is saved costs: scratch memory and time of a training step's value and gradients.

    python benchmarks/memory.py [--cases mlp,transformer] [--seconds 2] [--output FILE.md]

A deep MLP (24 layers with gelu) and a transformer of 12 layers, each with what the minimum cut chooses (the default), with all values
saved that the rules mention, and with `recompute()` on every layer. One process for each, with one thread, and processor time, so that other
work of the machine does not count; the answers are compared before times are told.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from report import machine, table
from workers import transformers

CASES = {"mlp": "MLP, 24 layers of 512 with gelu, batch 256", "transformer": "transformer, 12 layers of 128, batch 8, length 64"}
CHOICES = {"min-cut": "minimum cut", "all": "save all", "recompute": "recompute every layer"}


def network(case: str):
    """The Cell and its input."""
    import cellgrad as ms

    ms.set_seed(1)
    nn, ops = ms.nn, ms.ops
    if case == "transformer":
        transformers.WIDTH, transformers.BATCH, transformers.LENGTH = 128, 8, 64
        return transformers.cellgrad_net(12), transformers.example()

    class Layer(nn.Cell):
        def __init__(self, rng: np.random.Generator):
            super().__init__()
            self.dense = nn.Dense(512, 512)
            self.dense.weight.set_data(ms.Tensor((rng.standard_normal((512, 512)) * 0.06).astype(np.float32)))

        def construct(self, x):
            return ops.gelu(self.dense(x))

    class Net(nn.Cell):
        def __init__(self):
            super().__init__()
            rng = np.random.default_rng(5)
            self.layers = nn.CellList([Layer(rng) for _ in range(24)])

        def construct(self, x):
            for layer in self.layers:
                x = layer(x)
            return (x * x).mean()

    return Net(), np.random.default_rng(3).standard_normal((256, 512)).astype(np.float32)


def worker(case: str, choice: str, seconds: float) -> None:
    import cellgrad as ms
    from cellgrad._compiler import program, stages

    if choice == "all":
        stages.STAGES["differentiated"] = ("cell-differentiate-pipeline{residuals=all}", "cell-simplify")
    arenas: list[int] = []
    compiled = program.Compiled.__init__

    def record(self, name, code, *args, **kwargs):
        arenas.append(code.arena_bytes)
        compiled(self, name, code, *args, **kwargs)

    program.Compiled.__init__ = record
    net, x = network(case)
    if choice == "recompute":
        for layer in net.layers:
            layer.recompute()
    step = ms.jit(ms.value_and_grad(net, None, net.trainable_params()))
    x = ms.Tensor(x)
    value, gradients = step(x)
    times: list[float] = []
    while sum(times) < seconds or len(times) < 5:
        start = time.process_time()
        step(x)
        times.append(time.process_time() - start)
    norm = float(np.sqrt(sum(float((g.asnumpy().astype(np.float64) ** 2).sum()) for g in gradients)))
    print(json.dumps({"value": float(value.asnumpy()), "norm": norm, "arena": max(arenas), "min": min(times), "median": median(times)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--output")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(*arguments.worker, arguments.seconds)
        return
    rows = []
    for case in arguments.cases.split(","):
        results = {}
        for choice in CHOICES:
            with tempfile.TemporaryDirectory() as cache:
                command = [sys.executable, __file__, "--worker", case, choice, "--seconds", str(arguments.seconds)]
                done = subprocess.run(command, env={**os.environ, "CELLGRAD_CACHE_DIR": cache, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"{case}, {choice}:\n{done.stderr[-2000:]}")
            results[choice] = json.loads(done.stdout.splitlines()[-1])
        for result in results.values():
            for key in ("value", "norm"):
                np.testing.assert_allclose(result[key], results["all"][key], rtol=1e-4)
        for choice, result in results.items():
            rows.append([CASES[case], CHOICES[choice], f"{result['arena'] / 2**20:.1f}", f"{result['min'] * 1e3:.2f} / {result['median'] * 1e3:.2f}"])
    text = "\n".join([machine(), "", *table(["case", "choice", "scratch memory, MiB", "ms per step, min / median"], rows)])
    print(text)
    if arguments.output:
        Path(arguments.output).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
