"""vmap of branches and loops, and of their derivatives, against single calls."""
from __future__ import annotations

import numpy as np
import pytest

from cellgrad import Tensor, grad, jacrev, jit, jvp, ops, vjp, vmap

X = np.random.default_rng(0).standard_normal((5, 3))
TURNS = np.array([0, 3, 1, 4, 2])


def branch(v, n):
    if ops.sum(v) > 0:
        return v * 2
    return ops.sin(v) + n


def early(v, n):
    for _ in range(n):
        v = v * 1.5
        if ops.sum(v * v) > 9:
            return v
    return v + 1


def until(v, n):
    while ops.sum(v * v) < 50:
        v = v * 1.5 + 1
    return v


def turns(v, n):
    a = v
    for i in range(n):
        a = ops.sin(a) * v + i
    return a


def steps(v, n):
    for i in range(n, 0, -2):
        v = v * i
    return v


def nested(v, n):
    a = v
    for i in range(n):
        if ops.sum(a) > 0:
            while ops.sum(a * a) < 20:
                a = a * 2 - 0.1
        else:
            a = a + i * v
    return a


def updates(v, n):
    out = ops.zeros_like(v)
    i = Tensor(0)
    while i < 3:
        out[i] = v[2 - i] * n
        i = i + 1
    return out


FUNCTIONS = [branch, early, until, turns, steps, nested, updates]


def each(f, n=None):
    single = jit(f)
    return np.stack([single(Tensor(v), Tensor(k if n is None else n)).asnumpy() for v, k in zip(X, TURNS)])


@pytest.mark.parametrize("n", [None, 3], ids=["turns-of-each", "turns-of-all"])
@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
class TestAgainstSingleCalls:
    def batch(self, n):
        return ((0, 0), Tensor(X), Tensor(TURNS)) if n is None else ((0, None), Tensor(X), Tensor(n))

    def test_value(self, f, n):
        axes, x, k = self.batch(n)
        np.testing.assert_allclose(vmap(f, axes)(x, k).asnumpy(), each(f, n), rtol=1e-12)

    def test_gradient_of_each_example(self, f, n):
        def g(v, k):
            return grad(f)(v, k)

        axes, x, k = self.batch(n)
        np.testing.assert_allclose(vmap(g, axes)(x, k).asnumpy(), each(g, n), rtol=1e-10)

    def test_gradient_of_the_batch(self, f, n):
        def g(v, k):
            return grad(f)(v, k)

        axes, x, k = self.batch(n)
        np.testing.assert_allclose(grad(lambda v: ops.sum(vmap(f, axes)(v, k)))(x).asnumpy(), each(g, n), rtol=1e-10)

    def test_directional_derivative(self, f, n):
        def d(v, k):
            return jvp(lambda u: f(u, k), (v,), (ops.cos(v),))[1]

        axes, x, k = self.batch(n)
        np.testing.assert_allclose(vmap(d, axes)(x, k).asnumpy(), each(d, n), rtol=1e-10)


def test_second_order_through_a_batch_of_gradients():
    def cube(v):
        a = v
        for _ in range(Tensor(2)):
            a = a * v
        return a

    got = grad(lambda u: ops.sum(vmap(grad(cube))(u)))(Tensor(X))
    np.testing.assert_allclose(got.asnumpy(), 6 * X, rtol=1e-10)


@pytest.mark.parametrize("f", [until, nested], ids=lambda f: f.__name__)
def test_jacobian_from_a_batch_of_cotangents(f):
    v = Tensor(X[0])
    rows = vmap(lambda ct: vjp(lambda u: f(u, Tensor(2)), v)[1](ct)[0])(Tensor(np.eye(3)))
    np.testing.assert_allclose(rows.asnumpy(), jacrev(lambda u: f(u, Tensor(2)))(v).asnumpy(), rtol=1e-10)


def test_loop_of_an_empty_batch():
    assert vmap(until, (0, None))(Tensor(X[:0]), Tensor(1)).shape == (0, 3)
    assert vmap(turns)(Tensor(X[:0]), Tensor(TURNS[:0])).shape == (0, 3)


def test_indices_of_each_example():
    k = np.array([0, 1, 2, -1, 0])
    np.testing.assert_array_equal(vmap(lambda v, i: v[i])(Tensor(X), Tensor(k)).asnumpy(), X[np.arange(5), k])

    def put(v, i):
        v = v * 1
        v[i] = 7.0
        return v

    expected = X.copy()
    expected[np.arange(5), k] = 7
    np.testing.assert_array_equal(vmap(put)(Tensor(X), Tensor(k)).asnumpy(), expected)
    same = vmap(grad(lambda v, i: ops.sum(put(v, i) ** 2)))(Tensor(X), Tensor(k)).asnumpy()
    expected = 2 * X
    expected[np.arange(5), k] = 0
    np.testing.assert_allclose(same, expected)


def test_an_assertion_holds_for_every_example_that_gets_there():
    @jit
    def f(v):
        if ops.sum(v) > 0:
            assert ops.sum(v) > 0, "positive"
        return v * 1

    np.testing.assert_array_equal(vmap(f)(Tensor(X)).asnumpy(), X)

    @jit
    def g(v):
        assert ops.sum(v) > 0, "positive"
        return v * 1

    with pytest.raises(AssertionError, match="positive"):
        vmap(g)(Tensor(X))
    np.testing.assert_array_equal(vmap(g)(Tensor(X * X)).asnumpy(), X * X)


def test_print_shows_the_batch_where_any_example_gets_there(capfd):
    @jit
    def f(v):
        if v > 1:
            print("large", v)
        if v > 100:
            print("very large", v)
        return v * 1

    vmap(f)(Tensor([1.0, 2.0]))
    out = capfd.readouterr().out
    assert out.count("large") == 1 and "[1. 2.]" in out



def test_no_nan_from_the_way_not_taken():
    def log_or_double(v):
        if v > 0:
            return ops.log(v)
        return v * 2

    x = Tensor([0.0, 2.0, -1.0])
    np.testing.assert_array_equal(vmap(grad(log_or_double))(x).asnumpy(), [2.0, 0.5, 2.0])
    np.testing.assert_array_equal(grad(lambda u: ops.sum(vmap(log_or_double)(u)))(x).asnumpy(), [2.0, 0.5, 2.0])

    def roots(v):
        while v > 0.5:
            v = ops.sqrt(v - 0.5)
        return v

    x = np.array([0.5, 0.75, 3.0, 0.1])
    single = jit(lambda v: grad(roots)(v))
    expected = np.array([single(Tensor(v)).asnumpy() for v in x])
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(vmap(grad(roots))(Tensor(x)).asnumpy(), expected, rtol=1e-12)

    def turns_of_roots(v, n):
        for _ in range(n):
            v = ops.sqrt(v - 0.5)
        return v

    got = vmap(grad(turns_of_roots))(Tensor(np.array([0.5, 0.75])), Tensor(np.array([0, 1])))
    np.testing.assert_allclose(got.asnumpy(), [1.0, 1.0], rtol=1e-12)
