"""The benchmark of GPUs: on the simulator, with small sizes, what it times is what it says."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "CELLGRAD_CUDA_DRIVER": "sim", "CELLGRAD_BENCH_DEVICE": "GPU", "CELLGRAD_BENCH_SMALL": "1"}


def test_copies_are_made_on_the_device_and_tf32_stays_in_its_case():
    code = """
import cases
from workers.mindspore_style import System
system = System("cellgrad")
config = lambda: system.ms.get_context("gpu_config")["matmul_allow_tf32"]
copy, arrays = system.step_of("copy")
assert copy().device == "GPU:0", copy().device
for case, tf32 in (("matmul_4096_tf32", True), ("matmul_4096_bf16", False), ("matmul_4096_tf32", True), ("small_step", False)):
    step, arrays = system.step_of(case)
    assert config() == tf32 and all(a.device == "GPU:0" for a in arrays), case
"""
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, cwd=ROOT / "benchmarks", capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_table_names_the_card(tmp_path):
    table = tmp_path / "table.md"
    done = subprocess.run([sys.executable, str(ROOT / "benchmarks" / "run.py"), "--device", "GPU", "--small", "--systems", "cellgrad;cellgrad, no graphs", "--cases", "copy,matmul_4096",
                           "--rounds", "1", "--seconds", "0.01", "--output", str(table)], env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    text = table.read_text()
    assert "device cellgrad GPU simulator (sim, 16 GiB, driver 13000)" in text and " % of copy bandwidth" in text and "What went wrong" not in text
    assert json.loads(table.with_suffix(".json").read_text())["card"].startswith("cellgrad GPU simulator")
