"""vmap: axes, structures, Cells, ensembles, errors."""
from __future__ import annotations

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Parameter, Tensor, grad, jit, nn, ops, value_and_grad, vmap

X = np.arange(6, dtype=np.float32).reshape(2, 3)
Y = np.arange(3, dtype=np.float32)


def same(got: Tensor, expected: np.ndarray) -> None:
    assert got.shape == expected.shape
    np.testing.assert_allclose(got.asnumpy(), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("in_axes, a, b, out_axes, expected", [
    (0, X, X, 0, X - X),
    ((0, None), X, Y, 0, X - Y),
    ((None, 0), Y, X, 0, Y - X),
    ((1, 0), X.T, X, 0, X - X),
    ((-1, -2), X.T, X, 0, X - X),
    ([0, 0], X, X + 1, 1, -np.ones((3, 2), np.float32)),
    ((0, None), X, Y, -1, (X - Y).T),
    ((0, None), X, Y, (0,), X - Y),
])
def test_axes(in_axes, a, b, out_axes, expected):
    def f(u, v):
        assert u.ndim == v.ndim == 1
        return u - v

    call = vmap(f, in_axes, out_axes)
    same(call(Tensor(a), Tensor(b)), expected)
    same(jit(lambda u, v: call(u, v))(Tensor(a), Tensor(b)), expected)


def test_structures_of_arguments_and_outputs():
    def f(pair, table):
        return {"sum": pair[0] + pair[1], "both": (table["a"], [table["b"] * 2])}

    out = vmap(f, in_axes=((0, None), {"a": 1, "b": None}), out_axes={"sum": 1, "both": (0, None)})(
        (Tensor(X), Tensor(Y)), {"b": Tensor(Y), "a": Tensor(X.T)})
    same(out["sum"], (X + Y).T)
    same(out["both"][0], X)
    same(out["both"][1][0], Y * 2)


def test_keyword_arguments_are_batched_along_axis_0():
    same(vmap(lambda a, b: a * b)(Tensor(X), b=Tensor(X)), X * X)


def test_numbers_become_tensors_and_other_values_stay():
    out = vmap(lambda a, name: (3, name, a), in_axes=(0, None))(Tensor(X), "label")
    same(out[0], np.array([3, 3]))
    assert out[1] == "label"
    same(vmap(lambda a, k: a * k, in_axes=(0, None))(Tensor(X), 3), X * 3)


def test_what_does_not_depend_on_the_batch():
    y = Tensor(Y)
    same(vmap(lambda a: y)(Tensor(X)), np.stack([Y, Y]))
    batch, one = vmap(lambda a, b: (a + b, ops.exp(b)), (0, None), (0, None))(Tensor(X), y)
    same(batch, X + Y)
    same(one, np.exp(Y))


def test_nested_axes():
    a, b = Tensor(np.arange(4.0)), Tensor(np.arange(3.0))
    outer = vmap(vmap(lambda u, v: u - v, (None, 0)), (0, None))
    same(outer(a, b), np.arange(4.0)[:, None] - np.arange(3.0))
    cube = np.arange(24.0).reshape(2, 3, 4)
    same(vmap(vmap(ops.sin, 1, 1), 2, 0)(Tensor(cube)), np.sin(cube).transpose(2, 0, 1))


def test_empty_batch():
    weight = Tensor(np.ones((3, 2), np.float32))
    f = vmap(lambda a, w: ops.matmul(a, w), (0, None))
    assert f(Tensor(np.zeros((0, 4, 3), np.float32)), weight).shape == (0, 4, 2)
    same(grad(lambda w: ops.sum(f(Tensor(np.zeros((0, 4, 3), np.float32)), w)))(weight), np.zeros((3, 2)))


def test_a_batch_of_numbers():
    same(vmap(lambda a: a * a + 1)(Tensor([1.0, 2.0])), np.array([2.0, 5.0]))


def test_program_is_made_once():
    def f(a):
        return a * 2

    calls = [vmap(f) for _ in range(3)]
    for call in calls:
        call(Tensor(X))
    assert len({id(call.compiled()) for call in calls}) == 1
    assert len(calls[0].compiled().entries) == 1
    other = vmap(f, 1)
    other(Tensor(X))
    assert other.compiled() is not calls[0].compiled()


# --------------------------------------------------------------------------------------------------------------------
# Cells
# --------------------------------------------------------------------------------------------------------------------
def test_cell_shares_its_parameters():
    net = nn.Dense(3, 2)
    same(vmap(net)(Tensor(X)), net(Tensor(X)).asnumpy())
    value, grads = value_and_grad(lambda x: ops.sum(vmap(net)(x) ** 2), None, net.trainable_params())(Tensor(X))
    expected = value_and_grad(lambda x: ops.sum(net(x) ** 2), None, net.trainable_params())(Tensor(X))[1]
    for g, e in zip(grads, expected):
        same(g, e.asnumpy())


def test_gradients_of_parameters_per_example():
    net = nn.Dense(3, 2)

    def loss(x):
        return ops.sum(net(x) ** 2)

    per_example = vmap(grad(loss, None, net.weight))(Tensor(X))
    for i in range(2):
        same(per_example[i], grad(loss, None, net.weight)(Tensor(X[i])).asnumpy())


class Counter(nn.Cell):
    def __init__(self, by_example: bool) -> None:
        super().__init__()
        self.by_example = by_example
        self.seen = Parameter(Tensor(np.zeros(3, np.float32)), name="seen")

    def construct(self, x):
        self.seen = self.seen + (x if self.by_example else 1)
        return x * self.seen


def test_assignment_that_all_examples_share():
    cell = Counter(False)
    call = vmap(cell)
    same(call(Tensor(X)), X)
    same(call(Tensor(X)), X * 2)
    same(cell.seen, np.full(3, 2.0))


def test_assignment_that_depends_on_the_example_is_refused():
    with pytest.raises(RuntimeError, match="vmap: Parameter 'seen' is assigned a value that differs between the examples") as error:
        vmap(Counter(True))(Tensor(X))
    assert "reduce it over the batch outside of vmap" in str(error.value)


def test_random_numbers():
    ms.set_seed(1)
    x = Tensor(np.ones((64, 8), np.float32))

    def f(v):
        return v * ops.rand(8) + ops.dropout(v, 0.5)

    alike = vmap(f)(x).asnumpy()
    assert (alike == alike[0]).all()
    own = vmap(f, randomness="different")(x).asnumpy()
    assert len(np.unique(own[:, 0])) > 32
    assert not np.array_equal(vmap(f)(x).asnumpy(), alike)  # the next call draws other numbers


# --------------------------------------------------------------------------------------------------------------------
# Ensembles
# --------------------------------------------------------------------------------------------------------------------
def models(count: int = 3) -> nn.CellList:
    return nn.CellList([nn.SequentialCell(nn.Dense(3, 4), nn.ReLU(), nn.Dense(4, 2)) for _ in range(count)])


def test_ensemble_with_one_batch_for_all_and_one_for_each():
    nets = models()
    same(vmap(nets, None)(Tensor(X)), np.stack([net(Tensor(X)).asnumpy() for net in nets]))
    each = np.stack([X, X + 1, X - 1])
    same(vmap(nets, 0)(Tensor(each)), np.stack([net(Tensor(x)).asnumpy() for net, x in zip(nets, each)]))


def test_gradients_of_an_ensemble():
    nets = models()
    got = grad(lambda x: ops.sum(vmap(nets, None)(x) ** 2), None, nets.trainable_params())(Tensor(X))
    expected = grad(lambda x: sum(ops.sum(net(x) ** 2) for net in nets), None, nets.trainable_params())(Tensor(X))
    for g, e in zip(got, expected):
        np.testing.assert_allclose(g.asnumpy(), e.asnumpy(), rtol=1e-5, atol=1e-6)


def test_each_model_of_an_ensemble_has_its_state():
    cells = nn.CellList([Counter(True), Counter(True)])
    vmap(cells)(Tensor(X))
    for i in range(2):
        same(cells[i].seen, X[i])


def test_ensemble_sees_a_replaced_parameter():
    nets = models(2)
    call = vmap(nets, None)
    call(Tensor(X))
    nets[1][2].weight = Parameter(Tensor(np.ones((2, 4), np.float32)), name="other")
    same(call(Tensor(X))[1], nets[1](Tensor(X)).asnumpy())


# --------------------------------------------------------------------------------------------------------------------
# Errors
# --------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("call, text", [
    (lambda x, y: vmap(lambda a: a, in_axes="a"), "can only be of type Int or None, but got 'a'"),
    (lambda x, y: vmap(lambda a: a, out_axes=1.0), "'out_axes' can only be of type Int or None, but got 1.0"),
    (lambda x, y: vmap(lambda a: a, in_axes=None), "cannot be a single None while 'fn' is not a 'CellList'"),
    (lambda x, y: vmap(lambda a, b: a, (None, None))(x, y), r"cannot be all None while 'fn' is not a 'CellList', but got \(None, None\)"),
    (lambda x, y: vmap(lambda a, b: a, (0,))(x, y), "must be equal to the number of arguments of 'fn': 2, but got size: 1"),
    (lambda x, y: vmap(lambda a: a, 5)(x), r"The axis: 5 in 'in_axes' is out of bounds for array of dimension \[-2,2\)"),
    (lambda x, y: vmap(lambda a: a, -3)(x), "The axis: -3 in 'in_axes'"),
    (lambda x, y: vmap(lambda a: a)(Tensor(1.0)), "The axis: 0 in 'in_axes' is out of bounds"),
    (lambda x, y: vmap(lambda a: a, 0, 2)(x), r"The axis: 2 in 'out_axes' is out of bounds for array of dimension \[-2,2\)"),
    (lambda x, y: vmap(lambda a, b: a, (0, 1))(x, x), "should be equal, but got 2 and 3"),
    (lambda x, y: vmap(lambda a: (a, a), 0, (0,))(x), "number of results of 'fn': 2, but got size: 1"),
    (lambda x, y: vmap(lambda a, k: a, 0)(x, 3), "has the axis 0 for the number 3"),
    (lambda x, y: vmap(lambda a: a, 0, None)(x), "result 0 depends on a batched operand"),
    (lambda x, y: vmap(lambda a: a[0], ((0, 0),))((x,)), "has 2 entries where the structure has 1"),
    (lambda x, y: vmap(lambda a: a["p"], ({"q": 0},))({"p": x}), r"has the keys \['q'\], but the dict has \['p'\]"),
    (lambda x, y: vmap(lambda a: a, ((0,),))(x), "does not have the structure of the arguments: a tuple meets a Tensor"),
    (lambda x, y: vmap(nn.CellList([]), None)(x), "must be greater than 1, but got 0"),
    (lambda x, y: vmap(nn.CellList([nn.Dense(3, 2), nn.Dense(3, 4)]), None)(x), "must have one class and equal Parameters"),
])
def test_errors(call, text):
    with pytest.raises(RuntimeError, match=text) as error:
        call(Tensor(X), Tensor(Y))
    assert "test_vmap.py" in str(error.value)  # the line of the user


def test_wrong_function_and_wrong_word():
    with pytest.raises(TypeError, match="should be callable"):
        vmap(3)
    with pytest.raises(ValueError, match="'same' or 'different'"):
        vmap(ops.sin, randomness="none")
    with pytest.raises(TypeError):
        vmap(lambda a: a)(Tensor(X), Tensor(X))
