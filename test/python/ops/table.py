"""One row per op of the dialect that has a Python function: a NumPy reference, samples and edge points.

A row makes the generic checks of test_table.py: values of every dtype, edge points, first and second derivatives against finite differences, eager
against compiled, broadcasting, empty and 0-d operands.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

FLOATS = ("float16", "bfloat16", "float32", "float64")
INTS = ("int8", "int16", "int32", "int64", "uint8")
NUMBERS = INTS + FLOATS
ALL = ("bool_", *NUMBERS)
INF, NAN = math.inf, math.nan


@dataclass(frozen=True)
class Row:
    """``call`` gets cellgrad.ops and Tensors, ``reference`` arrays; ``shapes`` and ``domains`` say from where each operand is drawn."""

    op: str
    call: Callable[..., Any]
    reference: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...] = ((3, 4),)
    domains: tuple[tuple[float, float], ...] = ((-3.0, 3.0),)
    dtypes: tuple[str, ...] = FLOATS
    edges: tuple[tuple[float, ...], ...] = ()
    derivative: bool = True
    second: bool = True
    elementwise: bool = True
    tolerance: float = 1.0
    name: str = ""
    differentiable: tuple[int, ...] | None = None
    dtype_of: dict[int, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name or self.op


def _plain(op: str) -> Callable[..., Any]:
    return lambda ops, *xs: getattr(ops, op)(*xs)


def unary(op: str, reference: Callable[..., Any], low: float = -3.0, high: float = 3.0, edges: tuple = (), **more: Any) -> Row:
    return Row(op, more.pop("call", _plain(op)), reference, domains=((low, high),), edges=((*edges, INF, -INF, NAN),), **more)


def binary(op: str, reference: Callable[..., Any], low: float = -3.0, high: float = 3.0, edges: tuple = (), **more: Any) -> Row:
    return Row(op, more.pop("call", _plain(op)), reference, shapes=((3, 4), (3, 4)), domains=((low, high),) * 2, edges=edges, **more)


_EDGE = ((0.0, -0.0, 1.0, -1.0, INF, -INF, NAN, 2.0), (0.0, 3.0, 1.0, 0.0, INF, INF, 1.0, NAN))
_erf = np.vectorize(math.erf, otypes=[np.float64])


def _float(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: f(*(np.asarray(x, np.float64) for x in xs))


def _sigmoid(x: Any) -> Any:
    return np.where(x < 0, np.exp(np.minimum(x, 0)) / (1 + np.exp(np.minimum(x, 0))), 1 / (1 + np.exp(-np.maximum(x, 0))))


def _softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def _normal(x: Any, axis: Any) -> Any:
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + 1e-5)


ELEMENTWISE = [
    unary("exp", np.exp, edges=(0, 100, -100, 1e-8)),
    unary("expm1", np.expm1, edges=(0, -0.0, 1e-8, -1e-8, 50, -50)),
    unary("log", np.log, 0.2, 4, edges=(0, 1, -1, 1e-30)),
    unary("log1p", np.log1p, -0.6, 4, edges=(0, -0.0, -1, -2, 1e-8)),
    unary("sqrt", np.sqrt, 0.2, 4, edges=(0, 4, -1)),
    unary("rsqrt", lambda x: 1 / np.sqrt(x), 0.2, 4, edges=(4, 1, -1)),
    unary("sin", np.sin, edges=(0, 1, -1, 10)),
    unary("cos", np.cos, edges=(0, 1, -1, 10)),
    unary("tan", np.tan, -1.2, 1.2, edges=(0, 1, -1)),
    unary("asin", np.arcsin, -0.8, 0.8, edges=(0, 1, -1, 2)),
    unary("acos", np.arccos, -0.8, 0.8, edges=(0, 1, -1, 2)),
    unary("atan", np.arctan, edges=(0, 1, -1)),
    unary("sinh", np.sinh, edges=(0, 1, -1)),
    unary("cosh", np.cosh, edges=(0, 1, -1)),
    unary("tanh", np.tanh, edges=(0, -0.0, 20, -20, 1e-8)),
    unary("erf", _erf, edges=(0, -0.0, 4, -4, 1e-8)),
    unary("sigmoid", _sigmoid, edges=(0, 40, -40)),
    unary("gelu", lambda x: x * (1 + _erf(x / math.sqrt(2))) / 2, edges=(0, 5, -5)),
    unary("neg", np.negative, dtypes=tuple(d for d in NUMBERS if d != "uint8"), edges=(0, 1)),
    unary("abs", np.abs, 0.2, 3, dtypes=NUMBERS, edges=(0, -1, 1)),
    unary("sign", np.sign, 0.2, 3, dtypes=NUMBERS, edges=(0, -2, 2)),
    unary("relu", lambda x: np.maximum(x, 0), 0.2, 3, dtypes=NUMBERS, edges=(0, -1, 1)),
    unary("floor", np.floor, 0.1, 0.9, dtypes=NUMBERS, edges=(0, 1.5, -1.5, 2)),
    unary("ceil", np.ceil, 0.1, 0.9, dtypes=NUMBERS, edges=(0, 1.5, -1.5, 2)),
    unary("round", np.round, 0.1, 0.4, dtypes=NUMBERS, edges=(0.5, 1.5, 2.5, -0.5, -1.5)),
    unary("trunc", np.trunc, 0.1, 0.9, dtypes=NUMBERS, edges=(0, 1.5, -1.5)),
    unary("clamp", lambda x: np.clip(x, -1.0, 1.5), edges=(-1, 1.5, 0), call=lambda ops, x: ops.clamp(x, -1.0, 1.5)),
    unary("cast", lambda x: x, dtypes=NUMBERS, edges=(0, 1), call=lambda ops, x: ops.cast(x, "float64")),
    unary("full_like", lambda x: np.full_like(x, 3), dtypes=NUMBERS, edges=(0,), call=lambda ops, x: ops.full_like(x, 3)),
    unary("stop_gradient", lambda x: x, dtypes=ALL, derivative=False, edges=(0,)),
    binary("add", np.add, dtypes=NUMBERS, edges=_EDGE),
    binary("sub", np.subtract, dtypes=NUMBERS, edges=_EDGE),
    binary("mul", np.multiply, dtypes=NUMBERS, edges=_EDGE),
    binary("div", _float(np.divide), 0.5, 3, dtypes=FLOATS, edges=_EDGE),
    binary("pow", np.power, 0.5, 2.5, dtypes=FLOATS, edges=((0, 0, 2, -2, 4, 1, NAN, INF), (0, 2, -1, 3, 0.5, NAN, 0, 0)), tolerance=4),
    binary("maximum", np.maximum, dtypes=NUMBERS, edges=_EDGE),
    binary("minimum", np.minimum, dtypes=NUMBERS, edges=_EDGE),
    binary("atan2", np.arctan2, 0.3, 3, edges=((0, 1, -1, 0, 1), (1, 0, 0, -1, -1))),
    *(binary(op, ref, dtypes=ALL, derivative=False, edges=_EDGE) for op, ref in (
        ("equal", np.equal), ("not_equal", np.not_equal), ("less", np.less), ("less_equal", np.less_equal), ("greater", np.greater),
        ("greater_equal", np.greater_equal))),
    *(binary(op, ref, dtypes=ALL, derivative=False) for op, ref in (
        ("logical_and", np.logical_and), ("logical_or", np.logical_or), ("logical_xor", np.logical_xor))),
    unary("logical_not", np.logical_not, dtypes=ALL, derivative=False),
    Row("select", _plain("select"), np.where, ((3, 4),) * 3, ((0, 1), (-3, 3), (-3, 3)), NUMBERS, dtype_of={0: "bool_"}, differentiable=(1, 2)),
]


def shaped(op: str, call: Callable[..., Any], reference: Callable[..., Any], *shapes: tuple[int, ...], **more: Any) -> Row:
    domains = more.pop("domains", ((-2.0, 2.0),) * len(shapes))
    return Row(op, call, reference, shapes or ((2, 3, 4),), domains or ((-2.0, 2.0),), elementwise=False, **more)


def reduction(op: str, function: str, reference: Callable[..., Any], **more: Any) -> list[Row]:
    """The reduction over all, one and two axes, with and without the reduced dimensions."""
    rows = []
    for axis, keep in ((None, False), (1, False), ((0, 2), True), (-1, True)):
        rows.append(shaped(op, lambda ops, x, a=axis, k=keep: getattr(ops, function)(x, a, k), lambda x, a=axis, k=keep: reference(x, axis=a, keepdims=k), (2, 3, 4),
                           domains=((-2.0, 2.0),), name=f"{op}-{axis}-{keep}", **more))
    return rows


def _wide(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, **k: f(x.astype(np.int64) if x.dtype.kind in "iub" else x, **k)


def _cells(x: Any, index: Any, axis: int) -> Any:
    return np.take(x, index, axis)


_INDEX = np.array([0, 2, 0, 1], np.int32)


def _scatter_add(x: Any, u: Any) -> Any:
    out = x.copy()
    np.add.at(out, _INDEX, u)
    return out


STRUCTURED = [
    *reduction("reduce_sum", "sum", _wide(np.sum), dtypes=ALL),
    *reduction("reduce_mean", "mean", np.mean),
    *reduction("reduce_prod", "prod", _wide(np.prod), dtypes=NUMBERS, tolerance=8),
    *reduction("reduce_max", "amax", np.max, dtypes=NUMBERS),
    *reduction("reduce_min", "amin", np.min, dtypes=NUMBERS),
    *reduction("reduce_any", "any", np.any, dtypes=ALL, derivative=False),
    *reduction("reduce_all", "all", np.all, dtypes=ALL, derivative=False),
    shaped("argmax", lambda ops, x: ops.argmax(x, 1), lambda x: np.argmax(x, 1), dtypes=NUMBERS, derivative=False),
    shaped("argmin", lambda ops, x: ops.argmin(x, 1), lambda x: np.argmin(x, 1), dtypes=NUMBERS, derivative=False),
    shaped("cumsum", lambda ops, x: ops.cumsum(x, 1), lambda x: np.cumsum(x, 1, dtype=x.dtype), dtypes=NUMBERS),
    shaped("reshape", lambda ops, x: ops.reshape(x, (4, -1)), lambda x: x.reshape(4, 6), dtypes=ALL),
    shaped("transpose", lambda ops, x: ops.transpose(x, (2, 0, 1)), lambda x: x.transpose(2, 0, 1), dtypes=ALL),
    shaped("broadcast", lambda ops, x: ops.broadcast_to(x, (2, 3, 4)), lambda x: np.broadcast_to(x, (2, 3, 4)), (3, 1), dtypes=ALL),
    shaped("slice", lambda ops, x: ops.slice(x, (0, 1, 0), (2, 2, 3)), lambda x: x[:, 1:, :3], dtypes=ALL),
    shaped("slice", lambda ops, x: ops.strided_slice(x, (0, 0, 3), (2, 3, -5), (1, 2, -2)), lambda x: x[:, ::2, 3::-2], dtypes=ALL, name="strided_slice"),
    shaped("pad", lambda ops, x: ops.pad(x, (1, 2, 0, 1), value=3.0), lambda x: np.pad(x, ((0, 0), (0, 1), (1, 2)), constant_values=3), dtypes=NUMBERS),
    shaped("concat", lambda ops, x, y: ops.concat((x, y), 1), lambda x, y: np.concatenate((x, y), 1), (2, 3), (2, 1), dtypes=ALL),
    shaped("reverse", lambda ops, x: ops.flip(x, (0, 2)), lambda x: np.flip(x, (0, 2)), dtypes=ALL),
    shaped("gather", lambda ops, x: ops.gather(x, _tensor(_INDEX), 1), lambda x: np.take(x, _INDEX, 1), (2, 3, 4), dtypes=ALL),
    shaped("scatter_add", lambda ops, x, u: ops.tensor_scatter_add(x, _tensor(_INDEX.reshape(4, 1)), u), _scatter_add, (3, 2), (4, 2), dtypes=FLOATS),
    shaped("one_hot", lambda ops, x: ops.one_hot(ops.cast(x, "int32"), 4, 1.0, 0.0, 1), lambda x: np.eye(5)[np.clip(x.astype(int), -1, 4)][:, :, :4].transpose(0, 2, 1),
           (2, 3), domains=((0.0, 3.9),), derivative=False),
    shaped("iota", lambda ops, x: ops.arange(6, dtype="float32") + x, lambda x: np.arange(6) + x, (6,), dtypes=("float32",)),
    shaped("softmax", lambda ops, x: ops.softmax(x, 1), lambda x: _softmax(x, 1)),
    shaped("log_softmax", lambda ops, x: ops.log_softmax(x, 1), lambda x: np.log(_softmax(x, 1))),
    shaped("cross_entropy", lambda ops, x: ops.cross_entropy(x, _tensor(np.array([1, 3, 0], np.int32)), reduction="none"),
           lambda x: -np.log(_softmax(x, 1))[np.arange(3), [1, 3, 0]], (3, 4), domains=((-2.0, 2.0),)),
    shaped("softmax_cross_entropy", lambda ops, x, y: ops.cross_entropy(x, y, reduction="none"), lambda x, y: -(y * np.log(_softmax(x, 1))).sum(1), (3, 4), (3, 4)),
    shaped("layer_norm", lambda ops, x, g, b: ops.layer_norm(x, (4,), g, b), lambda x, g, b: _normal(x, -1) * g + b, (2, 3, 4), (4,), (4,), tolerance=4),
    shaped("batch_norm", lambda ops, x, g, b: ops.batch_norm(x, g, g, g, b, True), lambda x, g, b: _normal(x, (0, 2)) * g[:, None] + b[:, None], (2, 3, 4), (3,), (3,),
           tolerance=4),
    shaped("matmul", lambda ops, a, b: ops.matmul(a, b), np.matmul, (3, 4), (4, 2), dtypes=NUMBERS),
    shaped("matmul", lambda ops, a, b: ops.matmul(a, b), np.matmul, (2, 1, 3, 4), (5, 4, 2), name="matmul-batched"),
    shaped("matmul", lambda ops, a, b: ops.dense(a, b), lambda a, b: a @ b.T, (2, 3, 4), (5, 4), name="matmul-transposed"),
]


def _tensor(array: Any) -> Any:
    import cellgrad as ms

    return ms.Tensor(array)


ROWS = ELEMENTWISE + STRUCTURED
