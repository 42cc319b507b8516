"""Programs for every kind of kernel that linalg-to-gpu-kernels makes, in awkward sizes. Run as `mapping_cases.py TARGET FILE`, it writes their results."""
from __future__ import annotations

import sys

import numpy as np

import cellgrad as ms
from cellgrad import ops

CASES: dict = {}
random = np.random.default_rng(0)


def array(*shape: int, dtype: str = "float32", low: float = -2, high: float = 2) -> np.ndarray:
    return random.uniform(low, high, shape).astype(dtype)


def case(name: str, function, *inputs: np.ndarray) -> None:
    CASES[name] = (function, inputs)


def pointwise() -> None:
    for n in (0, 1, 31, 32, 33, 1023, 1025, 70001):
        case(f"chain-{n}", lambda a, b: ops.tanh(a * b + 1.5), array(n), array(n))
    for dtype in ("float16", "float64", "int8", "int32", "int64"):
        case(f"chain-{dtype}", lambda a, b: a * b + a, array(37, 24, dtype=dtype), array(37, 24, dtype=dtype))
    case("broadcast", lambda a, b, c: (a + b) * c, array(17, 1), array(1, 36), array(36))
    case("mask", lambda a: (a > 0, ops.where(a > 0, a, a * 0.1)), array(33, 8))
    case("mixed", lambda a, h: a * h.astype(ms.float32), array(16, 40), array(16, 40, dtype="float16"))
    case("transpose", lambda a: (a.swapaxes(0, 1) * 2, a.swapaxes(0, 1) + 1), array(33, 65))
    case("pad-concat", lambda a: (ops.concat([a, a * 2], 1), ops.concat([a, a], 0)), array(5, 7))
    case("slice", lambda a: a[1:9:2, 3:] + 1, array(12, 33))
    case("gather", lambda a, i: ops.gather(a, i, 0) * 2, array(10, 12), np.array([[0, 9, 3], [5, 5, 1]], np.int32))
    case("scalar", lambda a, b: ops.exp(a * b) + a, array(), array())
    case("empty", lambda a: (a + 1, a.sum(1), a.sum(0)), array(0, 5))


def reductions() -> None:
    shapes = [((1,), 0), ((7,), 0), ((1025,), 0), ((200003,), 0), ((33, 31), 0), ((33, 31), 1), ((31, 1025), 1), ((1025, 33), 0), ((3, 5, 7), (0, 2)), ((3, 5, 7), 1),
              ((3, 70001), 1), ((70001, 3), 0), ((2000, 40), 1), ((2001, 64), 1), ((64, 64), (0, 1)), ((5, 1, 9), 1), ((700, 12), 1), ((9, 4096), 1), ((40000, 3), 1)]
    for shape, axis in shapes:
        name = "x".join(map(str, shape)) + f"-over-{axis}"
        case(f"sum-{name}", lambda a, axis=axis: a.sum(axis), array(*shape))
        case(f"max-{name}", lambda a, axis=axis: (a.max(axis), a.min(axis)), array(*shape))
    for dtype in ("float16", "float64", "int32", "int64"):
        case(f"sum-{dtype}", lambda a: (a.sum(0), a.sum(1)), array(37, 48, dtype=dtype))
    case("prod", lambda a: ops.prod(a, 1), array(9, 45, low=0.8, high=1.2))
    case("any-all", lambda a: ((a > 1.9).any(1), (a > -1.9).all(0)), array(50, 41))
    case("several", lambda a: (a.sum(1), (a * a).sum(1), a.max(1), a * 3), array(37, 260))
    case("both", lambda a: (a.sum(1), a.sum(0), a + 1), array(130, 132))
    ties = np.round(array(40, 77))
    ties[3, 5] = ties[3, 60] = np.nan
    case("argmax", lambda a: (a.argmax(1), a.argmin(1), a.argmax(0), a.max(1)), ties)
    case("argmax-long", lambda a: (a.argmax(0), a.sum(0)), np.round(array(150000)))
    case("cumsum", lambda a: (a.cumsum(0), a.cumsum(1)), array(19, 35))


def rows() -> None:
    for rows_, columns in [(1, 2), (3, 31), (100, 32), (64, 33), (5, 127), (37, 128), (2, 1023), (3, 1025), (2, 5000), (1, 20001), (2, 40000), (3000, 6)]:
        size = f"{rows_}x{columns}"
        x, g, b = array(rows_, columns), array(columns), array(columns)
        labels = random.integers(0, columns, rows_).astype(np.int32)
        case(f"softmax-{size}", lambda a: (ops.softmax(a, -1), ops.log_softmax(a, -1)), x)
        case(f"softmax-gradient-{size}", lambda a, w: ms.grad(lambda t: (ops.softmax(t, -1) * w).sum())(a), x, array(rows_, columns))
        # Sums of everything beside the rows: a part of the rows' kernel, the rest behind it.
        case(f"softmax-loss-{size}", lambda a, w: ms.value_and_grad(lambda t: (ops.softmax(t, -1) * w).sum())(a), x, array(rows_, columns))
        case(f"layer-norm-loss-{size}", lambda a, w: ms.value_and_grad(lambda t: (ops.layer_norm(t, (t.shape[-1],), ops.ones(t.shape[-1]), ops.zeros(t.shape[-1])) * w).mean())(a), x, array(rows_, columns))
        case(f"rows-and-extremes-{size}", lambda a: (ops.softmax(a, -1), (a * a).max(), a.sum(), a.min(0)), x)
        case(f"layer-norm-{size}", lambda a, g, b: ops.layer_norm(a, g.shape, g, b), x, g, b)
        if columns <= 5000:
            case(f"layer-norm-gradient-{size}", lambda a, g, b, w: ms.grad(lambda t, s, u: (ops.layer_norm(t, s.shape, s, u) * w).sum(), (0, 1, 2))(a, g, b), x, g, b, array(rows_, columns))
        case(f"cross-entropy-{size}", lambda a, y: (ops.cross_entropy(a, y), ms.grad(lambda t: ops.cross_entropy(t, y))(a)), x, labels)
    # Channels of images: in registers, read again, pieces that are no multiples of 16 bytes, more channels than multiprocessors.
    for shape in [(8, 6, 8, 8), (4, 3, 5, 5), (36, 3, 32, 32), (700, 2, 7, 7), (2, 140, 12, 12), (64, 8)]:
        size, channels = "x".join(map(str, shape)), shape[1]
        x, w, g, b = array(*shape), array(*shape), array(channels), array(channels)
        mean, var = np.zeros(channels, np.float32), np.ones(channels, np.float32)
        case(f"batch-norm-{size}", lambda a, g, b, m, v: ops.batch_norm(a, m, v, g, b, training=True), x, g, b, mean, var)
        case(f"batch-norm-gradient-{size}", lambda a, w, g, b, m, v: ms.grad(lambda t, s, u: (ops.relu(ops.batch_norm(t, m, v, s, u, training=True)) * w).sum(), (0, 1, 2))(a, g, b),
             x, w, g, b, mean, var)
    case("softmax-half", lambda a: ops.softmax(a, -1), array(20, 256, dtype="float16"))
    case("softmax-4d", lambda a: ops.softmax(a * 0.3, -1), array(2, 3, 7, 64))
    case("softmax-columns", lambda a: ops.softmax(a, 0), array(65, 33))
    case("batch-statistics", lambda a: ((a - a.mean((0, 2, 3), keep_dims=True)) / (a.var((0, 2, 3), keepdims=True) + 1e-5)), array(4, 3, 9, 8))


def control() -> None:
    def halve(a, limit):
        while a.sum() > limit:
            a = a * 0.5
        return a

    def powers(a):
        s = a
        for i in range(5):
            s = s * 0.5 + i
        return s

    case("condition-on-data", halve, array(33, low=1), np.float32(2.0))
    case("counter", powers, array(12))


for group in (pointwise, reductions, rows, control):
    group()

if __name__ == "__main__":
    target, path = sys.argv[1:]
    ms.set_context(device_target=target)
    results = {}
    for name, (function, inputs) in CASES.items():
        out = ms.jit(function)(*[ms.Tensor(value) for value in inputs])
        for i, result in enumerate(out if isinstance(out, (tuple, list)) else (out,)):
            results[f"{name}.{i}"] = result.asnumpy()
    np.savez(path, **results)
