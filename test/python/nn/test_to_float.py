"""Cell.to_float: what dtype things have (measured in MindSpore's PYNATIVE mode; inputs are cast when the Cell is called, as in its GRAPH_MODE), and how exact they are."""
from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Parameter, Tensor, context, jit, nn, ops, value_and_grad, vmap

RNG = np.random.default_rng(0)
LOW = pytest.mark.parametrize("low", [ms.float16, ms.bfloat16], ids=str)
# Half a unit in the last place, relative.
EPS = {ms.float16: 2.0**-11, ms.bfloat16: 2.0**-8}
X = RNG.standard_normal((3, 3)).astype(np.float32)


class Uses(nn.Cell):
    """What stands for an op of the Cell, by name."""

    def __init__(self, use):
        super().__init__()
        self.w = Parameter(np.ones((3, 3), np.float32), name="w")
        self.use = use

    def construct(self, x):
        return self.use(self, x)


def same(c, x):
    return x


USES = {
    "input": (same, "low"), "number": (lambda c, x: x * 2.0, "low"), "twice": (lambda c, x: x + x, "low"), "cast": (lambda c, x: ops.cast(x, ms.float32), "f32"),
    "astype": (lambda c, x: x.astype(ms.float32), "f32"), "after_cast": (lambda c, x: ops.cast(x, ms.float32) + 1.0, "low"), "parameter": (lambda c, x: c.w, "f32"),
    "parameter_and_input": (lambda c, x: c.w + x, "low"), "parameters": (lambda c, x: c.w * c.w, "low"), "unary": (lambda c, x: ops.exp(c.w), "low"),
    "reduction": (lambda c, x: c.w.sum(), "low"), "constant": (lambda c, x: Tensor(X) + x, "low"), "created": (lambda c, x: ops.ones((3,), ms.float32), "f32"),
    "product": (lambda c, x: ops.matmul(x, c.w), "low"), "concat": (lambda c, x: ops.concat((x, c.w)), "low"), "softmax": (lambda c, x: ops.softmax(x), "low"),
    "comparison": (lambda c, x: x > 0, "bool"), "argmax": (lambda c, x: ops.argmax(x, -1), "int"), "lookup": (lambda c, x: ops.gather(c.w, Tensor([1, 0]), 0), "low"),
    "element_written": (lambda c, x: written(x), "low"), "helper": (lambda c, x: helper(x, c.w), "low"),
}


def written(x):
    x = x * 1.0
    x[0] = 2.5
    return x


def helper(x, w):
    return ops.matmul(x, w.T)


def kind(t):
    return {ms.float32: "f32", ms.bool_: "bool", ms.float16: "low", ms.bfloat16: "low"}.get(t.dtype, "int")


@pytest.fixture(params=["eager", "jit", "graph"])
def run(request):
    if request.param == "graph":
        context.set_context(mode=context.GRAPH_MODE)
        yield lambda fn: fn
        context.set_context(mode=context.PYNATIVE_MODE)
    else:
        yield jit if request.param == "jit" else lambda fn: fn


@LOW
@pytest.mark.parametrize("name", USES)
def test_dtype(name, low, run):
    use, expected = USES[name]
    result = run(Uses(use).to_float(low))(Tensor(X))
    assert kind(result) == expected, result.dtype
    assert result.dtype in (low, ms.float32, ms.bool_, ms.int32, ms.int64)


def test_dtypes_of_inputs():
    net = Uses(lambda c, x: (x[0], x[1], x[2]["k"], x[3])).to_float(ms.float16)
    result = net((Tensor(X), Tensor(X.astype(np.float64)), {"k": Tensor([1, 2])}, 3))
    assert [t.dtype for t in result[:3]] == [ms.float16, ms.float16, ms.int64] and result[3] == 3
    assert Uses(same).to_float(ms.float32)(Tensor(X.astype(np.float16))).dtype is ms.float32


def test_cells_inside_and_optimizers():
    class Two(nn.Cell):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Dense(3, 3), nn.Dense(3, 3)

        def construct(self, x):
            y = self.a(x)
            z = self.b(y)
            return y, z, y + z

    def dtypes(net):
        return [kind(t) for t in net(Tensor(X))]

    net = Two()
    assert dtypes(net.to_float(ms.float16)) == ["low", "low", "low"]
    net.b.to_float(ms.float32)
    assert dtypes(net) == ["low", "f32", "low"]
    assert dtypes(net.to_float(ms.float32)) == ["f32", "f32", "f32"]
    net = Two()
    net.b.to_float(ms.float16)
    assert dtypes(net) == ["f32", "low", "f32"]
    step = nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss()), nn.Momentum(net.trainable_params(), 0.1, 0.9))
    step.to_float(ms.float16)
    assert step.optimizer._precision is False and net.a._precision is ms.float16


def test_changes_between_calls_are_seen():
    net = nn.Dense(3, 3)
    outer = jit(lambda x: net(x))
    assert [outer(Tensor(X)).dtype for dtype in (None, ms.float16, ms.bfloat16, ms.float32) if dtype is None or net.to_float(dtype)] == [
        ms.float32, ms.float16, ms.bfloat16, ms.float32]


# -- numbers --------------------------------------------------------------------------------------------------------------
def exact(t):
    return t.astype(ms.float32).asnumpy().astype(np.float64)


@LOW
@pytest.mark.parametrize("n", [64, 4096])
def test_products_and_reductions_accumulate_in_float32(low, n):
    """The error is that of one rounding, however many terms there are."""
    a, b = (Tensor(RNG.random(s).astype(np.float32)).astype(low) for s in ((4, n), (n, 3)))
    for got, want in ((ops.matmul(a, b), exact(a) @ exact(b)), (a.sum(1), exact(a).sum(1)), (a.mean(1), exact(a).mean(1)), (ops.cumsum(a, 1)[:, -1], exact(a).sum(1)),
                      (ops.norm(a, dim=1), np.sqrt((exact(a)**2).sum(1)))):
        assert got.dtype is low
        np.testing.assert_allclose(exact(got), want, rtol=2 * EPS[low])


@LOW
def test_normalisations_are_as_exact_as_one_rounding(low):
    x = Tensor((100 + RNG.standard_normal((4, 512))).astype(np.float32)).astype(low)
    mean, var = exact(x).mean(1, keepdims=True), exact(x).var(1, keepdims=True)
    want = (exact(x) - mean) / np.sqrt(var + 1e-5)
    got = nn.LayerNorm((512,), epsilon=1e-5).to_float(low)(x)
    np.testing.assert_allclose(exact(got), want, atol=4 * EPS[low] * np.abs(want).max())
    e = np.exp(exact(x) - exact(x).max(1, keepdims=True))
    np.testing.assert_allclose(exact(ops.softmax(x, -1)), e / e.sum(1, keepdims=True), rtol=4 * EPS[low], atol=1e-7)
    images = x.reshape(2, 4, 16, 16)
    want = exact(images)
    want = (want - want.mean((0, 2, 3), keepdims=True)) / np.sqrt(want.var((0, 2, 3), keepdims=True) + 1e-5)
    norm = nn.BatchNorm2d(4).to_float(low).set_train()
    np.testing.assert_allclose(exact(norm(images)), want, atol=4 * EPS[low] * np.abs(want).max())
    assert norm.moving_mean.dtype is ms.float32
    np.testing.assert_allclose(norm.moving_mean.asnumpy(), 0.1 * exact(images).mean((0, 2, 3)), rtol=2 * EPS[low])


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.out = nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Dense(4 * 36, 5)
        self.scale = Parameter(np.full(5, 0.5, np.float32), name="scale")

    def construct(self, x):
        x = ops.relu(self.norm(self.conv(x)))
        return ops.tanh(self.out(x.reshape(x.shape[0], -1))) * self.scale


@LOW
def test_gradients_against_float64(low, run):
    ms.set_seed(3)
    net = Net().set_train()
    x = RNG.standard_normal((8, 2, 6, 6)).astype(np.float32)

    def gradients(x):
        return value_and_grad(lambda x: (net(x).astype(x.dtype) ** 2).mean(), 0, net.trainable_params())(x)

    _, (of_x, reference) = gradients(Tensor(x))
    net.to_float(low)
    value, (low_x, of_parameters) = run(gradients)(Tensor(x))
    assert low_x.dtype is ms.float32 and {g.dtype for g in of_parameters} == {ms.float32}
    assert np.isfinite(value.asnumpy())
    for got, want in zip((low_x, *of_parameters), (of_x, *reference), strict=True):
        error = np.linalg.norm(got.asnumpy() - want.asnumpy())
        assert error <= 60 * EPS[low] * np.linalg.norm(want.asnumpy()) + 2e-2 * EPS[low], error


# -- in control flow, transformations, writes ----------------------------------------------------------------------------------
class Flow(nn.Cell):
    def __init__(self):
        super().__init__()
        self.w = Parameter(np.full((3, 3), 0.5, np.float32), name="w")
        self.start = Tensor(X)

    def construct(self, x, n):
        h, total = self.start, ops.zeros((3, 3), ms.float32)
        i = n * 0
        while i < n:
            h = ops.tanh(ops.matmul(h, self.w) + x)
            total = total + h * 0.5
            if h.sum() > 0:
                h = h * 0.5
            i = i + 1
        return total if n > 2 else self.start


@LOW
def test_loops_and_branches_carry_the_low_dtype(low, run):
    net = Flow()
    want = net(Tensor(X), Tensor(4)).asnumpy()
    net.to_float(low)
    got = run(net)(Tensor(X), Tensor(4))
    assert got.dtype is low
    np.testing.assert_allclose(exact(got), want, atol=40 * EPS[low])
    assert run(net)(Tensor(X), Tensor(1)).dtype is low


def test_counters_stay_numbers(run):
    net = Uses(lambda c, x: turns(x)).to_float(ms.float16)
    np.testing.assert_allclose(exact(run(net)(Tensor(np.zeros(2, np.float32)))), 5000 * 0.001, rtol=1e-3)


def turns(x):
    for i in range(5001):
        y = x + i * 0.001
    return y


def test_writes_keep_the_dtype_of_what_is_written():
    class Writes(nn.Cell):
        def __init__(self):
            super().__init__()
            self.count = Parameter(np.full(2, 4096.0, np.float32), name="count", requires_grad=False)
            self.kept = Parameter(np.zeros(2, np.float32), name="kept", requires_grad=False)

        def construct(self, x):
            ops.assign_add(self.count, 1.0)
            self.kept = self.kept + x
            self.kept[0] = 4097.0
            return self.count * 1.0

    net = Writes().to_float(ms.float16)
    for _ in range(2):
        assert net(Tensor([1.0, 0.5])).dtype is ms.float16
    assert net.count.dtype is ms.float32 and net.count.asnumpy().tolist() == [4098.0, 4098.0]
    assert net.kept.dtype is ms.float32 and net.kept.asnumpy().tolist() == [4097.0, 1.0]


def test_transformations(run):
    ms.set_seed(1)
    net = nn.Dense(3, 3).to_float(ms.float16)
    rows = run(vmap(net))(Tensor(X[:, None]))
    assert rows.dtype is ms.float16
    np.testing.assert_array_equal(exact(rows)[:, 0], exact(net(Tensor(X))))
    hessian = run(ms.hessian(lambda x: ops.sin(net(x)).sum().astype(ms.float32)))(Tensor(X[:1]))
    assert hessian.dtype is ms.float32 and np.isfinite(hessian.asnumpy()).all()
    before = value_and_grad(lambda x: net(x).sum(), 0, net.trainable_params())(Tensor(X))
    net.recompute()
    after = value_and_grad(lambda x: net(x).sum(), 0, net.trainable_params())(Tensor(X))
    np.testing.assert_array_equal(exact(before[0]), exact(after[0]))
    np.testing.assert_array_equal(before[1][0].asnumpy(), after[1][0].asnumpy())


def test_rule_of_a_cell():
    class Doubles(nn.Cell):
        def construct(self, x):
            return x * 2.0

        def bprop(self, x, out, dout):
            assert x.dtype is ms.float16 and dout.dtype is ms.float16
            return (dout * 3.0,)

    net = Doubles().to_float(ms.float16)
    value, slope = value_and_grad(lambda x: net(x).sum())(Tensor(X))
    assert value.dtype is ms.float16 and slope.dtype is ms.float32 and slope.asnumpy().tolist() == [[3.0] * 3] * 3


def test_signature_and_errors():
    assert str(inspect.signature(nn.Cell.to_float)).startswith("(self, dst_type")
    net = nn.Dense(2, 2)
    assert net.to_float(ms.float16) is net
    for wrong in (ms.float64, ms.int32, "float16", None):
        with pytest.raises(ValueError, match="'dst_type' must be mstype.float32, mstype.float16 or mstype.bfloat16"):
            net.to_float(wrong)
    assert net._precision is ms.float16
    with pytest.raises(AttributeError, match="call to_float"):
        net.set_mixed_precision_type(1)


def test_python_that_needs_values():
    net = Uses(lambda c, x: x * float(x.asnumpy()[0, 0])).to_float(ms.float16)
    with pytest.raises(ms._errors.CaptureError, match="a Cell with to_float, or lowered by amp, runs as a compiled program") as caught:
        net(Tensor(X))
    assert caught.value.position.file == __file__


def test_copies_and_compiled_methods():
    class Compiled(Uses):
        construct = jit(Uses.construct)

    net = Uses(use_of_copies).to_float(ms.bfloat16)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net)), Compiled(use_of_copies).to_float(ms.bfloat16)):
        assert other(Tensor(X)).dtype is ms.bfloat16
        assert other.to_float(ms.float32)(Tensor(X)).dtype is ms.float32
    assert net(Tensor(X)).dtype is ms.bfloat16


def use_of_copies(c, x):
    return x @ c.w
