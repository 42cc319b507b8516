"""Batches of halves of derivatives: loops in loops whose trips all examples share keep them on tapes of their own, whatever else is saved per example."""
from __future__ import annotations

import numpy as np
import pytest

from cellgrad import Tensor, grad, jacfwd, jacrev, jit, nn, ops, vmap

X = np.random.default_rng(3).standard_normal(4) * 0.5
N = 3


def until_in_for(x, n):
    y = x * 0.5
    for i in range(n):
        t = i * 0
        while t < n:
            y[t % 2] = y[0] * y[1] + y[2]
            t = t + 1
    return (y * y).sum()


def branch_in_for(x, n):
    y = x
    for i in range(n):
        if i % 2 == 0:
            y[i] = ops.sin(y[i + 1]) * y[0]
        else:
            for k in range(i):
                y = y * ops.cos(x) + k
    return (y * y).sum()


def leaves(x, n):
    y = x
    for i in range(10):
        if i > n:
            break
        k = i
        while k > 0:
            y = y * ops.tanh(x) + y[k % 4]
            k = k - 2
    return (y * y).sum()


class Powers(nn.Cell):
    def construct(self, y, n):
        for k in range(n):
            y = ops.sin(y) + y * 0.1 + k
        return y


POWERS = Powers()


def cell_in_until(x, n):
    y, i = x, n * 0
    while i < n:
        y = POWERS(POWERS(y, i), n) * x
        i = i + 1
    return (y * y).sum()


FUNCTIONS = [until_in_for, branch_in_for, leaves, cell_in_until]


def differences(gradient, x, step=1e-6):
    rows = []
    for i in range(x.size):
        sides = [gradient(Tensor(x + sign * step * np.eye(x.size)[i]), Tensor(N)).asnumpy() for sign in (1, -1)]
        rows.append((sides[0] - sides[1]) / (2 * step))
    return np.stack(rows, -1)


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
class TestSecondOrder:
    @pytest.mark.parametrize("jacobian, inner", [(jacfwd, grad), (jacrev, grad), (jacfwd, jacrev), (jacrev, jacfwd)])
    def test_hessian(self, f, jacobian, inner):
        f = jit(f)
        value = jit(jacobian(inner(f)))(Tensor(X), Tensor(N)).asnumpy()
        np.testing.assert_allclose(value, differences(grad(f), X), rtol=1e-6, atol=1e-7)

    def test_batch_of_hessians(self, f):
        f = jit(f)
        batch = np.stack([X, -X, X + 0.1])
        values = vmap(jacfwd(grad(f)), (0, None))(Tensor(batch), Tensor(N)).asnumpy()
        np.testing.assert_allclose(values, np.stack([differences(grad(f), x) for x in batch]), rtol=1e-6, atol=1e-7)


def test_no_trips_and_one():
    for n in (0, 1):
        value = jacrev(grad(jit(until_in_for)))(Tensor(X), Tensor(n)).asnumpy()
        # Of one trip: y[0] = y[0] y[1] + y[2], all of them halves of x.
        a, b, c = X[:3] / 2
        if n:
            first = np.array([b, a, 1, 0]) * 0.5
            second = np.zeros((4, 4))
            second[0, 1] = second[1, 0] = 0.25
            expected = 2 * np.outer(first, first) + 2 * (a * b + c) * second + 2 * np.diag([0, 0.25, 0.25, 0.25])
        else:
            expected = 0.5 * np.eye(4)
        np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-14)
