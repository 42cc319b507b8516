"""Kernels of the cube as HIVM, in both forms, against the vendor's own compiler and device library."""
from __future__ import annotations

import pathlib
import subprocess
import sys

import cube_program as cube
import pytest
from needs import needs

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))
import hivm_check

pytestmark = needs(hivm_check.available(), "needs the vendor's compiler: pip install 'cellgrad[ascend]'")


def hivm(program: str, form: str) -> list[str]:
    from sim_driver import tool

    kernels = cube.lower(program, decompose=False)
    done = subprocess.run([tool("cell-translate"), "--ascend-to-hivm", f"--form={form}", "-"], input=kernels, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return hivm_check.kernels(done.stdout)


@pytest.mark.parametrize("form", ["auto", "planned"])
@pytest.mark.parametrize("kind", ["f32", "f16", "bf16", "i8"])
@pytest.mark.parametrize("maps", [("mk", "kn"), ("km", "nk"), ("bmk", "bkn")])
@pytest.mark.parametrize("shape", [(64, 48, 32), (129, 33, 700), (2048, 2048, 2048), (32, 32, 8192)])
def test_products(form, kind, maps, shape):
    sizes = dict(zip("mnkb", (*shape, 3)))
    maps = (*maps, "bmn" if "b" in maps[0] else "mn")
    shapes = [tuple(sizes[d] for d in axes) for axes in maps]
    program = cube.product(*shapes, kind, "i32" if kind == "i8" else "f32", maps, "bmnk" if "b" in maps[0] else "mnk", "k")
    kernel, *_ = hivm(program, form)  # a long sum is cut into pieces, which a second kernel adds
    calls = hivm_check.check_kernel(kernel, form)["calls"]
    assert any(call.startswith("mma_tile_") for call in calls) and any(call.startswith("fixpipe_") for call in calls)


@pytest.mark.parametrize("form", ["auto", "planned"])
def test_sum_of_the_pieces(form):
    _, kernel = hivm(cube.product((32, 8192), (8192, 32), (32, 32), "f16", "f32", ("mk", "kn", "mn"), "mnk", "k"), form)
    hivm_check.check_kernel(kernel, form)


@pytest.mark.parametrize("form", ["auto", "planned"])
@pytest.mark.parametrize("kind", ["f32", "f16"])
@pytest.mark.parametrize("routine", ["conv2d", "conv2d_dx", "conv2d_dw"])
def test_convolutions(form, kind, routine):
    types = {"x": f"memref<2x4x11x11x{kind}>", "w": f"memref<6x2x3x3x{kind}>", "y": f"memref<2x6x11x11x{kind}>"}
    a, b, c = (types[i] for i in {"conv2d": "xwy", "conv2d_dx": "ywx", "conv2d_dw": "xyw"}[routine])
    c = c.replace(kind, "f32")
    program = f"""func.func @main(%a: {a}, %b: {b}, %c: {c}) {{
  cellrt.call "{routine}" params [1, 1, 1, 1, 1, 1, 1, 1, 2] ins(%a, %b : {a}, {b}) outs(%c : {c})
  return
}}"""
    kernels = hivm(program, form)
    assert any("@img2col" in kernel for kernel in kernels)
    for kernel in kernels:
        hivm_check.check_kernel(kernel, form)
