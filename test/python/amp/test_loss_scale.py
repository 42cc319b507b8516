"""Loss scaling: scalers by themselves, and training steps that leave out updates whose gradients overflow."""
from __future__ import annotations

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Parameter, Tensor, amp, jit, nn, ops, value_and_grad

RUN = pytest.mark.parametrize("run", [lambda f: f, jit], ids=["eager", "jit"])
RNG = np.random.default_rng(1)
X, Y = RNG.standard_normal((16, 8)).astype(np.float32), RNG.standard_normal((16, 3)).astype(np.float32)


@RUN
@pytest.mark.filterwarnings("ignore:_finite, called at .* has been captured")
@pytest.mark.parametrize(("values", "expected"), [
    ([[1.0, 2.0], [3.0]], True), ([[1.0], [np.inf]], False), ([[-np.inf, 0.0]], False), ([[np.nan]], False), ([[]], True), ([], True),
])
def test_all_finite(values, expected, run):
    for dtype in (ms.float16, ms.bfloat16, ms.float32, ms.float64):
        tensors = tuple(Tensor(np.array(v, np.float64)).astype(dtype) for v in values)
        result = run(amp.all_finite)(tensors)
        assert result.dtype is ms.bool_ and result.shape == () and bool(result.asnumpy()) is expected
        assert bool(run(amp.all_finite)({"a": list(tensors), "b": Tensor([1, 2])}).asnumpy()) is expected


def test_all_finite_sees_overflow_of_float16():
    large = Tensor([60000.0], ms.float16)
    assert bool(amp.all_finite(large).asnumpy()) and not bool(amp.all_finite((large * 2,)).asnumpy())
    with pytest.raises(TypeError, match="Tensors are needed, but got int"):
        amp.all_finite((large, 3))


@RUN
@pytest.mark.parametrize("scaler", [amp.StaticLossScaler(256), amp.DynamicLossScaler(256.0, 2, 10)], ids=["static", "dynamic"])
def test_scale_and_unscale(scaler, run):
    tree = (Tensor([1.5, -2.0]), {"a": [Tensor([0.25], ms.float16), Tensor([3.0], ms.bfloat16), Tensor(2.0, ms.float64)]})
    scaled = run(scaler.scale)(tree)
    assert [t.dtype for t in (scaled[0], *scaled[1]["a"])] == [ms.float32, ms.float16, ms.bfloat16, ms.float64]
    assert scaled[0].asnumpy().tolist() == [384.0, -512.0] and scaled[1]["a"][0].asnumpy().tolist() == [64.0]
    back = run(scaler.unscale)(scaled)
    for got, want in zip((back[0], *back[1]["a"]), (tree[0], *tree[1]["a"])):
        assert got.dtype is want.dtype
        np.testing.assert_array_equal(got.astype(ms.float32).asnumpy(), want.astype(ms.float32).asnumpy())


@RUN
def test_adjust(run):
    def model(finite, scale=4.0, count=0):
        for f in finite:
            if f:
                scale, count = (scale * 2, 0) if count == 2 else (scale, count + 1)
            else:
                scale, count = max(scale / 2, 1.0), 0
            yield scale, count

    scaler = amp.DynamicLossScaler(4, 2, 3)
    adjust = run(lambda f: scaler.adjust(f))
    finite = [True] * 7 + [False, True, True, False, True, True, True] + [False] * 5 + [True]
    for f, (scale, count) in zip(finite, model(finite)):
        assert adjust(Tensor(f)) is True
        assert (scaler.scale_value.asnumpy(), scaler.counter.asnumpy()) == (scale, count)
    assert amp.StaticLossScaler(2).adjust(Tensor(False)) is False
    top = amp.DynamicLossScaler(2.0**127, 2, 1)
    top.adjust(True)
    assert top.scale_value.asnumpy() == np.float32(2.0**127)


def test_settings_of_scalers():
    for call, error in ((lambda: amp.StaticLossScaler(0.5), ValueError), (lambda: amp.StaticLossScaler("2"), TypeError), (lambda: amp.StaticLossScaler(np.inf), ValueError),
                        (lambda: amp.DynamicLossScaler(1, 2.0, 1), TypeError), (lambda: amp.DynamicLossScaler(1, 2, 0), ValueError),
                        (lambda: amp.DynamicLossScaler(1, True, 1), TypeError), (lambda: amp.LossScaler(), TypeError), (lambda: amp.FixedLossScaleManager(0), ValueError),
                        (lambda: amp.FixedLossScaleManager(np.inf), ValueError), (lambda: amp.FixedLossScaleManager(2, 1), TypeError),
                        (lambda: amp.DynamicLossScaleManager(2, 1.5), TypeError), (lambda: amp.DynamicLossScaleManager(2, 2, 0), ValueError),
                        (lambda: amp.DynamicLossScaleManager(np.nan), ValueError)):
        with pytest.raises(error):
            call()
    scaler = amp.DynamicLossScaler(8, 2, 1)
    assert isinstance(scaler.scale_value, Parameter) and not scaler.scale_value.requires_grad


def small_net():
    ms.set_seed(0)
    net = nn.SequentialCell(nn.Dense(8, 16), nn.ReLU(), nn.Dense(16, 3))
    return net


def test_scaling_saves_gradients_that_float16_would_lose():
    net = small_net().to_float(ms.float16)
    weights = net.trainable_params()

    def loss(x, scaler):
        return scaler.scale((net(x).astype(ms.float32) ** 2).mean() * 1e-7)

    lost = value_and_grad(loss, None, weights)(Tensor(X), amp.StaticLossScaler(1))[1]
    scaler = amp.StaticLossScaler(2**20)
    kept = scaler.unscale(value_and_grad(loss, None, weights)(Tensor(X), scaler)[1])
    net.to_float(ms.float32)
    exact = value_and_grad(loss, None, weights)(Tensor(X), amp.StaticLossScaler(1))[1]

    def error(gradients):
        return max(np.linalg.norm(g.asnumpy() - e.asnumpy()) / np.linalg.norm(e.asnumpy()) for g, e in zip(gradients, exact))

    assert error(kept) < 0.01 < 0.3 < error(lost)


def test_a_step_that_overflows_changes_nothing_but_the_scale():
    net = amp.auto_mixed_precision(small_net(), "O3")
    optimizer = nn.Adam(net.trainable_params(), 0.01)
    scaler = amp.DynamicLossScaler(2.0**40, 2**15, 2)
    loss_fn = nn.MSELoss()
    differentiated = value_and_grad(lambda x, y: scaler.scale(loss_fn(net(x), y)), None, optimizer.parameters)

    @jit
    def step(x, y):
        loss, grads = differentiated(x, y)
        finite = amp.all_finite(grads)
        if finite:
            optimizer(scaler.unscale(grads))
        scaler.adjust(finite)
        return scaler.unscale(loss), finite

    state = [*net.get_parameters(), *(p for p in optimizer.get_parameters())]
    before = [p.asnumpy().copy() for p in state]
    assert not bool(step(Tensor(X), Tensor(Y))[1].asnumpy()) and scaler.scale_value.asnumpy() == 2.0**25
    assert all(np.array_equal(p.asnumpy(), b) for p, b in zip(state, before))
    assert not bool(step(Tensor(X), Tensor(Y))[1].asnumpy()) and scaler.scale_value.asnumpy() == 2.0**10
    assert bool(step(Tensor(X), Tensor(Y))[1].asnumpy()) and scaler.counter.asnumpy() == 1
    assert not any(np.array_equal(p.asnumpy(), b) for p, b in zip(net.get_parameters(), before))
    assert bool(step(Tensor(X), Tensor(Y))[1].asnumpy()) and scaler.scale_value.asnumpy() == 2.0**25


# -- whole steps ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("level", "options", "kind"), [
    ("O0", {}, nn.TrainOneStepCell), ("O1", {}, nn.TrainOneStepCell), ("O2", {}, nn.TrainOneStepWithLossScaleCell), ("O3", {}, nn.TrainOneStepCell),
    ("O2", {"loss_scale_manager": None}, nn.TrainOneStepCell), ("O0", {"cast_model_type": ms.float16, "keep_batchnorm_fp32": True}, nn.TrainOneStepCell),
    ("O2", {"loss_scale_manager": amp.FixedLossScaleManager(1024)}, nn.TrainOneStepWithLossScaleCell),
    ("O3", {"loss_scale_manager": amp.FixedLossScaleManager(1024, drop_overflow_update=False)}, nn.TrainOneStepCell),
])
def test_build_train_network(level, options, kind):
    def losses(level, **options):
        net = small_net()
        scale = 1024.0 if options.get("loss_scale_manager") is not None and kind is nn.TrainOneStepCell else 1.0
        step = amp.build_train_network(net, nn.Momentum(net.trainable_params(), 0.05, 0.9, loss_scale=scale), nn.MSELoss(), level, **options)
        results = [step(Tensor(X), Tensor(Y)) for _ in range(12)]
        return step, [float((r[0] if isinstance(r, tuple) else r).asnumpy()) for r in results], results

    _, reference, _ = losses("O0")
    step, found, results = losses(level, **options)
    assert type(step) is kind
    assert found[-1] < found[0]
    if kind is nn.TrainOneStepWithLossScaleCell:
        assert results[0][1].dtype is ms.bool_ and float(results[0][2].asnumpy()) == (1024.0 if options else 2.0**24)
        # From 2**24 it takes a few steps that change nothing until the gradients fit.
        found = [loss for loss, (_, overflow, _) in zip(found, results) if not overflow]
        assert len(found) >= (12 if options else 5)
    np.testing.assert_allclose(found, reference[:len(found)], rtol=0.01)


@pytest.mark.parametrize("loss_fn", [nn.MSELoss(), None], ids=["loss", "in-the-network"])
def test_overflow_in_a_built_step(loss_fn):
    net = small_net()
    inner = net if loss_fn is not None else nn.WithLossCell(net, nn.MSELoss())
    manager = amp.DynamicLossScaleManager(2.0**60, 2**30, 2)
    step = amp.build_train_network(inner, nn.Momentum(net.trainable_params(), 0.05, 0.9), loss_fn, "O3", loss_scale_manager=manager)
    before = [p.asnumpy().copy() for p in net.get_parameters()]
    scales, overflows = [], []
    for _ in range(6):
        _, overflow, scale = step(Tensor(X), Tensor(Y))
        scales.append(float(scale.asnumpy()))
        overflows.append(bool(overflow.asnumpy()))
        if overflow:
            assert all(np.array_equal(p.asnumpy(), b) for p, b in zip(net.get_parameters(), before))
        else:
            break
    assert overflows == [True, True, False] and scales == [2.0**60, 2.0**30, 1.0]
    assert not np.array_equal(net[0].weight.asnumpy(), before[0])


def test_scale_given_as_a_tensor():
    net = small_net().to_float(ms.float16)
    step = nn.TrainOneStepWithLossScaleCell(nn.WithLossCell(net, nn.MSELoss()), nn.SGD(net.trainable_params(), 0.1), Tensor([512.0]))
    assert step(Tensor(X), Tensor(Y))[2].asnumpy() == 512.0
    step.set_sense_scale(Tensor(2.0**45))
    assert [t.asnumpy().tolist() for t in step(Tensor(X), Tensor(Y))[1:]] == [True, 2.0**45]
    for wrong, error in ((1024, TypeError), (Tensor([1.0, 2.0]), ValueError)):
        with pytest.raises(error):
            step.set_sense_scale(wrong)
        with pytest.raises(error):
            nn.TrainOneStepWithLossScaleCell(net, nn.SGD(net.trainable_params(), 0.1), wrong)


def test_the_manager_outside_of_a_step_and_its_cell_agree():
    manager, scale = amp.DynamicLossScaleManager(64, 2, 3), Parameter(Tensor(64.0), name="scale")
    cell = manager.get_update_cell()
    for overflow in [False] * 7 + [True, False, False, True] + [True] * 9 + [False] * 4:
        manager.update_loss_scale(overflow)
        cell(scale, Tensor(overflow))
        assert scale.asnumpy() == manager.get_loss_scale()


@pytest.mark.parametrize(("change", "error", "text"), [
    ({"level": "O9"}, ValueError, "one of O0, O1, O2, O3"), ({"boost_level": "O1"}, NotImplementedError, "boost levels are not supported"), ({"speed": 1}, ValueError, "keyword 'speed'"),
    ({"cast_model_type": ms.int32}, ValueError, "'cast_model_type'"), ({"loss_scale_manager": 3}, TypeError, "a LossScaleManager or None"), ({"loss_fn": ops.sin}, TypeError, "'loss_fn'"),
    ({"optimizer": None}, TypeError, "'optimizer'"), ({"network": ops.sin}, TypeError, "'network'"),
])
def test_errors_of_build_train_network(change, error, text):
    net = small_net()
    arguments = {"network": net, "optimizer": nn.SGD(net.trainable_params(), 0.1), **change}
    with pytest.raises(error, match=text):
        amp.build_train_network(**arguments)


def test_the_scale_of_an_update_cell_stays_finite():
    update, scale = nn.DynamicLossScaleUpdateCell(2.0**127, 2, 1), ms.Parameter(Tensor(np.float32(2.0**127)), name="scale")
    update(scale, Tensor(False))
    assert scale.asnumpy() == np.float32(2.0**127)
    update(scale, Tensor(True))
    assert scale.asnumpy() == np.float32(2.0**126)
