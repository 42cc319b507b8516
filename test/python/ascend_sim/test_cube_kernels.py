"""Products and convolutions on the cube cores against float64, in order and with pipes in any order that the flags allow."""
from __future__ import annotations

import cube_program as cube
import numpy as np
import pytest

SHAPES = [(1, 1, 1), (16, 16, 16), (37, 53, 71), (1, 130, 257), (131, 1, 300), (129, 33, 70), (300, 17, 5), (64, 512, 96), (33, 40, 4096)]
ACCURACY = {"f32": 2e-6, "f16": 2e-6, "bf16": 2e-6, "i8": 0}  # of exact factors, summed up in f32: relative to the sum of absolute values


def make(shape, kind, seed):
    generator = np.random.default_rng(seed)
    array = generator.integers(-128, 128, shape) if kind == "i8" else generator.standard_normal(shape)
    return cube.rounded(array, kind)


def check(kind, maps, shapes, dims, sums, mode=None):
    a, b = make(shapes[0], kind, 1), make(shapes[1], kind, 2)
    total = "i32" if kind == "i8" else "f32"
    c = np.full(shapes[2], 77, cube.TYPES[total])
    program = cube.product(*shapes, kind, total, maps, dims, sums)
    run = cube.run if mode is None else lambda *args: cube.run_in(mode, *args)
    got = run(program, [a, b, c])[2]
    equation = f"{maps[0]},{maps[1]}->{maps[2]}"
    want = np.einsum(equation, cube.values(a, kind), cube.values(b, kind))
    size = np.einsum(equation, abs(cube.values(a, kind)), abs(cube.values(b, kind)))
    assert np.all(abs(got - want) <= ACCURACY[kind] * size), np.max(abs(got - want) / np.maximum(size, 1e-30))


@pytest.mark.parametrize("kind", ["f32", "f16", "bf16", "i8"])
@pytest.mark.parametrize("shape", SHAPES)
def test_products(kind, shape):
    m, n, k = shape
    check(kind, ("mk", "kn", "mn"), [(m, k), (k, n), (m, n)], "mnk", "k")


@pytest.mark.parametrize("kind", ["f32", "f16", "i8"])
@pytest.mark.parametrize("left", ["mk", "km"])
@pytest.mark.parametrize("right", ["kn", "nk"])
def test_transposed_factors(kind, left, right):
    sizes = {"m": 83, "n": 101, "k": 59}
    shapes = [tuple(sizes[d] for d in axes) for axes in (left, right, "mn")]
    check(kind, (left, right, "mn"), shapes, "mnk", "k")


@pytest.mark.parametrize("maps", [("bmk", "bkn", "bmn"), ("bkm", "bnk", "bmn"), ("mbk", "nbk", "bmn"), ("bmk", "nk", "bmn"), ("bmk", "bkn", "mbn"), ("bmk", "bkn", "mnb"), ("bmqk", "qkn", "bmn")])
def test_batches_and_axes_in_any_order(maps):
    sizes = {"b": 3, "m": 37, "n": 21, "k": 40, "q": 5}
    dims = "".join(sorted(set("".join(maps))))
    shapes = [tuple(sizes[d] for d in axes) for axes in maps]
    check("f32", maps, shapes, dims, "qk" if "q" in dims else "k")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shape", [(129, 33, 700), (300, 500, 90)])
def test_any_order_of_the_pipes(seed, shape):
    m, n, k = shape
    check("f16", ("mk", "nk", "mn"), [(m, k), (n, k), (m, n)], "mnk", "k", mode=f"seed={seed}")


@pytest.mark.parametrize("out", ["f32", "f16", "bf16"])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("bias", [None, "f32", "f16"])
def test_what_is_computed_on_the_way_out(out, relu, bias):
    m, n, k = 45, 301, 33
    a, b, v = make((m, k), "f16", 1), make((k, n), "f16", 2), make((n,), bias or "f32", 3)
    body = []
    value = "%x"
    if bias:
        wide = "%y"
        if bias == "f16":
            body.append("%yw = arith.extf %y : f16 to f32")
            wide = "%yw"
        body.append(f"%s = arith.addf {value}, {wide} : f32")
        value = "%s"
    if relu:
        body += [f"%l = arith.cmpf ole, {value}, %z : f32", f"%r = arith.select %l, %z, {value} : f32"]
        value = "%r"
    if out != "f32":
        body.append(f"%t = arith.truncf {value} : f32 to {out}")
        value = "%t"
    product = cube.product((m, k), (k, n), (m, n), "f16", "f32", ("mk", "kn", "mn"), "mnk", "k")
    product = product.replace("%c: memref<45x301xf32>)", f"%v: memref<{n}x{bias or 'f32'}>, %out: memref<45x301x{out}>)", 1)
    product = product.replace("  linalg.fill", "  %c = memref.alloc() : memref<45x301xf32>\n  linalg.fill", 1)
    epilogue = f"""  linalg.generic {{indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}} ins(%c, %v : memref<45x301xf32>, memref<{n}x{bias or 'f32'}>) outs(%out : memref<45x301x{out}>) {{
  ^bb0(%x: f32, %y: {bias or 'f32'}, %o: {out}):
    {chr(10).join(body)}
    linalg.yield {value} : {out}
  }}
  return"""
    program = epilogue.join(product.rsplit("  return", 1))
    assert cube.lower(program).count("gpu.launch_func") == 1
    got = cube.values(cube.run(program, [a, b, v, cube.rounded(np.zeros((m, n)), out)])[3], out)
    want = a.astype(np.float64) @ b.astype(np.float64) + (v.astype(np.float64) if bias else 0)
    want = np.maximum(want, 0) if relu else want
    np.testing.assert_allclose(got, want, rtol={"f32": 1e-5, "f16": 1e-3, "bf16": 8e-3}[out], atol=1e-4)


GEOMETRY = [  # images, channels, size, filters, window, stride, padding, dilation, groups
    (2, 3, 9, 4, 3, 1, 1, 1, 1), (2, 4, 11, 6, 3, 2, 1, 1, 2), (1, 2, 12, 5, 3, 1, 2, 2, 1), (3, 8, 7, 4, 1, 1, 0, 1, 1), (2, 4, 8, 4, 2, 2, 0, 1, 4)]  # fmt: skip


def convolution(x, w, stride, padding, dilation, groups):
    """conv2d in float64, tap by tap."""
    n, c, h, _ = x.shape
    o, per, window, _ = w.shape
    size = (h + 2 * padding - dilation * (window - 1) - 1) // stride + 1
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    y = np.zeros((n, o, size, size))
    for i in range(window):
        for j in range(window):
            part = padded[:, :, i * dilation :, j * dilation :][:, :, : (size - 1) * stride + 1 : stride, : (size - 1) * stride + 1 : stride]
            for g in range(groups):
                rows = slice(g * o // groups, (g + 1) * o // groups)
                y[:, rows] += np.einsum("nchw,oc->nohw", part[:, g * per : (g + 1) * per], w[rows, :, i, j])
    return y


@pytest.mark.parametrize("kind", ["f32", "f16"])
@pytest.mark.parametrize("geometry", GEOMETRY)
@pytest.mark.parametrize("routine", ["conv2d", "conv2d_dx", "conv2d_dw"])
def test_convolutions(kind, geometry, routine):
    check_convolution(kind, geometry, routine, cube.run)


@pytest.mark.parametrize("routine", ["conv2d", "conv2d_dx", "conv2d_dw"])
def test_convolutions_in_any_order_of_the_pipes(routine):
    check_convolution("f32", GEOMETRY[0], routine, lambda *arguments: cube.run_in("seed=5", *arguments))


def test_images_that_do_not_fit_into_ub_at_once():
    check_convolution("f32", (1, 1, 150, 2, 3, 1, 1, 1, 1), "conv2d", cube.run)


def check_convolution(kind, geometry, routine, run):
    n, c, h, o, window, stride, padding, dilation, groups = geometry
    size = (h + 2 * padding - dilation * (window - 1) - 1) // stride + 1
    shapes = {"x": (n, c, h, h), "w": (o, c // groups, window, window), "y": (n, o, size, size)}
    order = {"conv2d": "xwy", "conv2d_dx": "ywx", "conv2d_dw": "xyw"}[routine]
    text = ["x".join(map(str, shapes[i])) for i in order]
    types = [f"memref<{text[0]}x{kind}>", f"memref<{text[1]}x{kind}>", f"memref<{text[2]}xf32>"]
    params = ", ".join(map(str, (stride, stride, padding, padding, padding, padding, dilation, dilation, groups)))
    program = f"""func.func @main(%a: {types[0]}, %b: {types[1]}, %c: {types[2]}) {{
  cellrt.call "{routine}" params [{params}] ins(%a, %b : {types[0]}, {types[1]}) outs(%c : {types[2]})
  return
}}"""
    a, b = make(shapes[order[0]], kind, 1), make(shapes[order[1]], kind, 2)
    got = run(program, [a, b, np.full(shapes[order[2]], 9, np.float32)])[2]
    a, b = a.astype(np.float64), b.astype(np.float64)
    if routine == "conv2d":
        want = convolution(a, b, stride, padding, dilation, groups)
    else:  # the derivative of <y, conv(x, w)>, which is linear in each
        want = np.zeros(shapes[order[2]])
        for at in np.ndindex(*want.shape):
            unit = np.zeros(want.shape)
            unit[at] = 1
            want[at] = np.sum(a * convolution(unit, b, stride, padding, dilation, groups)) if routine == "conv2d_dx" else np.sum(b * convolution(a, unit, stride, padding, dilation, groups))
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=2e-5 * np.abs(want).max())
