"""Normalisation."""
from __future__ import annotations

import math
from typing import Any

from .. import _errors as err
from .._frontend.dispatch import broadcast_to, cast, composite, dispatch, full
from .._frontend.state import assign
from ..common.parameter import Parameter
from ..common.tensor import Tensor
from ._generated import rsqrt
from ._helpers import check_bool, check_number, check_tensor, float_tensor, ints, stop

__all__ = ["batch_norm", "layer_norm"]


def _affine(x: Tensor, shape: tuple, more: tuple[Tensor, ...], has: tuple[bool, bool]) -> tuple[Tensor, Tensor]:
    """Scale and shift; 1 and 0 where they are not given."""
    rest = list(more)
    scale = rest.pop(0) if has[0] else full(shape, 1.0, x.dtype)
    return scale, rest[0] if has[1] else full(shape, 0.0, x.dtype)


@composite("layer_norm_affine")
def _layer_norm(x: Tensor, *more: Tensor, dims: int, eps: float, has: tuple[bool, bool]) -> Tensor:
    axis = x.ndim - dims
    return dispatch("layer_norm", (x, *_affine(x, x.shape[axis:], more, has)), {"axis": axis, "epsilon": eps})


def layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-05) -> Tensor:
    """``(x - mean) / sqrt(var + eps) * weight + bias`` over the last dimensions (Ba et al. 2016); ``var`` divides by n.

    Args:
        input: Tensor whose last sizes are ``normalized_shape``.
        normalized_shape: int or tuple of ints.
        weight, bias: Tensors of shape ``normalized_shape``, or None.
        eps: number.

    Raises:
        TypeError: not Tensors.
        ValueError: shapes that do not go together.
    """
    x = float_tensor(check_tensor("layer_norm", "input", input))
    shape = ints("layer_norm", "normalized_shape", normalized_shape)
    if not shape or x.shape[x.ndim - len(shape):] != shape or x.ndim < len(shape):
        raise err.ShapeError(f"layer_norm: the last sizes of shape {x.shape} should be 'normalized_shape' {shape}")
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None and check_tensor("layer_norm", name, value).shape != shape:
            raise err.ShapeError(f"layer_norm: '{name}' should have shape {shape}, but has {value.shape}")
    more = tuple(cast(t, x.dtype) for t in (weight, bias) if t is not None)
    attrs = {"dims": len(shape), "eps": check_number("layer_norm", "eps", eps), "has": (weight is not None, bias is not None)}
    return dispatch("layer_norm_affine", (x, *more), attrs)


def _channels(v: Tensor, x: Tensor) -> Tensor:
    """A vector with one entry per channel as a Tensor of x's shape."""
    return broadcast_to(dispatch("reshape", (v,), {"shape": (1, -1) + (1,) * (x.ndim - 2)}), x.shape)


@composite("batch_norm_inference")
def _inference(x: Tensor, mean: Tensor, var: Tensor, *more: Tensor, eps: float, has: tuple[bool, bool]) -> Tensor:
    rest = list(more)
    scale = rsqrt(var + eps)
    if has[0]:
        scale = scale * rest.pop(0)
    shift = -mean * scale
    if has[1]:
        shift = shift + rest[0]
    return x * _channels(scale, x) + _channels(shift, x)


@composite("batch_norm_training")
def _training(x: Tensor, *more: Tensor, eps: float, has: tuple[bool, bool]) -> tuple[Tensor, Tensor, Tensor]:
    """(result, mean, variance of the batch divided by n)."""
    return dispatch("batch_norm", (x, *_affine(x, x.shape[1:2], more, has)), {"axis": 1, "epsilon": eps})


@composite("moving_average")
def _moving_average(old: Tensor, new: Tensor, *, momentum: float, scale: float) -> Tensor:
    return stop(old * (1.0 - momentum) + cast(new, old.dtype) * (momentum * scale))


def batch_norm(input_x: Any, running_mean: Any, running_var: Any, weight: Any, bias: Any, training: bool = False, momentum: float = 0.1,
               eps: float = 1e-05) -> Tensor:
    """``(x - mean) / sqrt(var + eps) * weight + bias`` per channel (Ioffe and Szegedy 2015).

    Args:
        input_x: Tensor of shape (N, C) or (N, C, d1, ...).
        running_mean, running_var: Tensors of shape (C,). In training, Parameters take ``(1 - momentum) * old + momentum * batch``, with the variance
            of the batch divided by n - 1.
        weight, bias: Tensors of shape (C,), or None.
        training: whether mean and variance are those of the batch, else the running ones.
        momentum, eps: numbers.

    Raises:
        TypeError: not Tensors.
        ValueError: shapes that do not go together; a batch with one element per channel in training.
    """
    x = float_tensor(check_tensor("batch_norm", "input_x", input_x))
    if x.ndim < 2:
        raise err.ShapeError(f"batch_norm: an input of shape (N, C, ...) is needed, but the shape is {x.shape}")
    named = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    for name, value in named.items():
        if (value is not None or name.startswith("running")) and check_tensor("batch_norm", name, value).shape != (x.shape[1],):
            raise err.ShapeError(f"batch_norm: '{name}' should have shape {(x.shape[1],)}, one for each channel of shape {x.shape}, but has {value.shape}")
    momentum, eps = check_number("batch_norm", "momentum", momentum), check_number("batch_norm", "eps", eps)
    has = (weight is not None, bias is not None)
    more = tuple(cast(t, x.dtype) for t in (weight, bias) if t is not None)
    if not check_bool("batch_norm", "training", training):
        return dispatch("batch_norm_inference", (x, cast(running_mean, x.dtype), cast(running_var, x.dtype), *more), {"eps": eps, "has": has})
    count = math.prod(x.shape) // max(x.shape[1], 1)
    if count < 2:
        raise err.ShapeError(f"batch_norm: in training more than one element per channel is needed, but the shape is {x.shape}",
                             hint="use a larger batch, or call set_train(False)")
    y, mean, var = dispatch("batch_norm_training", (x, *more), {"eps": eps, "has": has})
    if isinstance(running_mean, Parameter) and isinstance(running_var, Parameter):
        assign(running_mean, dispatch("moving_average", (running_mean, mean), {"momentum": momentum, "scale": 1.0}))
        assign(running_var, dispatch("moving_average", (running_var, var), {"momentum": momentum, "scale": count / (count - 1)}))
    return y
