"""Initialisers: shape, dtype, moments, bounds, seeds."""
from __future__ import annotations

import math

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, nn
from cellgrad.common import initializer as I

SHAPE = (200, 150)


@pytest.mark.parametrize("init, low, high, std", [
    ("zeros", 0, 0, 0), ("ones", 1, 1, 0), (0.5, 0.5, 0.5, 0), ("normal", -0.08, 0.08, 0.01), ("uniform", -0.07, 0.07, 0.07 / math.sqrt(3)),
    (I.TruncatedNormal(0.02), -0.04, 0.04, 0.02 * 0.8796), ("xavier_uniform", *(s * math.sqrt(6 / 350) for s in (-1, 1)), math.sqrt(2 / 350)),
    ("xavier_normal", -0.5, 0.5, math.sqrt(2 / 350)), ("he_uniform", *(s * math.sqrt(6 / 150) for s in (-1, 1)), math.sqrt(2 / 150)),
    (I.HeNormal(mode="fan_out"), -0.6, 0.6, math.sqrt(2 / 200)), (I.HeUniform(math.sqrt(5)), -1 / math.sqrt(150), 1 / math.sqrt(150), 1 / math.sqrt(450)),
    (I.VarianceScaling(), -0.3, 0.3, math.sqrt(1 / 150)),
], ids=str)
def test_distribution(init, low, high, std) -> None:
    ms.set_seed(3)
    t = I.initializer(init, SHAPE, ms.float32)
    values = t.asnumpy()
    assert t.shape == SHAPE and t.dtype is ms.float32
    assert values.min() >= low - 1e-6 and values.max() <= high + 1e-6
    assert values.std() == pytest.approx(std, rel=0.02, abs=1e-7)


def test_identity_and_constant() -> None:
    assert (I.initializer("identity", (3, 4)).asnumpy() == np.eye(3, 4)).all()
    assert I.initializer(I.Constant(7), (2,), ms.int32).asnumpy().tolist() == [7, 7]
    assert I.initializer("truncatedNormal", ()).shape == ()


def test_seed() -> None:
    def draw():
        return [I.initializer("normal", (4,)).asnumpy().copy() for _ in range(2)]

    ms.set_seed(5)
    first = draw()
    ms.set_seed(5)
    again = draw()
    assert all((a == b).all() for a, b in zip(first, again, strict=True)) and (first[0] != first[1]).any()
    assert ms.get_seed() == 5
    ms.set_seed(6)
    assert (draw()[0] != first[0]).any()


@pytest.mark.parametrize("seed, error", [(-1, ValueError), (1.5, TypeError), (True, TypeError), (2**64, ValueError)])
def test_bad_seed(seed, error) -> None:
    with pytest.raises(error):
        ms.set_seed(seed)


@pytest.mark.parametrize("arguments, error, text", [
    (("foo", [2]), ValueError, "there is no initialiser 'foo'"), (("ones", [2, -1]), ValueError, "positive ints"), (([1], [1]), TypeError, "must be a name"),
    ((Tensor([1.0]), [2]), ValueError, "has shape"), (("xavier_uniform", [2]), ValueError, "at least 2 dimensions"), (("ones",), ValueError, "'shape' is needed"),
])
def test_mistakes(arguments, error, text) -> None:
    with pytest.raises(error, match=text):
        I.initializer(*arguments)


def test_defaults_of_layers() -> None:
    ms.set_seed(1)
    dense = nn.Dense(400, 300)
    assert abs(dense.weight.asnumpy()).max() == pytest.approx(1 / 20, rel=1e-3) and abs(dense.bias.asnumpy()).max() == pytest.approx(1 / 20, rel=0.05)
    conv = nn.Conv2d(16, 32, 5, has_bias=True)
    assert abs(conv.weight.asnumpy()).max() == pytest.approx(1 / 20, rel=1e-2) and abs(conv.bias.asnumpy()).max() <= 1 / 20
    assert nn.Dense(2, 2, weight_init="zeros", bias_init=3.0).bias.asnumpy().tolist() == [3.0, 3.0]
    assert nn.Embedding(10, 4, padding_idx=2).embedding_table.asnumpy()[2].tolist() == [0.0] * 4
