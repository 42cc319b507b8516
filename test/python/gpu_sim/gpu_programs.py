"""Runs programs written as MLIR on the simulated GPU, or on the CPU, by way of cell-run."""
import subprocess

import numpy as np

from sim_driver import tool


def run_on_simulator(folder, program, inputs, target="gpu-sim"):
    """The results of the public function of `program` (text) for NumPy arrays, as a list of arrays."""
    source = folder / "program.mlir"
    source.write_text(program)
    command = [tool("cell-run"), f"--target={target}", "--print-limit=0", f"--save-npy={folder / target}"]
    for i, array in enumerate(inputs):
        path = folder / f"input{i}.npy"
        np.save(path, array)
        command.append(f"--input={path}")
    done = subprocess.run([*command, source], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    results = sorted(folder.glob(f"{target}*.npy"), key=lambda path: int(path.stem.removeprefix(target)))
    assert results, done.stdout
    return [np.load(path) for path in results]


def launches_of(program):
    """How many kernels the program launches, where no loop does."""
    done = subprocess.run([tool("cell-opt"), "-", "--linalg-to-gpu"], input=program, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.count("gpu.launch_func")
