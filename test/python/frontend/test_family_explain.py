"""``explain``: which argument, attribute or variable sets a call apart from the nearest program."""
from __future__ import annotations

import pytest

import cellgrad as ms
from cellgrad import Parameter, Tensor, jit, nn, value_and_grad

SCALE = 2.0


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.w = Parameter(Tensor([2.0, 3.0]), name="w")
        self.k = 1.0

    def construct(self, x, y=None):
        z = x * self.w * self.k * SCALE
        return z if not self.training else z + 1


def test_first_call_then_cached():
    f = jit(lambda v: v * 2)
    first = f.explain(Tensor([1.0]))
    assert not first and first.programs == 0 and first.changes == () and "for the first time" in str(first)
    f(Tensor([1.0]))
    again = f.explain(Tensor([5.0]))
    assert again.cached and again.programs == 1 and "runs a program that it has" in str(again)
    assert f.stats()["entries"] == 1  # asking captured nothing


def test_every_difference_is_named():
    net = Net()
    f = jit(net)
    f(Tensor([1.0, 2.0]))
    net.k = 3.0
    net.set_train()
    told = f.explain(Tensor([1.0]), y=2)
    assert told.changes[0] == "x: Tensor Float32(2) -> Tensor Float32(1)"
    assert told.changes[1] == "y: not given -> 2"
    assert {"Net.k: 1.0 -> 3.0", "Net.training: False -> True"} <= set(told.changes)
    assert "against the one that it has" in str(told)


def test_globals_closures_and_parameters(monkeypatch):
    step = 1

    def scaled(v):
        return v * SCALE + step

    f = jit(scaled)
    x = Tensor([1.0])
    f(x)
    monkeypatch.setitem(globals(), "SCALE", 4.0)
    step = 2
    assert set(f.explain(x).changes) == {"global SCALE: 2.0 -> 4.0", "closure variable step: 1 -> 2"}
    p = Parameter(Tensor([1.0, 2.0]), name="scale")
    g = jit(lambda v: v * p)
    g(x)
    p.set_data(Tensor([1.0]), slice_shape=True)
    assert g.explain(x).changes == ("Parameter 'scale': Tensor Float32(2) -> Parameter Float32(1)",)


def test_the_nearest_program_is_compared():
    net = Net()
    f = jit(net)
    x = Tensor([1.0, 2.0])
    f(x)
    net.k = 2.0
    f(x)
    net.set_train()
    assert f.explain(x).changes == ("Net.training: False -> True",)  # against k = 2; against k = 1 there are two
    assert f.explain(x).programs == 2


def test_derivatives_name_the_parameters_of_the_function():
    def product(left, right):
        return left * right

    g = value_and_grad(product)
    x = Tensor([1.0, 2.0])
    assert not g.explain(x, x)
    g(x, x)
    assert g.explain(x, x)
    assert g.explain(x, Tensor([1.0, 2.0], ms.float64)).changes == ("right: Tensor Float32(2) -> Tensor Float64(2)",)
    assert g.explain(x, 3.0).changes == ("right: Tensor Float32(2) -> 3.0",)


def test_arguments_that_do_not_bind():
    f = jit(lambda v: v)
    with pytest.raises(TypeError):
        f.explain(Tensor([1.0]), 2)
    with pytest.raises(TypeError):
        f.lower()


def test_structures_keywords_and_order():
    f = jit(lambda *a, **k: a[0] * 2)
    x = Tensor([1.0])
    f(x, [x, {"a": 1}], u=1, v=2)
    assert f.explain(x, [x, {"a": 2}], u=1, v=2).changes == ("argument 1[1]['a']: 1 -> 2",)
    assert f.explain(x, [x], u=1, v=2).changes == ("argument 1: list of length 2 -> list of length 1",)
    assert f.explain(x, [x, {"a": 1}], v=2, u=1).changes == ("keyword arguments in another order: 'u' -> 'v'",)
    assert f.explain(x, [x, {"a": 1}], u=1).changes == ("v: 2 -> not given",)
    assert f.explain(x, [x, {"a": 1}], x, u=1, v=2).changes != ()
