"""Rules that users write: bprop, custom_vjp, custom_jvp; recomputation."""
from __future__ import annotations

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Parameter, Tensor, jit, nn, ops

X, Y = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])


def close(got, expected):
    np.testing.assert_allclose(got.asnumpy(), np.asarray(expected, np.float32), rtol=2e-6, atol=1e-7)


class Scaled(nn.Cell):
    """The derivative is 100 times too large on purpose, so that one sees who computed it."""

    def __init__(self):
        super().__init__()
        self.w = Parameter(Tensor([2.0, 3.0]), name="w")
        self.factor = 100.0

    def construct(self, x, y):
        return x * y * self.w

    def bprop(self, x, y, out, dout):
        return dout * y * self.w * self.factor, dout * out


@pytest.fixture(params=["eager", "graph", "jit"])
def run(request):
    if request.param == "graph":
        ms.set_context(mode=ms.GRAPH_MODE)
    yield (lambda fn, *args: jit(fn)(*args)) if request.param == "jit" else (lambda fn, *args: fn(*args))
    ms.set_context(mode=ms.PYNATIVE_MODE)


def test_bprop_reads_inputs_output_and_what_is_outside(run):
    net = Scaled()
    value, (gx, gy) = run(ms.value_and_grad(net, (0, 1)), X, Y)
    close(value, [6.0, 24.0])
    close(gx, [600.0, 1200.0])
    close(gy, [6.0, 24.0])
    net.factor = 10.0  # read by the rule only
    close(run(ms.grad(net), X, Y), [60.0, 120.0])
    net.w.set_data(Tensor([1.0, 1.0]))
    close(run(ms.grad(net), X, Y), [30.0, 40.0])


def test_weights_of_a_cell_with_bprop_have_gradient_zero(run):
    net = Scaled()
    close(run(ms.grad(net, None, net.w), X, Y), [0.0, 0.0])


class WithWeights(Scaled):
    def bprop(self, x, y, out, dout):
        return (dout * y, dout * x), {self.w: dout * 7.0}


def test_gradients_of_weights_by_bprop(run):
    net = WithWeights()
    (gx, gy), gw = run(ms.grad(net, (0, 1), net.w), X, Y)
    close(gx, Y.asnumpy())
    close(gw, [7.0, 7.0])


class Reversal(nn.Cell):
    def construct(self, x):
        return x

    def bprop(self, x, out, dout):
        return -dout


def test_a_cell_that_passes_its_input_on(run):
    net = Reversal()
    close(run(ms.grad(lambda x: net(x * x)), X), [-2.0, -4.0])
    close(run(ms.grad(lambda x: (net(x) * x).sum()), X), [0.0, 0.0])


class Cube(nn.Cell):
    def construct(self, x):
        return x * x * x

    def bprop(self, x, out, dout):
        return (3.0 * x * x * dout,)


class ByOutput(nn.Cell):
    def construct(self, x):
        return ops.exp(x)

    def bprop(self, x, out, dout):
        return (out * dout,)


def test_higher_orders_and_other_modes_go_through_the_rule():
    cube, by_output = Cube(), ByOutput()
    close(ms.grad(ms.grad(cube))(X), 6.0 * X.asnumpy())
    close(ms.grad(ms.grad(ms.grad(cube)))(X), [6.0, 6.0])
    close(ms.grad(ms.grad(ms.grad(by_output)))(X), np.exp(X.asnumpy()))
    close(ms.jvp(cube, X, Y)[1], 3.0 * X.asnumpy() ** 2 * Y.asnumpy())
    close(ms.hessian(lambda x: cube(x).sum())(X), np.diag(6.0 * X.asnumpy()))
    close(ms.vmap(ms.grad(cube))(X), 3.0 * X.asnumpy() ** 2)
    close(ms.grad(lambda x: ms.vmap(cube)(x).sum())(X), 3.0 * X.asnumpy() ** 2)
    close(ms.vjp(cube, X)[1](Y)[0], 3.0 * X.asnumpy() ** 2 * Y.asnumpy())


class Structured(nn.Cell):
    def construct(self, pair, k, other):
        return pair[0] * pair[1] * k, {"sum": pair[0] + other}

    def bprop(self, pair, k, other, out, dout):
        product, sums = dout[0], dout[1]["sum"]
        return (product * 10.0, None), None, sums * 5.0


def test_structures_numbers_and_none(run):
    net = Structured()
    found = run(ms.grad(lambda a, b, c: net((a, b), 3, c), (0, 1, 2)), X, Y, X)
    close(found[0], [10.0, 10.0])
    close(found[1], [0.0, 0.0])
    close(found[2], [5.0, 5.0])
    close(ms.grad(lambda a: net((a, Y), k=3, other=X))(X), [10.0, 10.0])  # keywords are brought into the order of construct


def a_cell(result, inputs=1):
    class Wrong(nn.Cell):
        def construct(self, *args):
            return args[0] * 2.0

        def bprop(self, *args):
            return result(*args)

    net = Wrong()
    return lambda: ms.grad(net)(*([X] * inputs))


@pytest.mark.parametrize("call, text", [
    (a_cell(lambda x, out, dout: (dout, dout)), "one gradient per input: 1 are needed, but it returned 2"),
    (a_cell(lambda x, y, out, dout: (dout,), 2), "one gradient per input: 2 are needed, but it returned 1"),
    (a_cell(lambda x, y, out, dout: dout, 2), "should return a tuple with one gradient per input, but returned a Tensor"),
    (a_cell(lambda x, out, dout: (Tensor([1.0, 2.0, 3.0]),)), r"input 0 a Tensor of shape \(3,\), but it has shape \(2,\)"),
    (a_cell(lambda x, out, dout: (ops.cast(dout, ms.float64),)), "input 0 a Tensor of dtype .*[Ff]loat64, but it has dtype .*[Ff]loat32"),
    (a_cell(lambda x, out, dout: ("no",)), "should return for input 0 a Tensor, but returned a str"),
])
def test_wrong_results_name_the_rule_and_its_line(call, text):
    with pytest.raises(RuntimeError, match=text) as caught:
        call()
    assert "Wrong.bprop" in str(caught.value)
    assert caught.value.position.file == __file__


def test_a_rule_may_not_read_what_construct_computed_or_assign():
    class Keeps(nn.Cell):
        def construct(self, x):
            self.kept = ops.exp(x)
            return self.kept * 2.0

        def bprop(self, x, out, dout):
            return (self.kept * dout,)

    with pytest.raises(RuntimeError, match="reads a Tensor of shape .* that the function computed"):
        ms.grad(Keeps())(X)

    class Assigns(nn.Cell):
        def __init__(self):
            super().__init__()
            self.count = Parameter(Tensor(0.0), name="count")

        def construct(self, x):
            return x * 2.0

        def bprop(self, x, out, dout):
            ops.assign(self.count, self.count + 1.0)
            return (dout,)

    with pytest.raises(RuntimeError, match="assigns a Parameter"):
        ms.grad(Assigns())(X)


# -- custom_vjp ---------------------------------------------------------------------------------------------------------
def clipped():
    @ms.custom_vjp
    def f(x):
        return ops.sin(x)

    f.defvjp(lambda x: (f(x), (x, ops.cos(x))), lambda residuals, g: (g * residuals[1] * 10.0,))
    return f


def test_custom_vjp_with_residuals(run):
    f = clipped()
    close(run(f, X), np.sin(X.asnumpy()))
    close(run(ms.grad(f), X), 10.0 * np.cos(X.asnumpy()))
    close(run(ms.grad(ms.grad(f)), X), -10.0 * np.sin(X.asnumpy()))  # the rule is differentiated as it is written
    close(run(lambda x: ms.jvp(f, x, Y)[1], X), 10.0 * np.cos(X.asnumpy()) * Y.asnumpy())
    close(run(ms.vmap(ms.grad(f)), X), 10.0 * np.cos(X.asnumpy()))


def test_custom_vjp_nondiff_arguments_and_structures(run):
    @ms.custom_vjp(nondiff_argnums=(0, 2))
    def f(power, x, label, pair):
        return {"out": x ** power * pair[0]}

    def fwd(power, x, label, pair):
        return f(power, x, label, pair), (x, pair)

    def bwd(power, label, residuals, g):
        x, pair = residuals
        assert label == "name" and isinstance(power, int)
        return g["out"] * power * x, (g["out"] * 3.0, None)

    f.defvjp(fwd, bwd)
    found = run(ms.grad(lambda x, a, b: f(2, x, "name", (a, b))["out"], (0, 1, 2)), X, Y, Y)
    close(found[0], [2.0, 4.0])
    close(found[1], [3.0, 3.0])
    close(found[2], [0.0, 0.0])


def test_custom_vjp_by_output(run):
    @ms.custom_vjp
    def f(x):
        return ops.exp(x)

    @f.defbwd
    def backward(x, out, dout):
        return (out * dout * 2.0,)

    close(run(ms.grad(f), X), 2.0 * np.exp(X.asnumpy()))
    close(run(ms.grad(ms.grad(f)), X), 4.0 * np.exp(X.asnumpy()))


def test_custom_vjp_equal_functions_keep_their_own_rules():
    def made(scale):
        @ms.custom_vjp
        def f(x):
            return x * 1.0

        f.defbwd(lambda x, out, dout: (dout * scale,))
        return f

    f, g = made(2.0), made(5.0)
    close(ms.grad(lambda x: f(x) + g(x))(X), [7.0, 7.0])


def test_custom_vjp_rule_given_anew_is_captured_anew():
    f = clipped()
    g = ms.grad(lambda x: f(x))
    close(g(X), 10.0 * np.cos(X.asnumpy()))
    f.defbwd(lambda x, out, dout: (dout * 2.0,))
    close(g(X), [2.0, 2.0])


def test_custom_vjp_errors():
    @ms.custom_vjp
    def f(x, y):
        return x * y

    close(f(X, Y), [3.0, 8.0])
    with pytest.raises(RuntimeError, match="custom_vjp of f has no rule yet"):
        ms.grad(f)(X, Y)
    f.defvjp(lambda x, y: x * y, lambda r, g: (g, g))
    with pytest.raises(RuntimeError, match="pair of the output and the residuals"):
        ms.grad(f)(X, Y)
    f.defvjp(lambda x, y: (x * y, ()), lambda r, g: (g,))
    with pytest.raises(RuntimeError, match="the vjp rule of f, should return one gradient per input: 2 are needed, but it returned 1"):
        ms.grad(f)(X, Y)
    with pytest.raises(TypeError, match="nondiff_argnums"):
        ms.custom_vjp(lambda x: x, nondiff_argnums=("x",))


class WithMethod(nn.Cell):
    def __init__(self):
        super().__init__()
        self.scale = 3.0

    @ms.custom_vjp(nondiff_argnums=(0,))
    def inner(self, x):
        return x * self.scale

    inner.defvjp(lambda self, x: (self.inner(x), ()), lambda self, residuals, g: g * self.scale * 10.0)

    def construct(self, x):
        return self.inner(x) * 2.0


def test_custom_vjp_of_a_method(run):
    net = WithMethod()
    close(run(net, X), [6.0, 12.0])
    close(run(ms.grad(net), X), [60.0, 60.0])
    net.scale = 1.0
    close(run(ms.grad(net), X), [20.0, 20.0])


# -- custom_jvp ---------------------------------------------------------------------------------------------------------
def tripled():
    @ms.custom_jvp
    def f(x, y):
        return ops.exp(x) * y

    @f.defjvp
    def rule(primals, tangents):
        (x, y), (tx, ty) = primals, tangents
        out = f(x, y)
        return out, 3.0 * out * tx + ops.exp(x) * ty

    return f


def test_custom_jvp_in_both_modes(run):
    f = tripled()
    e = np.exp(X.asnumpy())
    out, tangent = run(lambda x, y: ms.jvp(f, (x, y), (Y, X)), X, Y)
    close(out, e * Y.asnumpy())
    close(tangent, 3.0 * e * Y.asnumpy() ** 2 + e * X.asnumpy())
    gx, gy = run(ms.grad(f, (0, 1)), X, Y)
    close(gx, 3.0 * e * Y.asnumpy())
    close(gy, e)
    close(run(ms.grad(ms.grad(f)), X, Y), 9.0 * e * Y.asnumpy())
    close(run(ms.vmap(ms.grad(f)), X, Y), 3.0 * e * Y.asnumpy())


def test_custom_jvp_per_argument():
    @ms.custom_jvp
    def f(x, y):
        return x * y

    f.defjvps(lambda t, out, x, y: t * 5.0, None)
    gx, gy = ms.grad(f, (0, 1))(X, Y)
    close(gx, [5.0, 5.0])
    close(gy, [0.0, 0.0])


def test_custom_jvp_errors():
    f = tripled()
    f.defjvp(lambda primals, tangents: primals[0])
    with pytest.raises(RuntimeError, match="should return the pair of the output and its tangent"):
        ms.grad(f)(X, Y)
    f.defjvp(lambda primals, tangents: (f(*primals), tangents[0].sum()))
    with pytest.raises(RuntimeError, match=r"returned for the tangent a Tensor of shape \(\), but it has shape \(2,\)"):
        ms.grad(f)(X, Y)


# -- recomputation ------------------------------------------------------------------------------------------------------
def test_recomputed_functions_have_the_same_derivatives(run):
    body = lambda x: ops.sin(ops.exp(x)) * ops.tanh(x)
    close(run(ms.grad(ms.checkpoint(body)), X), ms.grad(body)(X).asnumpy())
    close(run(ms.grad(ms.grad(ms.checkpoint(body))), X), ms.grad(ms.grad(body))(X).asnumpy())
    close(run(lambda x: ms.jvp(ms.checkpoint(body), x, Y)[1], X), ms.jvp(body, X, Y)[1].asnumpy())


def test_recomputed_cells(run):
    block = nn.SequentialCell(nn.Dense(2, 3, weight_init="ones"), nn.Tanh(), nn.Dense(3, 1, weight_init="ones"))
    x = Tensor([[0.1, 0.2]])
    weights = block.trainable_params()
    expected = ms.grad(block, 0, weights)(x)
    again = run(ms.grad(lambda x: ms.recompute(block, x), 0, weights), x)
    close(again[0], expected[0].asnumpy())
    assert block.recompute() is None
    set_on_cell = run(ms.grad(block, 0, weights), x)
    for a, b, c in zip(again[1], set_on_cell[1], expected[1]):
        close(a, c.asnumpy())
        close(b, c.asnumpy())
    with pytest.raises(TypeError, match="'block' should be a Cell"):
        ms.recompute(lambda x: x, X)
    with pytest.raises(ValueError, match="keyword 'often'"):
        block.recompute(often=True)


def test_recompute_is_named_in_the_program():
    block = nn.Tanh()
    g = ms.grad(lambda x: ops.exp(block(x)))
    g(X)
    assert "cell.recompute" not in g.compiled().mlir()
    block.recompute()  # captured anew
    g(X)
    assert "cell.recompute" in g.compiled().mlir()
