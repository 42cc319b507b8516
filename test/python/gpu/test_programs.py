"""Compiled programs on the device give what they give on the CPU."""
from __future__ import annotations

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Parameter, Tensor, nn, ops, value_and_grad


def test_the_documentation_of_value_and_grad():
    def fn(x, y, z):
        res = x * ops.exp(y) * ops.pow(z, 2)
        return res, z

    x, y, z = (Tensor(np.array([v, v]), ms.float32) for v in (3, 0, 5))
    (res, aux), (dy, dz) = value_and_grad(fn, grad_position=(1, 2), weights=None, has_aux=True)(x, y, z)
    assert res.device == "GPU:0"
    assert (res.asnumpy().tolist(), aux.asnumpy().tolist()) == ([75.0, 75.0], [5.0, 5.0])
    assert (dy.asnumpy().tolist(), dz.asnumpy().tolist()) == ([75.0, 75.0], [30.0, 30.0])


def test_the_documentation_of_weights():
    class Net(nn.Cell):
        def __init__(self):
            super().__init__()
            self.w = Parameter(Tensor(np.array([6.0]), ms.float32), name="w")
            self.b = Parameter(Tensor(np.array([1.0]), ms.float32), name="b")

        def construct(self, x):
            return x * self.w + self.b

    net = Net()
    logits, (dx, (dw, db)) = value_and_grad(net, 0, weights=net.trainable_params())(Tensor([2.0, 3.0]))
    assert logits.asnumpy().tolist() == [13.0, 19.0] and dx.asnumpy().tolist() == [6.0, 6.0]
    assert (dw.asnumpy().tolist(), db.asnumpy().tolist()) == ([5.0], [2.0])


def test_control_flow_reads_back():
    @ms.jit
    def double_until(x, limit):
        steps = Tensor(0, ms.int32)
        while x.sum() < limit:
            x = x * 2.0
            steps = steps + 1
        if steps > 3:
            x = -x
        return x, steps

    x, steps = double_until(Tensor([1.0, 2.0]), Tensor(100.0))
    assert x.asnumpy().tolist() == [-64.0, -128.0] and int(steps) == 6
    x, steps = double_until(Tensor([30.0, 20.0]), Tensor(100.0))
    assert x.asnumpy().tolist() == [60.0, 40.0] and int(steps) == 1


def test_saved_values_of_loops_lie_on_the_device():
    def square_until(x):
        y = x
        while y.sum() < 100.0:
            y = y * y
        return y

    value, gradient = value_and_grad(square_until)(Tensor([2.0, 3.0]))
    assert value.asnumpy().tolist() == [256.0, 6561.0] and gradient.asnumpy().tolist() == [1024.0, 17496.0]
    long = Tensor(np.full(5000, 1.001, np.float32))  # more than one chunk of the tape

    def grow(x):
        y = x
        while y[0] < 1.5:
            y = y * x
        return y

    value, gradient = value_and_grad(grow)(long)
    ms.set_context(device_target="CPU")
    expected = value_and_grad(grow)(long)
    np.testing.assert_allclose(value.asnumpy(), expected[0].asnumpy(), rtol=1e-6)
    np.testing.assert_allclose(gradient.asnumpy(), expected[1].asnumpy(), rtol=1e-5)


def test_print_and_assert(capsys):
    @ms.jit
    def shown(x):
        y = x * 2
        print("y is", y)
        assert y.sum() > 0, "the sum must be positive"
        return y

    assert shown(Tensor([1.0, 2.0])).asnumpy().tolist() == [2.0, 4.0]
    assert capsys.readouterr().out == "y is [2. 4.]\n"
    with pytest.raises(AssertionError, match=r"the sum must be positive.*test_programs\.py"):
        shown(Tensor([-1.0, -2.0]))
    assert shown(Tensor([3.0, 4.0])).asnumpy().tolist() == [6.0, 8.0]  # the next run knows nothing of it


def test_random_numbers_are_those_of_the_cpu():
    ms.set_seed(11)
    here = ops.rand(5).asnumpy()
    ms.set_context(device_target="CPU")
    ms.set_seed(11)
    assert (ops.rand(5).asnumpy() == here).all()


def test_eager_operations():
    x, y = Tensor(np.arange(12, dtype=np.float32).reshape(3, 4)), Tensor([1, 2, 3, 4], ms.int32)
    assert (x + y).device == "GPU:0"
    np.testing.assert_allclose((x @ x.T).asnumpy(), np.arange(12).reshape(3, 4) @ np.arange(12).reshape(3, 4).T)
    np.testing.assert_allclose(ops.softmax(x).sum(1).asnumpy(), [1, 1, 1], rtol=1e-6)
    assert ((x > 4) & (x < 9)).asnumpy().sum() == 4
    assert ops.gather(x, Tensor([2, 0], ms.int32), 0).asnumpy().tolist() == [[8, 9, 10, 11], [0, 1, 2, 3]]


def test_pullbacks_and_batches():
    out, pull = ms.vjp(ops.exp, Tensor([0.0, 1.0]))
    np.testing.assert_allclose(pull(Tensor([1.0, 2.0]))[0].asnumpy(), [1.0, 2 * np.e], rtol=1e-6)
    rows = ms.vmap(lambda row: row.sum())(Tensor(np.ones((3, 4), np.float32)))
    assert rows.device == "GPU:0" and rows.asnumpy().tolist() == [4.0, 4.0, 4.0]


def test_graph_mode():
    ms.set_context(mode=ms.GRAPH_MODE)
    net = nn.Dense(3, 2)
    x = Tensor(np.ones((4, 3), np.float32))
    expected = x.asnumpy() @ net.weight.asnumpy().T + net.bias.asnumpy()
    np.testing.assert_allclose(net(x).asnumpy(), expected, rtol=1e-5)
