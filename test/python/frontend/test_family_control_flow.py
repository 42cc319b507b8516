"""The family through control flow: the rows of the behaviour reference with their functions written as loops and branches, and every transformation."""
from __future__ import annotations

import re

import numpy as np
import pytest
from rows import arguments, calls, harness, higher, ids_outputs, inputs, weights

import cellgrad as ms
from cellgrad import Parameter, Tensor, jit, nn, ops
from cellgrad._frontend.jit import shared
from cellgrad._frontend.transforms import request_key


def f_mul(x, y):
    """x * y, counted up in a loop whose length a Tensor decides."""
    result, i = x * 0 + y * 0, (x * 0).sum() + (y * 0).sum()
    while i < 1:
        result = result + x * y
        i = i + 1
    return result


def f_sq(x):
    if (x * x).sum() > -1:
        y = x * x
    else:
        y = x
    return y


def f_sum(x):
    total = (x * 0).sum()
    for _ in ms.ops.arange(1):
        total = total + (x * x).sum()
    return total


def f_two(x, y):
    if (x * x).sum() + (y * y).sum() > -1:
        return x * y, x + y
    return x, y


class PNet(harness.PNet):
    def construct(self, x):
        if (x * x).sum() > -1:
            y = x * self.w + self.b
        else:
            y = x + self.b
        return y


NAMES = {"f_sq": f_sq, "f_two": f_two, "PNet": PNet, "f_mul": f_mul, "f_sum": f_sum}
ROWS = [r for module in (arguments, weights, ids_outputs, inputs, calls, higher) for r in module.ROWS
        if r.raises is None and set(re.findall(r"\w+", r.setup + r.expression)) & set(NAMES)]
# A number, a string or an array takes part: the loop would have no Tensor to decide it.
PLAIN = ("python_float", "numpy", "string", "empty_tensor")


@pytest.mark.parametrize("mode", ["eager", "jit"])
@pytest.mark.parametrize("r", ROWS, ids=lambda r: r.name)
def test_row_through_control_flow(r, mode, monkeypatch):
    if any(word in r.name for word in PLAIN):
        pytest.skip("no Tensor decides")
    plain = harness.namespace()
    monkeypatch.setattr(harness, "namespace", lambda: {**plain, **NAMES})
    harness.compare(harness.expectation(r), harness.execute(r, mode))


def T(values):
    return Tensor(values, ms.float64)


def close(got, expected):
    np.testing.assert_allclose(got.asnumpy(), expected, rtol=1e-9, atol=1e-12)


def powers(x, n):
    """x ** n, or -x where its sum is negative."""
    if x.sum() < 0:
        return -x
    y, i = x * 0 + 1, n * 0
    while i < n:
        y = y * x
        i = i + 1
    return y


X, N = T([1.0, 2.0]), Tensor(3, ms.int32)


@pytest.fixture(params=["eager", "jit"])
def run(request):
    return (lambda fn, *args: jit(fn)(*args)) if request.param == "jit" else (lambda fn, *args: fn(*args))


def test_every_transformation(run):
    x = np.array([1.0, 2.0])
    f = lambda x: powers(x, N)
    close(run(ms.grad(powers), X, N), 3 * x ** 2)
    close(run(ms.grad(powers), -X, N), [-1.0, -1.0])
    close(run(lambda x: ms.jvp(f, x, X)[1], X), 3 * x ** 3)
    close(run(ms.jacfwd(f), X), np.diag(3 * x ** 2))
    close(run(ms.jacrev(f), X), np.diag(3 * x ** 2))
    close(run(ms.grad(ms.grad(f)), X), 6 * x)
    close(run(ms.hessian(lambda x: f(x).sum()), X), np.diag(6 * x))
    close(run(lambda x: ms.vjp(f, x)[1](X)[0], X), 3 * x ** 3)
    close(run(lambda x: ops.linearize(f, x)[1](X), X), 3 * x ** 3)
    close(run(lambda x: ops.derivative(f, x, 2)[1], X), 6 * x)
    close(run(ms.vmap(ms.grad(lambda v: powers(v.reshape(1), N).sum())), X), 3 * x ** 2)
    close(run(ms.grad(ms.checkpoint(f)), X), 3 * x ** 2)


def test_products_of_a_loop_of_unknown_length_can_be_taken_often():
    x = np.array([1.0, 2.0])
    output, pull = ms.vjp(powers, X, N)
    close(output, x ** 3)
    for scale in (1.0, 2.0):
        close(pull(T([scale, scale]))[0], scale * 3 * x ** 2)
    output, linear = ops.linearize(lambda x: powers(x, N), X)
    close(linear(X), 3 * x ** 3)
    close(linear(X + X), 6 * x ** 3)
    captured = len(shared(powers, ("vjp", request_key(None, None, False)), None)._programs)
    ms.vjp(powers, X, N)
    assert len(shared(powers, ("vjp", request_key(None, None, False)), None)._programs) == captured  # that it cannot be split is remembered


class Counting(nn.Cell):
    def __init__(self):
        super().__init__()
        self.w = Parameter(T([2.0, 3.0]), name="w")
        self.calls = Parameter(T(0.0), name="calls", requires_grad=False)

    def construct(self, x):
        y, i = x, (x * 0).sum()
        while i < 2:
            y = y * self.w
            ops.assign(self.calls, self.calls + 1.0)
            i = i + 1
        if y.sum() > 0:
            return y, i
        return -y, i


def test_aux_weights_and_ids_in_a_cell_that_assigns(run):
    net = Counting()
    (value, count), ((position, gx), ((name, gw),)) = run(ms.value_and_grad(net, 0, [net.w], has_aux=True, return_ids=True), X)
    close(value, [4.0, 18.0])
    close(gx, [4.0, 9.0])
    close(gw, [4.0, 12.0])
    assert (position, name, float(count), float(net.calls)) == (0, "w", 2.0, 2.0)
    close(run(lambda x: ms.get_grad(ms.grad(net, 0, [net.w], has_aux=True, return_ids=True)(x)[0], net.w), X), [4.0, 12.0])


class Rule(nn.Cell):
    def construct(self, x, n):
        return powers(x, n)

    def bprop(self, x, n, out, dout):
        if dout.sum() > 100:
            return dout * 0, None
        g, i = dout * 1, n * 0
        while i < n:
            g = g * 2
            i = i + 1
        return g, None


def test_rules_with_control_flow_and_inside_loops(run):
    net = Rule()
    close(run(ms.grad(net), X, N), [8.0, 8.0])

    def repeated(x, n):
        i = n * 0
        while i < n:
            x = net(x, n)
            i = i + 1
        return x

    close(run(ms.grad(repeated), T([1.0, 1.0]), Tensor(2, ms.int32)), [16.0, 16.0])
    close(run(lambda x: ms.grad(lambda x: net(x, N) * 1000)(x), X), [0.0, 0.0])


def shown(x):
    y = x * x
    print("at", y)
    assert (y >= 0).all(), "never"
    return y


@pytest.mark.parametrize("transformed", [
    lambda x: ms.grad(shown)(x), lambda x: ms.jvp(shown, x, x)[1], lambda x: ms.jacrev(shown)(x), lambda x: ms.jacfwd(shown)(x), lambda x: ms.hessian(shown)(x),
    lambda x: ms.vjp(shown, x)[1](x)[0], lambda x: ops.linearize(shown, x)[1](x), lambda x: ms.vmap(shown)(x), lambda x: ms.grad(ms.checkpoint(shown))(x),
])
def test_what_a_function_prints_is_printed_once(transformed, run, capfd):
    run(transformed, X)
    assert capfd.readouterr().out.count("at [1. 4.]") == 1
