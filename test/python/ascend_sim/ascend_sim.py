"""Kernels written in the ascend dialect, run by the simulator's driver. Modes are read once per process: those other than the plain one run in a process of their own."""
import json
import os
import pathlib
import pickle
import re
import subprocess
import sys

import numpy as np

SHORT = {"GM": "#ascend.space<gm>", "UB": "#ascend.space<ub>", "L1": "#ascend.space<l1>", "L0A": "#ascend.space<l0a>", "L0B": "#ascend.space<l0b>",
         "L0C": "#ascend.space<l0c>", "BT": "#ascend.space<bt>"}  # fmt: skip


def kernel(arguments, body, core="aiv", blocks=1, target="", name="k"):
    """A gpu.module with one kernel. In types, GM, UB, L1 ... stand for the memory spaces: ``memref<8xf32, UB>``."""
    text = f"""gpu.module @kernels attributes {{ascend.target = #ascend.target<"Ascend910B3"{target and ', ' + target}>}} {{
  func.func @{name}({arguments}) attributes {{gpu.kernel, ascend.core = #ascend.core<{core}>, ascend.block_dim = {blocks} : i64}} {{
{body}
    return
  }}
}}"""
    for short, space in SHORT.items():
        text = text.replace(f", {short}>", f", {space}>")
    return text


def compile_kernel(text, numbers=None):
    """The bytes of the object that the simulator loads; ``numbers`` of the target are other ones than the kernel was compiled for."""
    from sim_driver import tool

    lowered = subprocess.run([tool("cell-opt"), "-", "--pass-pipeline=builtin.module(expand-math,ascend-to-sim)"], input=text, capture_output=True, text=True)
    assert lowered.returncode == 0, lowered.stderr
    inner = lowered.stdout[lowered.stdout.index("gpu.module") :].rstrip()[:-1]
    plain = "module {" + inner[inner.index("\n") :]
    if numbers:
        names = re.search(r'@cg_ascend_target\.3\("(.*?)"\)', plain)[1].split(r"\00")
        values = re.search(r"(?<=@cg_ascend_target\.4\(dense<\[)[^]]*", plain)
        changed = [str(numbers.get(name, value)) for name, value in zip(names, values[0].split(", "))]
        plain = plain[: values.start()] + ", ".join(changed) + plain[values.end() :]
    ir = subprocess.run([tool("mlir-translate"), "--mlir-to-llvmir"], input=plain, capture_output=True, text=True, check=True).stdout
    return subprocess.run([tool("llc"), "-relocation-model=pic", "-filetype=obj", "-O1", "-o", "-"], input=ir.encode(), capture_output=True, check=True).stdout


def launch(text, arrays, blocks=1, name="k", profile=None, numbers=None):
    """Runs the kernel in this process; the arrays afterwards, or the text of the failure. Scalars are ctypes values or NumPy arrays of no dimension."""
    return launch_all(text, [(name, arrays, blocks)], profile, numbers)[0]


def launch_all(text, runs, profile=None, numbers=None):
    """As ``launch``, of several kernels of one module: (name, arrays, blocks) each."""
    import ctypes

    from sim_driver import Driver, DriverError

    driver, results = Driver("libcellgrad_ascend_sim.so"), []
    driver.lib.cgAscendProfileJson.restype = ctypes.c_char_p
    module = driver.load(compile_kernel(text, numbers))
    for name, arrays, blocks in runs:
        function = driver.function(module, name)
        values = [ctypes.c_uint64(int(a)) if a.ndim == 0 else driver.upload(a) for a in arrays]
        if profile is not None:
            driver.lib.cgAscendProfileStart()
        try:
            driver.launch(function, (blocks, 1, 1), (1, 1, 1), *values)
            results.append([driver.download(v, a.shape, a.dtype) if a.ndim else a for v, a in zip(values, arrays)])
        except DriverError as error:
            results.append(str(error))
            continue
        finally:
            for value in values:
                if isinstance(value, int):
                    driver.free(value)
        if profile is not None:
            profile.update(json.loads(driver.lib.cgAscendProfileJson())["launches"][-1])
            driver.lib.cgAscendProfileStop()
    return results


def call_in(mode, module, function, *arguments):
    """The result of a function of a module of this folder, in a process with CELLGRAD_ASCEND_SIM=mode."""
    code = f"import pickle, sys; import conftest, {module}; sys.stdout.buffer.write(pickle.dumps({module}.{function}(*pickle.loads(sys.stdin.buffer.read()))))"
    environment = {**os.environ, "CELLGRAD_ASCEND_SIM": mode}
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(arguments), capture_output=True, cwd=pathlib.Path(__file__).parent, env=environment)
    assert done.returncode == 0, done.stderr.decode()
    return pickle.loads(done.stdout)


def launch_in(mode, text, arrays, blocks=1, numbers=None):
    """As ``launch``, in a process with CELLGRAD_ASCEND_SIM=mode."""
    return call_in(mode, "ascend_sim", "launch", text, arrays, blocks, "k", None, numbers)


def random(shape, dtype, seed=0):
    generator = np.random.default_rng(seed)
    if np.issubdtype(dtype, np.integer):
        return generator.integers(-100, 100, shape).astype(dtype)
    return generator.standard_normal(shape).astype(dtype)
