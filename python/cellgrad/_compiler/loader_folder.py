"""What a machine without cellgrad needs to run exported programs."""
from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from typing import Any

from .. import _errors as err

__all__ = ["write_loader"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_OPENMP = "libgomp.so.1"


def _openmp() -> str:
    """The OpenMP library: that of the package, in the source tree the one that is loaded."""
    import cellgrad_program

    own = os.path.join(_PACKAGE, "lib", _OPENMP)
    if os.path.exists(own):
        return own
    cellgrad_program._library.library()
    with open("/proc/self/maps") as maps:
        for line in maps:
            path = line.rstrip("\n").split(maxsplit=5)[-1]
            if os.path.basename(path).startswith("libgomp"):
                return path
    raise err.InternalError(f"{_OPENMP}, which cellgrad's runtime needs, is not to be found")


def _blas() -> str:
    found = find_spec("scipy_openblas32")
    if found is None or not found.submodule_search_locations:
        raise err.InternalError("scipy-openblas32, which cellgrad needs, is not installed")
    return os.path.join(found.submodule_search_locations[0], "lib", "libscipy_openblas.so")


def write_loader(folder: Any) -> str:
    """Writes the loader of exported programs: what runs them on machines without cellgrad, from Python and from C.

    ``<folder>/cellgrad_program`` is a Python package (Python 3.10 or newer, NumPy) with its shared libraries, 27 MB in all, most of it OpenBLAS. With ``<folder>`` on the path ``import
    cellgrad_program`` works; C programs take ``cellgrad_program.h`` and ``libcellgrad_program.so`` from it. A loader that is there already is replaced.

    Args:
        folder: made if it is not there.

    Returns:
        The path of the package.

    Raises:
        OSError: the folder cannot be written.

    Examples:
        >>> ms.write_loader("deploy")
        '/home/me/deploy/cellgrad_program'
    """
    import cellgrad_program

    into = os.path.join(os.path.abspath(os.fspath(folder)), "cellgrad_program")
    os.makedirs(into, exist_ok=True)
    source = os.path.dirname(os.path.abspath(cellgrad_program.__file__))
    files = [os.path.join(source, name) for name in sorted(os.listdir(source)) if name.endswith(".py")]
    files += [os.path.join(_PACKAGE, "lib", name) for name in ("libcellgrad_program.so", "libcellgrad_cpu.so", "libcellgrad_gpu.so")]
    files += [os.path.join(_PACKAGE, "include", "cellgrad_program.h"), _blas()]
    for file, name in [(file, os.path.basename(file)) for file in files] + [(_openmp(), _OPENMP)]:
        temporary = os.path.join(into, name + ".tmp")
        shutil.copyfile(file, temporary)
        shutil.copymode(file, temporary)
        os.replace(temporary, os.path.join(into, name))  # a process may be using the old one
    return into
