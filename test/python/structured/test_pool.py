"""Pooling against loops in NumPy, and derivatives of first and second order."""

import itertools

import numpy as np
import pytest
from runner import NUMPY, check_derivatives, integers, run, type_of

# x, kernel, strides, pads (top, bottom, left, right), dilations
WINDOWS = {
    "tiling": ((2, 3, 6, 8), (2, 2), (2, 2), (0, 0, 0, 0), (1, 1)),
    "pairs_with_tail": ((1, 2, 4, 14), (2, 2), (2, 2), (0, 0, 0, 0), (1, 1)),
    "tiling_with_rest": ((2, 2, 7, 10), (2, 3), (2, 3), (0, 0, 0, 0), (1, 1)),
    "large_tiles": ((1, 2, 10, 11), (5, 5), (5, 5), (0, 0, 0, 0), (1, 1)),
    "resnet": ((1, 2, 9, 9), (3, 3), (2, 2), (1, 1, 1, 1), (1, 1)),
    "one_sided": ((1, 2, 7, 9), (3, 2), (1, 2), (2, 0, 0, 1), (1, 1)),
    "overlapping": ((1, 1, 6, 6), (3, 3), (1, 1), (0, 0, 0, 0), (1, 1)),
    "gaps": ((1, 1, 6, 7), (1, 2), (3, 3), (0, 0, 0, 0), (1, 1)),
    "whole": ((2, 3, 7, 7), (7, 7), (1, 1), (0, 0, 0, 0), (1, 1)),
}
DILATED = {"dilated": ((1, 1, 9, 9), (2, 3), (1, 2), (1, 1, 0, 2), (2, 2))}


def _windows(case):
    """For each window its place and the places of the input under it."""
    (n, c, h, v), kernel, strides, pads, dilations = case
    rows, columns = ((size + pads[2 * i] + pads[2 * i + 1] - dilations[i] * (kernel[i] - 1) - 1) // strides[i] + 1 for i, size in enumerate((h, v)))
    taps = list(itertools.product(range(kernel[0]), range(kernel[1])))
    for place in itertools.product(range(n), range(c), range(rows), range(columns)):
        under = [(place[2] * strides[0] + p * dilations[0] - pads[0], place[3] * strides[1] + q * dilations[1] - pads[2]) for p, q in taps]
        yield place, [(*place[:2], i, j) for i, j in under if 0 <= i < h and 0 <= j < v]


def _shape(case):
    return tuple(k + 1 for k in max(place for place, _ in _windows(case)))


def _attributes(case, dilated=True, more=""):
    sizes = {"kernel": case[1], "strides": case[2], "pads": case[3], **({"dilations": case[4]} if dilated else {})}
    return "{" + more + ", ".join(f"{name} = {integers(value)}" for name, value in sizes.items()) + "}"


def _with_ties(rng, shape, dtype):
    """Few values, so that windows have ties; for floats also NaN and infinities."""
    x = rng.integers(0, 5, shape).astype(NUMPY[dtype])
    if dtype.startswith("f"):
        x[rng.random(shape) < 0.03] = np.nan
        x[rng.random(shape) < 0.3] = -np.inf
    return x


@pytest.mark.parametrize("dtype", ["f32", "f64", "i32", "ui8"])
@pytest.mark.parametrize("name", [*WINDOWS, *DILATED])
def test_maximum(tmp_path, name, dtype):
    case = {**WINDOWS, **DILATED}[name]
    rng = np.random.default_rng(0)
    x, t = _with_ties(rng, case[0], dtype), rng.integers(1, 100, case[0]).astype(NUMPY[dtype])
    dy = rng.integers(1, 9, _shape(case)).astype(NUMPY[dtype])
    tx, ty = type_of(x), type_of(dy)
    text = f"""func.func @main(%x: {tx}, %dy: {ty}, %t: {tx}) -> ({ty}, {tx}, {ty}) {{
      %0 = cell.max_pool2d %x {_attributes(case)} : ({tx}) -> {ty}
      %1 = cell.max_pool2d_grad %x, %dy {_attributes(case)} : ({tx}, {ty}) -> {tx}
      %2 = cell.max_pool2d_gather %x, %t {_attributes(case)} : ({tx}, {tx}) -> {ty}
      return %0, %1, %2 : {ty}, {tx}, {ty}
    }}"""
    y, dx, picked = np.zeros_like(dy), np.zeros_like(x), np.zeros_like(dy)
    for place, under in _windows(case):
        first = under[int(np.argmax([x[k] for k in under]))]  # the first maximum; NaN counts as one
        y[place], picked[place] = x[first], t[first]
        dx[first] += dy[place]
    for got, want in zip(run(text, [x, dy, t], 3, tmp_path), (y, dx, picked)):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("count_pad", [True, False])
@pytest.mark.parametrize("name", WINDOWS)
def test_mean(tmp_path, name, count_pad, dtype):
    case = WINDOWS[name]
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal(case[0]).astype(NUMPY[dtype]), rng.standard_normal(_shape(case)).astype(NUMPY[dtype])
    tx, ty = type_of(x), type_of(dy)
    counted = f"count_include_pad = {str(count_pad).lower()}, "
    text = f"""func.func @main(%x: {tx}, %dy: {ty}) -> ({ty}, {tx}) {{
      %0 = cell.avg_pool2d %x {_attributes(case, False, counted)} : ({tx}) -> {ty}
      %1 = cell.avg_pool2d_grad %dy {_attributes(case, False, f"{counted}input_size = {integers(x.shape[2:])}, ")} : ({ty}) -> {tx}
      return %0, %1 : {ty}, {tx}
    }}"""
    y, dx = np.zeros(dy.shape), np.zeros(x.shape)
    for place, under in _windows(case):
        count = case[1][0] * case[1][1] if count_pad else len(under)
        y[place] = sum(float(x[k]) for k in under) / count
        for k in under:
            dx[k] += float(dy[place]) / count
    tolerance = 1e-5 if dtype == "f32" else 1e-13
    for got, want in zip(run(text, [x, dy], 2, tmp_path), (y, dx)):
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("op", ["max_pool2d", "max_pool2d_grad", "max_pool2d_gather", "avg_pool2d", "avg_pool2d_grad"])
@pytest.mark.parametrize("name", ["tiling", "resnet", "one_sided"])
def test_derivatives(tmp_path, name, op):
    case = WINDOWS[name]
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(case[0]), rng.standard_normal(_shape(case))
    size = f"count_include_pad = false, input_size = {integers(x.shape[2:])}, "
    text, operands, result, wrt = {
        "max_pool2d": (f"cell.max_pool2d %0 {_attributes(case)}", [x], y, [0]),
        "max_pool2d_grad": (f"cell.max_pool2d_grad %0, %1 {_attributes(case)}", [x, y], x, [0, 1]),
        "max_pool2d_gather": (f"cell.max_pool2d_gather %0, %1 {_attributes(case)}", [x, x + 1], y, [0, 1]),
        "avg_pool2d": (f"cell.avg_pool2d %0 {_attributes(case, False, 'count_include_pad = false, ')}", [x], y, [0]),
        "avg_pool2d_grad": (f"cell.avg_pool2d_grad %0 {_attributes(case, False, size)}", [y], x, [0]),
    }[op]
    check_derivatives(text, operands, result, wrt, tmp_path)
