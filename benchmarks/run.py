"""Runs the cases on cellgrad and on every peer that is installed, interleaved, and prints a table.

    python benchmarks/run.py [--systems cellgrad,jax,...] [--cases tiny,lenet,...] [--rounds 7] [--seconds 0.4] [--output FILE.md]
    python benchmarks/run.py --device GPU    # all of them on the GPU, its own list of cases; the table also lies in results/ under the card's name

One process for each system. A round measures a case on one system after another, so that a slow moment of the machine hits all of them.
The table gives the shortest and the median time of a call. The answers of all systems are compared before anything is timed.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import cases
from peers import FOLDER
from report import report

HERE = Path(__file__).resolve().parent
WORKER = HERE / "worker.py"
PEER_OF = {"torch": "torch", "torch.compile": "torch", "jax": "jax", "mindspore": "mindspore"}
SYSTEMS = ["cellgrad", "torch", "torch.compile", "jax", "mindspore", "C"]
DEVICE_SYSTEMS = ["cellgrad", "cellgrad, no graphs", "torch", "torch.compile", "jax"]
IMPORTS = {"cellgrad": "cellgrad", "torch": "torch", "jax": "jax", "mindspore": "mindspore"}


def interpreter(system: str, folder: Path) -> Path | None:
    if system not in PEER_OF:
        return Path(sys.executable)
    python = folder / PEER_OF[system] / "bin" / "python"
    if python.exists():
        return python
    return Path(sys.executable) if find_spec(PEER_OF[system]) else None  # or it is installed beside cellgrad


def environment(system: str, cache: str, threads: int, device: str, small: bool) -> dict[str, str]:
    """Same number of threads for all, and compile caches of their own."""
    env = dict(os.environ, CELLGRAD_BENCH_DEVICE=device, CELLGRAD_BENCH_SMALL=str(int(small)), XLA_PYTHON_CLIENT_PREALLOCATE="false", OMP_NUM_THREADS=str(threads), CELLGRAD_CACHE_DIR=f"{cache}/cellgrad", TORCHINDUCTOR_CACHE_DIR=f"{cache}/inductor")
    env.update(JAX_COMPILATION_CACHE_DIR=f"{cache}/jax", JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0", GLOG_v="3", PYTHONUNBUFFERED="1")
    if system == "cellgrad, no graphs":
        env["CELLGRAD_GPU_GRAPHS"] = "0"
    if "PYTHONPATH" in env:  # the workers run elsewhere
        env["PYTHONPATH"] = os.pathsep.join(os.path.abspath(part) for part in env["PYTHONPATH"].split(os.pathsep))
    return env


class Worker:
    def __init__(self, system: str, python: Path, cache: str, threads: int, device: str = "CPU", small: bool = False):
        self.log = tempfile.TemporaryFile("w+")  # stays open as long as the process
        self.process = subprocess.Popen(
            [python, WORKER, system],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            bufsize=1,
            env=environment(system, cache, threads, device, small),
            cwd=cache,
        )
        self.hello = self.read()

    def read(self) -> dict:
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.process.wait()
        self.log.seek(0)
        tail = [t for t in self.log.read().splitlines() if t.strip()][-1:]
        return {"error": f"process ended with {self.process.returncode}: {' '.join(tail)}"}

    def ask(self, **request) -> dict:
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
        except (BrokenPipeError, ValueError):
            return self.read()
        return self.read()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(timeout=60)


def compare(case: str, checks: dict[str, list[float]]) -> list[str]:
    """What differs from the first system that answered."""
    problems, (name, reference), *rest = [], *checks.items()
    for other, values in rest:
        for a, b in zip(reference, values):
            if abs(a - b) > cases.tolerance(case) * max(abs(a), abs(b), 1e-6):
                problems.append(f"{case}: {name} gives {a:.6g}, {other} gives {b:.6g}")
    return problems


def run_cases(workers: dict[str, Worker], chosen: list[str], rounds: int, seconds: float) -> tuple[dict, list[str]]:
    results: dict = {}
    problems: list[str] = []
    for case in chosen:
        checks, taking_part = {}, []
        for name, worker in workers.items():
            if case not in worker.hello["cases"]:
                continue
            answer = worker.ask(do="prepare", case=case)
            if "error" in answer:
                problems.append(f"{case}: {name}: {answer['error']}")
                continue
            taking_part.append(name)
            if answer["check"]:
                checks[name] = answer["check"]
        if checks:
            problems += compare(case, checks)
        times: dict[str, list[float]] = {name: [] for name in taking_part}
        for _ in range(rounds):
            for name in taking_part:
                answer = workers[name].ask(do="measure", case=case, seconds=seconds)
                times[name] += answer.get("times", [])
        for name in taking_part:
            workers[name].ask(do="forget", case=case)
        results[case] = {n: {"min": min(t), "median": median(t), "calls": len(t)} for n, t in times.items() if t}
        line = "  ".join(f"{n} {r['min'] * 1e3:.4g}/{r['median'] * 1e3:.4g}" for n, r in results[case].items())
        print(f"{case:12s} ms (min/median)  {line}", flush=True)
    return results, problems


def first_calls(systems: dict[str, Path], chosen: list[str], threads: int) -> dict:
    """Capture to ready in a fresh process, with an empty compile cache and with a filled one."""
    results: dict = {}
    for case in chosen:
        results[case] = {}
        for name, python in systems.items():
            if name in ("C", "torch"):
                continue
            with tempfile.TemporaryDirectory() as cache:
                found = []
                for _ in range(3):
                    worker = Worker(name, python, cache, threads)
                    answer = worker.ask(do="prepare", case=case) if "error" not in worker.hello else worker.hello
                    worker.close()
                    found.append(answer.get("first_seconds"))
                if None not in found:
                    results[case][name] = {"cold": found[0], "cached": min(found[1:])}
        print(f"first call {case}: " + "  ".join(f"{n} {r['cold']:.3f}/{r['cached']:.3f} s" for n, r in results[case].items()), flush=True)
    return results


def import_times(systems: dict[str, Path]) -> dict[str, float]:
    result = {}
    for name, python in systems.items():
        if name not in IMPORTS:
            continue
        code = f"import time; t = time.perf_counter(); import {IMPORTS[name]}; print(time.perf_counter() - t)"
        runs = [subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.split() for _ in range(5)]
        good = [float(r[-1]) for r in runs if r]
        if good:
            result[name] = min(good)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", help="separated by ';' or ','")
    parser.add_argument("--cases")
    parser.add_argument("--device", default="CPU", help="CPU, or GPU for a table of its own cases")
    parser.add_argument("--small", action="store_true", help="sizes that a simulated device can do (CELLGRAD_CUDA_DRIVER=sim); the times say nothing of a device")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.4, help="length of one measurement")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--peers", type=Path, default=FOLDER, help="folder of the peers' environments")
    parser.add_argument("--no-first-calls", action="store_true", help="skip compile and import times")
    parser.add_argument("--output", type=Path, help="also write the table (and a .json beside it)")
    args = parser.parse_args()

    on_device = args.device != "CPU"
    if args.small:  # read by the cases here as in the workers
        os.environ["CELLGRAD_BENCH_SMALL"] = "1"
    os.environ["CELLGRAD_BENCH_DEVICE"] = args.device
    importlib.reload(cases)
    asked = args.systems.split(";" if ";" in args.systems else ",") if args.systems else DEVICE_SYSTEMS if on_device else SYSTEMS
    systems = {s: p for s in asked if (p := interpreter(s, args.peers))}
    missing = [s for s in asked if s not in systems]
    if missing:
        print(f"not installed, left out: {', '.join(missing)} (python benchmarks/peers.py installs them)")
    chosen = args.cases.split(",") if args.cases else cases.DEVICE_CASES if on_device else cases.CASES
    with tempfile.TemporaryDirectory() as cache:
        workers = {name: Worker(name, python, cache, args.threads, args.device, args.small) for name, python in systems.items()}
        problems = [f"{name}: {w.hello['error']}" for name, w in workers.items() if "error" in w.hello]
        workers = {name: w for name, w in workers.items() if "error" not in w.hello}
        limits, more = run_cases({n: w for n, w in workers.items() if n == "C"}, ["copy_16m", "peak"] if "C" in workers else [], args.rounds, args.seconds)
        problems += more
        results, more = run_cases(workers, chosen, args.rounds, args.seconds)
        problems += more
        versions = {name: w.hello["version"] for name, w in workers.items()}
        card = next((w.hello["card"] for w in workers.values() if w.hello["card"]), None)
        for worker in workers.values():
            worker.close()
    first = not args.no_first_calls and not on_device
    data = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        "threads": args.threads,
        "device": args.device,
        "card": card,
        "versions": versions,
        "limits": limits,
        "results": results,
        "problems": problems,
        "first": {} if not first else first_calls(systems, [c for c in ("tiny", "chain_1m", "mlp", "lenet") if c in chosen], args.threads),
        "imports": {} if not first else import_times(systems),
    }
    text = report(data)
    print("\n" + text)
    output = args.output
    if output is None and card and not args.small and not args.cases:  # a whole run on a card is kept
        output = HERE / "results" / f"{data['date'][:10]}-{re.sub(r'[^a-z0-9]+', '-', card.partition(' (')[0].lower()).strip('-')}.md"
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text)
        output.with_suffix(".json").write_text(json.dumps(data, indent=1) + "\n")
        print(f"written: {output}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
