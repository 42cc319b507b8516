"""Optimizers: updates against their formulas in NumPy, names of the state, groups, rates, and the same step eagerly and compiled."""
from __future__ import annotations

import math

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Parameter, Tensor, nn, ops

SHAPES = ((3, 2), (3,))


def parameters() -> list[Parameter]:
    random = np.random.default_rng(0)
    return [Parameter(Tensor(random.standard_normal(s).astype(np.float32)), name=n) for s, n in zip(SHAPES, ("w", "b"), strict=True)]


def gradients(step: int) -> tuple[Tensor, ...]:
    random = np.random.default_rng(100 + step)
    return tuple(Tensor(random.standard_normal(s).astype(np.float32)) for s in SHAPES)


def sgd(p, g, s, t, lr=0.1, momentum=0.0, dampening=0.0, nesterov=False, wd=0.0):
    g = g + wd * p
    if not momentum:
        return p - lr * g
    s["v"] = g if t == 1 else momentum * s["v"] + (1 - dampening) * g
    return p - lr * (g + momentum * s["v"] if nesterov else s["v"])


def momentum(p, g, s, t, lr=0.1, m=0.9, nesterov=False, scale=1.0):
    g = g / scale
    s["v"] = m * s.get("v", 0) + g
    return p - lr * (g + m * s["v"] if nesterov else s["v"])


def adam(p, g, s, t, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8, nesterov=False, amsgrad=False):
    s["m"], s["v"] = b1 * s.get("m", 0) + (1 - b1) * g, b2 * s.get("v", 0) + (1 - b2) * g * g
    m, v = s["m"], s["v"]
    if amsgrad:
        s["h"] = v = np.maximum(s.get("h", 0), v)
    if nesterov:
        m = b1 * m + (1 - b1) * g
    return p - lr * math.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(v) + eps)


def adamw(p, g, s, t, lr=1e-2, b1=0.9, b2=0.999, eps=1e-6, wd=0.1):
    s["m"], s["v"] = b1 * s.get("m", 0) + (1 - b1) * g, b2 * s.get("v", 0) + (1 - b2) * g * g
    return p - lr * (s["m"] / (np.sqrt(s["v"]) + eps) + wd * p)


CASES = {
    "sgd": (lambda ps: nn.SGD(ps, 0.1), sgd),
    "sgd-momentum": (lambda ps: nn.SGD(ps, 0.1, 0.9, 0.3, 0.01), lambda *a: sgd(*a, momentum=0.9, dampening=0.3, wd=0.01)),
    "sgd-nesterov": (lambda ps: nn.SGD(ps, 0.1, 0.9, nesterov=True), lambda *a: sgd(*a, momentum=0.9, nesterov=True)),
    "momentum": (lambda ps: nn.Momentum(ps, 0.1, 0.9), momentum),
    "momentum-nesterov": (lambda ps: nn.Momentum(ps, 0.1, 0.9, use_nesterov=True, loss_scale=4.0), lambda *a: momentum(*a, nesterov=True, scale=4.0)),
    "adam": (lambda ps: nn.Adam(ps), adam),
    "adam-nesterov": (lambda ps: nn.Adam(ps, 0.01, use_nesterov=True), lambda *a: adam(*a, lr=0.01, nesterov=True)),
    "adam-amsgrad": (lambda ps: nn.Adam(ps, 0.01, use_amsgrad=True), lambda *a: adam(*a, lr=0.01, amsgrad=True)),
    "adam-weight-decay": (lambda ps: nn.AdamWeightDecay(ps, 1e-2, weight_decay=0.1), adamw),
}


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("name", CASES)
def test_update(name, compiled) -> None:
    make, reference = CASES[name]
    ps = parameters()
    optimizer = make(ps)
    expected, state = [p.asnumpy().astype(np.float64) for p in ps], [{}, {}]
    memory = [p.asnumpy() for p in ps]
    call = ms.jit(lambda g: optimizer(g)) if compiled else optimizer
    for t in range(1, 4):
        g = gradients(t)
        call(g)
        expected = [reference(p, d.asnumpy().astype(np.float64), s, t) for p, d, s in zip(expected, g, state, strict=True)]
    for p, e, array in zip(ps, expected, memory, strict=True):
        np.testing.assert_allclose(p.asnumpy(), e, rtol=2e-5, atol=2e-6)
        assert p.device != "CPU" or np.shares_memory(array, p.asnumpy())  # updated in place
    assert optimizer.global_step.asnumpy().tolist() == [3]


@pytest.mark.parametrize("make, names", [
    (lambda ps: nn.SGD(ps), ["momentum", "accum.w", "accum.b", "stat.w", "stat.b"]),
    (lambda ps: nn.Momentum(ps, 0.1, 0.9), ["momentum", "moments.w", "moments.b"]),
    (lambda ps: nn.Adam(ps), ["beta1_power", "beta2_power", "moment1.w", "moment1.b", "moment2.w", "moment2.b"]),
    (lambda ps: nn.AdamWeightDecay(ps), ["adam_m.w", "adam_m.b", "adam_v.w", "adam_v.b"]),
], ids=["sgd", "momentum", "adam", "adamw"])
def test_names(make, names) -> None:
    assert [p.name for p in make(parameters()).get_parameters()] == ["global_step", "learning_rate", "w", "b", *names]


def test_rate_changes_without_a_new_program() -> None:
    ps = parameters()
    optimizer, g = nn.SGD(ps, 0.1), gradients(0)
    optimizer(g)
    before = ps[1].asnumpy().copy()
    optimizer.learning_rate.set_data(Tensor(0.5))
    optimizer(g)
    np.testing.assert_allclose(ps[1].asnumpy(), before - 0.5 * g[1].asnumpy(), rtol=1e-6)


@pytest.mark.parametrize("rate, values", [([0.1, 0.01, 0.001], [0.1, 0.01, 0.001, 0.001]), (nn.ExponentialDecayLR(0.1, 0.5, 1), [0.1, 0.05, 0.025, 0.0125])],
                         ids=["list", "schedule"])
def test_rate_of_the_step(rate, values) -> None:
    ps = parameters()
    optimizer, g = nn.SGD(ps, rate), (ops.ones((3, 2)), ops.ones((3,)))
    for value in values:
        before = ps[1].asnumpy().copy()
        assert optimizer.get_lr().item() == pytest.approx(value, rel=1e-5)
        optimizer(g)
        np.testing.assert_allclose(before - ps[1].asnumpy(), value, rtol=1e-4)


def test_groups() -> None:
    w, b = parameters()
    optimizer = nn.Momentum([{"params": [w], "lr": 0.01, "weight_decay": 0.5}, {"params": [b]}, {"order_params": [b, w]}], 0.1, 0.9)
    assert [p.name for p in optimizer.parameters] == ["b", "w"]
    assert [float(r.asnumpy()) for r in optimizer.get_lr()] == pytest.approx([0.1, 0.01])
    assert optimizer.get_lr_parameter(w).name == "learning_rate_group_0"
    before, g = w.asnumpy().copy(), gradients(0)
    optimizer((g[1], g[0]))
    np.testing.assert_allclose(w.asnumpy(), before - 0.01 * (g[0].asnumpy() + 0.5 * before), rtol=1e-5)


def test_decay_leaves_out_beta_and_gamma() -> None:
    beta = Parameter(Tensor([1.0]), name="bn.beta")
    weight = Parameter(Tensor([1.0]), name="w")
    nn.SGD([beta, weight], 0.1, weight_decay=0.5)((Tensor([0.0]), Tensor([0.0])))
    assert beta.asnumpy().tolist() == [1.0] and weight.asnumpy()[0] == pytest.approx(0.95)


def test_whole_step_is_one_program() -> None:
    ms.set_seed(0)
    net, loss_fn = nn.SequentialCell(nn.Dense(4, 8), nn.Tanh(), nn.Dense(8, 1)), nn.MSELoss()
    optimizer = nn.Adam(net.trainable_params(), 0.02)
    step_grad = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, optimizer.parameters)

    @ms.jit
    def step(x, y):
        loss, grads = step_grad(x, y)
        optimizer(grads)
        return loss

    x = Tensor(np.random.default_rng(0).standard_normal((32, 4)).astype(np.float32))
    y = Tensor(np.sin(x.asnumpy().sum(1, keepdims=True)))
    losses = [step(x, y).item() for _ in range(200)]
    assert losses[-1] < 0.2 * losses[0] and step.stats()["misses"] == 1


def test_train_one_step_cell() -> None:
    ms.set_seed(0)
    net = nn.Dense(3, 1)
    train = nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss()), nn.Momentum(net.trainable_params(), 0.05, 0.9))
    x, y = ops.ones((8, 3)), ops.ones((8, 1)) * 2
    losses = [train(x, y).item() for _ in range(60)]
    assert losses[-1] < 1e-2 * losses[0]


@pytest.mark.parametrize("make, error, text", [
    (lambda ps: nn.Adam([]), ValueError, "must not be empty"), (lambda ps: nn.Adam(ps, "x"), TypeError, "learning_rate"),
    (lambda ps: nn.Adam([1, 2]), TypeError, "must be Parameters"), (lambda ps: nn.SGD(ps, -0.1), ValueError, "learning_rate"),
    (lambda ps: nn.Momentum(ps, 0.1, -1), ValueError, "momentum"), (lambda ps: nn.Adam(ps, beta1=1.0), ValueError, "beta1"),
    (lambda ps: nn.SGD(ps, nesterov=True), ValueError, "nesterov"), (lambda ps: nn.Adam([ps[0], ps[0]]), ValueError, "more than once"),
    (lambda ps: nn.Adam([{"params": ps, "foo": 1}]), ValueError, "keys"), (lambda ps: nn.SGD(ps)((Tensor([1.0]),)), ValueError, "one gradient for each of the 2"),
    (lambda ps: nn.SGD(ps)((Tensor([1.0]), Tensor([1.0]))), ValueError, r"Parameter 'w' should be a Tensor of shape \(3, 2\)"),
])
def test_mistakes(make, error, text) -> None:
    with pytest.raises(error, match=text):
        make(parameters())
