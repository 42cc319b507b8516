"""HIVM of whole programs: every op of the table, its derivative, and networks, against the vendor's compiler and device library."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from needs import needs

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "tools"), str(ROOT / "test" / "python" / "ops")]

import hivm_check  # noqa: E402
import images  # noqa: E402
import table  # noqa: E402

import cellgrad as ms  # noqa: E402
from cellgrad import Tensor, nn, ops  # noqa: E402

pytestmark = needs(hivm_check.available(), "needs the vendor's compiler: pip install 'cellgrad[ascend]'")
FORMS = ("auto", "planned")
ROWS = {str(row): row for row in table.ROWS + images.ROWS}
CHECKED: set[str] = set()  # equal kernels of different programs are checked once


def accept(function, *operands: Tensor) -> int:
    """Checks all kernels of a program in both forms; gives how many run on vector and cube cores."""
    program = ms.jit(function).lower(*operands, target="ascend")
    count = 0
    for form in FORMS:
        for kernel in hivm_check.kernels(program.hivm(form)):
            count += 1
            key = form + re.sub(r"@\w+", "@", kernel, count=1)
            if key not in CHECKED:
                try:
                    hivm_check.check_kernel(kernel, form)
                except ValueError as error:
                    raise AssertionError(f"{form}: {error}\n{kernel}") from None
                CHECKED.add(key)
    return count // 2


def operands(row: table.Row, dtype: str) -> list[Tensor]:
    random = np.random.default_rng(0)
    out = []
    for k, shape in enumerate(row.shapes):
        mine = row.dtype_of.get(k, dtype)
        low, high = row.domains[k]
        values = random.uniform(low, high, shape)
        if mine == "bool_":
            values = values > (low + high) / 2
        elif not mine.startswith(("float", "bfloat")):
            values = np.floor(np.abs(values))
        out.append(Tensor(values, getattr(ms, mine)))
    return out


@pytest.mark.parametrize("name", [n for n, row in ROWS.items() if "float32" in row.dtypes])
def test_ops(name: str) -> None:
    row = ROWS[name]
    accept(lambda *xs: row.call(ops, *xs), *operands(row, "float32"))


@pytest.mark.parametrize("name", [n for n, row in ROWS.items() if row.derivative and "float32" in row.dtypes])
def test_derivatives(name: str) -> None:
    row = ROWS[name]
    xs = operands(row, "float32")
    accept(ms.grad(lambda *xs: ops.sum(row.call(ops, *xs)), row.differentiable or tuple(range(len(xs)))), *xs)


def test_networks() -> None:
    """Layers of a user's network come out as kernels of both kinds of core."""

    class Net(nn.Cell):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.SequentialCell(nn.Dense(64, 128), nn.LayerNorm((128,)), nn.ReLU(), nn.Dense(128, 10))

        def construct(self, x: Tensor) -> Tensor:
            return self.layers(x)

    net = Net()
    x, y = Tensor(np.random.default_rng(0).normal(size=(32, 64)).astype(np.float32)), Tensor(np.arange(32) % 10, ms.int32)
    loss = nn.CrossEntropyLoss()
    step = ms.value_and_grad(lambda x, y: loss(net(x), y), None, net.trainable_params())
    text = ms.jit(step).lower(x, y, target="ascend").hivm("planned")
    assert "func_core_type<AIC>" in text and "func_core_type<AIV>" in text
    assert accept(step, x, y) > 4


def test_forms_are_checked() -> None:
    program = ms.jit(lambda x: x + 1).lower(Tensor([1.0, 2.0]), target="ascend")
    with pytest.raises(ValueError, match="'auto' or 'planned'"):
        program.hivm("other")
