"""The table of a benchmark run, as Markdown."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import cases

PEERS = ("torch", "torch.compile", "jax", "mindspore")


def machine() -> str:
    name, isa = platform.processor() or platform.machine(), ""
    try:
        info = Path("/proc/cpuinfo").read_text()
        name = next(line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name"))
        isa = ", AVX-512" if " avx512f " in info else ", AVX2" if " avx2 " in info else ""
    except (OSError, StopIteration):
        pass
    return f"{name}, {os.cpu_count()} logical cores{isa}; {platform.system()} {platform.release()}, Python {platform.python_version()}"


def milliseconds(entry: dict | None) -> str:
    return f"{entry['min'] * 1e3:.4g} / {entry['median'] * 1e3:.4g}" if entry else "-"


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(header) + " |", "|" + "---|" * len(header), *("| " + " | ".join(r) + " |" for r in rows), ""]


def traffic_note(case: str, entry: dict, bandwidth: float) -> str:
    """What the chain would take if it only moved its bytes: reads x and y, writes dx and dy."""
    floor = 4 * 4 * (1 << (20 if case == "chain_1m" else 24)) / bandwidth
    return f"{entry['median'] / floor:.2f} x the time to move its bytes"


def device_notes(case: str, entries: dict, results: dict) -> list[str]:
    """Against the best copy of the run, and what a product does against the best of all systems."""
    own, notes = entries["cellgrad"]["median"], []
    copies = [e["median"] for e in results.get("copy", {}).values()]
    if cases.bytes_moved(case) and copies:
        notes.append(f"{cases.bytes_moved(case) / own / (cases.bytes_moved('copy') / min(copies)) * 100:.0f} % of copy bandwidth")
    if case.startswith("matmul"):
        notes.append(f"{2 * cases.matmul_size(case) ** 3 / own / 1e12:.4g} TFLOP/s, {min(e['median'] for e in entries.values()) / own * 100:.0f} % of the best")
    return notes


def report(data: dict) -> str:
    systems = list(data["versions"])
    lines = ["# Benchmark run", "", f"{data['date']}. {machine()}; {data['threads']} threads for every system; device {data.get('card') or data.get('device', 'CPU')}.", ""]
    lines += [f"* {name}: {version}" for name, version in data["versions"].items()]
    limits, bandwidth, peak = data["limits"], None, None
    if "C" in limits.get("copy_16m", {}):
        bandwidth = 2 * 4 * (1 << 24) / limits["copy_16m"]["C"]["median"]
        lines.append(f"* copy bandwidth (read + write, 64 MiB buffers): {bandwidth / 1e9:.1f} GB/s")
    if "C" in limits.get("peak", {}):
        peak = data["threads"] * (1 << 22) * 12 * 16 * 2 / limits["peak"]["C"]["min"]
        lines.append(f"* multiply-add peak, float32: {peak / 1e9:.0f} GFLOP/s")
    lines += ["", "Milliseconds for one call, shortest / median. The last columns compare medians.", ""]
    rows = []
    for case, entries in data["results"].items():
        own, notes = entries.get("cellgrad"), []
        peers = {p: entries[p]["median"] for p in PEERS if p in entries}
        best = min(peers, key=peers.get) if peers else None
        ratio = f"{peers[best] / own['median']:.2f} x ({best})" if own and best else "-"
        if own and case.startswith("matmul") and peak:
            notes.append(f"{2 * cases.matmul_size(case) ** 3 / own['median'] / peak * 100:.0f} % of peak")
        if own and "C" in entries:
            notes.append(f"{own['median'] / entries['C']['median']:.2f} x the hand-written C")
        if own and case.startswith("chain") and bandwidth:
            notes.append(traffic_note(case, own, bandwidth))
        if own and data.get("device", "CPU") != "CPU":
            notes = device_notes(case, entries, data["results"])
        rows.append([cases.title(case), *(milliseconds(entries.get(s)) for s in systems), ratio, "; ".join(notes)])
    lines += table(["case", *systems, "faster than the fastest peer", "notes"], rows)
    if data["first"]:
        lines += ["Seconds from the start of the first call to its end in a fresh process: empty compile cache / filled compile cache.", ""]
        names = [s for s in systems if any(s in row for row in data["first"].values())]
        rows = [
            [cases.title(c), *(f"{row[s]['cold']:.3f} / {row[s]['cached']:.3f}" if s in row else "-" for s in names)]
            for c, row in data["first"].items()
        ]
        lines += table(["first call", *names], rows)
    if data["imports"]:
        lines += ["Import time, seconds (shortest of 5): " + ", ".join(f"{n} {t:.3f}" for n, t in data["imports"].items()), ""]
    if data["problems"]:
        lines += ["What went wrong:", "", *(f"* {p}" for p in data["problems"]), ""]
    return "\n".join(lines)
