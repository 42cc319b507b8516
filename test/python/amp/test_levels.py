"""Which Cells auto_mixed_precision and custom_mixed_precision lower, what dtype results have, and how near they are to float32."""
from __future__ import annotations

import inspect

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, amp, jit, nn, ops, value_and_grad

LOW = pytest.mark.parametrize("low", [ms.float16, ms.bfloat16], ids=str)
EPS = {ms.float16: 2.0**-11, ms.bfloat16: 2.0**-8}
X = np.random.default_rng(0).standard_normal((4, 1, 8, 8)).astype(np.float32)


class Net(nn.Cell):
    """Gives the results of its parts."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.act = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Tanh()
        self.body = nn.SequentialCell(nn.Flatten(), nn.Dense(256, 16), nn.LayerNorm((16,)))
        self.product, self.relu = ops.MatMul(transpose_b=True), ops.ReLU()

    def construct(self, x):
        a = self.conv(x)
        b = self.norm(a)
        c = self.act(b)
        d = self.body(c)
        return a, b, c, d, self.relu(self.product(d, d)), ops.exp(d)


NAMES = ("conv", "norm", "act", "body", "product", "exp")


def net():
    ms.set_seed(2)
    return Net().set_train()


def dtypes(results):
    return {name: t.dtype for name, t in zip(NAMES, results, strict=True)}


@LOW
@pytest.mark.parametrize("run", [lambda f: f, jit], ids=["eager", "jit"])
@pytest.mark.parametrize("level", ["O0", "O1", "O2", "O3"])
def test_levels(level, low, run):
    reference = [t.asnumpy() for t in net()(Tensor(X))]
    lowered = net()
    assert amp.auto_mixed_precision(lowered, level, low) is lowered
    results = run(lambda x: lowered(x))(Tensor(X))
    assert set(dtypes(results).values()) == {ms.float32}
    assert {p.dtype for p in lowered.get_parameters()} == {ms.float32}
    for got, want in zip(results, reference):
        error = np.abs(got.asnumpy() - want).max() / np.abs(want).max()
        assert error <= (12 * EPS[low] if level != "O0" else 0), error
        rounded = np.array_equal(got.asnumpy(), got.astype(low).astype(ms.float32).asnumpy())
        assert rounded == (level in ("O2", "O3") or (level == "O1" and any(want is reference[i] for i in (0, 4)))), level
    precision = {name: cell._precision for name, cell in lowered.cells_and_names()}
    if level == "O1":
        assert [n for n, p in precision.items() if p] == ["conv", "body.1"] and precision["conv"] is low
    if level == "O2":
        assert [n for n, p in precision.items() if p is ms.float32] == ["norm", "body.2"]
    if level == "O3":
        assert set(precision.values()) == {low}


@LOW
def test_results_of_parts_at_level_o2(low):
    """Inside of the network what is kept in float32 gives the low dtype to the others."""
    seen = {}
    lowered = amp.auto_mixed_precision(net(), "O2", low)

    def watch(cell):
        construct = cell.construct

        def construct_and_see(*args):
            result = construct(*args)
            seen[type(cell).__name__] = (args[0].dtype, result.dtype)
            return result

        cell.construct = construct_and_see

    for child in (lowered.norm, lowered.act, lowered.body):
        watch(child)
    lowered(Tensor(X))
    assert seen == {"BatchNorm2d": (ms.float32, ms.float32), "Tanh": (low, low), "SequentialCell": (low, low)}


def test_precision_of_the_users_own_is_kept():
    lowered = net()
    lowered.conv.to_float(ms.bfloat16)
    lowered.body.to_float(ms.float32)
    amp.auto_mixed_precision(lowered, "O1")
    assert lowered.conv._precision is ms.bfloat16 and lowered.body[1]._precision is ms.float32
    results = dtypes(lowered(Tensor(X)))
    assert results["conv"] is ms.bfloat16 and results["body"] is ms.float32


def test_lists_of_ones_own():
    white = amp.get_white_list()
    assert {nn.Conv2d, nn.Dense, ops.MatMul, ops.BatchMatMul, ops.Conv2D, ops.ReLU, ops.PReLU} == set(white)
    white.append(nn.Tanh)
    assert nn.Tanh not in amp.get_white_list()
    lowered = amp.custom_mixed_precision(net(), white_list=[nn.Tanh, ops.ReLU], dtype=ms.bfloat16)
    assert [n for n, c in lowered.cells_and_names() if c._precision] == ["act"]
    results = lowered(Tensor(X))
    rounded = [np.array_equal(t.asnumpy(), t.astype(ms.bfloat16).astype(ms.float32).asnumpy()) for t in results]
    assert rounded == [False, False, True, False, True, False] and set(dtypes(results).values()) == {ms.float32}
    assert amp.get_black_list() == [nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm]
    kept = amp.custom_mixed_precision(net(), black_list=[nn.Dense])
    assert [n for n, c in kept.cells_and_names() if c._precision is ms.float32] == ["body.1"]
    assert set(dtypes(kept(Tensor(X))).values()) == {ms.float32}


@pytest.mark.parametrize("level", ["O1", "O2", "O3"])
def test_gradients(level):
    def slopes(cell):
        return value_and_grad(lambda x: sum((r * r).mean() for r in cell(x)[:4]), 0, cell.trainable_params())(Tensor(X))[1]

    of_x, reference = slopes(net())
    low_x, lowered = slopes(amp.auto_mixed_precision(net(), level))
    assert {g.dtype for g in (low_x, *lowered)} == {ms.float32}
    scale = max(np.linalg.norm(g.asnumpy()) for g in reference)
    for got, want in zip((low_x, *lowered), (of_x, *reference), strict=True):
        assert np.linalg.norm(got.asnumpy() - want.asnumpy()) <= 0.02 * np.linalg.norm(want.asnumpy()) + 2e-3 * scale


class Mixed(nn.Cell):
    def __init__(self):
        super().__init__()
        self.a, self.n, self.t, self.b, self.relu = nn.Dense(8, 16), nn.LayerNorm((16,)), nn.Tanh(), nn.Dense(16, 4), ops.ReLU()

    def construct(self, x):
        return self.relu(self.b(self.t(self.n(self.a(x)))))


# The same network with these Parameters and this input in MindSpore 2.10 on the CPU, float16.
MINDSPORE = {
    "O1": [2.2128906, 1.6933594, 0, 0, 1.8642578, 1.0400391, 1.0175781, 1.484375, 3.2304688, 2.9394531, 0, 0],
    "O2": [2.2128906, 1.6933594, 0, 0, 1.8642578, 1.0390625, 1.0175781, 1.4863281, 3.2304688, 2.9414062, 0, 0],
    "O3": [2.2128906, 1.6933594, 0, 0, 1.8632812, 1.0410156, 1.0175781, 1.484375, 3.2285156, 2.9414062, 0, 0],
}


@pytest.mark.parametrize("level", MINDSPORE)
def test_numbers_of_mindspore(level):
    lowered, rng = Mixed(), np.random.default_rng(1)
    for parameter in lowered.get_parameters():
        parameter.set_data(Tensor(rng.standard_normal(parameter.shape).astype(np.float32)))
    amp.auto_mixed_precision(lowered, level)
    result = lowered(Tensor(np.random.default_rng(0).standard_normal((3, 8)).astype(np.float32)))
    # One rounding of float16 more or less, as kernels add in another order.
    np.testing.assert_allclose(result.asnumpy().ravel(), MINDSPORE[level], atol=2.0**-9 * 1.01)


def parameters_of(function):
    return [(p.name, p.kind.name, p.default) for p in inspect.signature(function).parameters.values()]


def test_signatures():
    both, keyword, empty = "POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY", inspect.Parameter.empty
    assert parameters_of(amp.auto_mixed_precision) == [("network", both, empty), ("amp_level", both, "O0"), ("dtype", both, ms.float16)]
    assert parameters_of(amp.custom_mixed_precision) == [("network", both, empty), ("white_list", keyword, None), ("black_list", keyword, None),
                                                         ("dtype", keyword, ms.float16)]
    assert parameters_of(amp.build_train_network) == [("network", both, empty), ("optimizer", both, empty), ("loss_fn", both, None), ("level", both, "O0"),
                                                      ("boost_level", both, "O0"), ("kwargs", "VAR_KEYWORD", empty)]
    assert parameters_of(amp.StaticLossScaler) == [("scale_value", both, empty)]
    assert parameters_of(amp.DynamicLossScaler) == [(n, both, empty) for n in ("scale_value", "scale_factor", "scale_window")]
    assert parameters_of(amp.all_finite) == [("inputs", both, empty)]
    assert parameters_of(amp.DynamicLossScaleManager) == [("init_loss_scale", both, 2**24), ("scale_factor", both, 2), ("scale_window", both, 2000)]
    assert parameters_of(amp.FixedLossScaleManager) == [("loss_scale", both, 128.0), ("drop_overflow_update", both, True)]
    assert parameters_of(nn.TrainOneStepWithLossScaleCell) == [("network", both, empty), ("optimizer", both, empty), ("scale_sense", both, empty)]
    assert parameters_of(amp.get_white_list) == parameters_of(amp.get_black_list) == []


@pytest.mark.parametrize(("call", "error", "text"), [
    (lambda: amp.auto_mixed_precision(lambda x: x), TypeError, "should be a Cell, but got function"),
    (lambda: amp.auto_mixed_precision(nn.Tanh(), "O4"), ValueError, "one of O0, O1, O2, O3, but got 'O4'"),
    (lambda: amp.auto_mixed_precision(nn.Tanh(), "auto"), NotImplementedError, "'auto' is not supported"),
    (lambda: amp.auto_mixed_precision(nn.Tanh(), "O2", ms.float32), ValueError, "float16 or bfloat16, but got Float32"),
    (lambda: amp.custom_mixed_precision(nn.Tanh()), ValueError, "one of 'white_list' and 'black_list'"),
    (lambda: amp.custom_mixed_precision(nn.Tanh(), white_list=[], black_list=[]), ValueError, "and not both"),
    (lambda: amp.custom_mixed_precision(nn.Tanh(), white_list=(nn.Dense,)), TypeError, "a list of classes of Cells and Primitives"),
    (lambda: amp.custom_mixed_precision(nn.Tanh(), white_list=[nn.Dense(1, 1)]), TypeError, "a list of classes"),
    (lambda: amp.custom_mixed_precision(nn.Tanh(), black_list=[ops.MatMul]), TypeError, "a list of classes of Cells,"),
])
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_a_network_that_is_itself_on_the_black_list_stays():
    net = amp.auto_mixed_precision(nn.LayerNorm((4,)), "O2", ms.float16)
    x = Tensor(np.array([[1.0, 2.0, 3.0, 1e6]], np.float32))  # too large for float16
    assert np.isfinite(net(x).asnumpy()).all() and net(x).dtype == ms.float32


@pytest.mark.parametrize("low", [ms.float16, ms.bfloat16, ms.float32])
def test_level_o1_of_a_training_step_lowers_the_white_list_only(low):
    net = nn.SequentialCell(nn.Dense(3, 4), nn.Tanh())
    amp.build_train_network(net, nn.SGD(net.trainable_params(), 0.1), nn.MSELoss(), level="O1", cast_model_type=low)
    assert net[0]._precision == (None if low == ms.float32 else low) and net[1]._precision is None and net._precision is None
