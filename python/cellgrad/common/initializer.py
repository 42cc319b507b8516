"""Initial values of Parameters, by MindSpore's names.

The numbers come from NumPy's Philox generator, keyed by the global seed and the position of the call since ``set_seed``: the same
seed and the same order of calls give the same values on every machine.
"""
from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np

from .._runtime import dtype as dt
from .seed import generator
from .tensor import Tensor

__all__ = ["Constant", "HeNormal", "HeUniform", "Identity", "Initializer", "Normal", "One", "TruncatedNormal", "Uniform", "VarianceScaling",
           "XavierNormal", "XavierUniform", "Zero", "calculate_gain", "initializer"]


class Initializer:
    """Base class: a subclass fills an array in ``_values(shape)``."""

    def __init__(self, **kwargs: Any) -> None:
        self._kwargs = kwargs

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        raise NotImplementedError(f"For '{type(self).__name__}', the method '_values' is not defined.")

    def __call__(self, shape: Any, dtype: Any = dt.float32) -> Tensor:
        """A Tensor of that shape and dtype."""
        dtype = dt.as_dtype(dtype)
        return Tensor(np.asarray(self._values(tuple(shape)), dtype.np_dtype).reshape(tuple(shape)), dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in self._kwargs.items())})"


def _number(owner: str, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"For '{owner}', '{name}' must be a number, got {type(value).__name__}.")
    return float(value)


class Zero(Initializer):
    """All 0. Name: 'zeros'."""

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.zeros(shape)


class One(Initializer):
    """All 1. Name: 'ones'."""

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.ones(shape)


class Constant(Initializer):
    """All ``value``."""

    def __init__(self, value: float) -> None:
        super().__init__(value=value)
        self.value = _number("Constant", "value", value)

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.full(shape, self.value)


class Normal(Initializer):
    """Normal distribution with standard deviation ``sigma`` around ``mean``. Name: 'normal'."""

    def __init__(self, sigma: float = 0.01, mean: float = 0.0) -> None:
        super().__init__(sigma=sigma, mean=mean)
        self.sigma, self.mean = _number("Normal", "sigma", sigma), _number("Normal", "mean", mean)

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        return generator().normal(self.mean, self.sigma, shape)


class TruncatedNormal(Initializer):
    """Normal distribution, drawn again where ``(value - mean) / sigma`` is outside of [a, b]. Name: 'truncatednormal'.

    Raises:
        ValueError: ``a`` is not below ``b``, or hardly any number falls between them.
    """

    def __init__(self, sigma: float = 0.01, mean: float = 0.0, a: float = -2.0, b: float = 2.0) -> None:
        super().__init__(sigma=sigma, mean=mean, a=a, b=b)
        self.sigma, self.mean = _number("TruncatedNormal", "sigma", sigma), _number("TruncatedNormal", "mean", mean)
        self.a, self.b = _number("TruncatedNormal", "a", a), _number("TruncatedNormal", "b", b)
        inside = 0.5 * (math.erf(self.b / math.sqrt(2)) - math.erf(self.a / math.sqrt(2)))
        if inside < 1e-4:
            raise ValueError(f"For 'TruncatedNormal', [a, b] must hold some of the distribution, got [{a}, {b}].")

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        random = generator()
        out = random.standard_normal(shape)
        bad = np.atleast_1d((out < self.a) | (out > self.b))
        flat = out.reshape(-1) if shape else np.atleast_1d(out)
        bad = bad.reshape(-1)
        while bad.any():
            flat[bad] = random.standard_normal(int(bad.sum()))
            bad = (flat < self.a) | (flat > self.b)
        return flat.reshape(shape) * self.sigma + self.mean


class Uniform(Initializer):
    """Uniform distribution on [-scale, scale). Name: 'uniform'."""

    def __init__(self, scale: float = 0.07) -> None:
        super().__init__(scale=scale)
        self.scale = _number("Uniform", "scale", scale)

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        return generator().uniform(-self.scale, self.scale, shape)


class Identity(Initializer):
    """The identity matrix. Name: 'identity'.

    Raises:
        ValueError: the shape has not two dimensions.
    """

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) != 2:
            raise ValueError(f"For 'Identity', the shape must have 2 dimensions, got {shape}.")
        return np.eye(*shape)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which a nonlinearity changes the standard deviation (He et al. 2015; Klambauer et al. 2017 for 'selu').

    Raises:
        ValueError: unknown nonlinearity.
    """
    gains = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3.0, "relu": math.sqrt(2.0), "selu": 0.75}
    gains.update({f"conv{t}{d}d": 1.0 for t in ("", "_transpose") for d in (1, 2, 3)})
    if nonlinearity == "leaky_relu":
        return math.sqrt(2.0 / (1 + _number("calculate_gain", "negative_slope", 0.01 if param is None else param) ** 2))
    if nonlinearity not in gains:
        raise ValueError(f"For 'calculate_gain', 'nonlinearity' must be one of {sorted([*gains, 'leaky_relu'])}, got '{nonlinearity}'.")
    return gains[nonlinearity]


def _fans(owner: str, shape: tuple[int, ...]) -> tuple[int, int]:
    """(fan in, fan out) of a weight of shape (out, in, *kernel)."""
    if len(shape) < 2:
        raise ValueError(f"For '{owner}', the shape must have at least 2 dimensions, got {shape}.")
    kernel = math.prod(shape[2:])
    return max(shape[1] * kernel, 1), max(shape[0] * kernel, 1)


class _Xavier(Initializer):
    def __init__(self, gain: float = 1) -> None:
        super().__init__(gain=gain)
        self.gain = _number(type(self).__name__, "gain", gain)

    def _std(self, shape: tuple[int, ...]) -> float:
        return self.gain * math.sqrt(2.0 / sum(_fans(type(self).__name__, shape)))


class XavierUniform(_Xavier):
    """Uniform with standard deviation ``gain * sqrt(2 / (fan_in + fan_out))`` (Glorot and Bengio 2010). Name: 'xavier_uniform'."""

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        bound = math.sqrt(3.0) * self._std(shape)
        return generator().uniform(-bound, bound, shape)


class XavierNormal(_Xavier):
    """Normal with standard deviation ``gain * sqrt(2 / (fan_in + fan_out))`` (Glorot and Bengio 2010). Name: 'xavier_normal'."""

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        return generator().normal(0.0, self._std(shape), shape)


class _He(Initializer):
    def __init__(self, negative_slope: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> None:
        super().__init__(negative_slope=negative_slope, mode=mode, nonlinearity=nonlinearity)
        if mode not in ("fan_in", "fan_out"):
            raise ValueError(f"For '{type(self).__name__}', 'mode' must be 'fan_in' or 'fan_out', got '{mode}'.")
        self.mode, self.gain = mode, calculate_gain(nonlinearity, negative_slope)

    def _std(self, shape: tuple[int, ...]) -> float:
        fan_in, fan_out = _fans(type(self).__name__, shape)
        return self.gain / math.sqrt(fan_in if self.mode == "fan_in" else fan_out)


class HeUniform(_He):
    """Uniform with standard deviation ``gain / sqrt(fan)`` (He et al. 2015). Name: 'he_uniform'."""

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        bound = math.sqrt(3.0) * self._std(shape)
        return generator().uniform(-bound, bound, shape)


class HeNormal(_He):
    """Normal with standard deviation ``gain / sqrt(fan)`` (He et al. 2015). Name: 'he_normal'."""

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        return generator().normal(0.0, self._std(shape), shape)


class VarianceScaling(Initializer):
    """Standard deviation ``sqrt(scale / fan)``, 'truncated_normal', 'untruncated_normal' or 'uniform'. Name: 'variance_scaling'."""

    def __init__(self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal") -> None:
        super().__init__(scale=scale, mode=mode, distribution=distribution)
        if _number("VarianceScaling", "scale", scale) <= 0:
            raise ValueError(f"For 'VarianceScaling', 'scale' must be above 0, got {scale}.")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"For 'VarianceScaling', 'mode' must be 'fan_in', 'fan_out' or 'fan_avg', got '{mode}'.")
        if distribution not in ("truncated_normal", "untruncated_normal", "uniform"):
            raise ValueError("For 'VarianceScaling', 'distribution' must be 'truncated_normal', 'untruncated_normal' or 'uniform', "
                             f"got '{distribution}'.")
        self.scale, self.mode, self.distribution = float(scale), mode, distribution

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        fan_in, fan_out = _fans("VarianceScaling", shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        std = math.sqrt(self.scale / fan)
        if self.distribution == "uniform":
            return generator().uniform(-math.sqrt(3.0) * std, math.sqrt(3.0) * std, shape)
        if self.distribution == "untruncated_normal":
            return generator().normal(0.0, std, shape)
        # 0.8796... is the standard deviation of the unit normal distribution cut at -2 and 2.
        return TruncatedNormal(std / 0.87962566103423978)._values(shape)


_NAMES: dict[str, type[Initializer]] = {
    "zeros": Zero, "zero": Zero, "ones": One, "one": One, "normal": Normal, "truncatednormal": TruncatedNormal, "truncated_normal": TruncatedNormal,
    "uniform": Uniform, "identity": Identity, "xavier_uniform": XavierUniform, "xavieruniform": XavierUniform, "xavier_normal": XavierNormal,
    "xaviernormal": XavierNormal, "he_uniform": HeUniform, "heuniform": HeUniform, "he_normal": HeNormal, "henormal": HeNormal,
    "variance_scaling": VarianceScaling, "variancescaling": VarianceScaling,
}


def initializer(init: Any, shape: Any = None, dtype: Any = dt.float32) -> Tensor:
    """A Tensor with initial values.

    Args:
        init: a name such as 'he_uniform', an Initializer, a number, or a Tensor of the shape.
        shape: int or sequence of positive ints. May be left out when ``init`` is a Tensor.
        dtype: dtype of the result.

    Raises:
        TypeError: ``init`` is of another type.
        ValueError: unknown name; a shape with sizes that are not positive; a Tensor of another shape.
    """
    if isinstance(init, Tensor):
        if shape is not None and _shape(shape) != tuple(init.shape):
            raise ValueError(f"For 'initializer', the Tensor has shape {tuple(init.shape)} but 'shape' is {_shape(shape)}.")
        return Tensor(init, dt.as_dtype(dtype))
    if shape is None:
        raise ValueError("For 'initializer', 'shape' is needed unless 'init' is a Tensor.")
    if isinstance(init, str):
        found = _NAMES.get(init.lower())
        if found is None:
            raise ValueError(f"For 'initializer', there is no initialiser '{init}'; names: {', '.join(sorted(_NAMES))}.")
        init = found()
    elif isinstance(init, numbers.Real) and not isinstance(init, bool):
        init = Constant(float(init))
    if not isinstance(init, Initializer):
        raise TypeError(f"For 'initializer', 'init' must be a name, an Initializer, a number or a Tensor, got {type(init).__name__}.")
    return init(_shape(shape), dtype)


def _shape(shape: Any) -> tuple[int, ...]:
    sizes = (shape,) if isinstance(shape, numbers.Integral) else tuple(shape)
    if any(isinstance(s, bool) or not isinstance(s, numbers.Integral) or s < 1 for s in sizes):
        raise ValueError(f"For 'initializer', the sizes in 'shape' must be positive ints, got {sizes}.")
    return tuple(int(s) for s in sizes)
