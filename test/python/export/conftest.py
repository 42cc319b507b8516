"""Program files, a loader folder as it travels, and processes that have nothing but it and NumPy."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from needs import need

import cellgrad as ms
import cellgrad_program


@pytest.fixture(scope="session")
def loader(tmp_path_factory):
    """The folder that travels."""
    folder = tmp_path_factory.mktemp("deploy")
    ms.write_loader(folder)
    return folder


@pytest.fixture(scope="session")
def bare(loader, tmp_path_factory):
    """bare(source, *args): runs Python that sees NumPy and the loader, and no cellgrad; returns what it prints."""
    site = tmp_path_factory.mktemp("site")
    installed = Path(np.__file__).parent
    for name in ("numpy", "numpy.libs"):
        if (installed.parent / name).exists():
            (site / name).symlink_to(installed.parent / name)
    head = (f"import sys; sys.path[:0] = [{str(site)!r}, {str(loader)!r}]\n"
            "import importlib.util; assert importlib.util.find_spec('cellgrad') is None\n"
            "import numpy as np, cellgrad_program\n")

    def run(source, *args):
        done = subprocess.run([sys.executable, "-I", "-S", "-c", head + source, *map(str, args)], capture_output=True, text=True, timeout=120, env={"LC_ALL": "C.UTF-8"})
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    """The simulator as a driver that counts its calls (driver.c): its path, for CELLGRAD_CUDA_DRIVER."""
    compiler, libraries = shutil.which("cc"), Path(ms.__file__).parent / "lib"
    need(compiler, "no C compiler")
    need((libraries / "libcellgrad_gpu_sim.so").exists(), "the simulator is not built")
    made = tmp_path_factory.mktemp("driver") / "libcounting.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", Path(__file__).with_name("driver.c"), f"-L{libraries}", "-Wl,--no-as-needed", "-lcellgrad_gpu_sim", "-ldl",
                    f"-Wl,-rpath,{libraries}", "-o", made], check=True, capture_output=True, timeout=120)
    return made


@pytest.fixture(scope="session")
def with_sim():
    """with_sim(source, *args): runs Python whose GPUs are the simulator's two, by another driver where ``driver`` names one, of another chip in name where ``chip`` does."""
    need((Path(ms.__file__).parent / "lib" / "libcellgrad_gpu_sim.so").exists(), "the simulator is not built")
    paths = os.pathsep.join([str(Path(ms.__file__).parents[1]), str(Path(cellgrad_program.__file__).parents[1])])

    def run(source, *args, driver="sim", chip=None):
        env = {**os.environ, "CELLGRAD_CUDA_DRIVER": str(driver), "CELLGRAD_SIM_DEVICES": "2", "PYTHONPATH": paths, **({"COUNTING_DRIVER_CHIP": chip} if chip else {})}
        done = subprocess.run([sys.executable, "-c", "import sys, numpy as np, cellgrad_program\n" + source, *map(str, args)], capture_output=True, text=True, timeout=300, env=env)
        assert done.returncode == 0, done.stderr[-3000:] or f"ended by signal {-done.returncode}"
        return done.stdout

    return run
