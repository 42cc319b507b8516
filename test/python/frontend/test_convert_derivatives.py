"""Derivatives through converted control flow, against finite differences in float64."""
from __future__ import annotations

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Parameter, Tensor, grad, jit, nn, ops, value_and_grad

POINT = np.array([0.3, -0.7, 1.1])


def numeric(f, at, step=1e-6):
    """Central differences of the eager function."""
    out = np.zeros_like(at)
    for i in np.ndindex(at.shape):
        up, down = at.copy(), at.copy()
        up[i] += step
        down[i] -= step
        out[i] = (float(f(Tensor(up)).asnumpy()) - float(f(Tensor(down)).asnumpy())) / (2 * step)
    return out


def branch(v):
    if v.sum() > 0:
        y = v * v
    else:
        y = ops.exp(v)
    return y.sum()


def early_return(v):
    if v[0] > 0:
        return ops.sin(v).sum()
    w = v * v
    return (w * v).sum()


def nested_branches(v):
    y = v
    if v[0] > 0:
        if v[1] > 0:
            y = y * 3
        else:
            y = ops.tanh(y) * v[2]
    return (y * y).sum()


def expression(v):
    a = ops.exp(v).sum() if v[1] > 0 else ops.cos(v).sum()
    return a * (v[0] if not (v[0] > 0 and v[2] > 2) else v[1])


def while_(v):
    while (v * v).sum() < 50:
        v = v * 1.5 + 0.1
    return ops.sin(v).sum()


def while_break_continue(v):
    k, total = 0, v.sum() * 0
    while k < 20:
        k += 1
        if k % 3 == 0:
            continue
        total = total + ops.sin(v * k).sum()
        if total > 2:
            break
    return total * v[0]


def return_from_loop(v):
    for _ in range(20):
        v = v * 1.2
        if (v * v).sum() > 5:
            return (v * v * v).sum()
    return v.sum()


def long_for(v):
    total = v.sum()
    for i in range(24):
        total = ops.tanh(total * v[i % 3] + i * 0.1)
    return total


def for_rows(v):
    x = ops.ones((18, 3), ms.float64) * v
    total = v[0]
    for row in x:
        total = ops.sin(total + (row * row).sum())
    return total


def element_writes(v):
    y = v * 1
    y[0] = v[1] * v[2]
    if v[0] > 0:
        y[1] = y[0] * v[0]
    for _ in range(17):
        y[2] = y[2] * 0.9 + v[0] * v[0]
    return (y * y).sum()


def recursion(v, n=4):
    if n == 0:
        return v.sum()
    if v[0] > 0:
        return recursion(v * v, n - 1)
    return recursion(v + 1, n - 1)


def nested_loops(v):
    total = v.sum()
    for i in range(16):
        for j in range(i % 3 + 16):
            total = total * 0.99 + ops.sin(v * j).sum() * 0.01
    return total


ALL = [branch, early_return, nested_branches, expression, while_, while_break_continue, return_from_loop, long_for, for_rows, element_writes, recursion]


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["p", "n"])
@pytest.mark.parametrize("f", ALL, ids=lambda f: f.__name__)
def test_gradient(f, sign):
    at = POINT * sign
    value, gradient = value_and_grad(f)(Tensor(at))
    assert value.asnumpy() == pytest.approx(float(f(Tensor(at)).asnumpy()), rel=1e-12)
    np.testing.assert_allclose(gradient.asnumpy(), numeric(f, at), rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("f", [branch, early_return, while_, long_for], ids=lambda f: f.__name__)
def test_second_derivative(f):
    def slope(v):
        return (grad(f)(v) * Tensor(np.array([1.0, 2.0, -1.0]))).sum()

    np.testing.assert_allclose(grad(slope)(Tensor(POINT)).asnumpy(), numeric(slope, POINT), rtol=5e-5, atol=1e-6)


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_trip_count_of_a_tensor(steps):
    def f(v, n):
        for i in range(n):
            v = v * ops.cos(v) + i * 0.1
        return v.sum()

    gradient = grad(f)(Tensor(POINT), Tensor(steps))
    np.testing.assert_allclose(gradient.asnumpy(), numeric(lambda v: f(v, steps), POINT), rtol=1e-5, atol=1e-8)


def test_weights_of_a_cell_with_control_flow():
    class Net(nn.Cell):
        def __init__(self):
            super().__init__()
            self.w = Parameter(Tensor(POINT), name="w")
            self.count = Parameter(Tensor(0.0), name="count", requires_grad=False)

        def construct(self, v):
            while (v * v).sum() < 10:
                v = v * 2 + self.w
                self.count += 1
            if v.sum() > 0:
                return (v * self.w).sum()
            return v.sum()

    net = Net()
    x = Tensor(np.array([0.5, 0.2, 0.1]))
    value, (dw,) = value_and_grad(net, None, net.trainable_params())(x)
    steps = float(net.count.asnumpy())
    assert steps >= 1

    def of_w(w):
        net.w.set_data(w)
        return net(x)

    np.testing.assert_allclose(dw.asnumpy(), numeric(of_w, POINT), rtol=1e-5)


def test_gradient_inside_a_branch():
    def f(v):
        if v.sum() > 0:
            return grad(lambda u: (u * u * u).sum())(v).sum()
        return v.sum()

    np.testing.assert_allclose(jit(f)(Tensor(POINT)).asnumpy(), (3 * POINT**2).sum())
    np.testing.assert_allclose(grad(f)(Tensor(POINT)).asnumpy(), 6 * POINT)
