"""Makes the peers' environments, each its own: ``python benchmarks/peers.py [torch] [jax] [mindspore]`` (several gigabytes)."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / ".peers"
REQUIREMENTS = {
    "torch": ["torch==2.13.0", "numpy"],  # the CPU build, where the registry has one
    "jax": ["jax==0.10.2"],
    "mindspore": ["mindspore==2.10.0"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peers", nargs="*", help="which ones (default: all)")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    args = parser.parse_args()
    for name in args.peers or REQUIREMENTS:
        if name not in REQUIREMENTS:
            parser.error(f"unknown peer {name!r}; there are {', '.join(REQUIREMENTS)}")
        target = args.folder / name
        print(f"{name}: {target}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", target], check=True)
        subprocess.run([target / "bin" / "pip", "install", "-q", *REQUIREMENTS[name]], check=True)


if __name__ == "__main__":
    main()
