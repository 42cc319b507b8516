"""Program files, a loader folder as it travels, and processes that have nothing but it and NumPy."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cellgrad as ms


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
