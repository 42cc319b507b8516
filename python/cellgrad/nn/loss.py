"""Losses as Cells."""
from __future__ import annotations

from typing import Any

from .. import _errors as err
from .. import ops
from ..common.parameter import Parameter
from ..common.tensor import Tensor
from ._checks import boolean, choice, is_int, number
from .cell import Cell

__all__ = ["BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "HuberLoss", "KLDivLoss", "L1Loss", "LossBase", "MSELoss", "NLLLoss", "SmoothL1Loss",
           "SoftmaxCrossEntropyWithLogits"]


class LossBase(Cell):
    """Base class of losses: checks ``reduction`` and applies it with ``get_loss``.

    Args:
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        ValueError: another reduction.
    """

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = choice(type(self).__name__, "reduction", reduction, ("mean", "sum", "none"))

    def get_loss(self, x: Tensor, weights: Any = 1.0) -> Tensor:
        """``x * weights`` reduced."""
        x = x * weights
        return ops.mean(x) if self.reduction == "mean" else ops.sum(x) if self.reduction == "sum" else x


class MSELoss(LossBase):
    """Squared difference; see ``ops.mse_loss``."""

    def construct(self, logits: Any, labels: Any) -> Tensor:
        return ops.mse_loss(logits, labels, self.reduction)


class L1Loss(LossBase):
    """Absolute difference; see ``ops.l1_loss``."""

    def construct(self, logits: Any, labels: Any) -> Tensor:
        return ops.l1_loss(logits, labels, self.reduction)


class SmoothL1Loss(LossBase):
    """Squared difference below ``beta``, absolute above; see ``ops.smooth_l1_loss``. The default is no reduction."""

    def __init__(self, beta: float = 1.0, reduction: str = "none") -> None:
        super().__init__(reduction)
        self.beta = number("SmoothL1Loss", "beta", beta, 0)

    def construct(self, logits: Any, labels: Any) -> Tensor:
        return ops.smooth_l1_loss(logits, labels, self.beta, self.reduction)


class HuberLoss(LossBase):
    """Squared difference up to ``delta``, absolute above; see ``ops.huber_loss``."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = number("HuberLoss", "delta", delta, 0, open_low=True)

    def construct(self, logits: Any, labels: Any) -> Tensor:
        return ops.huber_loss(logits, labels, self.reduction, self.delta)


class KLDivLoss(LossBase):
    """Kullback-Leibler divergence; see ``ops.kl_div``."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__("mean" if reduction == "batchmean" else reduction)
        self.reduction = reduction

    def construct(self, logits: Any, labels: Any) -> Tensor:
        return ops.kl_div(logits, labels, self.reduction)


def _ignore(owner: str, value: Any) -> int:
    if not is_int(value):
        raise err.UserTypeError(f"For '{owner}', 'ignore_index' must be an int, but got {type(value).__name__}.")
    return int(value)


def _weight(owner: str, weight: Any) -> Any:
    if weight is not None and not isinstance(weight, Tensor):
        raise err.UserTypeError(f"For '{owner}', 'weight' must be a Tensor or None, but got {type(weight).__name__}.")
    return weight


class CrossEntropyLoss(LossBase):
    """Cross-entropy between scores and classes or probabilities; see ``ops.cross_entropy``.

    Args:
        weight: Tensor of shape (C,) or None.
        ignore_index: class that does not count.
        reduction: 'mean', 'sum' or 'none'.
        label_smoothing: number in [0, 1].

    Raises:
        TypeError: settings of another type.
        ValueError: settings out of range.
    """

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0) -> None:
        super().__init__(reduction)
        self.weight, self.ignore_index = _weight("CrossEntropyLoss", weight), _ignore("CrossEntropyLoss", ignore_index)
        self.label_smoothing = number("CrossEntropyLoss", "label_smoothing", label_smoothing, 0, 1)

    def construct(self, logits: Any, labels: Any) -> Tensor:
        return ops.cross_entropy(logits, labels, self.weight, self.ignore_index, self.reduction, self.label_smoothing)


class NLLLoss(LossBase):
    """Negative log-likelihood; see ``ops.nll_loss``.

    Args:
        weight: Tensor of shape (C,) or None.
        ignore_index: class that does not count.
        reduction: 'mean', 'sum' or 'none'.
    """

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight, self.ignore_index = _weight("NLLLoss", weight), _ignore("NLLLoss", ignore_index)

    def construct(self, logits: Any, labels: Any) -> Tensor:
        return ops.nll_loss(logits, labels, self.weight, self.ignore_index, self.reduction)


class SoftmaxCrossEntropyWithLogits(LossBase):
    """Cross-entropy of rows of scores. The default is no reduction.

    Args:
        sparse: whether labels are classes (integers of shape (N,)); otherwise probabilities of the shape of the scores.
        reduction: 'mean', 'sum' or 'none'.

    Raises:
        TypeError: ``sparse`` is not a bool.
        ValueError: another reduction; shapes that do not go together.
    """

    def __init__(self, sparse: bool = False, reduction: str = "none") -> None:
        super().__init__(reduction)
        self.sparse = boolean("SoftmaxCrossEntropyWithLogits", "sparse", sparse)

    def construct(self, logits: Any, labels: Any) -> Tensor:
        if not self.sparse:
            if labels.shape != logits.shape:
                raise err.ShapeError(f"SoftmaxCrossEntropyWithLogits: labels should have the shape {logits.shape} of the scores, but have {labels.shape}",
                                     hint="pass sparse=True for labels that are classes")
            labels = ops.cast(labels, logits.dtype)
        # Classes out of range, negative ones included, have loss 0 and count in the mean.
        return ops.cross_entropy(logits, labels, ignore_index=-(2**31), reduction=self.reduction)


class BCELoss(LossBase):
    """Binary cross-entropy of probabilities; see ``ops.binary_cross_entropy``.

    Args:
        weight: Tensor that broadcasts, or None.
        reduction: 'mean', 'sum' or 'none'.
    """

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = _weight("BCELoss", weight)

    def construct(self, logits: Any, labels: Any) -> Tensor:
        return ops.binary_cross_entropy(logits, labels, self.weight, self.reduction)


class BCEWithLogitsLoss(LossBase):
    """Binary cross-entropy of scores; see ``ops.binary_cross_entropy_with_logits``.

    Args:
        reduction: 'mean', 'sum' or 'none'.
        weight, pos_weight: Tensors that broadcast, or None.
    """

    def __init__(self, reduction: str = "mean", weight: Any = None, pos_weight: Any = None) -> None:
        super().__init__(reduction)
        for name, value in (("weight", weight), ("pos_weight", pos_weight)):
            if isinstance(value, Parameter):
                raise err.UserTypeError(f"For 'BCEWithLogitsLoss', '{name}' must be a Tensor or None, but is a Parameter.")
            _weight("BCEWithLogitsLoss", value)
        self.weight, self.pos_weight = weight, pos_weight

    def construct(self, logits: Any, labels: Any) -> Tensor:
        return ops.binary_cross_entropy_with_logits(logits, labels, self.weight, self.pos_weight, self.reduction)
