"""Flags of the cube's kernels are needed: without one the verifier and the simulator refuse them."""
from __future__ import annotations

import subprocess

import cube_program as cube
import numpy as np
import pytest

BIAS = """func.func @main(%a: memref<40x48xf16>, %b: memref<48x600xf16>, %v: memref<600xf32>, %out: memref<40x600xf16>) {
  %z = arith.constant 0.0 : f32
  %c = memref.alloc() : memref<40x600xf32>
  linalg.fill ins(%z : f32) outs(%c : memref<40x600xf32>)
  linalg.matmul ins(%a, %b : memref<40x48xf16>, memref<48x600xf16>) outs(%c : memref<40x600xf32>)
  linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]} ins(%c, %v : memref<40x600xf32>, memref<600xf32>) outs(%out : memref<40x600xf16>) {
  ^bb0(%x: f32, %y: f32, %o: f16):
    %s = arith.addf %x, %y : f32
    %t = arith.truncf %s : f32 to f16
    linalg.yield %t : f16
  }
  return
}"""
WINDOWS = """func.func @main(%x: memref<3x30x9x9xf32>, %w: memref<20x30x3x3xf32>, %y: memref<3x20x9x9xf32>) {
  cellrt.call "conv2d" params [1, 1, 1, 1, 1, 1, 1, 1, 1] ins(%x, %w : memref<3x30x9x9xf32>, memref<20x30x3x3xf32>) outs(%y : memref<3x20x9x9xf32>)
  return
}"""


def product(m, n, k, kind):
    return cube.product((m, k), (k, n), (m, n), kind, "f32", ("mk", "kn", "mn"), "mnk", "k")


PROGRAMS = {
    "tails": (product(900, 700, 288, "f16"), [((900, 288), "f16"), ((288, 700), "f16"), ((900, 700), "f32")]),
    "one tile": (product(16, 16, 500, "f32"), [((16, 500), "f32"), ((500, 16), "f32"), ((16, 16), "f32")]),
    "bias": (BIAS, [((40, 48), "f16"), ((48, 600), "f16"), ((600,), "f32"), ((40, 600), "f16")]),
    "windows": (WINDOWS, [((3, 30, 9, 9), "f32"), ((20, 30, 3, 3), "f32"), ((3, 20, 9, 9), "f32")]),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_flag_can_be_left_out(name):
    from sim_driver import tool

    program, kinds = PROGRAMS[name]
    arrays = [cube.rounded(np.random.default_rng(i).standard_normal(shape), kind) for i, (shape, kind) in enumerate(kinds)]
    whole = cube.lower(program)
    mutants = cube.without_flags(whole)
    assert len(mutants) >= 3
    for key, text in mutants.items():
        done = subprocess.run([tool("cell-opt"), "-", "--pass-pipeline=builtin.module(ascend-verify-kernels)"], input=text, capture_output=True, text=True)
        assert done.returncode == 1 and "error" in done.stderr, key
    whole_failure, *others = cube.run_in("checked", [whole, *mutants.values()], arrays, "failures")
    assert not whole_failure
    assert all(not wrong or "race in" in wrong or "is raised again" in wrong for wrong in others), others
    assert [key for key, wrong in zip(mutants, others) if not wrong] == []
