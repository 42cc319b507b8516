"""Every transformation against finite differences in float64, closed forms and NumPy; forward mode against reverse mode; compositions of all of them."""
from __future__ import annotations

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, jit, nn, ops

RNG = np.random.default_rng(5)


def T(values, dtype=ms.float64):
    return Tensor(np.asarray(values, np.float64), dtype)


def close(got, expected, **options):
    np.testing.assert_allclose(got.asnumpy(), expected, **{"rtol": 1e-9, "atol": 1e-12, **options})


def numeric(fn, *points, at=0, step=1e-6):
    """The Jacobian by central differences: output.shape + input.shape."""
    points = [np.asarray(p, np.float64) for p in points]
    base = np.asarray(fn(*points))
    found = np.zeros(base.shape + points[at].shape)
    for index in np.ndindex(points[at].shape):
        sides = []
        for sign in (1, -1):
            moved = [p.copy() for p in points]
            moved[at][index] += sign * step
            sides.append(np.asarray(fn(*moved)))
        found[(..., *index)] = (sides[0] - sides[1]) / (2 * step)
    return found


def on_numpy(fn):
    return lambda *points: fn(*(T(p) for p in points)).asnumpy()


FUNCTIONS = {
    "elementwise": (lambda x, y: ops.sin(x) * ops.exp(y) / (1.0 + x * x), (3,), (3,)),
    "broadcast": (lambda x, y: x * y + x, (2, 1), (3,)),
    "matmul": (lambda x, y: ops.tanh(ops.matmul(x, y)), (2, 3), (3, 2)),
    "reductions": (lambda x, y: ops.softmax(x, 1).sum(0) * y.mean() + ops.logsumexp(y, 0), (2, 3), (3,)),
    "shapes": (lambda x, y: ops.concat((x.T.reshape(3, 2), y.reshape(1, 2)), 0)[1:] ** 2, (2, 3), (2,)),
    "scalar": (lambda x, y: x * ops.log(y * y + 1.0), (), ()),
    "repeated": (lambda x, y: x * x * x + y * x, (2,), (2,)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_first_order_of_every_mode(name):
    fn, *shapes = FUNCTIONS[name]
    points = [RNG.normal(size=s) for s in shapes]
    x, y = map(T, points)
    expected = [numeric(on_numpy(fn), *points, at=i) for i in range(2)]
    for jacobian in (ms.jacrev(fn, (0, 1)), ms.jacfwd(fn, (0, 1)), jit(ms.jacrev(fn, (0, 1)))):
        for got, want in zip(jacobian(x, y), expected):
            close(got, want, rtol=2e-7, atol=1e-8)
    v = [RNG.normal(size=s) for s in shapes]
    along = sum(np.tensordot(e, d, axes=d.ndim) for e, d in zip(expected, v))
    output, tangent = ms.jvp(fn, (x, y), tuple(map(T, v)))
    close(output, fn(x, y).asnumpy())
    close(tangent, along, rtol=2e-7, atol=1e-8)
    _, linear = ms.ops.linearize(fn, (x, y))
    close(linear(tuple(map(T, v))), tangent.asnumpy())
    u = RNG.normal(size=output.shape)
    output, pull = ms.vjp(fn, x, y)
    for got, want in zip(pull(T(u)), expected):
        close(got, np.tensordot(u, want, axes=u.ndim), rtol=2e-7, atol=1e-8)
    # <u, J v> = <J^T u, v>
    assert np.isclose((u * tangent.asnumpy()).sum(), sum((g.asnumpy() * d).sum() for g, d in zip(pull(T(u)), v)), rtol=1e-10)
    value, gradients = ms.value_and_grad(fn, (0, 1))(x, y)
    close(value, output.asnumpy())
    for got, want in zip(gradients, pull(T(np.ones_like(u)))):
        close(got, want.asnumpy())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_second_order_all_ways(name):
    fn, *shapes = FUNCTIONS[name]
    points = [RNG.normal(size=s) for s in shapes]
    x, y = map(T, points)
    total = lambda x, y: fn(x, y).sum()
    expected = numeric(on_numpy(ms.grad(total)), *points)
    for second in (ms.hessian(total), ms.jacfwd(ms.jacrev(total)), ms.jacrev(ms.jacfwd(total)), ms.jacfwd(ms.jacfwd(total)), ms.jacrev(ms.jacrev(total)),
                   ms.jacrev(ms.grad(total)), jit(ms.hessian(total))):
        close(second(x, y), expected, rtol=2e-6, atol=1e-7)
    v = RNG.normal(size=shapes[0])
    product = np.tensordot(expected, v, axes=v.ndim)
    close(ms.jvp(lambda x: ms.grad(total)(x, y), x, T(v))[1], product, rtol=2e-6, atol=1e-7)
    close(ms.grad(lambda x: ms.jvp(lambda x: total(x, y), x, T(v))[1])(x), product, rtol=2e-6, atol=1e-7)


def test_all_derivatives_of_sin_and_exp_to_order_five():
    x = RNG.normal(size=4)
    sines = [np.sin(x), np.cos(x), -np.sin(x), -np.cos(x), np.sin(x), np.cos(x)]
    reverse, forward = ops.sin, ops.sin
    growing = ops.exp
    for order in range(1, 6):
        reverse = ms.grad(reverse)
        forward = (lambda f: lambda x: ms.jvp(f, x, ops.ones_like(x))[1])(forward)
        growing = ms.grad(growing) if order % 2 else (lambda f: lambda x: ms.jvp(f, x, ops.ones_like(x))[1])(growing)
        close(reverse(T(x)), sines[order])
        close(forward(T(x)), sines[order])
        close(growing(T(x)), np.exp(x))
        close(ops.derivative(ops.sin, T(x), order)[1], sines[order])
    value, series = ops.jet(ops.exp, T(x), T(np.eye(5)[0][:, None] * np.ones(4)))
    close(value, np.exp(x))
    close(series, np.exp(x) * np.ones((5, 1)))


def test_jet_follows_the_chain_rule():
    x0, x1, x2, x3 = RNG.normal(size=(4, 3))
    _, series = ops.jet(lambda x: ops.exp(ops.sin(x)), T(x0), T([x1, x2, x3]))
    d1, d2 = np.cos(x0) * np.exp(np.sin(x0)), (np.cos(x0) ** 2 - np.sin(x0)) * np.exp(np.sin(x0))
    d3 = (np.cos(x0) ** 3 - 3 * np.sin(x0) * np.cos(x0) - np.cos(x0)) * np.exp(np.sin(x0))
    close(series, [d1 * x1, d2 * x1 ** 2 + d1 * x2, d3 * x1 ** 3 + 3 * d2 * x1 * x2 + d1 * x3])


def test_hessian_of_rosenbrock():
    def rosenbrock(x):
        return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()

    x = RNG.normal(size=5)
    expected = np.zeros((5, 5))
    for i in range(5):
        expected[i, i] = (200 if i else 0) + (1200 * x[i] ** 2 - 400 * x[i + 1] + 2 if i < 4 else 0)
        if i < 4:
            expected[i, i + 1] = expected[i + 1, i] = -400 * x[i]
    close(ms.hessian(rosenbrock)(T(x)), expected)
    third = ms.jacfwd(ms.hessian(rosenbrock))(T(x)).asnumpy()
    assert third.shape == (5, 5, 5)
    np.testing.assert_allclose(third, np.transpose(third, (1, 2, 0)), rtol=1e-9, atol=1e-9)
    assert np.isclose(third[0, 0, 0], 2400 * x[0]) and np.isclose(third[0, 0, 1], -400)


def test_hessian_of_a_network():
    w1, w2, x = RNG.normal(size=(4, 3)), RNG.normal(size=(1, 4)), RNG.normal(size=(5, 3))

    def loss(w1, w2):
        return (ops.matmul(ops.tanh(ops.matmul(T(x), w1.T)), w2.T) ** 2).mean()

    found = ms.hessian(loss, (0, 1))(T(w1), T(w2))
    first = on_numpy(ms.grad(loss, 0)), on_numpy(ms.grad(loss, 1))
    for i, of_first in enumerate(first):
        for j in range(2):
            close(found[i][j], numeric(of_first, w1, w2, at=j), rtol=1e-5, atol=1e-7)
    close(found[0][1], np.moveaxis(found[1][0].asnumpy(), (0, 1), (2, 3)))


def test_more_rows_than_anyone_writes_out():
    x = RNG.normal(size=300)
    close(ms.jacrev(lambda x: x * x)(T(x)), np.diag(2 * x))
    close(ms.jacfwd(ms.ops.cumsum)(T(x), 0), np.tril(np.ones((300, 300))))


def test_mixed_compositions():
    x = RNG.normal(size=(4, 3))
    f = lambda v: (v ** 3).sum()
    close(ms.vmap(ms.grad(f))(T(x)), 3 * x ** 2)
    close(ms.grad(lambda x: ms.vmap(ms.grad(f))(x).sum())(T(x)), 6 * x)
    close(ms.vmap(ms.hessian(f))(T(x)), np.stack([np.diag(6 * row) for row in x]))
    close(ms.vmap(lambda v: ms.jvp(f, v, ops.ones_like(v))[1])(T(x)), (3 * x ** 2).sum(1))
    close(ms.jacfwd(ms.vmap(f))(T(x))[1], np.stack([np.zeros(3), 3 * x[1] ** 2, np.zeros(3), np.zeros(3)]))
    close(ms.vmap(lambda v: ms.vjp(f, v)[1](T(2.0))[0])(T(x)), 6 * x ** 2)
    close(ms.vmap(lambda v: ops.linearize(f, v)[1](v))(T(x)), 3 * (x ** 3).sum(1))


def test_structures():
    def fn(point, k):
        return {"p": point["a"] * point["b"][0], "q": (point["a"].sum(), k)}

    a, b = RNG.normal(size=2), RNG.normal(size=2)
    point = {"a": T(a), "b": [T(b)]}
    for jacobian in (ms.jacrev(fn), ms.jacfwd(fn)):
        found = jacobian(point, 3)
        close(found["p"]["a"], np.diag(b))
        close(found["p"]["b"][0], np.diag(a))
        close(found["q"][0]["a"], [1.0, 1.0])
        assert found["q"][1] == ()
    output, tangent = ms.jvp(lambda point: fn(point, 3), (point,), (point,))
    close(tangent["p"], 2 * a * b)
    assert tangent["q"][1] is None and output["q"][1] == 3
    _, pull = ms.vjp(lambda point: fn(point, 3)["p"], point)
    close(pull(T([1.0, 1.0]))[0]["b"][0], a)
    twice = ms.jacrev(lambda x: (x * x,) * 2)(T(a))  # one Tensor, two outputs
    close(twice[0], np.diag(2 * a))
    close(twice[1], np.diag(2 * a))


def test_has_aux_everywhere():
    a = RNG.normal(size=2)
    fn = lambda x: (x * x, x + 1.0, {"k": 3})
    for transformed in (ms.jacrev(fn, 0, True), ms.jacfwd(fn, 0, True), jit(ms.jacfwd(fn, 0, True))):
        jacobian, aux = transformed(T(a))
        close(jacobian, np.diag(2 * a))
        close(aux[0], a + 1)
        assert aux[1] == {"k": 3}
    second, aux = ms.hessian(lambda x: ((x ** 3).sum(), x), 0, True)(T(a))
    close(second, np.diag(6 * a))
    close(aux, a)
    output, tangent, aux = ms.jvp(lambda x: (x * x, x), T(a), T(a), has_aux=True)
    close(tangent, 2 * a * a)
    close(aux, a)
    output, pull, aux = ms.vjp(lambda x: (x * x, x), T(a), has_aux=True)
    close(pull(T(a))[0], 2 * a * a)
    for transformed in (lambda: ms.jacrev(lambda x: x, 0, True)(T(a)), lambda: ms.vjp(lambda x: x, T(a), has_aux=True)):
        with pytest.raises(ValueError, match="more than one outputs"):
            transformed()


class Dense(nn.Cell):
    def __init__(self):
        super().__init__()
        self.w = ms.Parameter(T([[1.0, 2.0], [3.0, 4.0]]), name="w")
        self.count = ms.Parameter(T(0.0), name="count", requires_grad=False)

    def construct(self, x):
        ops.assign(self.count, self.count + 1.0)
        return ops.matmul(self.w, x) * x


def test_products_keep_the_point_and_write_once():
    net, x = Dense(), RNG.normal(size=2)
    w = net.w.asnumpy().copy()
    output, pull = ms.vjp(net, T(x), weights=[net.w])
    assert float(net.count) == 1.0
    (of_x,), (of_w,) = pull(T([1.0, 0.0]))
    close(of_w, np.outer([x[0], 0.0], x))
    net.w.set_data(T(np.zeros((2, 2))))
    (again,), _ = pull(T([1.0, 0.0]))
    close(again, of_x.asnumpy())  # the point as it was
    expected = w[0] * x[0] + np.array([w[0] @ x, 0.0])
    close(of_x, expected)
    assert float(net.count) == 1.0  # a product is not a step
    _, linear = ops.linearize(net, T(x))
    assert float(net.count) == 2.0
    linear(T(x))
    assert float(net.count) == 2.0


def test_products_run_no_forward_part():
    x = T(RNG.normal(size=3))
    _, pull = ms.vjp(lambda x: ops.exp(ops.sin(x)).sum(), x)
    [inner] = [c.cell_contents for c in pull.__closure__ if getattr(c.cell_contents, "__name__", "") == "pull"]
    [later] = [c.cell_contents for c in inner.__closure__ if type(c.cell_contents).__name__ == "Later"]
    text = later.executable.keepalive.mlir("cell")
    assert "cell.exp" not in text and "cell.sin" not in text


def test_products_inside_other_programs():
    x = RNG.normal(size=3)
    output, pull = ms.vjp(lambda x: x * x, T(x))
    _, linear = ops.linearize(lambda x: x * x, T(x))
    unit = T(np.eye(3))
    for product in (lambda t: pull(t)[0], linear):
        close(product(T(x)), 2 * x * x)
        close(ms.vmap(product)(unit), np.diag(2 * x))
        close(jit(product)(T(x)), 2 * x * x)
        close(ms.grad(product)(T(x)), 2 * x)
    close(jit(lambda x: ms.vmap(ms.vjp(lambda x: x * x, x)[1])(unit)[0])(T(x)), np.diag(2 * x))


def test_cotangents_and_tangents_that_do_not_fit():
    x = T([1.0, 2.0])
    _, pull = ms.vjp(lambda x: (x, x.sum()), x)
    with pytest.raises(ValueError, match="2 outputs are differentiated, but 1 cotangents"):
        pull(x)
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        pull(T([1.0, 2.0, 3.0]), T(1.0))
    with pytest.raises(ValueError, match="v has invalid length: should be 2, but got 1"):
        ms.jvp(lambda x, y: x * y, (x, x), (x,))
    with pytest.raises(ValueError, match=r"input 1 has shape \(3,\)"):
        ms.jvp(lambda x, y: x * y, (x, x), (x, T([1.0, 2.0, 3.0])))
    with pytest.raises(TypeError, match="'inputs' should be a Tensor"):
        ms.jvp(lambda x: x, 3.0, x)
    for transform in (ms.jacrev, ms.jacfwd, ms.hessian):
        with pytest.raises(TypeError, match="'grad_position' must be int or tuple"):
            transform(lambda x: x, None)
        with pytest.raises(RuntimeError, match="Position index 1 is exceed"):
            transform(lambda x: x, 1)(x)


def test_mixed_dtypes_integers_and_bools():
    x, n = Tensor([1.0, 2.0], ms.float32), Tensor([2, 3], ms.int32)
    assert ms.jacrev(lambda x, n: x * n, 1)(x, n).dtype is ms.int32
    half = Tensor([1.0, 2.0], ms.float16)
    output, tangent = ms.jvp(lambda x, y: x * y, (x, half), (x, half))
    assert output.dtype is ms.float32 and tangent.dtype is ms.float32
    np.testing.assert_allclose(tangent.asnumpy(), [2.0, 8.0])
    masked = ms.jacfwd(lambda x, m: ops.where(m, x * x, 0.0))(x, Tensor([True, False]))
    np.testing.assert_allclose(masked.asnumpy(), [[2.0, 0.0], [0.0, 0.0]])
    assert ms.value_and_grad(lambda m: m.astype(ms.float32) * 2)(Tensor([True, False]))[1].dtype is ms.bool_


def test_edge_points():
    bad = T([np.nan, np.inf])
    for taken in (ms.grad(lambda x: ops.where(x > 0.5, x * x, bad))(T([1.0, 2.0])), ms.jvp(lambda x: ops.where(x > 0.5, x * x, bad), T([1.0, 2.0]), T([1.0, 1.0]))[1]):
        close(taken, [2.0, 4.0])  # nothing of the branch not taken
    # A function is kept from points where its own derivative is infinite before it is applied, as in the reference.
    safe = lambda x: ops.where(x > 0.5, ops.log(ops.where(x > 0.5, x, 1.0)), x)
    for got in (ms.grad(safe)(T([0.0, 1.0])), ms.jvp(safe, T([0.0, 1.0]), T([1.0, 1.0]))[1]):
        close(got, [1.0, 1.0])
    close(ms.jvp(ops.relu, T([-1.0, 0.0, 1.0]), T([1.0, 1.0, 1.0]))[1], [0.0, 0.0, 1.0])
    close(ms.jvp(ops.maximum, (T([1.0, 2.0]), T([1.0, 1.0])), (T([1.0, 1.0]), T([0.0, 0.0])))[1], [0.5, 1.0])
    empty = Tensor(np.zeros((0, 3)), ms.float64)
    assert ms.grad(lambda x: (x * x).sum())(empty).shape == (0, 3)
    assert ms.jvp(lambda x: x * x, empty, empty)[1].shape == (0, 3)
    assert ms.jacrev(lambda x: x * 2.0)(empty).shape == (0, 3, 0, 3)
    assert ms.jacfwd(lambda x: x.sum(0))(empty).shape == (3, 0, 3)
    scalar = T(3.0)
    close(ms.hessian(lambda x: x ** 3)(scalar), 18.0)
    close(ms.jacfwd(lambda x: x * T([1.0, 2.0]))(scalar), [1.0, 2.0])
    base = T([[1.0, 2.0], [3.0, 4.0]])
    close(ms.grad(lambda x: (x[0] * x[1]).sum())(base), [[3.0, 4.0], [1.0, 2.0]])
    x = T([1.0, 2.0])
    assert [g.asnumpy().tolist() for g in ms.grad(lambda a, b: a * b, (0, 1))(x, x)] == [[1.0, 2.0], [1.0, 2.0]]
    close(ms.jvp(lambda a, b: a * b, (x, x), (x, x))[1], [2.0, 8.0])
