"""The simulator's driver API: memory, errors, modules, graphs."""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from needs import need

from sim_driver import Driver, DriverError, compile_kernels

ADD = """gpu.func @add(%a: memref<8xf32>, %s: f32, %n: index, %on: i1) kernel {
  %t = gpu.global_id x
  %in = arith.cmpi ult, %t, %n : index
  %go = arith.andi %in, %on : i1
  scf.if %go {
    %v = memref.load %a[%t] : memref<8xf32>
    %w = arith.addf %v, %s : f32
    memref.store %w, %a[%t] : memref<8xf32>
  }
  gpu.return
}"""


@pytest.fixture(scope="module")
def driver():
    return Driver()


@pytest.fixture(scope="module")
def module(driver):
    return driver.load(compile_kernels(ADD, checked=False))


def test_memory(driver):
    a = np.arange(10, dtype=np.int64)
    address = driver.upload(a)
    np.testing.assert_array_equal(driver.download(address, 10, np.int64), a)
    fresh = driver.allocate(64)
    for kind in (np.float16, np.float32, np.float64):
        assert np.isnan(driver.download(fresh, 64 // np.dtype(kind).itemsize, kind)).all()
    with pytest.raises(DriverError, match="INVALID_VALUE: copy from the device: 128 bytes at .* end 64 bytes behind a block of 64 bytes"):
        driver.download(fresh, 128, np.int8)
    driver.call("cuMemcpyDtoDAsync_v2", ctypes.c_uint64(fresh), ctypes.c_uint64(address), ctypes.c_size_t(64), None)
    np.testing.assert_array_equal(driver.download(fresh, 8, np.int64), a[:8])
    with pytest.raises(DriverError, match="overlap"):
        driver.call("cuMemcpyDtoDAsync_v2", ctypes.c_uint64(fresh), ctypes.c_uint64(fresh + 8), ctypes.c_size_t(16), None)
    driver.call("cuMemsetD8Async", ctypes.c_uint64(fresh), ctypes.c_ubyte(0), ctypes.c_size_t(64), None)
    assert not driver.download(fresh, 64, np.int8).any()
    driver.free(fresh)
    with pytest.raises(DriverError, match="freed before"):
        driver.free(fresh)
    with pytest.raises(DriverError, match="that was freed"):
        driver.download(fresh, 8, np.int8)


def test_launch(driver, module):
    add = driver.function(module, "add")
    a = driver.upload(np.zeros(8, np.float32))
    driver.launch(add, (2, 1, 1), (4, 1, 1), a, ctypes.c_float(1.5), ctypes.c_int64(7), ctypes.c_bool(True))
    driver.launch(add, (2, 1, 1), (4, 1, 1), a, ctypes.c_float(9), ctypes.c_int64(7), ctypes.c_bool(False))
    np.testing.assert_array_equal(driver.download(a, 8, np.float32), [1.5] * 7 + [0])
    for grid, block, text in [((0, 1, 1), (1, 1, 1), "a grid of 0 x 1 x 1"), ((1, 1, 1), (64, 32, 1), "a block of 64 x 32 x 1")]:
        with pytest.raises(DriverError, match=f"kernel 'add': {text}"):
            driver.launch(add, grid, block, a, ctypes.c_float(0), ctypes.c_int64(0), ctypes.c_bool(False))


def test_modules(driver, module):
    with pytest.raises(DriverError, match="NOT_FOUND: the image has no kernel 'sub'"):
        driver.function(module, "sub")
    for image in (b".version 8.0\n" + bytes(100), b"\x7fELF" + bytes(100)):
        with pytest.raises(DriverError, match="INVALID_IMAGE"):
            driver.load(image)


def test_images_reach_no_other_function_of_the_process(driver):
    """The names that images ask for are looked up in a list; `system` is on none."""
    compiler = shutil.which("cc")
    need(compiler, "no C compiler")

    def image(body):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([compiler, "-c", "-fPIC", "-fno-builtin", "-xc", "-", "-o", folder + "/k.o"], input=body.encode(), check=True)
            return Path(folder, "k.o").read_bytes()

    driver.load(image("double sin(double); double kernel(double x) { return sin(x); }"))
    with pytest.raises(DriverError, match="no function 'system'"):
        driver.load(image('int system(const char *); void kernel(void) { system("true"); }'))


def test_graph_keeps_arguments(driver, module):
    add = driver.function(module, "add")
    a = driver.upload(np.zeros(8, np.float32))
    stream, graph, runnable = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    driver.call("cuStreamCreate", ctypes.byref(stream), 1)
    driver.stream = stream
    driver.call("cuStreamBeginCapture_v2", stream, 2)
    value = ctypes.c_float(2)
    driver.launch(add, (1, 1, 1), (8, 1, 1), a, value, ctypes.c_int64(8), ctypes.c_bool(True))
    value.value = 100
    with pytest.raises(DriverError, match="STREAM_CAPTURE_UNSUPPORTED"):
        driver.call("cuStreamSynchronize", stream)
    driver.call("cuStreamEndCapture", stream, ctypes.byref(graph))
    assert not driver.download(a, 8, np.float32).any()  # captured, not run
    driver.call("cuGraphInstantiateWithFlags", ctypes.byref(runnable), graph, ctypes.c_ulonglong(0))
    driver.call("cuGraphDestroy", graph)
    for _ in range(3):
        driver.call("cuGraphLaunch", runnable, stream)
    assert (driver.download(a, 8, np.float32) == 6).all()
    driver.call("cuGraphExecDestroy", runnable)
    driver.stream = None
    driver.call("cuStreamDestroy_v2", stream)


@pytest.mark.parametrize(
    "variable, value, code, expected",
    [
        ("CELLGRAD_SIM_MEMORY", "4096", "d.allocate(4096); d.allocate(1)", "OUT_OF_MEMORY: no 1 bytes left of 4096"),
        ("CELLGRAD_SIM_DEVICES", "0", "", "NO_DEVICE"),
        ("CELLGRAD_SIM_DEVICES", "2", "n = ctypes.c_int(); d.call('cuDeviceGetCount', ctypes.byref(n)); raise DriverError(n.value)", "DriverError: 2"),
        ("CELLGRAD_GPU_SIM", "checked", "raise DriverError(d.lib.cgDriverChip())", "sim-checked"),
        ("CELLGRAD_GPU_SIM", "chekced", "raise DriverError(d.lib.cgDriverChip())", "'chekced' is none of 'checked', 'seed=<number>' and 'waits=<number>'"),
        ("CELLGRAD_GPU_SIM", "seed=3x", "raise DriverError(d.lib.cgDriverChip())", "'seed=3x' is none of 'checked', 'seed=<number>' and 'waits=<number>'"),
    ],
)
def test_environment(variable, value, code, expected):
    script = f"import ctypes\nfrom sim_driver import Driver, DriverError\nd = Driver()\n{code}"
    done = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parent, env=dict(os.environ, **{variable: value}), capture_output=True, text=True)
    assert done.returncode != 0 and expected in done.stderr
