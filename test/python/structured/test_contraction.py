"""Matrix products and convolutions against NumPy, and their derivatives of first and second order."""

import itertools

import numpy as np
import pytest
from runner import check_derivatives, integers, run, tensor, type_of


FLAGS = list(itertools.product([False, True], repeat=2))


def _random(rng, shape, dtype):
    if dtype.startswith("f"):
        return rng.standard_normal(shape).astype(f"f{int(dtype[1:]) // 8}")
    return rng.integers(-5, 6, shape).astype({"i32": np.int32, "i8": np.int8, "i64": np.int64}[dtype])


def _matmul(batch, m, k, n, transpose_a, transpose_b):
    op = f"cell.matmul %0, %1 {{transpose_a = {str(transpose_a).lower()}, transpose_b = {str(transpose_b).lower()}}}"
    return op, (*batch, *((k, m) if transpose_a else (m, k))), (*batch, *((n, k) if transpose_b else (k, n))), (*batch, m, n)


def _swap(x, yes):
    return np.swapaxes(x, -1, -2) if yes else x


@pytest.mark.parametrize("dtype", ["f32", "f64", "i32"])
@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
@pytest.mark.parametrize("flags", FLAGS)
def test_matmul(tmp_path, flags, batch, dtype):
    op, a_shape, b_shape, c_shape = _matmul(batch, 5, 7, 6, *flags)
    rng = np.random.default_rng(0)
    a, b = _random(rng, a_shape, dtype), _random(rng, b_shape, dtype)
    text = f"func.func @main(%0: {type_of(a)}, %1: {type_of(b)}) -> {tensor(c_shape, dtype)} {{\n%r = {op} : ({type_of(a)}, {type_of(b)}) -> {tensor(c_shape, dtype)}\nreturn %r : {tensor(c_shape, dtype)}\n}}"
    (c,) = run(text, [a, b], 1, tmp_path)
    np.testing.assert_allclose(c, _swap(a, flags[0]) @ _swap(b, flags[1]), rtol=1e-5, atol=1e-5)


def test_large_matmul_takes_the_library(tmp_path):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((130, 300)), rng.standard_normal((70, 300))
    text = f"func.func @main(%0: {type_of(a)}, %1: {type_of(b)}) -> tensor<130x70xf64> {{\n%r = cell.matmul %0, %1 {{transpose_b = true}} : ({type_of(a)}, {type_of(b)}) -> tensor<130x70xf64>\nreturn %r : tensor<130x70xf64>\n}}"
    np.testing.assert_allclose(run(text, [a, b], 1, tmp_path)[0], a @ b.T, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("flags", FLAGS)
def test_matmul_derivatives(tmp_path, flags):
    op, a_shape, b_shape, c_shape = _matmul((2,), 3, 4, 5, *flags)
    rng = np.random.default_rng(0)
    check_derivatives(op, [rng.standard_normal(a_shape), rng.standard_normal(b_shape)], np.zeros(c_shape), [0, 1], tmp_path)


# x, w, strides, pads (top, bottom, left, right), dilations, groups
CONVOLUTIONS = {
    "plain": ((2, 3, 7, 8), (4, 3, 3, 2), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    "lenet": ((3, 1, 12, 12), (6, 1, 5, 5), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    "strided": ((2, 3, 8, 9), (4, 3, 3, 3), (2, 3), (1, 1, 1, 1), (1, 1), 1),
    "one_sided_pads": ((1, 2, 6, 7), (3, 2, 3, 4), (1, 2), (2, 0, 0, 3), (1, 1), 1),
    "dilated": ((2, 2, 9, 9), (3, 2, 3, 2), (1, 2), (1, 0, 2, 1), (2, 3), 1),
    "grouped": ((2, 4, 6, 6), (6, 2, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 2),
    "depthwise": ((2, 3, 6, 6), (6, 1, 3, 3), (2, 2), (1, 1, 1, 1), (1, 1), 3),
    "pointwise": ((2, 3, 5, 5), (4, 3, 1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    "pointwise_strided": ((2, 3, 5, 5), (4, 3, 1, 1), (2, 2), (0, 0, 0, 0), (1, 1), 1),
    "rest_not_read": ((1, 1, 8, 8), (1, 1, 3, 3), (3, 3), (0, 0, 0, 0), (1, 1), 1),
}


def _attributes(case, **more):
    _, _, strides, pads, dilations, groups = case
    sizes = {"strides": strides, "pads": pads, "dilations": dilations, **more}
    return "{" + ", ".join(f"{name} = {integers(value)}" for name, value in sizes.items()) + f", groups = {groups} : i64}}"


def _reference(x, w, case):
    _, _, (sh, sw), (top, bottom, left, right), (dh, dw), groups = case
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    (n, _c, h, v), (o, per, kh, kw) = x.shape, w.shape
    rows, columns = (h - dh * (kh - 1) - 1) // sh + 1, (v - dw * (kw - 1) - 1) // sw + 1
    y = np.zeros((n, groups, o // groups, rows, columns), np.result_type(x, w))
    x, w = x.reshape(n, groups, per, h, v), w.reshape(groups, o // groups, per, kh, kw)
    for p, q in itertools.product(range(kh), range(kw)):
        part = x[..., p * dh : p * dh + sh * (rows - 1) + 1 : sh, q * dw : q * dw + sw * (columns - 1) + 1 : sw]
        y += np.einsum("ngchw,goc->ngohw", part, w[..., p, q])
    return y.reshape(n, o, rows, columns)


@pytest.mark.parametrize("dtype", ["f32", "f64", "i32"])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution(tmp_path, name, dtype):
    case = CONVOLUTIONS[name]
    rng = np.random.default_rng(0)
    x, w = _random(rng, case[0], dtype), _random(rng, case[1], dtype)
    y = _reference(x, w, case)
    dy = _random(rng, y.shape, dtype)
    tx, tw, ty = type_of(x), type_of(w), type_of(dy)
    text = f"""func.func @main(%x: {tx}, %w: {tw}, %dy: {ty}) -> ({ty}, {tx}, {tw}) {{
      %0 = cell.conv2d %x, %w {_attributes(case)} : ({tx}, {tw}) -> {ty}
      %1 = cell.conv2d_input_grad %dy, %w {_attributes(case, input_size=x.shape[2:])} : ({ty}, {tw}) -> {tx}
      %2 = cell.conv2d_weight_grad %x, %dy {_attributes(case, kernel_size=w.shape[2:])} : ({tx}, {ty}) -> {tw}
      return %0, %1, %2 : {ty}, {tx}, {tw}
    }}"""
    got, dx, dw = run(text, [x, w, dy], 3, tmp_path)
    tolerance = {"f32": 1e-4, "f64": 1e-12}.get(dtype, 0)
    np.testing.assert_allclose(got, y, rtol=tolerance, atol=tolerance)
    # Both gradients are transposes of the reference: <dy, conv(t, w)> = <dx, t> for every t, here for unit vectors in random places.
    for gradient, of in ((dx, lambda t: _reference(t, w, case)), (dw, lambda t: _reference(x, t, case))):
        for place in (tuple(rng.integers(0, s) for s in gradient.shape) for _ in range(20)):
            unit = np.zeros(gradient.shape, gradient.dtype)
            unit[place] = 1
            np.testing.assert_allclose(gradient[place], np.sum(dy * of(unit)), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution_derivatives(tmp_path, name):
    case = CONVOLUTIONS[name]
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(case[0]), rng.standard_normal(case[1])
    check_derivatives(f"cell.conv2d %0, %1 {_attributes(case)}", [x, w], _reference(x, w, case), [0, 1], tmp_path)


@pytest.mark.parametrize("kind", ["input", "weight"])
def test_derivatives_of_the_gradients(tmp_path, kind):
    case = CONVOLUTIONS["grouped"]
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(case[0]), rng.standard_normal(case[1])
    dy = rng.standard_normal(_reference(x, w, case).shape)
    if kind == "input":
        check_derivatives(f"cell.conv2d_input_grad %0, %1 {_attributes(case, input_size=x.shape[2:])}", [dy, w], x, [0, 1], tmp_path)
    else:
        check_derivatives(f"cell.conv2d_weight_grad %0, %1 {_attributes(case, kernel_size=w.shape[2:])}", [x, dy], w, [0, 1], tmp_path)
