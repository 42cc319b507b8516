"""One system in one process: ``worker.py <system>``. Reads one JSON request a line from stdin, answers one a line.

Requests: ``{"do": "prepare", "case": ...}`` (first call, its time and the answers), ``{"do": "measure", "case": ..., "seconds": ...}``,
``{"do": "forget", "case": ...}``.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import cases

# Where the module that implements each system is, and with what argument it is asked.
SYSTEMS = {
    "cellgrad": ("mindspore_style", "cellgrad"),
    "cellgrad, no graphs": ("mindspore_style", "cellgrad"),
    "mindspore": ("mindspore_style", "mindspore"),
    "torch": ("torch_worker", "eager"),
    "torch.compile": ("torch_worker", "compile"),
    "jax": ("jax_worker", ""),
    "C": ("c_worker", ""),
}


def measure(call, wait, seconds: float, latency: bool) -> list[float]:
    """Seconds per call. Calls below a tenth of a millisecond are timed in groups; on a device groups of calls are queued and waited for once."""
    clock = time.perf_counter

    def group_of(count: int) -> float:
        start = clock()
        for _ in range(count):
            call()
        wait()
        return (clock() - start) / count

    group_of(3)
    once = group_of(1)
    if latency:
        group = 1
    elif cases.DEVICE == "CPU":
        group = max(1, int(0.002 / max(once, 1e-7))) if once < 1e-4 else 1
    else:
        group = max(1, min(1000, int(0.02 / max(group_of(max(1, min(100, int(0.02 / once)))), 1e-7))))
    times, end = [], clock() + seconds
    while True:
        times.append(group_of(group))
        if clock() >= end and len(times) >= 3:
            return times


def main() -> None:
    # What a library prints goes to stderr; stdout carries the answers only.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    module_name, argument = SYSTEMS[sys.argv[1]]
    start = time.perf_counter()
    system = importlib.import_module(f"workers.{module_name}").System(argument)
    hello = {"version": system.version, "import_seconds": time.perf_counter() - start, "cases": system.cases, "card": getattr(system, "card", None)}
    answers.write(json.dumps(hello) + "\n")
    calls: dict = {}
    for line in sys.stdin:
        request = json.loads(line)
        case = request["case"]
        try:
            if request["do"] == "prepare":
                call, check = system.prepare(case)
                start = time.perf_counter()
                call()
                system.wait()
                first = time.perf_counter() - start
                calls[case] = call
                answer = {"first_seconds": first, "check": [float(v) for v in check()]}
            elif request["do"] == "measure":
                answer = {"times": measure(calls[case], system.wait, request["seconds"], case in cases.LATENCY and cases.DEVICE != "CPU")}
            else:
                calls.pop(case, None)
                answer = {}
        except Exception as error:  # one system's failure must not end the run
            answer = {"error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"}
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
