"""Activation functions. Values and derivatives at 0 and at limits are those of MindSpore 2.10."""
from __future__ import annotations

from typing import Any

from .. import _errors as err
from .._frontend.dispatch import as_tensor, binary, composite, dispatch, float_unary, normalize_axis, select, unary
from .._runtime import dtype as dt
from ..common.tensor import Tensor
from ._generated import abs, exp, expm1, log1p, maximum, minimum, sigmoid, tanh
from ._helpers import INF, check_bool, check_choice, check_number, float_tensor

__all__ = ["celu", "elu", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "log_softmax", "logsigmoid", "mish", "prelu",
           "relu", "relu6", "selu", "silu", "softmax", "softmin", "softplus", "softshrink", "softsign", "swish", "tanhshrink", "threshold"]

# Self-normalizing neural networks, Klambauer et al. 2017, equation 14.
_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


def _below(x: Tensor, limit: float) -> Tensor:
    """x where it is at most ``limit``, else the limit: keeps exp of the branch that is not taken, and its derivative, finite."""
    return dispatch("clamp", (x,), {"min": -INF, "max": limit})


def relu(input: Any, inplace: bool = False) -> Tensor:
    """``max(input, 0)``, of the same shape and dtype. The derivative at 0 is 0; NaN stays NaN.

    Raises:
        NotImplementedError: ``inplace=True``.
    """
    if check_bool("relu", "inplace", inplace):
        raise err.UnsupportedError("relu: inplace=True is not supported", hint="assign the result: x = ops.relu(x)")
    return unary("relu", input)


@composite("relu6")
def _relu6(x: Tensor) -> Tensor:
    return dispatch("clamp", (dispatch("relu", (x,)),), {"min": 0.0, "max": 6.0})


def relu6(x: Any) -> Tensor:
    """``min(max(x, 0), 6)``. The derivative is 0 at 0 and 1 at 6."""
    return dispatch("relu6", (as_tensor(x),))


@composite("leaky_relu")
def _leaky_relu(x: Tensor, *, alpha: float) -> Tensor:
    return maximum(x, x * alpha) if alpha <= 1 else minimum(x, x * alpha)


def leaky_relu(input: Any, alpha: float = 0.2) -> Tensor:
    """``input`` where it is positive, else ``alpha * input``. The derivative at 0 is the mean of both slopes.

    Raises:
        TypeError: ``alpha`` is not a number.
    """
    return dispatch("leaky_relu", (float_tensor(input),), {"alpha": check_number("leaky_relu", "alpha", alpha)})


@composite("elu")
def _elu(x: Tensor, *, alpha: float) -> Tensor:
    return select(x >= 0, x, expm1(_below(x, 0.0)) * alpha)


def elu(input_x: Any, alpha: float = 1.0) -> Tensor:
    """``x`` where it is positive, else ``alpha * (exp(x) - 1)`` (Clevert et al. 2015). The derivative at 0 is 1.

    Raises:
        TypeError: ``alpha`` is not a number.
    """
    return dispatch("elu", (float_tensor(input_x),), {"alpha": check_number("elu", "alpha", alpha)})


@composite("selu")
def _selu(x: Tensor) -> Tensor:
    return _elu(x, alpha=_SELU_ALPHA) * _SELU_SCALE


def selu(input_x: Any) -> Tensor:
    """``1.0507 * elu(x, 1.6733)`` (Klambauer et al. 2017). The derivative at 0 is 1.0507."""
    return dispatch("selu", (float_tensor(input_x),))


@composite("celu")
def _celu(x: Tensor, *, alpha: float) -> Tensor:
    return select(x >= 0, x, expm1(_below(x, 0.0) / alpha) * alpha)


def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """``x`` where it is positive, else ``alpha * (exp(x / alpha) - 1)`` (Barron 2017).

    Raises:
        ValueError: ``alpha`` is 0.
    """
    alpha = check_number("celu", "alpha", alpha)
    if alpha == 0:
        raise err.UserValueError("celu: 'alpha' should not be 0")
    return dispatch("celu", (float_tensor(x),), {"alpha": alpha})


@composite("softplus")
def _softplus(x: Tensor, *, beta: float, threshold: float) -> Tensor:
    scaled = x * beta if beta != 1 else x
    return select(scaled > threshold, x, log1p(exp(_below(scaled, threshold))) / beta)


def softplus(input: Any, beta: float = 1, threshold: float = 20) -> Tensor:
    """``log(1 + exp(beta * input)) / beta``, and ``input`` itself where ``beta * input`` is above the threshold."""
    attrs = {"beta": check_number("softplus", "beta", beta), "threshold": check_number("softplus", "threshold", threshold)}
    return dispatch("softplus", (float_tensor(input),), attrs)


@composite("softsign")
def _softsign(x: Tensor) -> Tensor:
    return x / (abs(x) + 1.0)


def softsign(x: Any) -> Tensor:
    """``x / (1 + |x|)``."""
    return dispatch("softsign", (float_tensor(x),))


@composite("hardtanh")
def _hardtanh(x: Tensor, *, low: float, high: float) -> Tensor:
    return minimum(maximum(x, low), high)


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """Limits to [min_val, max_val]. The derivative at a limit is 0.5.

    Raises:
        ValueError: ``min_val`` is above ``max_val``.
    """
    low, high = check_number("hardtanh", "min_val", min_val), check_number("hardtanh", "max_val", max_val)
    if low > high:
        raise err.UserValueError(f"hardtanh: 'min_val' should not be above 'max_val', but got {low} and {high}")
    return dispatch("hardtanh", (float_tensor(input),), {"low": low, "high": high})


@composite("hardsigmoid")
def _hardsigmoid(x: Tensor) -> Tensor:
    return select(x <= -3, 0.0, select(x >= 3, 1.0, x / 6.0 + 0.5))


def hardsigmoid(input: Any) -> Tensor:
    """``input / 6 + 1/2``, limited to [0, 1]. The derivative at -3 and 3 is 0."""
    return dispatch("hardsigmoid", (float_tensor(input),))


@composite("hardswish")
def _hardswish(x: Tensor) -> Tensor:
    return select(x < -3, 0.0, select(x > 3, x, x * (x + 3.0) / 6.0))


def hardswish(input: Any) -> Tensor:
    """``input * relu6(input + 3) / 6`` (Howard et al. 2019). At -3 and 3 the derivative is that of the middle part."""
    return dispatch("hardswish", (float_tensor(input),))


@composite("hardshrink")
def _hardshrink(x: Tensor, *, lambd: float) -> Tensor:
    return select((x >= -lambd) & (x <= lambd), 0.0, x)


def hardshrink(input: Any, lambd: float = 0.5) -> Tensor:
    """``input`` outside of [-lambd, lambd], else 0."""
    return dispatch("hardshrink", (float_tensor(input),), {"lambd": check_number("hardshrink", "lambd", lambd)})


@composite("softshrink")
def _softshrink(x: Tensor, *, lambd: float) -> Tensor:
    return select(x > lambd, x - lambd, select(x < -lambd, x + lambd, 0.0))


def softshrink(input: Any, lambd: float = 0.5) -> Tensor:
    """``input - lambd`` above ``lambd``, ``input + lambd`` below ``-lambd``, else 0."""
    return dispatch("softshrink", (float_tensor(input),), {"lambd": check_number("softshrink", "lambd", lambd)})


@composite("gelu_tanh")
def _gelu_tanh(x: Tensor) -> Tensor:
    return x * 0.5 * (tanh((x + x * x * x * 0.044715) * 0.7978845608028654) + 1.0)


def gelu(input: Any, approximate: str = "none") -> Tensor:
    """Gaussian error linear unit (Hendrycks and Gimpel 2016).

    Args:
        input: Tensor.
        approximate: 'none': ``x * (1 + erf(x / sqrt 2)) / 2``; 'tanh': ``x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2``.

    Raises:
        ValueError: another ``approximate``.
    """
    check_choice("gelu", "approximate", approximate, ("none", "tanh"))
    return float_unary("gelu", input) if approximate == "none" else dispatch("gelu_tanh", (float_tensor(input),))


@composite("silu")
def _silu(x: Tensor) -> Tensor:
    return x * sigmoid(x)


def silu(input: Any) -> Tensor:
    """``input * sigmoid(input)`` (Elfwing et al. 2017)."""
    return dispatch("silu", (float_tensor(input),))


swish = silu


@composite("mish")
def _mish(x: Tensor) -> Tensor:
    return x * tanh(_softplus(x, beta=1.0, threshold=20.0))


def mish(x: Any) -> Tensor:
    """``x * tanh(softplus(x))`` (Misra 2019)."""
    return dispatch("mish", (float_tensor(x),))


@composite("logsigmoid")
def _logsigmoid(x: Tensor) -> Tensor:
    return minimum(x, 0.0) - log1p(exp(-abs(x)))


def logsigmoid(x: Any) -> Tensor:
    """``log(sigmoid(x))``, without overflow for large ``|x|``."""
    return dispatch("logsigmoid", (float_tensor(x),))


@composite("tanhshrink")
def _tanhshrink(x: Tensor) -> Tensor:
    return x - tanh(x)


def tanhshrink(input: Any) -> Tensor:
    """``input - tanh(input)``."""
    return dispatch("tanhshrink", (float_tensor(input),))


@composite("threshold")
def _threshold(x: Tensor, *, thr: float, value: float) -> Tensor:
    return select(x > thr, x, value)


def threshold(input: Any, thr: float, value: float) -> Tensor:
    """``input`` where it is above ``thr``, else ``value``."""
    return dispatch("threshold", (as_tensor(input),), {"thr": thr, "value": value})


@composite("prelu")
def _prelu(x: Tensor, weight: Tensor) -> Tensor:
    if weight.size > 1:
        weight = dispatch("reshape", (weight,), {"shape": (1, -1) + (1,) * (x.ndim - 2)})
    return select(x > 0, x, x * weight)


def prelu(input: Any, weight: Any) -> Tensor:
    """``input`` where it is positive, else ``weight * input`` (He et al. 2015).

    Args:
        input: Tensor of shape (N, C, ...).
        weight: Tensor of shape (1,) or (C,).

    Raises:
        ValueError: the weight has neither 1 nor C elements.
    """
    x, weight = float_tensor(input), float_tensor(weight)
    if weight.ndim > 1 or (weight.size != 1 and (x.ndim < 2 or weight.size != x.shape[1])):
        raise err.ShapeError(f"prelu: 'weight' should have one element or one for each channel, but has shape {weight.shape} beside an input of shape {x.shape}")
    return dispatch("prelu", (x, weight))


# -- along an axis --------------------------------------------------------------------------------------------------------


def softmax(input: Any, axis: int = -1, *, dtype: Any = None) -> Tensor:
    """``exp(x - max) / sum(exp(x - max))`` along an axis, of the same shape.

    Args:
        input: Tensor; integers are computed in float32.
        axis: int, or a tuple with one int.
        dtype: dtype to which the input is cast first.

    Raises:
        TypeError: the axis is not an int.
        ValueError: the axis is out of range.
    """
    x = float_tensor(input) if dtype is None else as_tensor(input, dt.as_dtype(dtype))
    if isinstance(axis, (tuple, list)) and len(axis) == 1:
        axis = axis[0]
    return dispatch("softmax", (x,), {"axis": normalize_axis("softmax", axis, x.ndim)})


def softmin(x: Any, axis: int = -1, *, dtype: Any = None) -> Tensor:
    """``softmax(-x)``."""
    return softmax(unary("neg", float_tensor(x)), axis, dtype=dtype)


def log_softmax(logits: Any, axis: int = -1) -> Tensor:
    """``x - max - log(sum(exp(x - max)))`` along an axis, of the same shape.

    Raises:
        TypeError: the axis is not an int.
        ValueError: the axis is out of range.
    """
    x = float_tensor(logits)
    return dispatch("log_softmax", (x,), {"axis": normalize_axis("log_softmax", axis, x.ndim)})


@composite("glu")
def _glu(x: Tensor, *, axis: int) -> Tensor:
    half = x.shape[axis] // 2
    starts, strides = [0] * x.ndim, (1,) * x.ndim
    limits = list(x.shape)
    limits[axis] = half
    a = dispatch("slice", (x,), {"starts": tuple(starts), "limits": tuple(limits), "strides": strides})
    starts[axis], limits[axis] = half, 2 * half
    b = dispatch("slice", (x,), {"starts": tuple(starts), "limits": tuple(limits), "strides": strides})
    return binary("mul", a, sigmoid(b))


def glu(x: Any, axis: int = -1) -> Tensor:
    """The first half along an axis times the sigmoid of the second half (Dauphin et al. 2016).

    Raises:
        ValueError: the size along the axis is odd.
    """
    x = float_tensor(x)
    axis = normalize_axis("glu", axis, x.ndim)
    if x.shape[axis] % 2:
        raise err.ShapeError(f"glu: the size along axis {axis} should be even, but the shape is {x.shape}")
    return dispatch("glu", (x,), {"axis": axis})
