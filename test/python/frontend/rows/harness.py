"""How a row of the reference is written, run and compared.

``row(name, expression, parameters, arguments)``: ``expression`` is evaluated as the body of a function of ``parameters`` that is called with
``arguments``; ``setup`` is run first. ``gives`` is the expected value: ``f32([1.0])`` a Tensor of that dtype and those values, everything else as
Python has it. ``raises`` and ``match``: the exception and a part of its text. ``note``: why it differs from a mode of the reference.
"""
from __future__ import annotations

import linecache
import functools
import re
from types import SimpleNamespace
from typing import Any

import numpy as np

import cellgrad as ms
from cellgrad import Parameter, ParameterTuple, Tensor, get_grad, grad, jit, mutable, nn, ops, value_and_grad
from cellgrad._errors import CaptureError

DTYPES = {"f16": ms.float16, "bf16": ms.bfloat16, "f32": ms.float32, "f64": ms.float64, "i8": ms.int8, "i32": ms.int32, "i64": ms.int64, "u8": ms.uint8,
          "bool": ms.bool_}
TOLERANCE = {ms.float16: 2e-3, ms.bfloat16: 1e-2}


def row(name: str, expression: str, parameters: str, arguments: str, setup: str = "", gives: str | None = None, raises: str | None = None,
        match: str = "", note: str = "") -> SimpleNamespace:
    return SimpleNamespace(**locals())


class Expected:
    def __init__(self, dtype: Any, values: Any) -> None:
        self.dtype = dtype
        self.values = np.array(values, np.float64)

    def check(self, got: Any) -> None:
        assert isinstance(got, Tensor), f"a Tensor was expected, got {got!r}"
        assert got.dtype is self.dtype, (got.dtype, self.dtype)
        values = got.asnumpy().astype(np.float64)
        assert values.size == self.values.size, (values, self.values)
        np.testing.assert_allclose(values.reshape(self.values.shape) if not values.size else values, self.values, rtol=TOLERANCE.get(self.dtype, 5e-6),
                                   atol=1e-7, equal_nan=True)


class PNet(nn.Cell):
    def __init__(self):
        super().__init__()
        self.w = Parameter(T([2.0, 3.0]), name="w")
        self.b = Parameter(T([1.0, 1.0]), name="b")
        self.u = Parameter(T([7.0]), name="unused")

    def construct(self, x):
        return x * self.w + self.b


class Mul3(nn.Cell):
    def construct(self, x, y, z):
        return x * y * z


def T(values: Any, dtype: Any = ms.float32) -> Tensor:
    return Tensor(values, dtype)


def f_mul(x, y):
    return x * y


def f_sq(x):
    return x * x


def f_sum(x):
    return (x * x).sum()


def f_two(x, y):
    return (x * y, x + y)


def namespace() -> dict[str, Any]:
    return {"ms": ms, "np": np, "nn": nn, "ops": ops, "Tensor": Tensor, "Parameter": Parameter, "ParameterTuple": ParameterTuple, "mutable": mutable,
            "value_and_grad": value_and_grad, "grad": grad, "get_grad": get_grad, "jit": jit, "stop_gradient": ops.stop_gradient, "functools": functools,
            "linearize": ms.linearize, "PNet": PNet, "Mul3": Mul3, "T": T, "f_mul": f_mul, "f_sq": f_sq, "f_sum": f_sum,
            "f_two": f_two, "X": lambda: T([1.0, 2.0]), "Y": lambda: T([3.0, 4.0]), "Z": lambda: T([5.0, 6.0]), "CaptureError": CaptureError}


def missing_ops(r: SimpleNamespace) -> list[str]:
    """Functions of ``ops`` that the row needs and that are not there."""
    return [name for name in re.findall(r"\bops\.(\w+)", r.setup + r.expression) if not hasattr(ops, name)]


def execute(r: SimpleNamespace, mode: str) -> Any:
    scope = namespace()
    code = f"{r.setup.strip()}\ndef program({r.parameters}): return {r.expression}\n"
    file = f"<row {r.name}>"
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)  # control flow is converted from the source
    exec(compile(code, file, "exec"), scope)
    program = jit(scope["program"]) if mode == "jit" else scope["program"]
    arguments = eval(f"({r.arguments},)" if r.arguments else "()", scope)
    return program(*arguments)


def compare(expected: Any, got: Any) -> None:
    if isinstance(expected, Expected):
        expected.check(got)
    elif isinstance(expected, (tuple, list)):
        assert type(got) is type(expected), (type(got), type(expected), got)
        assert len(got) == len(expected), (got, expected)
        for e, g in zip(expected, got):
            compare(e, g)
    elif isinstance(expected, dict):
        assert type(got) is dict
        assert list(got) == list(expected)
        for key in expected:
            compare(expected[key], got[key])
    elif isinstance(expected, np.ndarray):
        assert isinstance(got, np.ndarray)
        np.testing.assert_allclose(got, expected)
    else:
        assert type(got) is type(expected), (got, expected)
        assert got == expected


def expectation(r: SimpleNamespace) -> Any:
    makers = {name: functools.partial(Expected, dtype) for name, dtype in DTYPES.items()}
    return eval(r.gives, {**makers, "array": np.array, "nan": float("nan"), "inf": float("inf")})
