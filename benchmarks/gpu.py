"""Times programs on a GPU, beside torch where it is installed with CUDA, and prints a table.

    python benchmarks/gpu.py [--small] [--seconds 0.5] [--output FILE.md]

Times are of a call in a row of calls that are queued without waiting, divided by their number: the shortest of five rows. For what only moves memory, the table gives the fraction of
the bandwidth that the driver reaches copying one Tensor on the same device. `--small` takes sizes that the simulator (CELLGRAD_CUDA_DRIVER=sim) can do; its times say nothing of a GPU.
"""
from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import cellgrad as ms
from cellgrad import Tensor, nn, ops, value_and_grad

ROWS = 5


def seconds_of(call: Callable[[], Any], wait: Callable[[], None], budget: float) -> float:
    for _ in range(3):  # compiled, captured, replayed
        call()
    wait()
    begin = time.perf_counter()
    call()
    wait()
    count = max(1, min(1000, int(budget / ROWS / max(time.perf_counter() - begin, 1e-7))))
    best = float("inf")
    for _ in range(ROWS):
        begin = time.perf_counter()
        for _ in range(count):
            call()
        wait()
        best = min(best, (time.perf_counter() - begin) / count)
    return best


def our_cases(sizes: dict[str, int]) -> dict[str, tuple[Callable[[], Any], float, float]]:
    """Name -> call, bytes that it has to move, floating-point operations that it has to do."""
    rng = np.random.default_rng(0)
    rows, columns, n, batch = sizes["rows"], sizes["columns"], sizes["matmul"], sizes["batch"]
    x = Tensor(rng.standard_normal((rows, columns)).astype(np.float32)).to("GPU")
    a = Tensor(rng.standard_normal((n, n)).astype(np.float32)).to("GPU")
    bytes_of_x = 4.0 * rows * columns
    norm = nn.LayerNorm((columns,))
    chain = ms.jit(lambda t: ops.tanh(t * 2.0 + 1.0) * t)
    softmax = ms.jit(lambda t: value_and_grad(lambda u: (ops.softmax(u) * u).sum())(t))
    layer_norm = ms.jit(lambda t: value_and_grad(lambda u: (norm(u) * u).sum())(t))
    matmul = ms.jit(lambda t: t @ t)
    net = nn.SequentialCell(nn.Dense(64, 128, activation="relu"), nn.Dense(128, 10))
    loss, optimizer = nn.CrossEntropyLoss(), nn.Momentum(net.trainable_params(), 0.01, 0.9)
    gradient = value_and_grad(lambda u, v: loss(net(u), v), None, net.trainable_params())
    u = Tensor(rng.standard_normal((batch, 64)).astype(np.float32)).to("GPU")
    v = Tensor(rng.integers(0, 10, batch), ms.int32).to("GPU")

    @ms.jit
    def step(inputs: Tensor, labels: Tensor) -> Tensor:
        value, grads = gradient(inputs, labels)
        optimizer(grads)
        return value

    return {
        "copy": (x.copy, 2 * bytes_of_x, 0),
        "elementwise chain": (lambda: chain(x), 2 * bytes_of_x, 0),
        "softmax, value and gradient": (lambda: softmax(x), 2 * bytes_of_x, 0),
        "layer_norm, value and gradient": (lambda: layer_norm(x), 2 * bytes_of_x, 0),
        "matmul f32": (lambda: matmul(a), 0, 2.0 * n**3),
        "MLP training step": (lambda: step(u, v), 0, 0),
    }


def peer_cases(torch: Any, sizes: dict[str, int]) -> dict[str, Callable[[], Any]]:
    functional = torch.nn.functional
    rows, columns, n, batch = sizes["rows"], sizes["columns"], sizes["matmul"], sizes["batch"]
    x = torch.randn(rows, columns, device="cuda", requires_grad=True)
    plain, a = x.detach(), torch.randn(n, n, device="cuda")
    net = torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)).cuda()
    optimizer = torch.optim.SGD(net.parameters(), 0.01, 0.9)
    u, v = torch.randn(batch, 64, device="cuda"), torch.randint(0, 10, (batch,), device="cuda")

    def step() -> None:
        optimizer.zero_grad()
        functional.cross_entropy(net(u), v).backward()
        optimizer.step()

    return {
        "copy": plain.clone,
        "elementwise chain": lambda: torch.tanh(plain * 2.0 + 1.0) * plain,
        "softmax, value and gradient": lambda: torch.autograd.grad((torch.softmax(x, -1) * x).sum(), x),
        "layer_norm, value and gradient": lambda: torch.autograd.grad((functional.layer_norm(x, (columns,)) * x).sum(), x),
        "matmul f32": lambda: a @ a,
        "MLP training step": step,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--seconds", type=float, default=0.5, help="for each case and system")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    sizes = {"rows": 64, "columns": 64, "matmul": 32, "batch": 8} if options.small else {"rows": 16384, "columns": 4096, "matmul": 4096, "batch": 64}
    ms.set_context(device_target="GPU")
    about = ms.runtime.device_info()
    peers: dict[str, Callable[[], Any]] = {}
    wait: Callable[[], None] = ms.runtime.synchronize
    torch: Any = None
    if find_spec("torch"):
        import torch

        if torch.cuda.is_available():
            torch.backends.cuda.matmul.allow_tf32 = False
            peers = peer_cases(torch, sizes)
    lines = [f"{about['name']}, {about['chip']}, driver {about['driver_version']}, sizes {sizes}", "",
             "| case | cellgrad µs | of copying | TFLOP/s | launched one by one µs | torch µs |", "|---|---|---|---|---|---|"]
    rate = 0.0
    for name, (call, moved, operations) in our_cases(sizes).items():
        best = seconds_of(call, wait, options.seconds)
        rate = rate or moved / best
        os.environ["CELLGRAD_GPU_GRAPHS"] = "0"  # read at each call
        launched = seconds_of(call, wait, options.seconds)
        del os.environ["CELLGRAD_GPU_GRAPHS"]
        peer = f"{seconds_of(peers[name], torch.cuda.synchronize, options.seconds) * 1e6:.1f}" if peers else "-"
        fraction = f"{moved / best / rate:.0%}" if moved else "-"
        speed = f"{operations / best / 1e12:.2f}" if operations else "-"
        lines.append(f"| {name} | {best * 1e6:.1f} | {fraction} | {speed} | {launched * 1e6:.1f} | {peer} |")
        print(lines[-1], flush=True)
    if options.output:
        options.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
