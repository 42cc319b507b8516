"""Programs for GPUs that are not here: PTX of every op, assembled where ptxas is, and the kernels of whole training steps.

``CELLGRAD_PTX_ALL=1`` takes every dtype and two chips; without it one dtype and one chip are assembled, and the other dtypes are lowered to PTX.
"""
from __future__ import annotations

import os
import re

import images
import numpy as np
import pytest
import steps
import table
from needs import needs
from test_table import sample

import cellgrad as ms
from cellgrad import _errors as err
from cellgrad import ops
from cellgrad._compiler import cuda_tools

ALL = os.environ.get("CELLGRAD_PTX_ALL") == "1"
CHIPS = ("sm_80", "sm_90a") if ALL else ("sm_80",)
ROWS = [pytest.param(row, id=str(row)) for row in table.ROWS + images.ROWS]
needs_ptxas = needs(cuda_tools.find("ptxas"), "ptxas is not installed: pip install 'cellgrad[cuda]'")


def lower(fn, *args, chip="sm_80"):
    return (fn if hasattr(fn, "lower") else ms.jit(fn)).lower(*args, target="gpu", chip=chip)


def programs(row, dtype):
    """The program of an op, and that of its gradient."""
    xs = sample(row, dtype)
    yield lambda *a: row.call(ops, *a), xs
    if row.derivative and dtype in ("float32", "float64"):
        gradient = ms.grad(lambda *a: row.call(ops, *a), row.differentiable or tuple(range(len(xs))))
        yield lambda *a: gradient(*a), xs


def only_copies(row, dtype, gradient):
    """Whether a program is nothing but copies, or hands an argument on, for which there is no kernel. The gradient of a product is the other factor."""
    name, whole = str(row), "int" in dtype
    return name in ("stop_gradient", "reshape") or (name in ("floor", "ceil", "round", "trunc") and whole) or (name, dtype) in (("abs", "uint8"), ("cast", "float64")) or (name == "mul" and gradient)


@needs_ptxas
@pytest.mark.parametrize("row", ROWS)
def test_op_assembles_without_spills(row):
    for dtype in row.dtypes if ALL else [d for d in row.dtypes if d == "float32"] or row.dtypes[-1:]:
        for chip in CHIPS:
            for gradient, (fn, xs) in enumerate(programs(row, dtype)):
                program = lower(fn, *xs, chip=chip)
                kernels = program.kernels() if program else []
                assert kernels or only_copies(row, dtype, gradient)
                for kernel in kernels:
                    assert kernel.spill_bytes == 0, kernel
                    assert kernel.registers <= 128, kernel


@pytest.mark.parametrize("row", ROWS)
def test_op_of_every_dtype_has_ptx(row):
    for dtype in row.dtypes:
        for gradient, (fn, xs) in enumerate(programs(row, dtype)):
            program = lower(fn, *xs)
            text = program.ptx() if program else ""
            assert ".entry" in text or only_copies(row, dtype, gradient)
            assert ".extern .func" not in text  # nothing of a library that is not linked


# Launches of a step: a bound on what fusion may lose, kernels with at most so many bytes of spills.
@needs_ptxas
@pytest.mark.parametrize("chip", ["sm_80", "sm_90a"])
@pytest.mark.parametrize("name, launches", [("mlp", 16), ("lenet5", 26), ("transformer", 80), ("resnet20", 134)])
def test_training_step(name, launches, chip):
    step, batch = getattr(steps, name)()
    kernels = lower(step, *batch, chip=chip).kernels()
    assert 0 < sum(k.launches for k in kernels) <= launches
    assert max(k.spill_bytes for k in kernels) <= 64 and max(k.registers for k in kernels) <= 168
    assert all(np.prod(k.block) <= 1024 and k.shared_bytes <= 48 << 10 for k in kernels)
    assert {k.file for k in kernels} <= {steps.__file__, ""} | {k.file for k in kernels if "cellgrad" in k.file}


def test_ptx_is_for_the_chip():
    x = ms.Tensor(np.ones((64, 64), np.float32))
    for chip, version in (("sm_80", "7.8"), ("sm_90a", "8.0"), ("sm_100", "8.6")):
        text = lower(lambda x: x + 1, x, chip=chip).ptx()
        assert f".target {chip}\n" in text and f".version {version}\n" in text


def test_vectors_and_invariant_loads():
    text = lower(lambda x, y: x * y + x, *(ms.Tensor(np.ones((64, 64), np.float32)) for _ in range(2))).ptx()
    assert "ld.global.nc.v4.b32" in text and "st.global.v4.b32" in text
    assert re.search(r"\.reqntid \d+, 1, 1", text)


def test_kernels_name_the_users_line():
    def f(x):
        y = ops.exp(x)  # here
        return y.sum(0)

    kernels = lower(f, ms.Tensor(np.ones((64, 64), np.float32))).kernels()
    first = f.__code__.co_firstlineno
    assert kernels and all(k.file == __file__ and first < k.line <= first + 2 for k in kernels)
    assert all(min(k.grid + k.block) >= 1 and k.launches == 1 for k in kernels)


def test_stages_of_a_gpu_program():
    program = lower(lambda x: x + 1, ms.Tensor([1.0, 2.0]))
    assert "gpu.launch_func" in program.mlir("gpu")
    assert "cg_gpu_launch" in program.mlir("llvm") and "nvvm.kernel" in program.mlir("llvm")
    assert "linalg" in program.mlir("linalg") and "cell.add" in program.mlir()
    with pytest.raises(ValueError, match="there is no stage 'ptx'; the stages are cell, differentiated, linalg, gpu, llvm"):
        program.mlir("ptx")


@needs_ptxas
def test_cubin_is_an_object_for_the_gpu():
    code = lower(lambda x: x + 1, ms.Tensor([1.0, 2.0])).cubin()
    assert code[:4] == b"\x7fELF" and int.from_bytes(code[18:20], "little") == 190  # EM_CUDA


@needs_ptxas
@needs(cuda_tools.find("nvdisasm"), "nvdisasm is not installed: pip install 'cellgrad[cuda]'")
def test_sass_shows_the_users_lines_if_asked():
    program = lower(lambda x: x + 1, ms.Tensor([1.0, 2.0]))
    line = test_sass_shows_the_users_lines_if_asked.__code__.co_firstlineno + 3
    assert "EXIT" in program.sass() and __file__ not in program.sass()
    assert f'//## File "{__file__}", line {line}' in program.sass(lines=True)


def test_sass_needs_a_disassembler(monkeypatch):
    monkeypatch.setattr(cuda_tools, "find", lambda tool: None)
    with pytest.raises(FileNotFoundError, match="pip install"):
        lower(lambda x: x + 1, ms.Tensor([1.0, 2.0])).sass()


def instructions(ptx):
    return [line.split()[0] for line in ptx.splitlines() if re.match(r"\t[a-z@]", line)]


def test_ptx_with_the_users_lines(monkeypatch):
    def f(x):
        y = ops.exp(x)
        return y.sum(0)  # two kernels, or one

    program = lower(f, ms.Tensor(np.ones((64, 64), np.float32)))
    first = f.__code__.co_firstlineno
    text = program.ptx(lines=True)
    number, = re.findall(rf'\t\.file\t(\d+) "{re.escape(__file__)}"', text)
    lines = {int(line) for line in re.findall(rf"\n\t\.loc\t{number} (\d+) ", text)}
    assert lines and lines <= {first + 1, first + 2}, lines
    assert ".debug_info" not in text and ".loc" not in program.ptx()
    assert instructions(text) == instructions(program.ptx())
    for lines in (True, False):  # the runtime's errors name them: they are in the object
        device = program.compiled.device(lines)
        device.prepare()
        assert (f"{__file__}:{first + 1}".encode() in device._lowered.emit(3)[0]) == lines
    monkeypatch.setenv("CELLGRAD_GPU_LINES", "1")
    assert ".loc" in lower(f, ms.Tensor(np.ones((64, 64), np.float32))).ptx()


def test_without_ptxas_there_is_still_ptx(monkeypatch):
    monkeypatch.setattr(cuda_tools, "find", lambda tool: None)
    program = lower(lambda x: x + 1, ms.Tensor([1.0, 2.0]))
    assert ".visible .entry" in program.ptx()
    assert [k.registers for k in program.kernels()] == [None]
    with pytest.raises(FileNotFoundError, match=r"ptxas is not installed.*cellgrad\[cuda\]"):
        program.cubin()


@pytest.mark.parametrize("options, message", [
    ({"target": "gpu"}, "wants a chip"), ({"target": "tpu"}, "'cpu', 'gpu' or 'ascend'"), ({"target": "cpu", "chip": "sm_80"}, "goes with the target 'gpu'"),
    ({"chip": "sm_35"}, "there is no chip 'sm_35'; those that programs can be compiled for are sm_80")])
def test_targets_that_there_are_not(options, message):
    with pytest.raises(ValueError, match=message):
        ms.jit(lambda x: x + 1).lower(ms.Tensor([1.0]), **options)


def test_a_parameter_called_target_is_the_functions():
    program = ms.jit(lambda x, target: x + target).lower(ms.Tensor([1.0]), target=ms.Tensor([2.0]))
    assert program.compiled.chip is None
    with pytest.raises(ValueError, match=r"compiled for the CPU and has no kernels; use .lower\(..., target='gpu', chip='sm_90'\)"):
        program.ptx()


@needs_ptxas
def test_what_ptxas_refuses_names_the_kernel():
    from cellgrad._compiler import kernels

    text = lower(lambda x: x + 1, ms.Tensor([1.0, 2.0])).ptx()
    broken = text.replace("ret;", "nonsense;")
    name = re.search(r"\.entry (\w+)", text)[1]
    with pytest.raises(err.InternalError, match=rf"kernel '{name}' \(here.py:3\)"):
        kernels.assemble(broken, "sm_80", "f", 3, lambda: {name: ("here.py", 3)})


BEYOND = """
func.func @main(%x: tensor<4294967296x16384xi8>) -> tensor<4294967296xi8> {
  %0 = cell.reduce_sum %x {axes = array<i64: 1>, keepdims = false} : (tensor<4294967296x16384xi8>) -> tensor<4294967296xi8>
  return %0 : tensor<4294967296xi8>
}"""
UNKNOWN = """
#id = affine_map<(d0) -> (d0)>
func.func @main(%x: tensor<64xf32>) -> tensor<64xf32> {
  %e = tensor.empty() : tensor<64xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<64xf32>) outs(%e : tensor<64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %1 = math.clampf %a to [%a, %a] : f32
    linalg.yield %1 : f32
  } -> tensor<64xf32>
  return %0 : tensor<64xf32>
}"""


@pytest.mark.parametrize("text, line, message", [(BEYOND, 3, "a grid of 4294967296 x 1 x 1 blocks"), (UNKNOWN, 7, "'math.clampf'.* has no lowering for the GPU")])
def test_what_a_gpu_cannot_do_says_that_the_cpu_may(text, line, message):
    from cellgrad._compiler import stages
    from cellgrad._compiler._native import Module

    with pytest.raises(err.UnsupportedError, match=message) as caught:
        stages.lower(Module.parse(text, "net.py"), "f", {}, chip="sm_80")
    assert f"net.py:{line}:" in str(caught.value) and 'device_target="CPU"' in str(caught.value)
