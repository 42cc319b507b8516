"""The generator against its published vectors and a model in NumPy; distributions by moments and Kolmogorov-Smirnov."""

from statistics import NormalDist

import numpy as np
import pytest
from runner import run, tensor

# Known answers of Philox4x32-10 from the authors' Random123 distribution: counter, key, words.
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]
SEED, COUNTER = 0x123456789ABCDEF, 0xFEDCBA9876543
COUNT = 1_000_000


def philox(counter, key):
    """Four words for each counter; the model that the ops are held against."""
    mask, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    c = [np.asarray(x, np.uint64) for x in np.broadcast_arrays(*counter)]
    k = list(key)
    for _ in range(10):
        a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(b >> half) ^ c[1] ^ np.uint64(k[0]), b & mask, (a >> half) ^ c[3] ^ np.uint64(k[1]), a & mask]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(c, -1)


def words(seed, counter, stream, count):
    blocks = np.arange((count + 3) // 4)
    return philox([blocks, stream, counter & 0xFFFFFFFF, counter >> 32], [seed & 0xFFFFFFFF, seed >> 32]).reshape(-1)[:count].astype(np.uint32)


def draw(op, shape, element, folder, seed=SEED, counter=COUNTER, **attributes):
    text = ", ".join([f"shape = array<i64{': ' if shape else ''}{', '.join(map(str, shape))}>", *(f"{k} = {v}" for k, v in attributes.items())])
    result = tensor(shape, element)
    program = f"func.func @main(%key: tensor<2xi64>) -> {result} {{\n  %r = cell.{op} %key {{{text}}} : (tensor<2xi64>) -> {result}\n  return %r : {result}\n}}"
    return run(program, [np.array([seed, counter], np.uint64).view(np.int64)], 1, folder)[0]


def _hex(text):
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize("counter, key, answer", KNOWN)
def test_the_model_gives_the_published_words(counter, key, answer):
    assert list(philox(_hex(counter), _hex(key))) == _hex(answer)


def test_published_words(tmp_path):
    assert list(draw("random_bits", (4,), "i32", tmp_path, 0, 0).view(np.uint32)) == _hex(KNOWN[0][2])


@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (2, 3, 7), (1003,)])
def test_bits_depend_on_place_only(tmp_path, shape):
    got = draw("random_bits", shape, "i32", tmp_path, stream="7 : i64").view(np.uint32)
    np.testing.assert_array_equal(got.reshape(-1), words(SEED, COUNTER, 7, got.size))


def test_all_bits_of_key_and_stream_count(tmp_path):
    seed, counter, stream = 0xFEDCBA9876543210, 0x8000000180000001, 0xFFFFFFFF
    got = draw("random_bits", (8,), "i32", tmp_path, seed, counter, stream=f"{stream} : i64").view(np.uint32)
    np.testing.assert_array_equal(got, words(seed, counter, stream, 8))


def test_uniform(tmp_path):
    got = draw("random_uniform", (COUNT,), "f32", tmp_path, dtype="f32")
    np.testing.assert_array_equal(got, (words(SEED, COUNTER, 0, COUNT) >> 8) * np.float32(2.0**-24))
    assert got.min() >= 0 and got.max() < 1 and abs(got.mean() - 0.5) < 0.0015 and abs(got.var() - 1 / 12) < 0.0005


def _double_words(count):
    pairs = words(SEED, COUNTER, 0, 2 * count).astype(np.uint64)
    return pairs[0::2] | (pairs[1::2] << np.uint64(32))


def test_uniform_f64_has_53_bits(tmp_path):
    got = draw("random_uniform", (1000,), "f64", tmp_path, dtype="f64")
    np.testing.assert_array_equal(got, (_double_words(1000) >> np.uint64(11)) * 2.0**-53)


def _quantile(distance):
    """Normal quantile at 1/2 + distance without cancellation in either tail."""
    return np.array([NormalDist().inv_cdf(float(0.5 + d)) if d < 0 else -NormalDist().inv_cdf(float(0.5 - d)) for d in distance])


@pytest.mark.parametrize("dtype, tolerance", [("f32", 1e-6), ("f64", 1e-14)])
def test_normal_is_the_inverse_distribution(tmp_path, dtype, tolerance):
    got = draw("random_normal", (20000,), dtype, tmp_path, dtype=dtype)
    if dtype == "f32":
        distance = (words(SEED, COUNTER, 0, 20000).view(np.int32) + np.longdouble(0.5)) / np.longdouble(2.0**32)
    else:
        distance = (_double_words(20000).view(np.int64) + np.longdouble(0.5)) / np.longdouble(2.0**64)
    np.testing.assert_allclose(got, _quantile(distance), rtol=tolerance, atol=tolerance)


def test_normal_moments_and_tails(tmp_path):
    got = draw("random_normal", (COUNT,), "f32", tmp_path, dtype="f32").astype(np.float64)
    assert abs(got.mean()) < 0.004 and abs(got.var() - 1) < 0.006 and abs((got**3).mean()) < 0.012 and abs((got**4).mean() - 3) < 0.05
    # Kolmogorov-Smirnov distance, 99.9 % bound; and how many lie beyond 4 standard deviations (63.3 expected).
    ordered = np.sort(got)[::100]
    exact = np.array([NormalDist().cdf(z) for z in ordered])
    assert np.max(np.abs(exact - np.arange(len(ordered)) / len(ordered))) < 1.95 / np.sqrt(COUNT) + 100 / COUNT
    assert 30 < np.sum(np.abs(got) > 4) < 100


def test_bernoulli(tmp_path):
    got = draw("bernoulli", (COUNT,), "i1", tmp_path, p="0.3")
    np.testing.assert_array_equal(got, words(SEED, COUNTER, 0, COUNT) < round(0.3 * 2**32))
    assert abs(got.mean() - 0.3) < 0.002


def test_streams_and_counters_are_independent(tmp_path):
    draws = [draw("random_normal", (100_000,), "f32", tmp_path, SEED, c, stream=f"{s} : i64", dtype="f32") for s, c in ((0, 0), (1, 0), (0, 1))]
    correlation = np.corrcoef(draws)[np.triu_indices(3, 1)]
    assert np.all(np.abs(correlation) < 0.015)


def test_dropout_scales_what_it_keeps_and_its_derivative_draws_the_same_mask(tmp_path):
    x = np.random.default_rng(0).standard_normal((100, 1000))
    x[0, :4] = np.inf  # a dropped infinity is 0, not NaN
    key, t = np.array([3, 4], np.int64), "tensor<100x1000xf64>"
    text = f"""func.func private @f(%x: {t}, %k: tensor<2xi64>) -> {t} {{
      %r = cell.dropout %x, %k {{p = 0.25, stream = 5 : i64}} : ({t}, tensor<2xi64>) -> {t}
      return %r : {t}
    }}
    func.func @main(%x: {t}, %k: tensor<2xi64>, %ct: {t}) -> ({t}, {t}) {{
      %v, %g = cell.vjp @f(%x, %k) cotangents(%ct) wrt [0] outputs [0] : ({t}, tensor<2xi64>), ({t}) -> ({t}, {t})
      return %v, %g : {t}, {t}
    }}"""
    value, gradient = run(text, [x, key, np.ones_like(x)], 2, tmp_path)
    kept = words(3, 4, 5, x.size).reshape(x.shape) < round(0.75 * 2**32)
    np.testing.assert_allclose(value, np.where(kept, x / 0.75, 0), rtol=1e-15)
    np.testing.assert_allclose(gradient, np.where(kept, 1 / 0.75, 0), rtol=1e-15)


def test_dropout_of_everything(tmp_path):
    text = """func.func @main(%x: tensor<4xf32>, %k: tensor<2xi64>) -> tensor<4xf32> {
      %r = cell.dropout %x, %k {p = 1.0} : (tensor<4xf32>, tensor<2xi64>) -> tensor<4xf32>
      return %r : tensor<4xf32>
    }"""
    assert not run(text, [np.full(4, np.inf, np.float32), np.array([1, 2], np.int64)], 1, tmp_path)[0].any()
