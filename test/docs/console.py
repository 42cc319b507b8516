"""Runs the shell examples of a Markdown file: ``console.py docs/shell.md <empty folder>``.

A fenced block ```` ```mlir name.mlir ```` is written to that file. In a ```` ```console ```` block the lines after ``$ `` are run by one
bash, in order; the lines below a command are what it prints. ``...`` stands for anything, over several lines when alone on one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)
MARK = "==== example %d ===="


def pattern(expected: str) -> re.Pattern:
    """Whole-text pattern of an expected output."""
    parts = []
    for line in expected.splitlines():
        parts.append(r"(?:.*\n)*?" if line == "..." else ".*?".join(map(re.escape, line.split("..."))) + "\n")
    return re.compile("".join(parts))


def main() -> int:
    document, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    steps, script = [], ["set -e"]
    for language, name, body in FENCE.findall(document.read_text()):
        if language == "mlir" and name:
            (folder / name).write_text(body)
        if language != "console":
            continue
        for line in body.splitlines(keepends=True):
            if line.startswith("$ "):
                script += [f'echo "{MARK % len(steps)}"', line[2:].rstrip("\n")]
                steps.append([line, ""])
            else:
                steps[-1][1] += line
    done = subprocess.run(["bash", "-c", "\n".join(script)], cwd=folder, capture_output=True, text=True)
    outputs = re.split(r"^==== example \d+ ====\n", done.stdout, flags=re.M)[1:]
    bad = 0
    for i, (command, expected) in enumerate(steps):
        got = outputs[i] if i < len(outputs) else ""
        if i >= len(outputs) or not pattern(expected).fullmatch(got.rstrip("\n") + "\n" if got.strip() else ""):
            bad += 1
            print(f"{document.name}: {command}--- expected\n{expected}--- got\n{got}{done.stderr if i + 1 >= len(outputs) else ''}")
            break
    if done.returncode and not bad:
        print(done.stderr)
    print(f"{len(steps)} commands of {document.name}, {bad} failed")
    return 1 if bad or done.returncode or not steps else 0


if __name__ == "__main__":
    sys.exit(main())
