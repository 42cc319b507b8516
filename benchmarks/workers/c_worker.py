"""Hand-written C (GCC's vector types) through ctypes: the yardstick for the elementwise cases, and the machine's own limits."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

import cases
import numpy as np

SOURCE = Path(__file__).with_name("chain.cpp")


def build() -> ctypes.CDLL:
    folder = tempfile.mkdtemp(prefix="cellgrad-bench-")
    library = Path(folder) / "chain.so"
    command = ["c++", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fopenmp", "-shared", "-fPIC", SOURCE, "-o", library]
    subprocess.run(command, check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.chain.restype = loaded.peak.restype = ctypes.c_double
    return loaded


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


class System:
    cases = ["tiny", "chain_1m", "chain_16m", "copy_16m", "peak"]

    def __init__(self, _: str):
        self.library = build()
        self.version = subprocess.run(["c++", "--version"], capture_output=True, text=True).stdout.splitlines()[0]

    def wait(self):
        pass

    def prepare(self, case: str):
        state = SimpleNamespace(result=0.0)
        if case == "peak":
            return lambda: self.library.peak(ctypes.c_int64(1 << 22)), lambda: []
        arrays = cases.inputs("chain_16m" if case == "copy_16m" else case)
        outputs = [np.zeros_like(arrays[0]) for _ in range(3)]
        state.keep = (arrays, outputs)  # ctypes holds addresses only
        if case == "copy_16m":
            arguments = (pointer(arrays[0]), pointer(outputs[0]), ctypes.c_int64(arrays[0].size))
            return lambda keep=state: self.library.copy(*arguments), lambda: []
        if case == "tiny":
            arguments = tuple(map(pointer, (*arrays, *outputs)))
            check = lambda: [outputs[0].sum(), np.abs(outputs[1]).sum(), np.abs(outputs[2]).sum()]
            return lambda keep=state: self.library.tiny(*arguments), check
        arguments = (*map(pointer, (*arrays, outputs[0], outputs[1])), ctypes.c_int64(arrays[0].size))

        def call():
            state.result = self.library.chain(*arguments)

        return call, lambda: [state.result, np.abs(outputs[0]).sum(), np.abs(outputs[1]).sum()]
