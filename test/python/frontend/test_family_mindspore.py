"""GradOperation, ForwardValueAndGrad, WithGradCell: MindSpore's results, eagerly, in GRAPH_MODE and inside jit. The numbers are those of MindSpore 2.10."""
from __future__ import annotations

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Parameter, ParameterTuple, Tensor, jit, mutable, nn, ops


def T(values, dtype=ms.float32):
    return Tensor(values, dtype)


def plain(value):
    """Tensors as lists, containers as they are."""
    if isinstance(value, Tensor):
        return value.asnumpy().tolist()
    if isinstance(value, (tuple, list)):
        return type(value)(plain(item) for item in value)
    return value


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.w = Parameter(T([2.0, 3.0]), name="w")
        self.b = Parameter(T([1.0, 1.0]), name="b")

    def construct(self, x):
        return x * self.w + self.b


def mul(x, y):
    return x * y


def both(x, y):
    return x * y, x + y


@pytest.fixture(params=["eager", "graph", "jit"])
def run(request):
    if request.param == "graph":
        ms.set_context(mode=ms.GRAPH_MODE)
    yield (lambda fn, *args, **kwargs: plain(jit(fn)(*args, **kwargs))) if request.param == "jit" else (lambda fn, *args, **kwargs: plain(fn(*args, **kwargs)))
    ms.set_context(mode=ms.PYNATIVE_MODE)


X, Y, SENS = T([1.0, 2.0]), T([3.0, 4.0]), T([1.0, 10.0])


@pytest.mark.parametrize("flags, fn, args, expected", [
    ({}, mul, (X, Y), [3.0, 4.0]),
    ({}, mul, (3.0, X), ()),
    ({"get_all": True}, mul, (X, Y), ([3.0, 4.0], [1.0, 2.0])),
    ({"get_all": True}, lambda x: x * x, (X,), ([2.0, 4.0],)),
    ({"get_all": True}, mul, (X, 3.0), ([3.0, 3.0],)),
    ({"get_all": True}, mul, (3.0, 4.0), ()),
    ({"get_all": True}, lambda t: t[0] * t[1], ((X, Y),), ()),
    ({"get_all": True}, lambda t: t[0] * t[1], (mutable((X, Y)),), (([3.0, 4.0], [1.0, 2.0]),)),
    ({"get_all": True}, mul, (X, T([3, 4], ms.int32)), ([3.0, 4.0], [1, 2])),
    ({"sens_param": True}, mul, (X, Y, SENS), [3.0, 40.0]),
    ({"sens_param": True, "get_all": True}, both, (X, Y, (SENS, T([1.0, 1.0]))), ([4.0, 41.0], [2.0, 21.0])),
])
def test_gradients_by_inputs(flags, fn, args, expected, run):
    assert run(ops.GradOperation(**flags)(fn), *args) == expected


def test_gradients_by_parameters(run):
    net = Net()
    by_list = ops.GradOperation(get_by_list=True)
    assert run(by_list(net), X) == ([1.0, 2.0], [1.0, 1.0])
    assert run(by_list(net, net.w), X) == [1.0, 2.0]
    assert run(by_list(net, [net.w]), X) == ([1.0, 2.0],)
    assert run(by_list(net, ParameterTuple([net.b, net.w])), X) == ([1.0, 1.0], [1.0, 2.0])
    assert run(ops.GradOperation()(net, ParameterTuple([net.w])), X) == [2.0, 3.0]
    everything = ops.GradOperation(get_all=True, get_by_list=True, sens_param=True)
    assert run(everything(net, ParameterTuple([net.w, net.b])), X, SENS) == (([2.0, 30.0],), ([1.0, 20.0], [1.0, 10.0]))


def test_sens_by_keyword():
    assert plain(ops.GradOperation(sens_param=True)(mul)(X, Y, sens=SENS)) == [3.0, 40.0]
    assert plain(ms.grad(mul, sens_param=True)(X, Y, sens=SENS)) == [3.0, 40.0]
    assert plain(ms.value_and_grad(both, (0, 1), sens_param=True)(X, Y, (SENS, SENS))) == (([3.0, 8.0], [4.0, 6.0]), ([4.0, 50.0], [2.0, 30.0]))


def test_one_program_for_one_function():
    operation = ops.GradOperation()
    operation(mul)(X, Y)
    operation(mul)(X, Y)
    assert operation(mul).explain(X, Y).cached


def test_refusals():
    for name in ("get_all", "get_by_list", "sens_param"):
        with pytest.raises(TypeError, match=f"'{name}' should be bool"):
            ops.GradOperation(**{name: 1})
    with pytest.raises(TypeError, match="should be callable"):
        ops.GradOperation()(5)(X)
    with pytest.raises(TypeError, match="missing 1 required"):
        ops.GradOperation()(mul)(X)
    with pytest.raises(TypeError, match="cotangent is the last positional argument"):
        ops.GradOperation(sens_param=True)(lambda: X)()


class InConstruct(nn.Cell):
    def __init__(self, net):
        super().__init__()
        self.net = net
        self.params = ParameterTuple(net.trainable_params())
        self.operation = ops.GradOperation(get_all=True, get_by_list=True)

    def construct(self, x):
        return self.operation(self.net, self.params)(x)


def test_inside_construct(run):
    assert run(InConstruct(Net()), X) == (([2.0, 3.0],), ([1.0, 2.0], [1.0, 1.0]))


def test_forward_value_and_grad(run):
    net = Net()
    weights = ParameterTuple([net.w, net.b])
    value = [3.0, 7.0]
    assert run(nn.ForwardValueAndGrad(net), X) == (value, [2.0, 3.0])
    assert run(nn.ForwardValueAndGrad(net, get_all=True), X) == (value, ([2.0, 3.0],))
    assert run(nn.ForwardValueAndGrad(net, weights, get_by_list=True), X) == (value, ([1.0, 2.0], [1.0, 1.0]))
    assert run(nn.ForwardValueAndGrad(net, weights, True, True), X) == (value, (([2.0, 3.0],), ([1.0, 2.0], [1.0, 1.0])))
    assert run(nn.ForwardValueAndGrad(net, weights, True, True, True), X, SENS) == (value, (([2.0, 30.0],), ([1.0, 20.0], [1.0, 10.0])))
    assert run(nn.ForwardValueAndGrad(net, sens_param=True), X, SENS) == (value, [2.0, 30.0])
    assert run(nn.ForwardValueAndGrad(both, get_all=True, sens_param=True), X, Y, (SENS, SENS)) == (([3.0, 8.0], [4.0, 6.0]), ([4.0, 50.0], [2.0, 30.0]))
    for arguments in ((5,), (net, net.w, False, True), (net, None, 1)):
        with pytest.raises(TypeError, match="For 'ForwardValueAndGrad'"):
            nn.ForwardValueAndGrad(*arguments)


def test_with_grad_cell(run):
    net, loss = Net(), nn.MSELoss()
    assert run(nn.WithGradCell(nn.WithLossCell(net, loss)), X, Y) == ([0.0, 6.0], [0.0, 3.0])
    assert run(nn.WithGradCell(net, loss), X, Y) == ([0.0, 6.0], [0.0, 3.0])
    assert run(nn.WithGradCell(net, loss, 2.0), X, Y) == ([0.0, 12.0], [0.0, 6.0])
    assert run(nn.WithGradCell(net, None, SENS), X) == ([1.0, 20.0], [1.0, 10.0])
    assert net.training
    for arguments in ((5,), (net, None, "1")):
        with pytest.raises(TypeError, match="For 'WithGradCell'"):
            nn.WithGradCell(*arguments)


def test_exported_names():
    for name in ("get_grad", "jvp", "vjp", "jacfwd", "jacrev", "grad", "value_and_grad", "vmap", "recompute", "mutable", "hessian", "checkpoint", "custom_vjp", "custom_jvp"):
        assert hasattr(ms, name) and name in dir(ms), name
    for name in ("jet", "derivative", "get_grad", "linearize", "jvp", "vjp", "jacfwd", "jacrev", "GradOperation", "stop_gradient", "grad", "value_and_grad", "vmap"):
        assert hasattr(ops, name), name
    assert np.allclose(ms.get_grad(ms.grad(mul, (0, 1), return_ids=True)(X, Y), 1).asnumpy(), X.asnumpy())
