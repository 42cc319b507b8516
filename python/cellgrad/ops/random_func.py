"""Random numbers and dropout. The numbers follow from ``set_seed`` and the position of the call since then, on every target alike."""
from __future__ import annotations

from typing import Any

import numpy as np

from .. import _errors as err
from .._frontend.dispatch import as_tensor, binary, cast, composite, dispatch, is_number
from .._frontend.state import next_key
from .._runtime import dtype as dt
from ..common.tensor import Tensor
from ._helpers import check_bool, check_int, check_number, check_tensor, float_tensor, shape_of

__all__ = ["bernoulli", "dropout", "normal", "rand", "rand_like", "randint", "randn", "randn_like", "standard_normal", "uniform"]


def _key(op: str, seed: Any) -> Tensor:
    """The key of the next op; with a seed of its own the same call always gives the same numbers."""
    if seed is None:
        return next_key()
    return as_tensor(np.array([check_int(op, "seed", seed, 0), 0], np.int64))


def _float(op: str, dtype: Any) -> dt.DType:
    dtype = dt.float32 if dtype is None else dt.as_dtype(dtype)
    if not dtype.is_floating_point:
        raise err.DTypeError(f"{op}: a float dtype is needed, but got {dtype}")
    return dtype


def standard_normal(shape: Any, seed: int | None = None) -> Tensor:
    """float32 numbers of the normal distribution with mean 0 and standard deviation 1.

    Args:
        shape: int or tuple of ints.
        seed: int: the same call always gives the same numbers. Default: from ``set_seed`` and the position of the call.

    Raises:
        TypeError, ValueError: sizes or seed that are not ints, or negative.
    """
    return dispatch("random_normal", (_key("standard_normal", seed),), {"dtype": dt.float32, "shape": shape_of("standard_normal", shape)})


def normal(shape: Any, mean: Any, stddev: Any, seed: int | None = None) -> Tensor:
    """float32 numbers of the normal distribution: ``mean + stddev * standard_normal``, whose shapes broadcast."""
    return binary("add", binary("mul", standard_normal(shape, seed), stddev), mean)


def randn(*size: Any, dtype: Any = None, seed: int | None = None) -> Tensor:
    """Standard normal numbers of shape ``size`` (ints or one tuple) and dtype (default float32)."""
    shape = size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
    return dispatch("random_normal", (_key("randn", seed),), {"dtype": _float("randn", dtype), "shape": shape_of("randn", tuple(shape))})


def rand(*size: Any, dtype: Any = None, seed: int | None = None) -> Tensor:
    """Uniform numbers in [0, 1) of shape ``size`` (ints or one tuple) and dtype (default float32)."""
    shape = size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
    return dispatch("random_uniform", (_key("rand", seed),), {"dtype": _float("rand", dtype), "shape": shape_of("rand", tuple(shape))})


def randn_like(input: Any, seed: int | None = None, *, dtype: Any = None) -> Tensor:
    """Standard normal numbers of the input's shape, and dtype unless another is given."""
    x = check_tensor("randn_like", "input", input)
    return randn(x.shape, dtype=x.dtype if dtype is None else dtype, seed=seed)


def rand_like(input: Any, seed: int | None = None, *, dtype: Any = None) -> Tensor:
    """Uniform numbers in [0, 1) of the input's shape, and dtype unless another is given."""
    x = check_tensor("rand_like", "input", input)
    return rand(x.shape, dtype=x.dtype if dtype is None else dtype, seed=seed)


@composite("integers")
def _integers(key: Tensor, low: Tensor, high: Tensor, *, shape: tuple) -> Tensor:
    # The word as an unsigned number, scaled: each integer of a range up to 2^31 comes up with a probability that is off by less than 2^-32.
    bits = cast(dispatch("random_bits", (key,), {"shape": shape}), dt.int64)
    bits = bits + cast(bits < 0, dt.int64) * 4294967296
    scaled = dispatch("floor", (cast(bits, dt.float64) * 2.0**-32 * cast(high - low, dt.float64),))
    return low + cast(scaled, dt.int64)


def randint(low: int, high: int, size: Any, seed: int | None = None, *, dtype: Any = None) -> Tensor:
    """Integers in [low, high), each as likely as the others.

    Args:
        low, high: ints, at most 2^31 apart.
        size: tuple of ints.
        dtype: default int64.

    Raises:
        TypeError: not ints.
        ValueError: ``low`` is not below ``high``.
    """
    low, high = check_int("randint", "low", low), check_int("randint", "high", high)
    if not 0 < high - low <= 2**31:
        raise err.UserValueError(f"randint: 'low' should be below 'high' and at most 2**31 apart, but got {low} and {high}")
    ends = as_tensor(low, dt.int64), as_tensor(high, dt.int64)
    values = dispatch("integers", (_key("randint", seed), *ends), {"shape": shape_of("randint", size)})
    return values if dtype is None else cast(values, dt.as_dtype(dtype))


def uniform(shape: Any, minval: Any, maxval: Any, seed: int | None = None, dtype: Any = dt.float32) -> Tensor:
    """Uniform numbers: in [minval, maxval) for a float dtype, the integers of [minval, maxval) for int32.

    Args:
        shape: int or tuple of ints; ``minval`` and ``maxval`` broadcast with it.
        minval, maxval: numbers or Tensors.

    Raises:
        TypeError: another dtype.
    """
    dtype = dt.as_dtype(dtype)
    if dtype.is_floating_point:
        x = dispatch("random_uniform", (_key("uniform", seed),), {"dtype": dtype, "shape": shape_of("uniform", shape)})
        width = maxval - minval if is_number(maxval) and is_number(minval) else binary("sub", maxval, minval)
        return cast(binary("add", binary("mul", x, width), minval), dtype)
    if dtype not in (dt.int32, dt.int64):
        raise err.DTypeError(f"uniform: 'dtype' should be a float dtype, int32 or int64, but is {dtype}")
    ends = as_tensor(minval, dt.int64), as_tensor(maxval, dt.int64)
    return cast(dispatch("integers", (_key("uniform", seed), *ends), {"shape": shape_of("uniform", shape)}), dtype)


@composite("bernoulli_like")
def _bernoulli(key: Tensor, p: Tensor, *, shape: tuple, dtype: dt.DType) -> Tensor:
    return cast(dispatch("random_uniform", (key,), {"dtype": dt.float32, "shape": shape}) < p, dtype)


def bernoulli(input: Any, p: Any = 0.5, seed: int | None = None) -> Tensor:
    """1 with probability ``p``, else 0, of the input's shape and dtype.

    Args:
        input: Tensor.
        p: number in [0, 1], or a Tensor of such that broadcasts with the input.

    Raises:
        ValueError: a number out of [0, 1].
    """
    x = check_tensor("bernoulli", "input", input)
    if is_number(p) and not 0 <= p <= 1:
        raise err.UserValueError(f"bernoulli: 'p' should be in [0, 1], but is {p}")
    return dispatch("bernoulli_like", (_key("bernoulli", seed), as_tensor(p, dt.float32)), {"shape": x.shape, "dtype": x.dtype})


def dropout(input: Any, p: float = 0.5, training: bool = True, seed: int | None = None) -> Tensor:
    """Sets elements to 0 with probability ``p`` and divides the others by ``1 - p`` (Srivastava et al. 2014).

    Args:
        input: Tensor; integers are computed in float32.
        p: number in [0, 1).
        training: where False, or ``p`` is 0, the input comes back.
        seed: int: the same call always drops the same elements.

    Raises:
        TypeError: not a number or not a bool.
        ValueError: ``p`` is out of [0, 1).
    """
    p = check_number("dropout", "p", p)
    if not 0 <= p < 1:
        raise err.UserValueError(f"dropout: 'p' should be in [0, 1), but is {p}")
    x = float_tensor(input)
    if not check_bool("dropout", "training", training) or p == 0:
        return x
    return dispatch("dropout", (x, _key("dropout", seed)), {"p": p})
