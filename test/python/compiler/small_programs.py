"""Small modules and a way to run what was compiled from them, without the frontend."""
from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from cellgrad._compiler import Builder

DTYPES = ("f16", "bf16", "f32", "f64", "i8", "i16", "i32", "i64", "ui8", "i1")
_ENTRY = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p)


def square_sum(shape: tuple[int, ...] = (2, 3), scale: float = 1.0, file: str = "user.py") -> Any:
    """The module of value and gradients of ``sum((x * w * scale)^2)``."""
    builder = Builder()
    at = builder.location(file, 3, 5)
    f = builder.function("f", at)
    x, w = f.argument("f32", shape, at), f.argument("f32", shape, at, param="net.w")
    product = f.op("cell.mul", [x, w], {}, at)[0]
    if scale != 1.0:
        factor = f.constant(np.full(shape, scale, np.float32), "f32", at)
        product = f.op("cell.mul", [product, factor], {}, at)[0]
    square = f.op("cell.mul", [product, product], {}, at)[0]
    f.finish(f.op("cell.reduce_sum", [square], {"axes": tuple(range(len(shape))), "keepdims": False}, at))
    g = builder.function("g", at)
    arguments = [g.argument("f32", shape, at), g.argument("f32", shape, at, param="net.w")]
    g.finish(g.value_and_grad(f, arguments, [0, 1], [0], at))
    return builder.finish(g)


def run(program: Any, arrays: list[np.ndarray], results: list[np.ndarray]) -> None:
    """Calls an entry point; ``results`` are written."""
    pointers = (ctypes.c_void_p * (len(arrays) + len(results)))(*[a.ctypes.data for a in (*arrays, *results)])
    arena = np.empty(program.arena_bytes + 64, np.uint8)
    _ENTRY(program.entry)(pointers, arena.ctypes.data + (-arena.ctypes.data) % 64)


def check(program: Any, shape: tuple[int, ...] = (2, 3), scale: float = 1.0) -> None:
    """That a program compiled from ``square_sum`` computes it."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, *shape)).astype(np.float32)
    value, dx, dw = np.zeros((), np.float32), np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    run(program, [x, w], [value, dx, dw])
    np.testing.assert_allclose(value, ((x * w * scale) ** 2).sum(), rtol=1e-5)
    np.testing.assert_allclose(dx, 2 * x * w * w * scale**2, rtol=1e-5)
    np.testing.assert_allclose(dw, 2 * x * x * w * scale**2, rtol=1e-5)
