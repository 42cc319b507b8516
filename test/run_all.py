"""Runs every suite, prints what each counted, and fails when any test failed: ``run_all.py [--installed] [suite ...]``."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ("docs/python.md", "docs/derivatives.md", "docs/control-flow.md", "docs/mixed-precision.md", "docs/errors.md", "docs/export.md", "docs/gpu.md", "docs/ascend.md", "README.md")


def junit_counts(path: Path) -> tuple[int, int, int]:
    """(run, failed, skipped) of a JUnit file; (0, 1, 0) when the suite died before it wrote one."""
    if not path.exists():
        return 0, 1, 0
    root = ET.parse(path).getroot()
    suites = [root] if root.tag == "testsuite" else list(root.iter("testsuite"))
    total = sum(int(s.get("tests", 0)) for s in suites)
    failed = sum(int(s.get("failures", 0)) + int(s.get("errors", 0)) for s in suites)
    skipped = sum(int(s.get("skipped", 0)) for s in suites)
    return total - skipped, failed, skipped


def suite_commands(installed: bool, report: Path) -> dict[str, list[str]]:
    python = sys.executable
    tools = "installed" if installed else "build"
    lint = [d for d in ("python", "test", "examples", "benchmarks", "tools") if (ROOT / d).exists()]
    docs = [d for d in DOCS if (ROOT / d).exists()]
    return {
        "lit": [python, "-c", "from lit.main import main; main()", "-q", f"-Dtools={tools}", f"--xunit-xml-output={report}", "test"],
        "pytest": [python, "-m", "pytest", "-n", str(min(4, os.cpu_count() or 1)), "--dist", "loadfile", f"--junitxml={report}", "test/python"],
        "docs": [python, "-m", "pytest", f"--junitxml={report}", "--doctest-glob=*.md", *docs],
        "ruff": [python, "-m", "ruff", "check", *lint],
        "mypy": [python, "-m", "mypy"],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--installed", action="store_true", help="lit takes the tools of the installed package")
    parser.add_argument("suites", nargs="*", help="lit pytest docs ruff mypy (default: all)")
    args = parser.parse_args()
    # The tests see what is installed, never the source folder.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    rows, ok = [], True
    with tempfile.TemporaryDirectory() as folder:
        for name in args.suites or ["lit", "pytest", "docs", "ruff", "mypy"]:
            report = Path(folder) / f"{name}.xml"
            command = suite_commands(args.installed, report)[name]
            print(f"== {name}", flush=True)
            start = time.perf_counter()
            code = subprocess.run(command, cwd=ROOT, env=env).returncode
            seconds = time.perf_counter() - start
            counted = name not in ("ruff", "mypy")
            run, failed, skipped = junit_counts(report) if counted else (1, int(code != 0), 0)
            if (code != 0 or run == 0) and failed == 0:  # a suite that ran nothing shows nothing
                failed = 1
            ok = ok and failed == 0
            rows.append((name, run, failed, skipped, seconds))
    print("\nsuite      run   failed  skipped  seconds")
    for name, run, failed, skipped, seconds in rows:
        print(f"{name:8s} {run:5d}   {failed:6d}   {skipped:6d}  {seconds:7.1f}")
    total, bad = sum(r[1] for r in rows), sum(r[2] for r in rows)
    print(f"{total - bad} passed, {bad} failed, {sum(r[3] for r in rows)} skipped")
    print("PASSED" if ok else "FAILED")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
