"""vmap of functions that have a derivative of their own, or are computed again in reverse."""
from __future__ import annotations

import numpy as np
import pytest

from cellgrad import Parameter, Tensor, checkpoint, custom_jvp, custom_vjp, grad, jvp, nn, ops, vmap

X = np.random.default_rng(0).standard_normal((5, 3))
W = np.random.default_rng(1).standard_normal(3)


@custom_vjp
def scaled(x, w):
    return ops.sin(x) * w


# Not the derivative, so that a test sees whether the rule is taken.
scaled.defvjp(lambda x, w: (ops.sin(x) * w, (x, w)), lambda residuals, ct: (ct * residuals[1] * 10, ct * ops.cos(residuals[0])))


@custom_jvp
def doubled(x, w):
    return x * w


doubled.defjvp(lambda primals, tangents: (primals[0] * primals[1], tangents[0] * primals[1] * 10 + tangents[1] * primals[0]))


class Given(nn.Cell):
    def construct(self, x, w):
        return x * w

    def bprop(self, x, w, out, dout):
        return dout * w * 10, dout * x


def singles(f, in_axes):
    return np.stack([f(Tensor(X[i]), Tensor(W if in_axes[1] is None else X[i])).asnumpy() for i in range(5)])


@pytest.mark.parametrize("f", [scaled, doubled, Given()], ids=["custom_vjp", "custom_jvp", "bprop"])
@pytest.mark.parametrize("in_axes", [(0, None), (0, 0)])
@pytest.mark.parametrize("position", [0, 1])
def test_gradient_of_each_example(f, in_axes, position):
    def g(x, w):
        return grad(lambda a, b: ops.sum(f(a, b)), position)(x, w)

    second = Tensor(W if in_axes[1] is None else X)
    np.testing.assert_allclose(vmap(g, in_axes)(Tensor(X), second).asnumpy(), singles(g, in_axes), rtol=1e-12)


@pytest.mark.parametrize("f", [scaled, doubled, Given()], ids=["custom_vjp", "custom_jvp", "bprop"])
@pytest.mark.parametrize("in_axes", [(0, None), (0, 0), (None, 0)])
def test_gradient_of_the_batch(f, in_axes):
    """What all examples share gets the sum of their gradients."""
    args = [Tensor(X if axis == 0 else W) for axis in in_axes]
    got = grad(lambda a, b: ops.sum(vmap(f, in_axes)(a, b)), (0, 1))(*args)
    expected = [np.zeros((5, 3)), np.zeros((5, 3))]
    for i in range(5):
        example = [Tensor(X[i] if axis == 0 else W) for axis in in_axes]
        for total, part in zip(expected, grad(lambda a, b: ops.sum(f(a, b)), (0, 1))(*example)):
            total[i] = part.asnumpy()
    for g, e, axis in zip(got, expected, in_axes):
        np.testing.assert_allclose(g.asnumpy(), e if axis == 0 else e.sum(0), rtol=1e-12)


def test_tangents_of_a_rule():
    _, tangent = jvp(vmap(doubled, (0, None)), (Tensor(X), Tensor(W)), (Tensor(np.ones_like(X)), Tensor(np.ones_like(W))))
    np.testing.assert_allclose(tangent.asnumpy(), 10 * W + X, rtol=1e-12)


def test_recomputed_function():
    f = checkpoint(lambda v: ops.exp(ops.sin(v)))
    expected = np.exp(np.sin(X)) * np.cos(X)
    np.testing.assert_allclose(grad(lambda u: ops.sum(vmap(f)(u)))(Tensor(X)).asnumpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(vmap(grad(lambda u: ops.sum(f(u))))(Tensor(X)).asnumpy(), expected, rtol=1e-12)


def test_rule_inside_a_loop_of_each_example():
    def f(x, n):
        for _ in range(n):
            x = scaled(x, Tensor(W))
        return ops.sum(x)

    turns = np.array([0, 3, 1, 2, 1])
    got = vmap(grad(f))(Tensor(X), Tensor(turns)).asnumpy()
    for i in range(5):
        np.testing.assert_allclose(got[i], (10 * W) ** turns[i], rtol=1e-10)


def test_parameter_of_a_cell_with_a_rule():
    class Scale(nn.Cell):
        def __init__(self):
            super().__init__()
            self.w = Parameter(Tensor(W), name="w")

        def construct(self, x):
            return doubled(x, self.w)

    cell = Scale()
    got = grad(lambda x: ops.sum(vmap(cell)(x)), None, cell.w)(Tensor(X))
    np.testing.assert_allclose(got.asnumpy(), X.sum(0), rtol=1e-12)
