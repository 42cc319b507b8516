"""Programs of linalg on buffers, lowered to kernels of the accelerator and run launch by launch on its simulator."""
from __future__ import annotations

import json
import re
import subprocess

import ascend_sim
import numpy as np

TYPES = {"f32": np.float32, "f16": np.float16, "bf16": np.uint16, "i8": np.int8, "i32": np.int32}
MAPPING = "linalg-to-ascend-kernels,canonicalize,cse,ascend-multi-buffer,"
DECOMPOSE = "ascend-decompose,ascend-multi-buffer,"
SCHEDULE = "ascend-plan-memory,ascend-insert-sync,ascend-verify-kernels"


def rounded(array: np.ndarray, kind: str) -> np.ndarray:
    """The values as the type stores them; bfloat16 as its bits."""
    if kind != "bf16":
        return array.astype(TYPES[kind])
    bits = array.astype(np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def values(array: np.ndarray, kind: str) -> np.ndarray:
    if kind != "bf16":
        return array.astype(np.float64)
    return (array.astype(np.uint32) << 16).view(np.float32).astype(np.float64)


def product(a: tuple, b: tuple, c: tuple, factor: str, total: str, maps: tuple[str, str, str], dims: str, sums: str) -> str:
    """A function whose third argument becomes the product of the first two. `maps` names the axes of each; `sums` are those that are summed over."""
    kind = lambda shape, element: f"memref<{'x'.join(map(str, shape))}x{element}>"
    name = [f"affine_map<({', '.join(dims)}) -> ({', '.join(m)})>" for m in maps]
    loops = ", ".join('"reduction"' if d in sums else '"parallel"' for d in dims)
    wide = factor != total
    grow = "extf" if total[0] == "f" else "extsi"
    widen = [f"%{x}w = arith.{grow} %{x} : {factor} to {total}" for x in "xy"] if wide else []
    w = "w" if wide else ""
    letter = total[0]
    body = "\n".join([*widen, f"%p = arith.mul{letter} %x{w}, %y{w} : {total}", f"%t = arith.add{letter} %s, %p : {total}", f"linalg.yield %t : {total}"])
    zero = "0.0" if letter == "f" else "0"
    return f"""func.func @main(%a: {kind(a, factor)}, %b: {kind(b, factor)}, %c: {kind(c, total)}) {{
  %z = arith.constant {zero} : {total}
  linalg.fill ins(%z : {total}) outs(%c : {kind(c, total)})
  linalg.generic {{indexing_maps = [{', '.join(name)}], iterator_types = [{loops}]}} ins(%a, %b : {kind(a, factor)}, {kind(b, factor)}) outs(%c : {kind(c, total)}) {{
  ^bb0(%x: {factor}, %y: {factor}, %s: {total}):
    {body}
  }}
  return
}}"""


def lower(program: str, decompose: bool = True) -> str:
    from sim_driver import tool

    passes = MAPPING + (DECOMPOSE if decompose else "") + SCHEDULE
    done = subprocess.run([tool("cell-opt"), "-", f"--pass-pipeline=builtin.module({passes})"], input=program, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(program: str, arrays: list[np.ndarray], profile: list | None = None) -> list[np.ndarray]:
    """The arguments of the one function afterwards."""
    return execute(lower(program), arrays, profile)


def failure(text: str, arrays: list[np.ndarray]) -> str:
    """What is wrong with a lowered program; nothing if it runs."""
    from sim_driver import DriverError

    try:
        execute(text, arrays)
    except DriverError as error:
        return str(error)
    return ""


def failures(texts: list[str], arrays: list[np.ndarray]) -> list[str]:
    return [failure(text, arrays) for text in texts]


def without_flags(text: str) -> dict[str, str]:
    """Lowered programs that lack one flag each: all ops of one pair of pipes with numbers that belong together."""
    ops = [(i, m[1], set(re.findall(r"\d+", m[2]))) for i, line in enumerate(text.splitlines()) if (m := re.search(r"ascend.(?:set|wait)_flag (<.*?>) \[(.*?)\]", line))]
    groups: dict[str, set[str]] = {}
    for _, pair, ids in ops:
        joined = set(ids)
        for key in [k for k, known in groups.items() if k.startswith(pair) and known & ids]:
            joined |= groups.pop(key)
        groups[f"{pair} {sorted(joined)}"] = joined
    lines = text.splitlines()
    return {key: "\n".join(line for i, line in enumerate(lines) if not any(i == at and key.startswith(pair) and ids & found for at, pair, found in ops)) for key, ids in groups.items()}


def execute(text: str, arrays: list[np.ndarray], profile: list | None = None) -> list[np.ndarray]:
    """As ``run``, of a lowered program."""
    from sim_driver import Driver

    driver = Driver("libcellgrad_ascend_sim.so")
    driver.lib.cgAscendProfileJson.restype = __import__("ctypes").c_char_p
    module = driver.load(ascend_sim.compile_kernel(text[text.index("gpu.module @kernels") :].rstrip()[:-1]))
    host = text[: text.index("gpu.module @kernels")]
    memory = {f"%arg{i}": driver.upload(array) for i, array in enumerate(arrays)}
    constants = {}
    if profile is not None:
        driver.lib.cgAscendProfileStart()
    for line in host.splitlines():
        if found := re.match(r"\s*(%\S+) = arith.constant (\d+) : index", line):
            constants[found[1]] = int(found[2])
        elif found := re.match(r"\s*(%\S+) = memref.alloc\(\) : memref<((?:\d+x)*)(\w+)>", line):
            memory[found[1]] = driver.upload(np.zeros(int(np.prod([int(n) for n in found[2].split("x")[:-1]])), TYPES[found[3]]))
        elif found := re.match(r"\s*(%\S+) = memref.reinterpret_cast (%\S+) to offset: \[(\d+)\].* to memref<(?:\d+x)*(\w+)[,>]", line):
            memory[found[1]] = memory[found[2]] + int(found[3]) * np.dtype(TYPES[found[4]]).itemsize
        elif found := re.match(r"\s*gpu.launch_func\s+@kernels::@(\w+) blocks in \((%\S+), .*args\((.*)\)$", line):
            operands = [memory[a.split(" : ")[0].strip()] for a in re.split(r"(?<=>), (?=%)", found[3])]
            driver.launch(driver.function(module, found[1]), (constants[found[2]], 1, 1), (1, 1, 1), *operands)
        else:
            assert re.match(r"\s*(module|func.func|return|}|%\S+ = arith.constant|memref.dealloc|$)", line), line
    if profile is not None:
        profile += json.loads(driver.lib.cgAscendProfileJson())["launches"]
        driver.lib.cgAscendProfileStop()
    return [driver.download(memory[f"%arg{i}"], array.shape, array.dtype) for i, array in enumerate(arrays)]


def run_in(mode: str, program: str | list[str], arrays: list[np.ndarray], function: str = "run") -> list:
    """As ``run``, or another function of this file, in a process with CELLGRAD_ASCEND_SIM=mode."""
    return ascend_sim.call_in(mode, "cube_program", function, program, arrays)
