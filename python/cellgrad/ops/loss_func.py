"""Losses."""
from __future__ import annotations

from typing import Any

from .. import _errors as err
from .._frontend.dispatch import as_tensor, broadcast_to, cast, composite, dispatch, select
from .._runtime import dtype as dt
from ..common.tensor import Tensor
from ._generated import abs, exp, log, log1p, maximum, sqrt
from ._helpers import check_int, check_number, check_reduction, float_tensor, operands, reduce, reduced
from .activation import log_softmax

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_similarity", "cross_entropy", "huber_loss", "kl_div", "l1_loss", "mse_loss",
           "nll_loss", "smooth_l1_loss"]


def _along_classes(weight: Tensor, x: Tensor, axis: int) -> Tensor:
    """A vector with one entry per class as a Tensor of x's shape."""
    return broadcast_to(dispatch("reshape", (weight,), {"shape": (-1,) + (1,) * (x.ndim - 1 - axis)}), x.shape)


@composite("nll_loss")
def _nll_loss(logp: Tensor, target: Tensor, *weight: Tensor, axis: int, ignore: int, reduction: str, smoothing: float) -> Tensor:
    classes = logp.shape[axis]
    if target.dtype.itemsize < 4:
        target = cast(target, dt.int32)  # the number of classes, and ignore_index, may not fit
    place = dispatch("iota", (), {"shape": logp.shape, "axis": axis, "dtype": target.dtype})
    labels = dispatch("reshape", (target,), {"shape": target.shape[:axis] + (1,) + target.shape[axis:]})
    hit = place == broadcast_to(labels, logp.shape)
    weighted = logp * _along_classes(weight[0], logp, axis) if weight else logp
    loss = -reduce("sum", select(hit, weighted, 0.0), axis)
    valid = target != ignore
    if smoothing:
        spread = -reduce("sum", weighted, axis) * (smoothing / classes)
        loss = loss * (1.0 - smoothing) + spread
    if smoothing or 0 <= ignore < classes:  # else an ignored label matches no class, and its loss is 0 already
        loss = select(valid, loss, 0.0)
    if reduction != "mean":
        return reduced(loss, reduction)
    if weight:
        counted = reduce("sum", select(hit & broadcast_to(dispatch("reshape", (valid,), {"shape": labels.shape}), logp.shape),
                                       _along_classes(weight[0], logp, axis), 0.0))
    else:
        counted = cast(reduce("sum", cast(valid, dt.int32)), logp.dtype)
    return reduce("sum", loss) / counted


def _class_axis(op: str, x: Tensor) -> int:
    if x.ndim == 0:
        raise err.ShapeError(f"{op}: scores of shape (C,) or (N, C, ...) are needed, but the shape is ()")
    return 0 if x.ndim == 1 else 1


def _check_classes(op: str, x: Tensor, target: Tensor, weight: Any, axis: int) -> tuple[Tensor, ...]:
    if target.dtype.is_floating_point or target.dtype is dt.bool_:
        raise err.DTypeError(f"{op}: labels should be of an integer dtype, but are {target.dtype}",
                             hint="cast them with .astype(ms.int32); probabilities need the shape of the scores")
    expected = x.shape[:axis] + x.shape[axis + 1:]
    if target.shape != expected:
        raise err.ShapeError(f"{op}: for scores of shape {x.shape} the labels should have shape {expected}, but have {target.shape}")
    return _check_weight(op, x, weight, axis)


def _check_weight(op: str, x: Tensor, weight: Any, axis: int) -> tuple[Tensor, ...]:
    if weight is None:
        return ()
    weight = as_tensor(weight, x.dtype)
    if weight.shape != (x.shape[axis],):
        raise err.ShapeError(f"{op}: 'weight' should have shape {(x.shape[axis],)}, one for each class, but has {weight.shape}")
    return (weight,)


def nll_loss(inputs: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0) -> Tensor:
    """Negative log-likelihood: ``-weight[target] * inputs[target]``.

    Args:
        inputs: log-probabilities of shape (C,), (N, C) or (N, C, d1, ...).
        target: integer Tensor of shape (), (N,) or (N, d1, ...), classes in [0, C). A class out of range has loss 0.
        weight: Tensor of shape (C,) or None.
        ignore_index: class whose elements count neither in the loss nor in the mean.
        reduction: 'mean' (divided by the sum of the weights of the targets), 'sum' or 'none'.
        label_smoothing: number in [0, 1]: how much of each target is spread over all classes (Szegedy et al. 2016).

    Raises:
        TypeError: targets that are not integers.
        ValueError: shapes that do not go together; another reduction; smoothing out of [0, 1].
    """
    return _nll("nll_loss", float_tensor(inputs), as_tensor(target), weight, ignore_index, reduction, label_smoothing)


def _smoothing(op: str, value: Any) -> float:
    value = check_number(op, "label_smoothing", value)
    if not 0 <= value <= 1:
        raise err.UserValueError(f"{op}: 'label_smoothing' should be in [0, 1], but is {value}")
    return value


def _nll(op: str, x: Tensor, target: Tensor, weight: Any, ignore_index: Any, reduction: Any, smoothing: Any) -> Tensor:
    axis = _class_axis(op, x)
    weights = _check_classes(op, x, target, weight, axis)
    attrs = {"axis": axis, "ignore": check_int(op, "ignore_index", ignore_index), "reduction": check_reduction(op, reduction),
             "smoothing": _smoothing(op, smoothing)}
    return dispatch("nll_loss", (x, target, *weights), attrs)


@composite("soft_cross_entropy")
def _soft_cross_entropy(x: Tensor, target: Tensor, *weight: Tensor, axis: int, reduction: str, smoothing: float) -> Tensor:
    if smoothing:
        target = target * (1.0 - smoothing) + smoothing / x.shape[axis]
    if weight:
        target = target * _along_classes(weight[0], x, axis)
    return reduced(dispatch("softmax_cross_entropy", (x, target), {"axis": axis}), reduction)


def cross_entropy(input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0) -> Tensor:
    """Cross-entropy between scores and classes, or between scores and probabilities.

    With classes it is ``nll_loss(log_softmax(input), target, ...)``; with probabilities ``-sum(weight * target * log_softmax(input))``, and 'mean'
    divides by the number of samples.

    Args:
        input: scores (logits) of shape (C,), (N, C) or (N, C, d1, ...).
        target: integer Tensor of shape (), (N,) or (N, d1, ...); or a float Tensor of the shape of the scores.
        weight, ignore_index, reduction, label_smoothing: as in ``nll_loss``.

    Raises:
        TypeError: targets of neither kind.
        ValueError: shapes that do not go together; another reduction; smoothing out of [0, 1].
    """
    x, target = float_tensor(input), as_tensor(target)
    axis = _class_axis("cross_entropy", x)
    if target.dtype.is_floating_point and target.shape == x.shape:
        attrs = {"axis": axis, "reduction": check_reduction("cross_entropy", reduction), "smoothing": _smoothing("cross_entropy", label_smoothing)}
        return dispatch("soft_cross_entropy", (x, cast(target, x.dtype), *_check_weight("cross_entropy", x, weight, axis)), attrs)
    weights = _check_classes("cross_entropy", x, target, weight, axis)
    attrs = {"axis": axis, "ignore": check_int("cross_entropy", "ignore_index", ignore_index),
             "reduction": check_reduction("cross_entropy", reduction), "smoothing": _smoothing("cross_entropy", label_smoothing)}
    return dispatch("class_cross_entropy", (x, target, *weights), attrs)


@composite("class_cross_entropy")
def _class_cross_entropy(x: Tensor, target: Tensor, *weight: Tensor, axis: int, ignore: int, reduction: str, smoothing: float) -> Tensor:
    if weight or smoothing:
        return _nll_loss(log_softmax(x, axis), target, *weight, axis=axis, ignore=ignore, reduction=reduction, smoothing=smoothing)
    loss, valid = dispatch("cross_entropy", (x, target), {"axis": axis}), target != ignore
    if 0 <= ignore < x.shape[axis]:  # else an ignored label is no class, and its loss is 0 already
        loss = select(valid, loss, 0.0)
    if reduction != "mean":
        return reduced(loss, reduction)
    return reduce("sum", loss) / cast(reduce("sum", cast(valid, dt.int32)), x.dtype)


# -- differences ----------------------------------------------------------------------------------------------------------


@composite("mse_loss")
def _mse_loss(x: Tensor, y: Tensor, *, reduction: str) -> Tensor:
    d = x - y
    return reduced(d * d, reduction)


@composite("l1_loss")
def _l1_loss(x: Tensor, y: Tensor, *, reduction: str) -> Tensor:
    return reduced(abs(x - y), reduction)


@composite("smooth_l1_loss")
def _smooth_l1_loss(x: Tensor, y: Tensor, *, beta: float, reduction: str) -> Tensor:
    d = abs(x - y)
    return reduced(select(d < beta, d * d * (0.5 / beta), d - 0.5 * beta), reduction)


@composite("huber_loss")
def _huber_loss(x: Tensor, y: Tensor, *, delta: float, reduction: str) -> Tensor:
    d = abs(x - y)
    return reduced(select(d <= delta, d * d * 0.5, (d - 0.5 * delta) * delta), reduction)


def _difference(op: str, name: str, x: Any, y: Any, reduction: Any, **attrs: Any) -> Tensor:
    x, y = operands(op, x, y)
    return dispatch(name, (float_tensor(x), float_tensor(y)), {**attrs, "reduction": check_reduction(op, reduction)})


def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """``(input - target)^2``.

    Args:
        input, target: Tensors whose shapes broadcast; integers are computed in float32.
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: shapes that do not broadcast; another reduction.
    """
    return _difference("mse_loss", "mse_loss", input, target, reduction)


def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """``|input - target|``; otherwise as ``mse_loss``. The derivative at 0 is 0."""
    return _difference("l1_loss", "l1_loss", input, target, reduction)


def smooth_l1_loss(input: Any, target: Any, beta: float = 1.0, reduction: str = "none") -> Tensor:
    """``d^2 / (2 beta)`` where ``d = |input - target|`` is below ``beta``, else ``d - beta / 2`` (Girshick 2015).

    Args:
        beta: number, not negative; 0 is ``l1_loss``.

    Raises:
        ValueError: a negative ``beta``; otherwise as ``mse_loss``.
    """
    beta = check_number("smooth_l1_loss", "beta", beta)
    if beta < 0:
        raise err.UserValueError(f"smooth_l1_loss: 'beta' should not be negative, but is {beta}")
    if beta == 0:
        return _difference("smooth_l1_loss", "l1_loss", input, target, reduction)
    return _difference("smooth_l1_loss", "smooth_l1_loss", input, target, reduction, beta=beta)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """``d^2 / 2`` where ``d = |input - target|`` is at most ``delta``, else ``delta * (d - delta / 2)`` (Huber 1964).

    Raises:
        ValueError: ``delta`` is not above 0; otherwise as ``mse_loss``.
    """
    delta = check_number("huber_loss", "delta", delta)
    if delta <= 0:
        raise err.UserValueError(f"huber_loss: 'delta' should be above 0, but is {delta}")
    return _difference("huber_loss", "huber_loss", input, target, reduction, delta=delta)


# -- probabilities ----------------------------------------------------------------------------------------------------------


@composite("binary_cross_entropy")
def _binary_cross_entropy(x: Tensor, y: Tensor, *weight: Tensor, reduction: str) -> Tensor:
    # 1e-12 keeps the logarithm of 0 finite, as in MindSpore.
    loss = -(y * log(x + 1e-12) + (1.0 - y) * log(1.0 - x + 1e-12))
    return reduced(loss * weight[0] if weight else loss, reduction)


def binary_cross_entropy(logits: Any, labels: Any, weight: Any = None, reduction: str = "mean") -> Tensor:
    """``-weight * (labels * log(logits) + (1 - labels) * log(1 - logits))`` of probabilities.

    Args:
        logits: probabilities in [0, 1].
        labels: Tensor in [0, 1] of the same shape.
        weight: Tensor that broadcasts, or None.
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: shapes differ; another reduction.
    """
    x, y = float_tensor(logits), float_tensor(labels)
    if x.shape != y.shape:
        raise err.ShapeError(f"binary_cross_entropy: 'logits' and 'labels' should have one shape, but have {x.shape} and {y.shape}")
    more = () if weight is None else (float_tensor(weight),)
    return dispatch("binary_cross_entropy", (x, cast(y, x.dtype), *more), {"reduction": check_reduction("binary_cross_entropy", reduction)})


@composite("bce_with_logits")
def _bce_with_logits(x: Tensor, y: Tensor, *more: Tensor, has: tuple[bool, bool], reduction: str) -> Tensor:
    rest = list(more)
    weight = rest.pop(0) if has[0] else None
    # log(1 + exp(-x)) without overflow; the tie of the maximum at 0 halves, which is the derivative there.
    softplus = log1p(exp(-abs(x))) + maximum(-x, 0.0)
    loss = (1.0 - y) * x + (((rest[0] - 1.0) * y + 1.0) * softplus if has[1] else softplus)
    return reduced(loss * weight if weight is not None else loss, reduction)


def binary_cross_entropy_with_logits(input: Any, target: Any, weight: Any = None, pos_weight: Any = None, reduction: str = "mean") -> Tensor:
    """``-weight * (pos_weight * target * log(sigmoid(input)) + (1 - target) * log(1 - sigmoid(input)))``, without overflow.

    Args:
        input: scores.
        target: Tensor in [0, 1] of the same shape.
        weight, pos_weight: Tensors that broadcast, or None.
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: shapes differ; another reduction.
    """
    x, y = float_tensor(input), float_tensor(target)
    if x.shape != y.shape:
        raise err.ShapeError(f"binary_cross_entropy_with_logits: 'input' and 'target' should have one shape, but have {x.shape} and {y.shape}")
    more = tuple(float_tensor(t) for t in (weight, pos_weight) if t is not None)
    attrs = {"has": (weight is not None, pos_weight is not None), "reduction": check_reduction("binary_cross_entropy_with_logits", reduction)}
    return dispatch("bce_with_logits", (x, cast(y, x.dtype), *more), attrs)


@composite("kl_div")
def _kl_div(x: Tensor, y: Tensor, *, reduction: str) -> Tensor:
    inside = y > 0
    loss = select(inside, y * (log(select(inside, y, 1.0)) - x), 0.0)
    return reduce("sum", loss) / float(x.shape[0]) if reduction == "batchmean" else reduced(loss, reduction)


def kl_div(logits: Any, labels: Any, reduction: str = "mean") -> Tensor:
    """``labels * (log(labels) - logits)``, 0 where a label is 0 (Kullback and Leibler 1951).

    Args:
        logits: log-probabilities.
        labels: probabilities of the same shape.
        reduction: 'mean', 'batchmean', 'sum' or 'none'.

    Raises:
        ValueError: shapes that do not broadcast; another reduction.
    """
    x, y = operands("kl_div", logits, labels)
    if reduction != "batchmean":
        check_reduction("kl_div", reduction)
    return dispatch("kl_div", (float_tensor(x), float_tensor(y)), {"reduction": reduction})


@composite("cosine_similarity")
def _cosine_similarity(x: Tensor, y: Tensor, *, axis: int, eps: float) -> Tensor:
    lengths = sqrt(reduce("sum", x * x, axis)) * sqrt(reduce("sum", y * y, axis))
    return reduce("sum", x * y, axis) / maximum(lengths, eps)


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-08) -> Tensor:
    """``sum(x1 * x2) / max(|x1| * |x2|, eps)`` along an axis."""
    x, y = operands("cosine_similarity", x1, x2)
    axis = dim % x.ndim if x.ndim else 0
    return dispatch("cosine_similarity", (float_tensor(x), float_tensor(y)), {"axis": axis, "eps": float(eps)})
