"""Small programs that together have every kind of kernel: what tests of flags and of HIVM share."""
from __future__ import annotations

import re

import numpy as np

import cellgrad as ms
from cellgrad import Tensor, nn, ops
from cellgrad._compiler import Module

from planned_kernels import kernels

_random = np.random.default_rng(0)


def array(*shape: int, dtype: str = "float32") -> np.ndarray:
    return _random.integers(0, 7, shape).astype(dtype) if dtype.startswith("int") else _random.standard_normal(shape).astype(dtype)


def gradient(function, *wrt: int):
    """Of the sum of all squares, with respect to these arguments (default: the first)."""
    return ms.grad(lambda *xs: ops.sum(ops.square(function(*xs))), wrt or 0)


def half(*shape: int) -> np.ndarray:
    return array(*shape, dtype="float16")


def norm(x, g, b):
    return ops.layer_norm(x, (x.shape[-1],), g, b)


def batch(x, g, b):
    zero = ops.zeros((x.shape[1],), ms.float32)
    return ops.batch_norm(x, zero, zero + 1, g, b, training=True)[0]


def convolution(x, w):
    return ops.conv2d(x, w, pad_mode="pad", padding=1)


def adam(p, m, v, g):
    m, v = m * 0.9 + g * 0.1, v * 0.999 + g * g * 0.001
    return p - 0.01 * m / (ops.sqrt(v) + 1e-8), m, v


def attention(q, k, v):
    return ops.matmul(ops.softmax(ops.matmul(q, k.swapaxes(1, 2)) * 0.25, -1), v)


IMAGE, WEIGHT = array(2, 5, 9, 9), array(6, 5, 3, 3)

# Name: the function and its arguments.
KINDS = {
    "pointwise": (lambda a, b: ops.exp(a * b) + a, array(3001), array(3001)),
    "pointwise-f16": (lambda a, b: a * b + a, half(3001), half(3001)),
    "broadcasts": (lambda a, b, c: (a * b + c) * 2, array(67, 40), array(40), array(67, 1)),
    "functions": (lambda a, b: ops.pow(ops.tanh(a), b) + ops.erf(a) + ops.sin(b), array(700), array(700)),
    "casts": (lambda a: (ops.cast(a, ms.int32), ops.cast(a, ms.float16), ops.cast(a, ms.bfloat16)), array(1500)),
    "comparisons": (lambda a, b: ops.select(ops.logical_and(a > b, a < 1), a * b, a - b), array(31, 40), array(31, 40)),
    "bools": (lambda a, b: ops.logical_or(a > 0, ops.logical_not(b > 0)), array(31, 40), array(31, 40)),
    "integers": (lambda a, b: ops.maximum(a * b, a) <= b, array(31, 40, dtype="int32"), array(40, dtype="int32")),
    "row-sums": (lambda a: a.sum(1), array(301, 64)),
    "folded-rows": (lambda a: ops.ReduceMax()(a, 1), array(41, 390)),
    "column-sums": (lambda a: a.sum(0), array(301, 64)),
    "middle-sums": (lambda a: a.sum(1), array(9, 31, 40)),
    "full-sum": (lambda a: a.sum(), array(30_000)),
    "all": (lambda a: ops.all(a > 0, 1), array(31, 64)),
    "softmax": (lambda a: ops.softmax(a, -1), array(101, 128)),
    "softmax-gradient": (gradient(lambda a: ops.softmax(a, -1) * a), array(101, 64)),
    "layer-norm": (norm, array(53, 64), array(64), array(64)),
    "layer-norm-gradient": (gradient(norm, 0, 1, 2), array(53, 64), array(64), array(64)),
    "batch-norm": (batch, array(3, 4, 5, 6), array(4), array(4)),
    "batch-norm-gradient": (gradient(batch, 0, 1, 2), array(3, 4, 5, 6), array(4), array(4)),
    "cross-entropy-gradient": (ms.grad(lambda x, y: ops.cross_entropy(x, y)), array(33, 40), array(33, dtype="int32")),
    "gelu-gradient": (gradient(ops.gelu), array(900)),
    "transpose": (lambda a: a.swapaxes(0, 1) * 2, array(100, 64)),
    "transpose-inside": (lambda a: ops.transpose(a, (2, 0, 1)) + 1, array(9, 5, 24)),
    "strides": (lambda a: a[:, ::2] * 2.0, array(13, 98)),
    "concat": (lambda a, b: ops.concat((a, b), 1), array(40, 24), array(40, 17)),
    "pad": (lambda a: ops.pad(a, (1, 2)), array(40, 24)),
    "max-pooling": (lambda a: ops.max_pool2d(a, 3, 3), array(2, 3, 12, 12)),
    "average-pooling-gradient": (gradient(lambda a: ops.avg_pool2d(a, 2, 2)), array(2, 3, 12, 12)),
    "random": (lambda a: ops.dropout(a, 0.3, seed=3), array(31, 40)),
    "optimizer": (adam, array(1200), array(1200), array(1200), array(1200)),
    "rows-by-index": (lambda a, i: ops.gather(a, i, 0) * 2, array(40, 33), array(19, dtype="int32")),
    "rows-by-index-gradient": (gradient(lambda a, i: ops.gather(a, i, 0) * 2), array(40, 33), array(19, dtype="int32")),
    "one-hot": (lambda i: ops.one_hot(i, 12, ms.Tensor(1.0), ms.Tensor(0.0)), array(40, dtype="int32")),
    "matmul": (ops.matmul, half(100, 200), half(200, 70)),
    "matmul-f32": (ops.matmul, array(50, 100), array(100, 70)),
    "matmul-transposed": (lambda a, b: ops.matmul(a.swapaxes(0, 1), b.swapaxes(0, 1)), half(120, 50), half(70, 120)),
    "matmul-gradient": (gradient(ops.matmul, 0, 1), half(150, 200), half(200, 140)),
    "matmul-epilogue": (lambda a, b, c: ops.relu(ops.matmul(a, b) + c), array(50, 100), array(100, 70), array(70)),
    "matmul-batched": (ops.matmul, half(3, 50, 60), half(3, 60, 40)),
    "matrix-vector": (ops.matmul, half(1000, 600), half(600)),
    "split-product": (ops.matmul, half(20, 2100), half(2100, 20)),
    "convolution": (convolution, IMAGE, WEIGHT),
    "convolution-gradient": (gradient(convolution, 0, 1), IMAGE, WEIGHT),
    "convolution-1x1": (lambda x, w: ops.conv2d(x, w), array(2, 5, 6, 6), array(7, 5, 1, 1)),
    "dense": (nn.Dense(60, 40), array(50, 60)),
    "attention": (attention, half(7, 24, 80), half(7, 24, 80), half(7, 24, 80)),
}

# Small memories and few cores make loops of many steps.
SMALL = "ub_bytes = 8192 : i64, aiv_cores = 1 : i64, aic_cores = 1 : i64, l1_bytes = 16384 : i64, l0a_bytes = 4096 : i64, l0b_bytes = 4096 : i64, l0c_bytes = 8192 : i64"
# These kinds need more of something.
OTHER = {
    "folded-rows": [("ub_bytes = 8192", "ub_bytes = 49152")],
    "full-sum": [("aiv_cores = 1", "aiv_cores = 4")],  # cores share the sum, a second kernel joins
    "split-product": [("aic_cores = 1", "aic_cores = 8")],
    "transpose": [("ub_bytes = 8192", "ub_bytes = 16384")],
    "functions": [("ub_bytes = 8192", "ub_bytes = 16384")],
}


def compiled(name: str, numbers: str | None = None) -> dict[str, str]:
    """The kernels of the vector and cube cores of a program, each a module of its own, for a chip with these numbers."""
    function, *inputs = KINDS[name]
    text = ms.jit(function).lower(*[Tensor(a) for a in inputs]).mlir("linalg")
    if numbers is None:
        numbers = SMALL
        for old, new in OTHER.get(name, ()):
            numbers = numbers.replace(old, new)
    target = f'ascend.target = #ascend.target<"Ascend910B3", {{{numbers}}}>'
    text = re.sub(r"^module( attributes \{)?", lambda m: f"module attributes {{{target}" + (", " if m[1] else "} "), text, count=1, flags=re.M)
    module = Module.parse(text)
    module.run("linalg-to-ascend")
    return kernels(module.text())
