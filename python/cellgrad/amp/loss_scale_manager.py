"""Loss scales for ``build_train_network``, as MindSpore names them."""
from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from ..nn._checks import boolean, number, positive_int

__all__ = ["DynamicLossScaleManager", "FixedLossScaleManager", "LossScaleManager"]


class LossScaleManager(ABC):
    """What ``build_train_network`` asks for: the scale, and the Cell that updates it in a training step."""

    @abstractmethod
    def get_loss_scale(self) -> float:
        """The scale."""

    @abstractmethod
    def update_loss_scale(self, overflow: bool) -> None:
        """Takes note of whether a step overflowed, outside of compiled steps."""

    @abstractmethod
    def get_update_cell(self) -> Any:
        """The Cell that updates the scale in a step, or None."""


class FixedLossScaleManager(LossScaleManager):
    """A scale that stays.

    Args:
        loss_scale: finite number of at least 1.
        drop_overflow_update: bool, whether steps whose gradients overflow change nothing.

    Raises:
        TypeError, ValueError: settings of another type, or out of range.
    """

    def __init__(self, loss_scale: float = 128.0, drop_overflow_update: bool = True) -> None:
        self._loss_scale = number("FixedLossScaleManager", "loss_scale", loss_scale, 1, float("inf"), open_high=True)
        self._drop_overflow_update = boolean("FixedLossScaleManager", "drop_overflow_update", drop_overflow_update)

    def get_loss_scale(self) -> float:
        return self._loss_scale

    def get_drop_overflow_update(self) -> bool:
        """Whether steps whose gradients overflow change nothing."""
        return self._drop_overflow_update

    def update_loss_scale(self, overflow: bool) -> None:
        """Does nothing."""

    def get_update_cell(self) -> Any:
        """``nn.FixedLossScaleUpdateCell``, or None where steps that overflow are not dropped."""
        from .. import nn

        return nn.FixedLossScaleUpdateCell(self._loss_scale) if self._drop_overflow_update else None


class DynamicLossScaleManager(LossScaleManager):
    """A scale that grows after ``scale_window`` steps without overflow and shrinks at each overflow.

    Args:
        init_loss_scale: finite number of at least 1.
        scale_factor: positive int.
        scale_window: positive int.

    Raises:
        TypeError, ValueError: settings of another type, or out of range.
    """

    def __init__(self, init_loss_scale: float = 2**24, scale_factor: int = 2, scale_window: int = 2000) -> None:
        self.loss_scale = number("DynamicLossScaleManager", "init_loss_scale", init_loss_scale, 1, float("inf"), open_high=True)
        self.scale_factor = positive_int("DynamicLossScaleManager", "scale_factor", scale_factor)
        self.scale_window = positive_int("DynamicLossScaleManager", "scale_window", scale_window)
        self._good_steps = 0

    def get_loss_scale(self) -> float:
        return self.loss_scale

    def get_drop_overflow_update(self) -> bool:
        """True: steps whose gradients overflow change nothing."""
        return True

    def update_loss_scale(self, overflow: bool) -> None:
        """The next scale, for steps that are not compiled with it."""
        self._good_steps = 0 if overflow else self._good_steps + 1
        if overflow:
            self.loss_scale = max(self.loss_scale / self.scale_factor, 1)
        elif self._good_steps >= self.scale_window:
            self.loss_scale, self._good_steps = self.loss_scale * self.scale_factor, 0

    def get_update_cell(self) -> Any:
        """``nn.DynamicLossScaleUpdateCell`` that starts with the scale."""
        from .. import nn

        return nn.DynamicLossScaleUpdateCell(self.loss_scale, self.scale_factor, self.scale_window)
