"""Derivatives through cond, for_loop, while_loop and scan, against closed forms and finite differences."""
import numpy as np
import pytest
from control_support import numeric, parameter, same

import cellgrad as ms
from cellgrad import Tensor, grad, jit, ops, value_and_grad
from cellgrad._frontend.control import cond, for_loop, while_loop


@pytest.fixture
def x():
    return Tensor([1.5, -0.5])


def n(value):
    return Tensor(value)


def loop(k, body, *carried):
    return for_loop(0, k, 1, body, carried)


def check(fn, *args, tolerance=2e-3):
    """First derivative by the first argument, eagerly asked for and inside a compiled function."""
    want = numeric(fn, args)
    np.testing.assert_allclose(grad(fn)(*args).asnumpy(), want, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(jit(lambda *a: grad(fn)(*a))(*args).asnumpy(), want, rtol=tolerance, atol=tolerance)


FUNCTIONS = {
    "cond": (lambda x, k: cond(x.sum() > 0, lambda: (x * x).sum(), lambda: ops.sin(x).sum()), [()]),
    "cond with an unused operand": (lambda x, k: cond(k > 1, lambda: (x * 3).sum(), lambda: Tensor(2.0)), [()]),
    "for": (lambda x, k: loop(k, lambda i, v: (ops.sin(v) * (i + 1),), x)[0], [()]),
    "for with invariants": (lambda x, k: loop(k, lambda i, v: (v * x + x,), x)[0], [()]),
    "sum of a loop": (lambda x, k: loop(k, lambda i, v, s: (v * x, s + (v * v).sum()), x, Tensor(0.0))[1], [()]),
    "counting down": (lambda x, k: for_loop(k, 0, -1, lambda i, v: (v * x / i,), (x,))[0], [()]),
    "while": (lambda x, k: while_loop(lambda v, c: c < k, lambda v, c: (ops.tanh(v) + x, c + 1), (x, k * 0))[0], [()]),
    "while on values": (lambda x, k: while_loop(lambda v: (v * v).sum() < 50, lambda v: (v * 1.5 + 1,), (x,))[0], [()]),
    "loop in a loop": (lambda x, k: loop(k, lambda i, v: loop(i, lambda j, u: (ops.cos(u) + x * (i + j),), v), x)[0], [()]),
    "cond in a loop": (lambda x, k: loop(k, lambda i, v: (cond(i % 2 == 0, lambda: v * x, lambda: ops.exp(-v)),), x)[0], [()]),
    "loop in a cond": (lambda x, k: cond(x.sum() > 0, lambda: loop(k, lambda i, v: (v * x,), x)[0], lambda: x), [()]),
    "while in a for": (lambda x, k: loop(k, lambda i, v: while_loop(lambda u: (u * u).sum() < 30, lambda u: (u * 2 + 0.3,), (v * x,)), x)[0], [()]),
    "scan": (lambda x, k: ops.scan(lambda c, r: (c * r, c + r), x, ops.stack([x, x * 2, x * x]))[1], [()]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("trips", [0, 1, 3])
def test_first_order(x, name, trips):
    fn = FUNCTIONS[name][0]
    check(lambda v, k: fn(v, k).sum(), x, n(trips))


@pytest.mark.parametrize("name", ["cond", "for", "sum of a loop", "while on values", "loop in a loop", "cond in a loop", "scan"])
def test_second_order(x, name):
    fn = FUNCTIONS[name][0]
    first = grad(lambda v, k: (fn(v, k) * 1.0).sum())
    check(lambda v, k: (first(v, k) * Tensor([0.7, -1.3])).sum(), x, n(2), tolerance=2e-2)


def test_the_branch_not_taken_gives_nothing():
    """sqrt has an infinite derivative at 0; the branch does not run there."""
    f = lambda v: cond(v > 0, lambda: ops.sqrt(v), lambda: v * 0)
    assert float(grad(f)(Tensor(0.0))) == 0.0
    assert float(grad(f)(Tensor(4.0))) == 0.25


def test_closures_over_parameters(x):
    w = parameter([2.0, 3.0], "w")
    f = lambda v, k: loop(k, lambda i, u: (u * w,), v)[0].sum()
    value, (by_x, (by_w,)) = value_and_grad(f, 0, [w])(x, n(3))
    np.testing.assert_allclose(float(value), (x * w ** 3).sum().asnumpy(), rtol=1e-6)
    same(by_x, w ** 3 * 1)
    np.testing.assert_allclose(by_w.asnumpy(), (3 * x * w ** 2).asnumpy(), rtol=1e-6)
    g = lambda v: cond(v.sum() > 0, lambda: v * w * w, lambda: v)
    np.testing.assert_allclose(value_and_grad(g, None, [w])(x)[1][0].asnumpy(), (2 * x * w).asnumpy(), rtol=1e-6)
    np.testing.assert_allclose(value_and_grad(g, None, [w])(-x)[1][0].asnumpy(), [0, 0])


def test_parameters_written_inside(x):
    """p starts at 2 and is multiplied by v in each trip: the result is v ** 3 * 2 * sum, and p keeps its last value."""
    p = parameter([2.0, 2.0])

    def f(v, k):
        def body(i, s):
            ops.assign(p, p * v)
            return (s + p.sum(),)

        return loop(k, body, 0.0)[0]

    value, by_x = value_and_grad(f)(x, n(3))
    a = x.asnumpy().astype(np.float64)
    np.testing.assert_allclose(float(value), (2 * (a + a**2 + a**3)).sum(), rtol=1e-5)
    np.testing.assert_allclose(by_x.asnumpy(), 2 * (1 + 2 * a + 3 * a**2), rtol=1e-5)
    np.testing.assert_allclose(p.asnumpy(), 2 * a**3, rtol=1e-5)


def test_tensors_written_in_place_inside(x):
    def f(v, k):
        y = v * 1

        def body(i):
            y[0] = y[0] * y[1] + i
            cond(i > 0, lambda: y.__setitem__(1, y[1] * 2), lambda: None)
            return ()

        loop(k, body)
        return y.sum()

    check(f, x, n(3))


def test_carried_integers_have_no_derivative(x):
    f = lambda v, k: (lambda r: r[0].sum() * r[1])(loop(k, lambda i, u, c: (u * v, c + i), v, 1))
    check(f, x, n(3))


def test_several_outputs_and_cells(x):
    class Layer(ms.nn.Cell):
        def __init__(self):
            super().__init__()
            self.dense = ms.nn.Dense(2, 2)
            self.steps = parameter([0.0], "steps")

        def construct(self, v, k):
            def body(i, u):
                ops.assign(self.steps, self.steps + 1)
                return (ops.tanh(self.dense(u)),)

            return loop(k, body, v.reshape(1, 2))[0].sum()

    cell = Layer()
    weights = [cell.dense.weight, cell.dense.bias]
    value, grads = value_and_grad(cell, None, weights)(x, n(3))
    assert float(cell.steps.asnumpy()[0]) == 3

    def unrolled(v):
        u = v.reshape(1, 2)
        for _ in range(3):
            u = ops.tanh(cell.dense(u))
        return u.sum()

    other, expected = value_and_grad(unrolled, None, weights)(x)
    same(value, other, 1e-5)
    for a, b in zip(grads, expected):
        same(a, b, 1e-5)


def test_forward_over_reverse(x):
    f = lambda v, k: loop(k, lambda i, u: (u * u * 0.5 + v,), v)[0].sum()
    rows = ms.jacfwd(ms.jacrev(f))(x, n(2)).asnumpy()
    columns = ms.jacrev(ms.jacrev(f))(x, n(2)).asnumpy()
    np.testing.assert_allclose(rows, columns, rtol=1e-5)
    np.testing.assert_allclose(rows, rows.T, rtol=1e-5)


def test_what_a_branch_makes_is_read_in_each_trip(x):
    def f(v, k):
        y = v * 0.5
        b = cond(v.sum() > 0, lambda: v * 0.3 + y, lambda: v * 2)

        def body(i, a):
            def no():
                t = ops.sin(a) + b
                y[0] = y[1] * t[0]
                return t

            return (cond(a.sum() > 9, lambda: a, no),)

        return loop(k, body, v)[0].sum() + y.sum()

    for v in (x, -x):
        check(f, v, n(3))
