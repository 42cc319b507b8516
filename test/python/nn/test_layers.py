"""Layers and losses: values against NumPy, modes, state, settings out of range."""
from __future__ import annotations

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, nn, ops


def T(shape, seed: int = 0) -> Tensor:
    return Tensor(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def close(a, b, tolerance: float = 2e-5) -> None:
    np.testing.assert_allclose(a.asnumpy() if isinstance(a, Tensor) else a, b, rtol=tolerance, atol=tolerance)


def test_dense() -> None:
    layer, x = nn.Dense(4, 3, activation="tanh"), T((2, 5, 4))
    close(layer(x), np.tanh(x.asnumpy() @ layer.weight.asnumpy().T + layer.bias.asnumpy()))
    assert nn.Dense(4, 3, has_bias=False).bias is None


def test_conv_bias_and_mode() -> None:
    layer, x = nn.Conv2d(2, 3, 3, stride=2, has_bias=True, bias_init="ones"), T((1, 2, 7, 8))
    plain = ops.conv2d(x, layer.weight, None, 2, "same")
    assert layer(x).shape == (1, 3, 4, 4)
    close(layer(x), plain.asnumpy() + 1)


def test_flatten_identity_embedding() -> None:
    assert nn.Flatten()(T((2, 3, 4))).shape == (2, 12) and nn.Identity()(5) == 5
    table, ids = nn.Embedding(6, 3), Tensor([[0, 5], [2, 2]], ms.int32)
    close(table(ids), table.embedding_table.asnumpy()[[[0, 5], [2, 2]]])
    hot = nn.Embedding(6, 3, use_one_hot=True, embedding_table=Tensor(table.embedding_table))
    close(hot(ids), table(ids).asnumpy())


def test_batch_norm_training_and_inference() -> None:
    layer, x = nn.BatchNorm2d(3), T((4, 3, 2, 5)) * 2 + 1
    a = x.asnumpy().astype(np.float64)
    mean, var = a.mean((0, 2, 3)), a.var((0, 2, 3))
    close(layer(x), a / np.sqrt(1 + 1e-5))  # not in training: the moving statistics
    layer.set_train()
    close(layer(x), (a - mean[:, None, None]) / np.sqrt(var + 1e-5)[:, None, None])
    close(layer.moving_mean, 0.1 * mean)
    close(layer.moving_variance, 0.9 + 0.1 * var * 40 / 39)
    layer.set_train(False)
    m, v = layer.moving_mean.asnumpy(), layer.moving_variance.asnumpy()
    close(layer(x), (a - m[:, None, None]) / np.sqrt(v + 1e-5)[:, None, None])


def test_batch_norm_updates_inside_jit() -> None:
    layer, x = nn.BatchNorm1d(3).set_train(), T((8, 3))
    step = ms.jit(lambda v: layer(v))
    step(x)
    step(x)
    close(layer.moving_mean, (0.9 * 0.1 + 0.1) * x.asnumpy().mean(0))
    layer.set_train(False)  # asks for another program
    before = layer.moving_mean.asnumpy().copy()
    step(x)
    assert (layer.moving_mean.asnumpy() == before).all()


def test_batch_norm_gradient_in_training() -> None:
    layer, x, w = nn.BatchNorm1d(3).set_train(), T((6, 3)), T((6, 3), 1)
    _, (gx, (gamma, beta)) = ms.value_and_grad(lambda v: ops.sum(layer(v) * w), 0, [layer.gamma, layer.beta])(x)
    close(gx.asnumpy().sum(0), np.zeros(3), 1e-4)
    close(beta, w.asnumpy().sum(0))
    normal = (x.asnumpy() - x.asnumpy().mean(0)) / np.sqrt(x.asnumpy().var(0) + 1e-5)
    close(gamma, (w.asnumpy() * normal).sum(0), 1e-4)


def test_batch_statistics_setting() -> None:
    layer, x = nn.BatchNorm1d(2, use_batch_statistics=True), T((5, 2))
    close(layer(x).asnumpy().mean(0), np.zeros(2))
    with pytest.raises(ValueError, match="more than one element per channel"):
        layer(T((1, 2)))
    with pytest.raises(ValueError, match="dimensions is needed"):
        nn.BatchNorm2d(2)(x)


def test_layer_norm_and_group_norm() -> None:
    x = T((2, 4, 6))
    a = x.asnumpy().astype(np.float64)
    close(nn.LayerNorm((6,))(x), (a - a.mean(-1, keepdims=True)) / np.sqrt(a.var(-1, keepdims=True) + 1e-7), 1e-4)
    close(nn.LayerNorm((4, 6), 1)(x), (a - a.mean((1, 2), keepdims=True)) / np.sqrt(a.var((1, 2), keepdims=True) + 1e-7), 1e-4)
    g = a.reshape(2, 2, 12)
    close(nn.GroupNorm(2, 4)(x), ((g - g.mean(-1, keepdims=True)) / np.sqrt(g.var(-1, keepdims=True) + 1e-5)).reshape(a.shape), 1e-4)


def test_dropout_only_in_training() -> None:
    ms.set_seed(0)
    layer, x = nn.Dropout(p=0.25), ops.ones((4000,))
    assert layer(x) is x
    layer.set_train()
    y = layer(x).asnumpy()
    assert set(np.unique(y).tolist()) == {0.0, np.float32(1 / 0.75).item()} and abs((y == 0).mean() - 0.25) < 0.03
    assert (layer(x).asnumpy() != y).any()
    value, grad = ms.value_and_grad(lambda v: layer(v))(x)
    close(grad, value.asnumpy())


def test_dropout_moves_on_inside_jit() -> None:
    layer, x = nn.Dropout(p=0.5).set_train(), ops.ones((64,))
    step = ms.jit(lambda v: layer(v))
    ms.set_seed(4)
    first, second = step(x).asnumpy().copy(), step(x).asnumpy().copy()
    ms.set_seed(4)
    assert (first != second).any() and (step(x).asnumpy() == first).all()


@pytest.mark.parametrize("name", ["ReLU", "ReLU6", "Tanh", "Sigmoid", "SiLU", "Mish", "HSwish", "HSigmoid", "SeLU", "Softsign", "LogSigmoid", "GELU", "LeakyReLU",
                                  "ELU", "Softplus", "Softmax", "LogSoftmax", "Hardtanh", "PReLU"])
def test_activations(name) -> None:
    functions = {"SeLU": "selu", "HSwish": "hardswish", "HSigmoid": "hardsigmoid", "LeakyReLU": "leaky_relu", "LogSoftmax": "log_softmax"}
    x = T((3, 4))
    if name == "PReLU":
        expected = np.where(x.asnumpy() > 0, x.asnumpy(), 0.25 * x.asnumpy())
    elif name == "GELU":
        expected = ops.gelu(x, "tanh").asnumpy()
    else:
        expected = getattr(ops, functions.get(name, name.lower()))(x).asnumpy()
    close(getattr(nn, name)()(x), expected)


def test_adaptive_pool() -> None:
    x = T((1, 2, 4, 6))
    close(nn.AdaptiveAvgPool2d((2, None))(x), x.asnumpy().reshape(1, 2, 2, 2, 6).mean(3))


@pytest.mark.parametrize("loss, reference", [
    (nn.MSELoss(), lambda x, y: ((x - y) ** 2).mean()), (nn.L1Loss("sum"), lambda x, y: abs(x - y).sum()),
    (nn.SmoothL1Loss(0.5), lambda x, y: np.where(abs(x - y) < 0.5, (x - y) ** 2, abs(x - y) - 0.25)),
    (nn.HuberLoss(delta=0.5), lambda x, y: np.where(abs(x - y) <= 0.5, (x - y) ** 2 / 2, 0.5 * (abs(x - y) - 0.25)).mean()),
    (nn.BCEWithLogitsLoss(), lambda x, y: (np.log1p(np.exp(-abs(x))) + np.maximum(x, 0) - x * y).mean()),
], ids=lambda v: type(v).__name__)
def test_losses(loss, reference) -> None:
    x, y = T((3, 4)), T((3, 4), 1)
    close(loss(x, y), reference(x.asnumpy(), y.asnumpy()))


def test_cross_entropies_agree() -> None:
    x, labels = T((5, 4)), Tensor([0, 3, 1, 2, 2], ms.int32)
    hot = ops.one_hot(labels, 4, 1.0, 0.0)
    expected = nn.CrossEntropyLoss()(x, labels).item()
    assert nn.NLLLoss()(ops.log_softmax(x), labels).item() == pytest.approx(expected, rel=1e-5)
    assert nn.SoftmaxCrossEntropyWithLogits(True, "mean")(x, labels).item() == pytest.approx(expected, rel=1e-5)
    assert nn.SoftmaxCrossEntropyWithLogits(reduction="mean")(x, hot).item() == pytest.approx(expected, rel=1e-5)
    assert nn.CrossEntropyLoss()(x, hot).item() == pytest.approx(expected, rel=1e-5)
    close(ms.grad(nn.CrossEntropyLoss())(x, labels), (ops.softmax(x).asnumpy() - hot.asnumpy()) / 5)


@pytest.mark.parametrize("make, error", [
    (lambda: nn.Dense(0, 1), ValueError), (lambda: nn.Dense(1.5, 1), TypeError), (lambda: nn.Dense(1, 1, weight_init=T((2, 2))), ValueError),
    (lambda: nn.Conv2d(3, 4, 3, pad_mode="x"), ValueError), (lambda: nn.Conv2d(3, 4, 3, group=2), ValueError), (lambda: nn.Conv2d(3, 4, 3, padding=1), ValueError),
    (lambda: nn.Conv2d(3, 4, 3, data_format="NHWC"), NotImplementedError), (lambda: nn.Dropout(p=1.0), ValueError), (lambda: nn.LayerNorm(3), TypeError),
    (lambda: nn.GroupNorm(3, 4), ValueError), (lambda: nn.MSELoss("foo"), ValueError), (lambda: nn.MaxPool2d(2, 2, padding=1), ValueError),
    (lambda: nn.Dense(2, 2, activation="nope"), KeyError), (lambda: nn.Embedding(3, 2, padding_idx=3), ValueError), (lambda: nn.BatchNorm2d(-1), ValueError),
    (lambda: nn.MSELoss()(T((2,)), T((3,))), ValueError), (lambda: nn.Dense(2, 3)(T((2, 4))), ValueError),
])
def test_mistakes(make, error) -> None:
    with pytest.raises(error):
        make()
