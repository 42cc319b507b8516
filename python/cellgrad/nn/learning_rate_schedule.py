"""Learning rates as functions of the step."""
from __future__ import annotations

import math
from typing import Any

from .. import ops
from .._runtime import dtype as dt
from ..common.tensor import Tensor
from ._checks import boolean, number, positive_int
from .cell import Cell

__all__ = ["CosineDecayLR", "ExponentialDecayLR", "InverseDecayLR", "LearningRateSchedule", "NaturalExpDecayLR", "PolynomialDecayLR", "WarmUpLR"]


class LearningRateSchedule(Cell):
    """Base class: ``construct(global_step)`` gives the learning rate at a step as a Tensor with one element."""

    def construct(self, global_step: Any) -> Tensor:
        raise NotImplementedError(f"For '{type(self).__name__}', the method 'construct' is not defined.")


def _steps(global_step: Any) -> Tensor:
    return ops.cast(global_step, dt.float32)


class _Decay(LearningRateSchedule):
    def __init__(self, learning_rate: float, decay_rate: float, decay_steps: int, is_stair: bool = False) -> None:
        super().__init__()
        owner = type(self).__name__
        self.learning_rate = number(owner, "learning_rate", learning_rate, 0, open_low=True)
        self.decay_rate = number(owner, "decay_rate", decay_rate, 0, open_low=True)
        self.decay_steps = positive_int(owner, "decay_steps", decay_steps)
        self.is_stair = boolean(owner, "is_stair", is_stair)

    def _periods(self, global_step: Any) -> Tensor:
        p = _steps(global_step) / float(self.decay_steps)
        return ops.floor(p) if self.is_stair else p


class ExponentialDecayLR(_Decay):
    """``learning_rate * decay_rate^(step / decay_steps)``; with ``is_stair`` the exponent is cut to an integer."""

    def construct(self, global_step: Any) -> Tensor:
        return ops.exp(self._periods(global_step) * math.log(self.decay_rate)) * self.learning_rate


class NaturalExpDecayLR(_Decay):
    """``learning_rate * exp(-decay_rate * step)``; with ``is_stair`` the step is cut to a multiple of ``decay_steps``."""

    def construct(self, global_step: Any) -> Tensor:
        step = _steps(global_step)
        if self.is_stair:
            step = ops.floor(step / float(self.decay_steps)) * float(self.decay_steps)
        return ops.exp(step * -self.decay_rate) * self.learning_rate


class InverseDecayLR(_Decay):
    """``learning_rate / (1 + decay_rate * step / decay_steps)``; with ``is_stair`` the quotient is cut to an integer."""

    def construct(self, global_step: Any) -> Tensor:
        return self.learning_rate / (self._periods(global_step) * self.decay_rate + 1.0)


class CosineDecayLR(LearningRateSchedule):
    """``min_lr + (max_lr - min_lr) / 2 * (1 + cos(pi * min(step, decay_steps) / decay_steps))`` (Loshchilov and Hutter 2016)."""

    def __init__(self, min_lr: float, max_lr: float, decay_steps: int) -> None:
        super().__init__()
        self.min_lr = number("CosineDecayLR", "min_lr", min_lr, 0)
        self.max_lr = number("CosineDecayLR", "max_lr", max_lr, self.min_lr, open_low=True)
        self.decay_steps = positive_int("CosineDecayLR", "decay_steps", decay_steps)

    def construct(self, global_step: Any) -> Tensor:
        p = ops.minimum(_steps(global_step), float(self.decay_steps)) * (math.pi / self.decay_steps)
        return (ops.cos(p) + 1.0) * (0.5 * (self.max_lr - self.min_lr)) + self.min_lr


class PolynomialDecayLR(LearningRateSchedule):
    """``(learning_rate - end_learning_rate) * (1 - min(step, n) / n)^power + end_learning_rate`` with n = ``decay_steps``.

    With ``update_decay_steps`` n is the first multiple of ``decay_steps`` that is not below the step.
    """

    def __init__(self, learning_rate: float, end_learning_rate: float, decay_steps: int, power: float, update_decay_steps: bool = False) -> None:
        super().__init__()
        self.end_learning_rate = number("PolynomialDecayLR", "end_learning_rate", end_learning_rate, 0)
        self.learning_rate = number("PolynomialDecayLR", "learning_rate", learning_rate, self.end_learning_rate, open_low=True)
        self.decay_steps = positive_int("PolynomialDecayLR", "decay_steps", decay_steps)
        self.power = number("PolynomialDecayLR", "power", power, 0, open_low=True)
        self.update_decay_steps = boolean("PolynomialDecayLR", "update_decay_steps", update_decay_steps)

    def construct(self, global_step: Any) -> Tensor:
        step, n = _steps(global_step), float(self.decay_steps)
        if self.update_decay_steps:
            left = 1.0 - step / (ops.maximum(ops.ceil(step / n), 1.0) * n)
        else:
            left = 1.0 - ops.minimum(step, n) / n
        return ops.pow(left, self.power) * (self.learning_rate - self.end_learning_rate) + self.end_learning_rate


class WarmUpLR(LearningRateSchedule):
    """``learning_rate * min(step, warmup_steps) / warmup_steps``."""

    def __init__(self, learning_rate: float, warmup_steps: int) -> None:
        super().__init__()
        self.learning_rate = number("WarmUpLR", "learning_rate", learning_rate, 0)
        self.warmup_steps = positive_int("WarmUpLR", "warmup_steps", warmup_steps)

    def construct(self, global_step: Any) -> Tensor:
        return ops.minimum(_steps(global_step), float(self.warmup_steps)) * (self.learning_rate / self.warmup_steps)
