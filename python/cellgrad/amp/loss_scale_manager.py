"""Loss scales for ``build_train_network``, as MindSpore names them."""
from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from .. import _errors as err

__all__ = ["DynamicLossScaleManager", "FixedLossScaleManager", "LossScaleManager"]


def _number(owner: str, name: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise err.UserTypeError(f"For '{owner}', '{name}' should be a number, but got {type(value).__name__}.")
    if not value >= 1:
        raise err.UserValueError(f"For '{owner}', '{name}' should be at least 1, but got {value}.")
    return value


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
        loss_scale: number of at least 1.
        drop_overflow_update: whether steps whose gradients overflow change nothing.

    Raises:
        TypeError, ValueError: the scale is no such number.
    """

    def __init__(self, loss_scale: float = 128.0, drop_overflow_update: bool = True) -> None:
        self._loss_scale = _number("FixedLossScaleManager", "loss_scale", loss_scale)
        self._drop_overflow_update = bool(drop_overflow_update)

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
        init_loss_scale: number of at least 1.
        scale_factor: int of at least 1.
        scale_window: positive int.

    Raises:
        TypeError, ValueError: settings of another type, or out of range.
    """

    def __init__(self, init_loss_scale: float = 2**24, scale_factor: int = 2, scale_window: int = 2000) -> None:
        self.loss_scale = _number("DynamicLossScaleManager", "init_loss_scale", init_loss_scale)
        self.scale_factor = _number("DynamicLossScaleManager", "scale_factor", scale_factor)
        self.scale_window = _number("DynamicLossScaleManager", "scale_window", scale_window)
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
