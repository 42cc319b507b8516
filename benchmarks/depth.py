"""What depth costs: the first call of the derivative of a transformer of 2 and of 48 equal layers, each in a fresh process with empty caches.

    python benchmarks/depth.py [--layers 2 48] [--systems cellgrad,jax,torch.compile] [--rounds 3]

Prints a Markdown table: median seconds of the first call (tracing, compilation, one run), and milliseconds of a later call.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent))

from peers import FOLDER
from report import machine, table
from run import environment, interpreter
from workers import transformers


def worker(system: str, layers: int) -> None:
    step = transformers.SYSTEMS[system](layers)
    start = time.perf_counter()
    value = step()
    first = time.perf_counter() - start
    later = []
    for _ in range(10):
        start = time.perf_counter()
        step()
        later.append(time.perf_counter() - start)
    print(json.dumps({"value": value, "first": first, "later": median(later)}))


def measure(system: str, layers: int, folder: Path, threads: int) -> dict | None:
    python = interpreter(system, folder)
    if python is None:
        return None
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run([python, Path(__file__).resolve(), "--worker", system, "--layers", str(layers)], capture_output=True, text=True,
                              env=environment(cache, threads), cwd=cache)
    if done.returncode:
        print(f"{system}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, nargs="+", default=[2, 48])
    parser.add_argument("--systems", default=",".join(transformers.SYSTEMS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", type=Path, default=FOLDER, help="the folder that peers.py made")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return worker(args.worker, args.layers[0])
    runs: dict[tuple[str, int], list[dict]] = {}
    for _ in range(args.rounds):
        for system in args.systems.split(","):
            for layers in args.layers:
                answer = measure(system, layers, args.peers, args.threads)
                if answer:
                    runs.setdefault((system, layers), []).append(answer)
    for layers in args.layers:
        values = {s: r[0]["value"] for (s, n), r in runs.items() if n == layers}
        if values and max(values.values()) - min(values.values()) > 1e-3 * max(map(abs, values.values())):
            print(f"the systems disagree for {layers} layers: {values}", file=sys.stderr)
    rows = []
    for system in dict.fromkeys(s for s, _ in runs):
        first = [median(r["first"] for r in runs[system, n]) for n in args.layers]
        later = [median(r["later"] for r in runs[system, n]) for n in args.layers]
        rows.append([system, *(f"{t:.2f}" for t in first), f"{first[-1] / first[0]:.2f}", *(f"{t * 1e3:.3g}" for t in later)])
    print(machine() + "\n")
    head = ["system", *(f"first call, {n} layers, s" for n in args.layers), "ratio", *(f"later call, {n} layers, ms" for n in args.layers)]
    print("\n".join(table(head, rows)))


if __name__ == "__main__":
    main()
