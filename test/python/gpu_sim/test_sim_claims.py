"""What a kernel says of its arguments counts in the simulator as on the device: LLVM keeps a value that, it is told, nobody else changes."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from sim_driver import Driver, DriverError, compile_kernels, tool

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


def run(tmp_path: Path, form: dict, claim: str, sim: str = "seed=0", fails: bool = False) -> str:
    """What is said by cell-run, which compiles kernels as programs are compiled: with the passes that every simulated kernel goes through."""
    source = tmp_path / "count.mlir"
    source.write_text(f"""module attributes {{gpu.container_module}} {{
func.func @main(%m: memref<4xf32>) {{
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  gpu.launch_func @kernels::@count blocks in (%c1, %c1, %c1) threads in (%c64, %c1, %c1) args(%m : memref<4xf32>, %m : memref<4xf32>)
  return
}}
gpu.module @kernels {{
{COUNT.format(claim=claim, **form)}
}}
}}""")
    chip = "sim-checked" if "checked" in sim else "sim"
    command = [tool("cell-run"), "--target=gpu-sim", f"--sim={sim}", f"--pipeline=gpu-program-to-llvm{{chip={chip}}}", "--input=3,3,3,3", source]
    environment = {k: v for k, v in os.environ.items() if k != "CELLGRAD_GPU_SIM"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode != 0) == fails, done.stderr
    return done.stderr


@pytest.mark.parametrize("sim", ["seed=0", "checked"])
def test_without_a_claim_threads_see_what_others_write(tmp_path, sim):
    run(tmp_path, EXCHANGE, "", sim)
    run(tmp_path, TWO_NAMES, "", sim)


def test_memory_that_others_write_behind_a_barrier_is_not_one_arguments_alone(tmp_path):
    text = run(tmp_path, EXCHANGE, "{llvm.noalias}", fails=True)
    assert "thread (1, 0, 0) waits for the barrier, which thread (0, 0, 0) never reaches: it has ended" in text


def test_endless_loops_of_barriers_end(tmp_path):
    """Two arguments are the same memory, and one is said to be alone: nobody sees an end. Without a number of waits that takes seconds."""
    for sim, waits in (("waits=1000", 1000), ("seed=0", 1 << 22)):
        text = run(tmp_path, TWO_NAMES, "{llvm.noalias}", sim, fails=True)
        assert f"thread (0, 0, 0) has waited {waits} times, at last for the barrier: a loop without end" in text


def test_arguments_are_aligned_as_the_kernel_says():
    driver = Driver()
    module = driver.load(compile_kernels(COUNT.format(claim="", **EXCHANGE), False))
    memory = driver.upload(np.zeros(16, np.float32))
    with pytest.raises(DriverError, match="kernel 'count': it was compiled for memory that begins at multiples of 16 bytes, that of argument 1 does not"):
        driver.launch(driver.function(module, "count"), (1, 1, 1), (64, 1, 1), memory, memory + 8)
