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
from kernel_kinds import KINDS  # noqa: E402

import cellgrad as ms  # noqa: E402
from cellgrad import Tensor, nn, ops  # noqa: E402

pytestmark = needs(hivm_check.available(), "needs the vendor's compiler: pip install 'cellgrad[ascend]'")
FORMS = ("auto", "planned")
ROWS = {str(row): row for row in table.ROWS + images.ROWS}
DTYPES = ("float32", "float16", "bfloat16", "int32")


def kernels_of(label: str, function, operands: list[Tensor], form: str) -> dict[str, str]:
    """The text of each kernel of vector and cube cores, by a label."""
    program = ms.jit(function).lower(*operands, target="ascend")
    return {f"{label}: {re.search(r'@(.*?)[(]', kernel)[1]}": kernel for kernel in hivm_check.kernels(program.hivm(form))}


def accept(kernels: dict[str, str], form: str) -> None:
    """All of them, equal ones once: one call of the vendor's tools takes hundreds of kernels."""
    different = {re.sub(r"@\w+", "@", kernel, count=1): label for label, kernel in kernels.items()}
    wrong = hivm_check.check_kernels({label: kernels[label] for label in different.values()}, form)
    assert not wrong, "\n".join(f"{form}, {label}: {text}\n{kernels[label]}" for label, text in list(wrong.items())[:5])


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


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_ops(dtype: str, form: str) -> None:
    found: dict[str, str] = {}
    for name, row in ROWS.items():
        if dtype in row.dtypes:
            found |= kernels_of(name, lambda *xs, row=row: row.call(ops, *xs), operands(row, dtype), form)
    assert len(found) > 30
    accept(found, form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [d for d in DTYPES if "float" in d])
def test_derivatives(dtype: str, form: str) -> None:
    found: dict[str, str] = {}
    for name, row in ROWS.items():
        if row.derivative and dtype in row.dtypes:
            xs = operands(row, dtype)
            found |= kernels_of(name, ms.grad(lambda *xs, row=row: ops.sum(row.call(ops, *xs)), row.differentiable or tuple(range(len(xs)))), xs, form)
    assert len(found) > 30
    accept(found, form)


@pytest.mark.parametrize("form", FORMS)
def test_kinds_of_kernels(form: str) -> None:
    """Tiles, tails and loops of every kind."""
    found: dict[str, str] = {}
    for name, (function, *inputs) in KINDS.items():
        found |= kernels_of(name, function, [Tensor(a) for a in inputs], form)
    assert len(found) > len(KINDS)
    accept(found, form)


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
    for form in FORMS:
        found = kernels_of("net", step, [x, y], form)
        assert len(found) > 4 and {hivm_check.core_of(kernel) for kernel in found.values()} == {"aic", "aiv"}
        accept(found, form)


def test_a_kernel_that_is_not_taken_is_named() -> None:
    found = kernels_of("f", lambda x: (ops.exp(x), ops.sum(x)), [Tensor(np.ones((40, 40), np.float32))], "auto")
    label = next(label for label, kernel in found.items() if "hivm.hir.vexp ins" in kernel)
    found[label] = found[label].replace("hivm.hir.vexp ins", "hivm.hir.vadd ins")
    assert list(hivm_check.check_kernels(found, "auto")) == [label]


def test_forms_are_checked() -> None:
    program = ms.jit(lambda x: x + 1).lower(Tensor([1.0, 2.0]), target="ascend")
    with pytest.raises(ValueError, match="'auto' or 'planned'"):
        program.hivm("other")
