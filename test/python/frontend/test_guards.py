"""A compiled function never answers for a world that has changed: each thing that capture read is changed between two calls."""
from __future__ import annotations

import gc
import sys
import types
import weakref

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Parameter, Tensor, jit, nn, ops, value_and_grad
from cellgrad._errors import CaptureError, CaptureWarning

scale = 2.0
table = {"scale": 2.0, "list": [1.0, 2.0]}
captures = []


class Box:
    factor = 3.0

    def __init__(self):
        self.k = 2.0
        self.inner = None

    def apply(self, x):
        return x * self.k

    @property
    def twice(self):
        return self.k * 2


@pytest.fixture
def x():
    return Tensor([1.0, 2.0])


def values(t):
    return t.asnumpy().tolist()


def counted(fn, *args):
    """The result of a call and how many programs the function has."""
    return values(fn(*args)), fn.stats()["entries"]


def test_nothing_changed_is_one_program(x):
    f = jit(lambda v: v * scale)
    assert counted(f, x) == ([2.0, 4.0], 1)
    assert counted(f, x) == ([2.0, 4.0], 1)
    assert f.stats()["hits"] == 1


def test_global_number(x, monkeypatch):
    f = jit(lambda v: v * scale)
    assert values(f(x)) == [2.0, 4.0]
    monkeypatch.setitem(globals(), "scale", 5.0)
    assert values(f(x)) == [5.0, 10.0]
    monkeypatch.undo()
    assert counted(f, x) == ([2.0, 4.0], 2)


def test_global_dict_and_nested_list(x):
    f = jit(lambda v: v * table["scale"] + table["list"][0])
    assert values(f(x)) == [3.0, 5.0]
    table["scale"] = 3.0
    try:
        assert values(f(x)) == [4.0, 7.0]
        table["list"][0] = 0.0
        assert values(f(x)) == [3.0, 6.0]
    finally:
        table["scale"], table["list"][0] = 2.0, 1.0


def test_closure_variable(x):
    k = 2.0

    @jit
    def f(v):
        return v * k

    assert values(f(x)) == [2.0, 4.0]
    k = 3.0
    assert values(f(x)) == [3.0, 6.0]


def test_function_called_by_the_function(x):
    k = 2.0

    helper = lambda v: v * k

    f = jit(lambda v: helper(v) + 1)
    assert values(f(x)) == [3.0, 5.0]
    k = 3.0
    assert values(f(x)) == [4.0, 7.0]
    helper = lambda v: v
    assert values(f(x)) == [2.0, 3.0]


def test_attribute_of_a_plain_object_and_of_its_class(x, monkeypatch):
    box = Box()
    f = jit(lambda v: box.apply(v) * box.factor + box.twice)
    assert values(f(x)) == [10.0, 16.0]
    box.k = 1.0
    assert values(f(x)) == [5.0, 8.0]
    monkeypatch.setattr(Box, "factor", 1.0)
    assert values(f(x)) == [3.0, 4.0]
    assert "__getattribute__" not in Box.__dict__


def test_object_behind_an_object(x):
    box = Box()
    box.inner = Box()

    @jit
    def f(v):
        inner = box.inner
        return v * inner.k

    assert values(f(x)) == [2.0, 4.0]
    box.inner.k = 4.0
    assert values(f(x)) == [4.0, 8.0]
    box.inner = Box()
    assert values(f(x)) == [2.0, 4.0]


def test_unrelated_attribute_does_not_recapture(x):
    box = Box()
    f = jit(lambda v: v * box.k)
    f(x)
    box.other = 5
    assert counted(f, x)[1] == 1


def test_argument_object(x):
    box = Box()
    f = jit(lambda b, v: v * b.k)
    assert values(f(box, x)) == [2.0, 4.0]
    box.k = 5.0
    assert values(f(box, x)) == [5.0, 10.0]


def test_module_attribute(x):
    module = types.ModuleType("settings_of_a_user")
    module.rate = 2.0
    sys.modules[module.__name__] = module
    scope = {"settings": module}
    exec("def f(v):\n    return v * settings.rate", scope)
    f = jit(scope["f"])
    assert values(f(x)) == [2.0, 4.0]
    module.rate = 7.0
    assert values(f(x)) == [7.0, 14.0]


def test_default_argument(x):
    def f(v, k=2.0):
        return v * k

    compiled = jit(f)
    assert values(compiled(x)) == [2.0, 4.0]
    f.__defaults__ = (3.0,)
    assert values(compiled(x)) == [3.0, 6.0]


def test_numpy_array_of_the_closure(x):
    weights = np.array([1.0, 2.0], np.float32)
    f = jit(lambda v: v * Tensor(weights))
    assert values(f(x)) == [1.0, 4.0]
    weights[0] = 5.0
    assert values(f(x)) == [5.0, 4.0]


def test_python_argument_is_part_of_the_signature(x):
    f = jit(lambda v, n: v * n)
    assert values(f(x, 2)) == [2.0, 4.0]
    assert values(f(x, 3)) == [3.0, 6.0]
    assert values(f(x, 2.0)) == [2.0, 4.0]
    assert f.stats()["entries"] == 3


def test_list_that_the_function_fills(x):
    seen = []

    def f(v):
        seen.append(1)
        return v * len(seen)

    compiled = jit(f)
    assert [values(compiled(x)) for _ in range(3)] == [[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.w = Parameter(Tensor([1.0, 1.0]), name="w")
        self.gain = 2.0
        self.extra = None
        self.options = {"bias": 1.0}

    def construct(self, v):
        out = v * self.w * self.gain + self.options["bias"]
        if self.training:
            out = out * 10
        if self.extra is not None:
            out = out + self.extra
        if hasattr(self, "late"):
            out = out * 0
        return out


@pytest.mark.parametrize("how", ["jit", "graph", "grad"])
def test_cell(how, x):
    net = Net()
    if how == "jit":
        f = jit(lambda v: net(v))
    elif how == "graph":
        ms.set_context(mode=ms.GRAPH_MODE)
        f = net
    else:
        g = value_and_grad(net, None, net.trainable_params())

        def f(v):
            return g(v)[0]
    try:
        assert values(f(x)) == [3.0, 5.0]
        net.gain = 3.0
        assert values(f(x)) == [4.0, 7.0]
        net.set_train()
        assert values(f(x)) == [40.0, 70.0]
        net.set_train(False)
        net.options["bias"] = 0.0
        assert values(f(x)) == [3.0, 6.0]
        net.extra = Tensor([1.0, 1.0])
        assert values(f(x)) == [4.0, 7.0]
        net.w.set_data(Tensor([0.0, 0.0]))
        assert values(f(x)) == [1.0, 1.0]
        net.w = Parameter(Tensor([1.0, 2.0]), name="w")
        assert values(f(x)) == [4.0, 13.0]
        net.late = True
        assert values(f(x)) == [0.0, 0.0]
    finally:
        ms.set_context(mode=ms.PYNATIVE_MODE)


def test_parameter_update_is_no_new_program(x):
    p = Parameter(Tensor([1.0, 1.0]), name="p")

    @jit
    def step(v):
        ops.assign(p, p + v)
        return p * 1

    assert values(step(x)) == [2.0, 3.0]
    assert values(step(x)) == [3.0, 5.0]
    assert values(p) == [3.0, 5.0]
    assert step.stats()["entries"] == 1


def test_closed_over_tensor_is_read_anew(x):
    c = Tensor([1.0, 1.0])
    f = jit(lambda v: v + c)
    assert values(f(x)) == [2.0, 3.0]
    c[0] = 10.0
    assert counted(f, x) == ([11.0, 3.0], 1)


def test_programs_do_not_pile_up(x):
    box = Box()
    f = jit(lambda v: v * box.k)
    with pytest.warns(CaptureWarning, match=r"captured 16 times, which is slow. The last difference: Box.k: 15.0 -> 16.0"):
        for i in range(70):
            box.k = float(i)
            f(x)
    assert f.stats()["entries"] <= 64


def test_a_derivative_asked_for_again_is_not_compiled_again(x):
    p = Parameter(Tensor([1.0, 1.0]), name="p")

    def f(v):
        return v * v * p

    first = value_and_grad(f, 0, [p])
    first(x)
    second = value_and_grad(f, 0, (p,))
    second(x)
    assert first.compiled() is second.compiled()
    assert first.compiled().stats()["misses"] == 1
    other = value_and_grad(f, 0, None)
    other(x)
    assert other.compiled() is not first.compiled()


def test_programs_do_not_keep_functions_alive(x):
    net = Net()
    value_and_grad(net)(x)
    jit(net)(x)
    gone = weakref.ref(net)
    del net
    gc.collect()
    assert gone() is None


def test_elements_read_into_python(x):
    p = Parameter(Tensor(2.0), name="p")
    f = jit(lambda v: v * float(p))
    assert values(f(x)) == [2.0, 4.0]
    p.set_data(Tensor(3.0))
    assert values(f(x)) == [3.0, 6.0]
    p.set_data(Tensor(2.0))
    assert counted(f, x) == ([2.0, 4.0], 2)


def test_too_many_elements_for_python(x):
    c = Tensor(np.zeros(5000, np.float32))
    with pytest.raises(CaptureError, match=r"tolist\(\) needs the values"):
        jit(lambda v: v * c.tolist()[0])(x)


def test_attribute_that_the_function_sets_before_it_reads_it(x):
    box = Box()

    @jit
    def f(v):
        box.parts = []
        box.parts.append(2.0)
        return v * box.parts[0]

    for _ in range(3):
        assert counted(f, x) == ([2.0, 4.0], 1)


def test_attribute_that_the_function_reads_and_sets(x):
    net = Net()
    net.calls = 0

    class Counting(nn.Cell):
        def construct(self, v):
            net.calls = net.calls + 1
            return v * net.calls

    f = jit(Counting())
    assert [values(f(x)) for _ in range(3)] == [[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]
    assert "__setattr__" in nn.Cell.__dict__
    assert nn.Cell.__setattr__.__module__ == "cellgrad.nn.cell"


def test_misses_are_explained(x, monkeypatch, capfd):
    monkeypatch.setenv("CELLGRAD_EXPLAIN_MISSES", "1")
    box = Box()

    @jit
    def scaled(v):
        return v * box.k

    scaled(x)
    box.k = 9.0
    scaled(x)
    scaled(Tensor([1.0]))
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "cellgrad: scaled is captured for the first time"
    assert "Box.k: 2.0 -> 9.0" in lines[1]
    assert lines[2] == "cellgrad: scaled is captured, because of v: Tensor Float32(2) -> Tensor Float32(1)"


def test_name_of_a_parameter_in_the_result(x):
    p = Parameter(Tensor([1.0, 1.0]), name="old")
    g = value_and_grad(lambda v: v * p, None, p, return_ids=True)
    assert g(x)[1][0] == "old"
    p.name = "new"
    assert g(x)[1][0] == "new"
