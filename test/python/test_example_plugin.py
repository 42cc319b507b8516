"""examples/plugin: a dialect outside the tree is built against the package, loaded by the tools, differentiated and run."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from needs import need

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "plugin"


def _folder(name):
    spec = find_spec(name)
    return Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None


def _run(*command, **kwargs):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **kwargs)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """(plugin of the example, folder of the tools, cellgrad's own plugin)."""
    mlir, package = _folder("mlir"), _folder("cellgrad")
    need(mlir and (mlir / "include" / "mlir").exists(), "the MLIR headers (xtc-mlir-dev) are not installed")
    need(shutil.which("cmake") and shutil.which("ninja"), "cmake and ninja are not installed")
    if shutil.which(os.environ.get("CXX", "c++")) is None or "CXX" in os.environ and subprocess.run([os.environ["CXX"], "--version"], capture_output=True).returncode:
        pytest.skip("there is no C++ compiler")
    folder = tmp_path_factory.mktemp("plugin")
    tools, own = package / "bin", package / "lib" / "CellgradPlugin.so"
    if not (package / "lib" / "cmake").exists():  # the source tree: what would be installed, without the binaries
        build = ROOT / "build"
        if not (build / "bin" / "cell-opt").exists():
            need(False, "neither installed nor built")
        _run("cmake", "--install", build, "--component", "development", "--prefix", folder / "prefix")
        package, tools, own = folder / "prefix" / "cellgrad", build / "bin", build / "lib" / "CellgradPlugin.so"
    _run("cmake", "-G", "Ninja", "-S", EXAMPLE, "-B", folder / "build", f"-Dcellgrad_DIR={package / 'lib' / 'cmake' / 'cellgrad'}", f"-DPython_EXECUTABLE={sys.executable}")
    _run("ninja", "-C", folder / "build")
    return folder / "build" / "SquashPlugin.so", tools, own


def _numbers(text):
    """The results that cell-run prints."""
    rows = re.findall(r"result \d+: .*? = \[(.*)\]", text)
    return [np.array([float(x) for x in row.split(",")]) for row in rows]


def test_value_gradient_and_second_derivative(built):
    plugin, tools, _ = built
    load = [f"--load-dialect-plugin={plugin}", f"--load-pass-plugin={plugin}"]
    lowered = _run(tools / "cell-opt", *load, EXAMPLE / "softsign.mlir",
                   "--pass-pipeline=builtin.module(cell-differentiate-pipeline, convert-squash-to-linalg)")
    assert "squash." not in lowered
    x = np.array([-1.5, 0.0, 3.0])
    value, gradient, second = _numbers(_run(tools / "cell-run", "--input=3xf32=-1.5,0,3", "-", input=lowered))
    np.testing.assert_allclose(value, x / (1 + abs(x)), rtol=1e-6)
    np.testing.assert_allclose(gradient, 1 / (1 + abs(x)) ** 2, rtol=1e-6)
    np.testing.assert_allclose(second, -2 * np.sign(x) / (1 + abs(x)) ** 3, rtol=1e-6)


def test_the_stock_tool_loads_both_plugins(built):
    plugin, _, own = built
    need(own.exists(), "CellgradPlugin.so is not there")
    load = [f"--load-{kind}-plugin={library}" for library in (own, plugin) for kind in ("dialect", "pass")]
    text = _run(_folder("mlir") / "bin" / "mlir-opt", *load, EXAMPLE / "softsign.mlir",
                "--pass-pipeline=builtin.module(cell-differentiate-pipeline, cell-simplify)")
    assert "squash.softsign" in text and "cell.value_and_grad" not in text


def test_a_dialect_without_the_plugin_is_unknown(built):
    _, tools, _ = built
    done = subprocess.run([tools / "cell-opt", EXAMPLE / "softsign.mlir"], capture_output=True, text=True)
    assert done.returncode != 0 and "squash" in done.stderr
