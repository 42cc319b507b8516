"""Writes the reference of ops and passes from their records: ``python tools/gen/docs.py [folder]`` (default build/docs)."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "cell-ops.md": ("dialect/Cell/CellOps.td", ["-gen-dialect-doc", "-dialect=cell"]),
    "passes.md": ("passes/Passes.td", ["-gen-pass-doc"]),
}


def main() -> int:
    spec = importlib.util.find_spec("mlir")
    if spec is None or not spec.submodule_search_locations:
        print("the MLIR wheels are not installed: pip install -r requirements-build.txt", file=sys.stderr)
        return 1
    mlir = Path(next(iter(spec.submodule_search_locations)))
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "docs"
    folder.mkdir(parents=True, exist_ok=True)
    for name, (source, flags) in PAGES.items():
        command = [mlir / "bin" / "mlir-tblgen", *flags, "-I", ROOT, "-I", mlir / "include", ROOT / source, "-o", folder / name]
        if code := subprocess.run(command).returncode:
            return code
        print(folder / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
