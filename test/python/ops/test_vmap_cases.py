"""``vmap`` where a rule has several ways: every choice of batched operands against single calls."""
from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, grad, ops, vjp, vmap

SIZE = 3


def floats(*shape, dtype=np.float64):
    return lambda random: random.standard_normal(shape).astype(dtype)


def integers(low, high, *shape, dtype=np.int64):
    return lambda random: random.integers(low, high, shape).astype(dtype)


def swapped(a, flag):
    return ops.swapaxes(a, -1, -2) if flag else a


def product_of(transpose_a, transpose_b):
    return lambda a, b: ops.matmul(swapped(a, transpose_a), swapped(b, transpose_b))


def update(v, i, u):
    v = v * 1
    v[i] = u
    return v


def mark(v, i):
    m = v > 0
    m[i] = True
    return ops.cast(m, ms.float64)


def conv(x, w):
    return ops.conv2d(x, w, groups=2)


IMAGE, FILTER, COTANGENT = floats(2, 4, 5, 5), floats(6, 2, 2, 2), floats(2, 6, 4, 4)
CASES = {
    "conv2d-groups": (conv, IMAGE, FILTER),
    "conv2d-groups-dx": (lambda x, w: grad(lambda u: ops.sum(conv(u, w) ** 2))(x), IMAGE, FILTER),
    "conv2d-groups-dw": (lambda x, w: grad(lambda u: ops.sum(conv(x, u) ** 2))(w), IMAGE, FILTER),
    "conv2d-dx-of-cotangents": (lambda x, w, ct: vjp(lambda u: conv(u, w), x)[1](ct)[0], IMAGE, FILTER, COTANGENT),
    "conv2d-dw-of-cotangents": (lambda x, w, ct: vjp(lambda u: conv(x, u), w)[1](ct)[0], IMAGE, FILTER, COTANGENT),
    "conv2d-odd": (lambda x, w: ops.conv2d(x, w, stride=2, pad_mode="pad", padding=1), floats(2, 3, 5, 4), floats(4, 3, 2, 3)),
    **{f"matmul-{a}-{b}": (product_of(a, b), floats(*((4, 3) if a else (3, 4))), floats(*((5, 4) if b else (4, 5)))) for a, b in product((0, 1), repeat=2)},
    **{f"matmul-batch-{a}-{b}": (product_of(a, b), floats(2, *((4, 3) if a else (3, 4))), floats(2, *((5, 4) if b else (4, 5)))) for a, b in product((0, 1), repeat=2)},
    "matrix-vector": (lambda a, b: ops.matmul(a, b), floats(3, 4), floats(4)),
    "vector-matrix": (lambda a, b: ops.matmul(a, b), floats(4), floats(4, 3)),
    "vector-vector": (lambda a, b: ops.matmul(a, b), floats(4), floats(4)),
    "matmul-f16": (lambda a, b: ops.matmul(a, b), floats(3, 4, dtype=np.float16), floats(4, 2, dtype=np.float16)),
    "matmul-int": (lambda a, b: ops.matmul(a, b), integers(-9, 9, 3, 4), integers(-9, 9, 4, 2)),
    "layer_norm": (lambda x, g, b: ops.layer_norm(x, (4,), g, b), floats(3, 4), floats(4), floats(4)),
    "layer_norm-gradient": (lambda x, g, b: grad(lambda u: ops.sum(ops.layer_norm(u, (4,), g, b) ** 3))(x), floats(3, 4), floats(4), floats(4)),
    "gather-out-of-range": (lambda x, i: ops.gather(x, i, 1), floats(3, 4, 2), integers(-9, 9, 5)),
    "gather-two-dimensions-of-indices": (lambda x, i: ops.gather(x, i, 0), floats(3, 4, 2), integers(-5, 6, 2, 2)),
    "gather-uint8": (lambda x, i: ops.gather(x, i, 0), floats(3, 4, 2), integers(0, 6, 2, 2, dtype=np.uint8)),
    "gather-int8-that-would-overflow": (lambda x, i: ops.gather(x, i, 0), floats(100, 2), integers(-100, 100, 7, dtype=np.int8)),
    "gather-gradient": (lambda x, i: grad(lambda u: ops.sum(ops.gather(u, i, 1) ** 2))(x), floats(3, 4, 2), integers(-6, 6, 5)),
    "update-of-a-row": (update, floats(5, 3), integers(0, 5), floats(3)),
    "update-of-a-row-gradient": (lambda v, i, u: grad(lambda q: ops.sum(update(q, i, u) ** 2))(v), floats(5, 3), integers(0, 5), floats(3)),
    "update-of-bools": (mark, floats(5, 3), integers(0, 5)),
    "one-element": (lambda v, i, j: v[i, j], floats(5, 3), integers(0, 5), integers(0, 3)),
    "cross_entropy": (lambda x, t: ops.cross_entropy(x, t), floats(4, 5), integers(0, 5, 4, dtype=np.int32)),
    "where-of-several-shapes": (lambda c, a, b: ops.where(c > 0, a, b), floats(3), floats(2, 3), floats(1)),
    "nested": (lambda a, b: vmap(vmap(lambda u, v: u * v + ops.sum(v), (None, 0)), (0, None))(a, b), floats(4), floats(3)),
    "nested-in-a-gradient": (lambda a, b: grad(lambda q: ops.sum(vmap(lambda u: ops.sin(u * ops.sum(b)))(q)))(a), floats(4), floats(3)),
    "hessian": (lambda a: ms.hessian(lambda q: ops.sum(q ** 3))(a), floats(4)),
    "integer-division": (lambda a, b: a // b, integers(-9, 9, 5), integers(1, 4, 5)),
}


@pytest.mark.parametrize("name", CASES)
def test_against_single_calls(name):
    f, *makers = CASES[name]
    random = np.random.default_rng(0)
    columns = [[make(random) for _ in range(SIZE)] for make in makers]
    limit = 2e-3 if columns[0][0].dtype == np.float16 else 1e-10
    for in_axes in product((0, None), repeat=len(columns)):
        if not any(axis == 0 for axis in in_axes):
            continue
        batch = [Tensor(np.stack(c)) if axis == 0 else Tensor(c[0]) for c, axis in zip(columns, in_axes)]
        single = [f(*(Tensor(c[i if axis == 0 else 0]) for c, axis in zip(columns, in_axes))).asnumpy() for i in range(SIZE)]
        np.testing.assert_allclose(vmap(f, in_axes)(*batch).asnumpy(), np.stack(single), rtol=limit, atol=limit)
