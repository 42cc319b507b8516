"""The packaging files agree with each other, and the installed package is whole."""

import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _project():
    with open(ROOT / "pyproject.toml", "rb") as f:
        return tomllib.load(f)


def _installed():
    spec = importlib.util.find_spec("cellgrad")
    package = Path(next(iter(spec.submodule_search_locations)))
    if not (package / "bin").exists():
        pytest.skip("cellgrad is used from the source tree")
    return package


def test_build_requirements_are_listed_once_in_two_files():
    lines = (ROOT / "requirements-build.txt").read_text().splitlines()
    listed = [line for line in lines if line and not line.startswith("#")]
    assert listed == _project()["build-system"]["requires"]


def test_llvm_is_the_same_version_at_build_and_run_time():
    project = _project()
    build = {r for r in project["build-system"]["requires"] if r.startswith("xtc-")}
    run = {r for r in project["project"]["dependencies"] if r.startswith("xtc-")}
    assert run and run <= build


@pytest.mark.parametrize("name", ["bin/cell-opt", "bin/cell-lsp-server", "lib/CellgradPlugin.so", "lib/libcellgrad_cpu.so", "lib/libcellgrad_program.so", "include/cellgrad_program.h",
                                  "lib/cmake/cellgrad/cellgradConfig.cmake", "include/dialect/Cell/CellInterfaces.td", "include/dialect/Cell/CellOps.h.inc"])
def test_installed_package_has(name):
    assert (_installed() / name).is_file()


def test_installed_tools_run_outside_the_source_tree(tmp_path):
    _installed()
    source = tmp_path / "f.mlir"
    source.write_text("func.func @f(%a: tensor<2xf32>) -> tensor<2xf32> {\n  %r = cell.exp %a : tensor<2xf32>\n  return %r : tensor<2xf32>\n}\n")
    scripts = Path(sys.executable).parent
    done = subprocess.run([scripts / "cell-opt", source], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "cell.exp" in done.stdout
    where = subprocess.run([scripts / "cell-config", "--plugin"], cwd=tmp_path, capture_output=True, text=True).stdout.strip()
    assert Path(where).is_file()


def test_the_archive_for_gpu_machines_holds_what_runs_there_and_no_tools():
    _installed()
    listed = subprocess.run([sys.executable, str(ROOT / "tools" / "gpu_bundle.py"), "--list"], capture_output=True, text=True, check=True).stdout
    paths = [line.split()[1] for line in listed.splitlines()]
    for needed in ("cellgrad/__init__.py", "cellgrad/lib/libcellgrad_gpu.so", "llvm/lib/libLLVM.so", "mlir/_mlir_libs/libMLIRPythonCAPI.so", "numpy/__init__.py", "pytest/__init__.py"):
        assert needed in paths
    assert not [path for path in paths if path.startswith(("llvm/bin", "mlir/bin", "cellgrad/include")) or path.endswith("libMLIR.so")]
