"""The f64 functions that kernels compute without a C library, against mpmath."""
from __future__ import annotations

import numpy as np
import pytest
from needs import module

import cellgrad as ms
from cellgrad import ops

mp = module("mpmath")

# Multiples of pi / 2 to the last bit, the closest of all, and the largest numbers.
ARCS = [1e-300, 5e-324, 0.5, np.pi / 2, np.pi, 355.0, 2.0**20, 1048577.5, -3e7, 1e22, 6381956970095103.0 * 2.0**797, 1.7976931348623157e308]
RANGES = {
    "sin": [(-10, 10), (-1e6, 1e6)], "cos": [(-10, 10), (-1e6, 1e6)], "tan": [(-10, 10), (-1e6, 1e6)],
    "asin": [(-1, 1), (-0.01, 0.01)], "acos": [(-1, 1), (0.99, 1)], "atan": [(-3, 3), (-1e5, 1e5)]}


def ulps(got: np.ndarray, exact: list) -> float:
    """The largest distance in units of the last place."""
    with mp.workprec(1300):
        return max(float(abs(mp.mpf(float(g)) - e) / mp.mpf(float(np.spacing(abs(float(e)))))) for g, e in zip(got, exact))


def exactly(function, *arrays):
    with mp.workprec(1300):
        return [function(*(mp.mpf(float(v)) for v in values)) for values in zip(*arrays)]


@pytest.mark.parametrize("name", RANGES)
def test_error(name):
    random = np.random.default_rng(1)
    x = np.concatenate([random.uniform(low, high, 200) for low, high in RANGES[name]])
    if name in ("sin", "cos", "tan"):
        x = np.concatenate([x, np.exp(random.uniform(10, 700, 200)), ARCS])
    assert ulps(getattr(ops, name)(ms.Tensor(x)).asnumpy(), exactly(getattr(mp, name), x)) < 2


def test_error_of_two_arguments():
    random = np.random.default_rng(2)
    y, x = random.uniform(-5, 5, 300), random.uniform(-5, 5, 300)
    assert ulps(ops.atan2(ms.Tensor(y), ms.Tensor(x)).asnumpy(), exactly(mp.atan2, y, x)) < 2.5
    base, power = np.exp(random.uniform(-300, 300, 300)), random.uniform(-2, 2, 300)
    assert ulps(ops.pow(ms.Tensor(base), ms.Tensor(power)).asnumpy(), exactly(mp.power, base, power)) < 2


@pytest.mark.parametrize("name", ["sin", "cos", "tan", "asin", "acos", "atan"])
def test_special_values(name):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan])
    got = getattr(ops, name)(ms.Tensor(x)).asnumpy()
    with np.errstate(all="ignore"):
        expected = getattr(np, {"asin": "arcsin", "acos": "arccos", "atan": "arctan"}.get(name, name))(x)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    known = ~np.isnan(expected)
    np.testing.assert_allclose(got[known], expected[known], rtol=1e-15)
    np.testing.assert_array_equal(np.signbit(got[known]), np.signbit(expected[known]))


def test_special_values_of_pow():
    special = np.array([0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, 3.0, -3.0, np.inf, -np.inf, np.nan, 1e200, 5e-324])
    x, y = (a.ravel() for a in np.meshgrid(special, special))
    got = ops.pow(ms.Tensor(x), ms.Tensor(y)).asnumpy()
    with np.errstate(all="ignore"):
        expected = np.power(x, y)
    np.testing.assert_allclose(got, expected, rtol=1e-15, equal_nan=True)
    known = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(got[known]), np.signbit(expected[known]))
