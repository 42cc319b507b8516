"""What checked kernels of the simulator find, and that nothing is found where nothing is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sim_driver import Driver, DriverError, compile_kernels

SHARED = "memref<64xf32, #gpu.address_space<workgroup>>"
HEAD = """
  %t = gpu.thread_id x
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c32 = arith.constant 32 : index
  %n = arith.constant 64 : index
  %one = arith.constant 1 : i32
  %all = arith.constant 32 : i32
  %x = arith.constant 1.0 : f32
  %low = arith.cmpi ult, %t, %c8 : index
  %half = arith.cmpi ult, %t, %c32 : index
  %tn = arith.addi %t, %c1 : index
  %next = arith.remui %tn, %n : index
"""


def kernel(body: str) -> str:
    return f"gpu.func @f(%a: memref<64xf32>) workgroup(%w: {SHARED}) kernel attributes {{known_block_size = array<i32: 64, 1, 1>}} {{{HEAD}{body}\ngpu.return\n}}"


@pytest.fixture(scope="module")
def driver():
    return Driver()


def run(driver, body: str, checked=True, blocks=1):
    module = driver.load(compile_kernels(kernel(body), checked))
    a = driver.upload(np.arange(64, dtype=np.float32))
    driver.launch(driver.function(module, "f"), (blocks, 1, 1), (64, 1, 1), a)
    return driver.download(a, 64, np.float32)


STORE = f"memref.store %v, %w[%t] : {SHARED}\n"
ROTATE = f"%v = memref.load %a[%t] : memref<64xf32>\n{STORE}" + "{barrier}" + f"%y = memref.load %w[%next] : {SHARED}\nmemref.store %y, %a[%t] : memref<64xf32>"

FAULTS = {
    "divergent barrier": ("scf.if %half { gpu.barrier }", False, r"thread \(0, 0, 0\) waits for the barrier, which thread \(32, 0, 0\) never reaches: it has ended"),
    "divergent barrier, its line": ("scf.if %half { gpu.barrier }", True, r"waits for the barrier at .*:\d+, gpu.barrier, which"),
    "different barriers": ("scf.if %half { gpu.barrier } else { gpu.barrier }", False, "wait at different barriers"),
    "shuffle of some lanes": ("scf.if %low { %r, %ok = gpu.shuffle xor %x, %one, %all : f32\n memref.store %r, %a[%t] : memref<64xf32> }", False, r"waits for a shuffle, which thread \(8, 0, 0\) never reaches: it has ended"),
    "shuffle or barrier": ("scf.if %low { %r, %ok = gpu.shuffle xor %x, %one, %all : f32\n memref.store %r, %a[%t] : memref<64xf32> }\ngpu.barrier", False, "waits for a shuffle, which .* waits for the barrier"),
    "index behind the end": ("memref.store %x, %a[%tn] : memref<64xf32>", True, r"thread \(63, 0, 0\) at .*memref.store of memref<64xf32>: an index is out of bounds"),
    "shared index": (f"memref.store %x, %w[%tn] : {SHARED}", True, "an index is out of bounds"),
    "misaligned vector": (
        "scf.if %low { %v = vector.load %a[%tn] : memref<64xf32>, vector<4xf32>\n vector.store %v, %a[%tn] : memref<64xf32>, vector<4xf32> }",
        True, "not a multiple of 16 bytes",
    ),
    "vector behind the end": ("%v = vector.load %a[%t] {alignment = 4 : i64} : memref<64xf32>, vector<4xf32>\n%y = vector.extract %v[0] : f32 from vector<4xf32>\n" + f"memref.store %y, %w[%t] : {SHARED}", True, r"thread \(61, 0, 0\).*an index is out of bounds"),
    "race in shared memory": (ROTATE.format(barrier=""), True, "race: the same bytes were (read|written) by thread .* of the block with no barrier between"),
    "race in global memory": ("%v = memref.load %a[%next] : memref<64xf32>\nmemref.store %v, %a[%t] : memref<64xf32>", True, "race: the same bytes"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found(driver, name):
    body, checked, text = FAULTS[name]
    with pytest.raises(DriverError, match=text) as info:
        run(driver, body, checked)
    assert str(info.value).startswith("CUDA_ERROR_LAUNCH_FAILED: kernel 'f', block (0, 0, 0): thread")
    assert run(driver, "")[3] == 3  # the device goes on


def test_race_between_blocks(driver):
    body = "memref.store %x, %a[%t] : memref<64xf32>"
    assert (run(driver, body) == 1).all()
    with pytest.raises(DriverError, match=r"block \(1, 0, 0\).*written by thread 0 of another block of this launch"):
        run(driver, body, blocks=2)


def test_correct_kernels_pass(driver):
    expected = np.roll(np.arange(64, dtype=np.float32), -1)
    np.testing.assert_array_equal(run(driver, ROTATE.format(barrier="gpu.barrier\n")), expected)
    # Updates by all threads of all blocks do not hurt each other if they are atomic.
    assert run(driver, "%r = memref.atomic_rmw addf %x, %a[%c0] : (f32, memref<64xf32>) -> f32", blocks=3)[0] == 192
    # Each iteration has barriers on both sides of what it reads.
    loop = f"""scf.for %i = %c0 to %c8 step %c1 {{
      %v = memref.load %a[%t] : memref<64xf32>
      {STORE}gpu.barrier
      %y = memref.load %w[%next] : {SHARED}
      memref.store %y, %a[%t] : memref<64xf32>
      gpu.barrier
    }}"""
    np.testing.assert_array_equal(run(driver, loop), np.roll(np.arange(64, dtype=np.float32), -8))


def test_freed_and_foreign_memory(driver):
    module = driver.load(compile_kernels(kernel("memref.store %x, %a[%t] : memref<64xf32>"), True))
    function, memory = driver.function(module, "f"), driver.allocate(256)
    driver.free(memory)
    with pytest.raises(DriverError, match="is in a block of 256 bytes that was freed"):
        driver.launch(function, (1, 1, 1), (64, 1, 1), memory)
    host = np.zeros(64, np.float32)
    with pytest.raises(DriverError, match="is not device memory|behind a block"):
        driver.launch(function, (1, 1, 1), (64, 1, 1), host.ctypes.data)
    with pytest.raises(DriverError, match="end 128 bytes behind a block of 128 bytes|lies 0 bytes behind a block of 128 bytes"):
        driver.launch(function, (1, 1, 1), (64, 1, 1), driver.allocate(128))


def test_seed_finds_what_order_hides():
    """Unchecked: without the barrier the natural order gives some numbers, other orders give others; with it all agree."""
    script = """
import numpy as np
from sim_driver import Driver
from test_sim_checks import ROTATE, run
d = Driver()
for barrier in ("gpu.barrier\\n", ""):
    print(run(d, ROTATE.format(barrier=barrier), checked=False).tobytes().hex())
"""
    seen = []
    for seed in (0, 1, 2):
        env = dict(os.environ, CELLGRAD_GPU_SIM=f"seed={seed}")
        done = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parent, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        seen.append(done.stdout.split())
    assert len({right for right, _ in seen}) == 1
    assert len({wrong for _, wrong in seen}) == 3
