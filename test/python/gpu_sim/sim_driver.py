"""The simulator's driver API through ctypes, and kernels of the stage "gpu" as its images."""

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[3]


def tool(name: str) -> str:
    import cellgrad
    import llvm
    import mlir

    for folder in (ROOT / "build" / "bin", Path(cellgrad.__file__).parent / "bin", *(Path(p) / "bin" for m in (mlir, llvm) for p in m.__path__)):
        if (folder / name).exists():
            return str(folder / name)
    found = shutil.which(name)
    assert found, f"{name} is not installed"
    return found


def compile_kernels(text: str, checked: bool) -> bytes:
    """`text`: gpu.funcs. The bytes of the object that the simulator loads."""
    module = "gpu.module @kernels {\n" + text + "\n}"
    lowered = subprocess.run(
        [tool("cell-opt"), "-", f"--pass-pipeline=builtin.module(expand-math,gpu-to-sim{{checked={'true' if checked else 'false'}}})"],
        input=module, capture_output=True, text=True,
    )  # fmt: skip
    assert lowered.returncode == 0, lowered.stderr
    plain = re.sub(r"^module {\s*gpu\.module @kernels {", "module {", lowered.stdout.rstrip()[:-1], count=1)
    code = plain.encode()
    for command in (
        [tool("mlir-translate"), "--mlir-to-llvmir"],
        [tool("opt"), "-O3", "-mcpu=native"],
        [tool("llc"), "-relocation-model=pic", "-filetype=obj", "-mcpu=native"],
    ):
        code = subprocess.run([*command, "-o", "-"], input=code, capture_output=True, check=True).stdout
    return code


def library(name: str) -> ctypes.CDLL:
    import cellgrad

    lib = ctypes.CDLL(str(Path(cellgrad.__file__).parent / "lib" / name))
    lib.cgDriverError.restype = ctypes.c_char_p
    lib.cgDriverChip.restype = ctypes.c_char_p
    return lib


class DriverError(Exception):
    pass


class Driver:
    def __init__(self, name: str = "libcellgrad_gpu_sim.so"):
        self.lib = library(name)
        self.call("cuInit", 0)
        context = ctypes.c_void_p()
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), 0)
        self.call("cuCtxSetCurrent", context)
        self.stream = None

    def call(self, name, *args):
        code = getattr(self.lib, name)(*args)
        if code:
            text = ctypes.c_char_p()
            self.lib.cuGetErrorName(code, ctypes.byref(text))
            raise DriverError(f"{(text.value or b'?').decode()}: {self.lib.cgDriverError().decode()}")

    def allocate(self, nbytes: int) -> int:
        address = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(nbytes))
        return address.value

    def free(self, address: int):
        self.call("cuMemFree_v2", ctypes.c_uint64(address))

    def upload(self, array: np.ndarray) -> int:
        array = np.ascontiguousarray(array)
        address = self.allocate(max(array.nbytes, 1))
        self.call("cuMemcpyHtoDAsync_v2", ctypes.c_uint64(address), ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.nbytes), self.stream)
        return address

    def download(self, address: int, shape, dtype) -> np.ndarray:
        array = np.empty(shape, dtype)
        self.call("cuMemcpyDtoHAsync_v2", ctypes.c_void_p(array.ctypes.data), ctypes.c_uint64(address), ctypes.c_size_t(array.nbytes), self.stream)
        return array

    def load(self, image: bytes):
        module = ctypes.c_void_p()
        log = ctypes.create_string_buffer(1000)
        options, values = (ctypes.c_int * 2)(5, 6), (ctypes.c_void_p * 2)(ctypes.addressof(log), 1000)
        self.call("cuModuleLoadDataEx", ctypes.byref(module), image, 2, options, values)
        return module

    def function(self, module, name: str):
        function = ctypes.c_void_p()
        self.call("cuModuleGetFunction", ctypes.byref(function), module, name.encode())
        return function

    def tensor_map(self, address, sizes, strides, box, type=6, swizzle=3, element_strides=None, interleave=0, fill=0):
        """The 128 bytes of a tensor map, an argument of `launch`: innermost dimension first; strides in bytes, without the innermost."""
        room = (ctypes.c_char * 192)()
        map = (ctypes.c_char * 128).from_buffer(room, -ctypes.addressof(room) % 64)
        rank = len(sizes)
        longs, words = ctypes.c_uint64 * max(rank, 1), ctypes.c_uint32 * max(rank, 1)
        self.call("cuTensorMapEncodeTiled", map, type, rank, ctypes.c_void_p(address), longs(*sizes), longs(*strides), words(*box), words(*(element_strides or [1] * rank)),
                  interleave, swizzle, 2, fill)  # fmt: skip
        return map

    def launch(self, function, grid, block, *args, shared=0):
        """Integers are addresses; other arguments ctypes values. `shared`: bytes of dynamic shared memory."""
        values = [ctypes.c_uint64(a) if isinstance(a, int) else a for a in args]
        pointers = (ctypes.c_void_p * len(values))(*[ctypes.addressof(v) for v in values])
        self.call("cuLaunchKernel", function, *grid, *block, shared, self.stream, pointers, None)
