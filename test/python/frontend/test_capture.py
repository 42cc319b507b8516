"""What a capture makes of a program: results, Parameters, nested functions, what may not leave it."""
from __future__ import annotations

from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Parameter, Tensor, grad, jit, nn, ops, value_and_grad
from cellgrad._errors import CaptureError

Pair = namedtuple("Pair", "first second")


@pytest.fixture
def x():
    return Tensor([1.0, 2.0])


def values(t):
    return t.asnumpy().tolist()


def test_results_keep_their_structure(x):
    marker = object()

    @jit
    def f(v):
        return {"a": [v * 2, None, 3], "b": (v, "text", marker), "c": Pair(v + 1, ())}

    for _ in range(2):
        out = f(x)
        assert list(out) == ["a", "b", "c"]
        assert values(out["a"][0]) == [2.0, 4.0]
        assert out["a"][1:] == [None, 3]
        assert out["b"][0] is x
        assert out["b"][1:] == ("text", marker)
        assert type(out["c"]) is Pair
        assert values(out["c"].first) == [2.0, 3.0]
        assert out["c"].second == ()


def test_ordered_dict_and_same_tensor_twice(x):
    def f(v):
        y = v * 2
        return OrderedDict(p=y, q=y)

    out = jit(f)(x)
    assert type(out) is OrderedDict
    assert values(out["p"]) == values(out["q"]) == [2.0, 4.0]


def test_program_that_computes_nothing(x):
    f = jit(lambda v, k=3: (v, k, "s"))
    assert f(x) == (x, 3, "s")
    assert f(x)[0] is x


def test_arguments(x):
    @jit
    def f(a, b=2.0, *rest, c, **more):
        return a * b + sum(rest) + c + more.get("d", 0)

    assert values(f(x, c=1)) == [3.0, 5.0]
    assert values(f(x, 3.0, x, x, c=x, d=x)) == [7.0, 14.0]
    assert values(f(c=x, a=x, b=x)) == [2.0, 6.0]
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'c'"):
        f(x)


def test_wrong_arguments_raise_as_python_does(x):
    @jit
    def f(a, b):
        return a * b

    with pytest.raises(TypeError, match=r"f\(\) missing 1 required positional argument: 'b'"):
        f(x)
    with pytest.raises(TypeError, match=r"f\(\) takes 2 positional arguments but 3 were given"):
        f(x, x, x)
    with pytest.raises(TypeError, match=r"f\(\) got an unexpected keyword argument 'q'"):
        f(x, x, q=1)


def test_new_shapes_and_dtypes_are_new_programs(x):
    f = jit(lambda v: v + v)
    assert values(f(x)) == [2.0, 4.0]
    assert values(f(Tensor([[1.0]]))) == [[2.0]]
    assert f(Tensor([1], ms.int32)).dtype is ms.int32
    assert f.stats()["entries"] == 3


def test_method_and_staticmethod(x):
    class Model:
        def __init__(self):
            self.k = 2.0

        @jit
        def scaled(self, v):
            return v * self.k

        @staticmethod
        @jit
        def twice(v):
            return v * 2

    m = Model()
    assert values(m.scaled(x)) == [2.0, 4.0]
    m.k = 3.0
    assert values(m.scaled(x)) == [3.0, 6.0]
    assert values(m.twice(x)) == values(Model.twice(x)) == [2.0, 4.0]


def test_parameters_are_updated_in_place(x):
    p = Parameter(Tensor([1.0, 1.0]), name="p")
    view = p.asnumpy()

    @jit
    def step(v):
        p.set_data(p + v)
        ops.assign(p, p * 2)
        return p, p * 1

    kept, after = step(x)
    assert kept is p
    assert values(after) == values(p) == view.tolist() == [4.0, 6.0]
    step(x)
    assert view.tolist() == [10.0, 16.0]


def test_update_inside_a_cell_inside_a_derivative(x):
    class Counter(nn.Cell):
        def __init__(self):
            super().__init__()
            self.calls = Parameter(Tensor([0.0]), name="calls", requires_grad=False)
            self.w = Parameter(Tensor([1.0, 2.0]), name="w")

        def construct(self, v):
            ops.assign(self.calls, self.calls + 1)
            return v * self.w * self.calls

    class Outer(nn.Cell):
        def __init__(self):
            super().__init__()
            self.inner = Counter()

        def construct(self, v):
            return self.inner(self.inner(v))

    net = Outer()
    step = value_and_grad(net, 0, net.trainable_params())
    out, (dx, (dw,)) = step(x)
    assert values(net.inner.calls) == [2.0]
    assert values(out) == [2.0, 16.0]  # v * w * 1 * w * 2
    assert values(dx) == [2.0, 8.0]
    assert values(dw) == [4.0, 16.0]
    step(x)
    assert values(net.inner.calls) == [4.0]


def test_input_written_in_place(x):
    @jit
    def f(v):
        v[0] = 7.0
        return v * 2

    assert values(f(x)) == [14.0, 4.0]
    assert values(x) == [7.0, 2.0]


def test_tensor_made_inside_is_new_at_each_call(x):
    @jit
    def f(v):
        made = Tensor([0.0, 0.0])
        made[1] = v[1]
        return made

    first = f(x)
    assert values(first) == [0.0, 2.0]
    assert values(f(Tensor([5.0, 6.0]))) == [0.0, 6.0]
    assert values(first) == [0.0, 2.0]


def test_closure_of_an_inner_function_over_a_traced_value(x):
    @jit
    def f(v):
        scale = v * 3
        return grad(lambda u: u * u * scale)(v)

    assert values(f(x)) == [6.0, 24.0]


def test_derivative_of_a_derivative_by_what_the_inner_one_closes_over(x):
    def f(v):
        return grad(lambda u: u * u * v)(v)  # 2 v v

    assert values(grad(f)(x)) == [4.0, 8.0]


def test_traced_tensor_that_escapes(x):
    kept = []
    jit(lambda v: kept.append(v * 2))(x)
    with pytest.raises(CaptureError, match="outside the function that computed it"):
        kept[0] + 1
    with pytest.raises(CaptureError, match="outside the function that computed it"):
        jit(lambda v: v + kept[0])(x)


def test_capture_that_fails_leaves_nothing_behind(x):
    def f(v):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        jit(f)(x)
    assert values(x + 1) == [2.0, 3.0]


@pytest.mark.parametrize(("body", "word"), [
    (lambda v: [1 for _ in "a" if v.sum() > 0], "condition of a comprehension"), (lambda v: int(v[0]), r"int\(\)"), (lambda v: float(v[0]), r"float\(\)"), (lambda v: v.asnumpy(), "asnumpy"),
    (lambda v: np.exp(v), "numpy"), (lambda v: v.tolist(), "tolist"), (lambda v: v[0].item(), "item"), (lambda v: range(v), "index"),
    (lambda v: v[v > 1], "bool mask"), (lambda v: v and v, "not one truth value"),
])
def test_python_that_needs_values(x, body, word):
    with pytest.raises((CaptureError, TypeError, ValueError), match=word):
        jit(body)(x)


def test_iteration_over_a_known_length(x):
    def f(v):
        total = 0
        for element in v:
            total = total + element
        return total

    assert values(jit(f)(x)) == 3.0


def test_looking_at_a_program(x):
    f = jit(lambda v: v * 2)
    with pytest.raises(ValueError, match="not been compiled yet"):
        f.mlir()
    f(x)
    assert "cell.mul" in f.mlir("cell")
    assert f.timings()["capture"] > 0
    assert "cell.mul" in f.lower(Tensor([1.0, 2.0, 3.0])).mlir()


def test_cells_are_functions_and_keep_their_lines(x):
    class Net(nn.Cell):
        def construct(self, v):
            return v * 2

    net = Net()
    f = jit(lambda v: net(v) + net(v))
    f(x)
    text = f.mlir("cell")
    assert text.count("call @Net") == 2
    module = f.lower(x).module.text(True)
    assert "test_capture.py" in module
    assert "_frontend" not in module


def test_two_names_of_a_tensor_that_is_written(x):
    p = Parameter(Tensor([1.0, 1.0]), name="p")

    @jit
    def f(q, v):
        ops.assign(q, q + v)
        return p * 1

    other = Parameter(Tensor([0.0, 0.0]), name="other")
    assert values(f(other, x)) == [1.0, 1.0]
    with pytest.raises(NotImplementedError, match="Parameter 'p' is written under one name"):
        f(p, x)

    @jit
    def g(v):
        ops.assign(p, p + 1)
        return v * 1

    g(x)
    with pytest.raises(NotImplementedError, match="Parameter 'p' is written under one name"):
        g(p)
