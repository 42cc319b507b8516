"""What a kernel says of its arguments counts in the simulator as on the device: LLVM keeps a value that, it is told, nobody else changes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sim_driver import Driver, DriverError, compile_kernels

# Thread 0 counts what `changed` holds down; all end when they find 0 in `seen`, which may be the same memory.
COUNT = """
gpu.func @count(%seen: memref<4xf32> {claim}, %changed: memref<4xf32>) kernel attributes {{known_block_size = array<i32: 64, 1, 1>}} {{
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %t = gpu.thread_id x
  %first = arith.cmpi eq, %t, %c0 : index
  scf.while : () -> () {{
    %now = memref.load %seen[%c0] : memref<4xf32>
    gpu.barrier
    %go = arith.cmpf ogt, %now, %zero : f32
    scf.condition(%go)
  }} do {{
    scf.if %first {{
      %now = memref.load {changed}[%c0] : memref<4xf32>
      %next = arith.subf %now, %one : f32
      memref.store %next, {changed}[%c0] : memref<4xf32>
    }}
    gpu.barrier
    scf.yield
  }}
  gpu.return
}}
"""
EXCHANGE = {"changed": "%seen"}
TWO_NAMES = {"changed": "%changed"}


def count(form: dict, claim: str, checked: bool = False) -> float:
    driver = Driver()
    module = driver.load(compile_kernels(COUNT.format(claim=claim, **form), checked))
    memory = driver.upload(np.full(4, 3, np.float32))
    driver.launch(driver.function(module, "count"), (1, 1, 1), (64, 1, 1), memory, memory)
    return driver.download(memory, 4, np.float32)[0]


@pytest.mark.parametrize("checked", [False, True])
def test_without_a_claim_threads_see_what_others_write(checked):
    assert count(EXCHANGE, "", checked) == 0 and count(TWO_NAMES, "", checked) == 0


def test_memory_that_others_write_behind_a_barrier_is_not_one_arguments_alone():
    with pytest.raises(DriverError, match=r"thread \(1, 0, 0\) waits for the barrier, which thread \(0, 0, 0\) never reaches: it has ended"):
        count(EXCHANGE, "{llvm.noalias}")


def test_endless_loops_of_barriers_end():
    """Two arguments are the same memory, and one is said to be alone: nobody sees an end."""
    script = 'from test_sim_claims import TWO_NAMES, count\ncount(TWO_NAMES, "{llvm.noalias}")'
    env = dict(os.environ, CELLGRAD_GPU_SIM="waits=1000")
    done = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parent, env=env, capture_output=True, text=True, timeout=60)
    assert "thread (0, 0, 0) has waited 1000 times, at last for the barrier: a loop without end" in done.stderr


def test_arguments_are_aligned_as_the_kernel_says():
    driver = Driver()
    module = driver.load(compile_kernels(COUNT.format(claim="", **EXCHANGE), False))
    memory = driver.upload(np.zeros(16, np.float32))
    with pytest.raises(DriverError, match="kernel 'count': it was compiled for memory that begins at multiples of 16 bytes, that of argument 1 does not"):
        driver.launch(driver.function(module, "count"), (1, 1, 1), (64, 1, 1), memory, memory + 8)
