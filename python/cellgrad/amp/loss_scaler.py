"""Scaling a loss so that its gradients fit the range of float16, and noticing where they did not."""
from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from .. import _errors as err
from .. import ops
from .._frontend.dispatch import cast
from .._frontend.jit import jit
from .._frontend.structure import map_leaves, tensor_leaves
from .._runtime import dtype as dt
from ..common.parameter import Parameter
from ..common.tensor import Tensor
from ..nn._checks import number, positive_int

__all__ = ["DynamicLossScaler", "LossScaler", "StaticLossScaler", "all_finite"]


def _times(tree: Any, factor: Any) -> Any:
    return map_leaves(lambda leaf: leaf * cast(factor, leaf.dtype) if isinstance(leaf, Tensor) else leaf, tree)


@jit
def _scaled(tree: Any, scale: Any) -> Any:
    return _times(tree, scale)


@jit
def _unscaled(tree: Any, scale: Any) -> Any:
    return _times(tree, 1.0 / scale)


@jit
def _finite(tensors: list) -> Tensor:
    found = ops.ones((), dt.bool_)
    for tensor in tensors:
        if tensor.dtype.is_floating_point:
            found = ops.logical_and(found, ops.isfinite(tensor).all())
    return found


def all_finite(inputs: Any) -> Tensor:
    """Whether no element is infinite or NaN.

    Args:
        inputs: a Tensor, or a tuple, list or dict of Tensors.

    Returns:
        Tensor of shape () and dtype bool. Integers and bools are finite, and so is nothing at all.

    Raises:
        TypeError: an element is no Tensor.

    Examples:
        >>> print(amp.all_finite((Tensor([1.0, 2.0]), Tensor([float("inf")]))))
        False
    """

    def check(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            raise err.UserTypeError(f"all_finite: Tensors are needed, but got {type(leaf).__name__}")
        return leaf

    map_leaves(check, inputs)
    return _finite(tensor_leaves(inputs))


def _scale_value(owner: str, value: Any) -> Parameter:
    return Parameter(Tensor(float(number(owner, "scale_value", value, 1, float("inf"), open_high=True)), dt.float32), name="scale_value", requires_grad=False)


class LossScaler(ABC):
    """What a loss scaler does: ``scale`` the loss, ``unscale`` loss and gradients, ``adjust`` the scale to whether the gradients were finite."""

    @abstractmethod
    def scale(self, inputs: Any) -> Any:
        """Tensors times the scale."""

    @abstractmethod
    def unscale(self, inputs: Any) -> Any:
        """Tensors divided by the scale."""

    @abstractmethod
    def adjust(self, grads_finite: Any) -> Any:
        """Takes note of whether the gradients of a step were finite."""


class _Scaling(LossScaler):
    scale_value: Parameter

    def scale(self, inputs: Any) -> Any:
        """Tensors times the scale, each in its own dtype.

        Args:
            inputs: a Tensor, or a nested tuple, list or dict of Tensors.

        Returns:
            The same structure.
        """
        return _scaled(inputs, self.scale_value)

    def unscale(self, inputs: Any) -> Any:
        """Tensors times 1 / scale, each in its own dtype.

        Args:
            inputs: a Tensor, or a nested tuple, list or dict of Tensors.

        Returns:
            The same structure.
        """
        return _unscaled(inputs, self.scale_value)


class StaticLossScaler(_Scaling):
    """A scale that stays.

    Args:
        scale_value: number of at least 1.

    Raises:
        TypeError: no number.
        ValueError: below 1, infinite or NaN.

    Examples:
        >>> scaler = amp.StaticLossScaler(1024)
        >>> print(scaler.scale(Tensor([1.0])), scaler.unscale(Tensor([1024.0])))
        [1024.] [1.]
    """

    def __init__(self, scale_value: float) -> None:
        self.scale_value = _scale_value("StaticLossScaler", scale_value)

    def adjust(self, grads_finite: Any) -> bool:
        """Changes nothing; False."""
        return False


class DynamicLossScaler(_Scaling):
    """A scale that grows while gradients are finite and shrinks where they are not (Micikevicius et al. 2018, "Mixed precision training").

    After ``scale_window`` steps with finite gradients in a row it is multiplied by ``scale_factor``, unless that is infinite in float32; after a step without it is
    divided by it, but not below 1, and the steps are counted anew.

    Args:
        scale_value: number of at least 1 to start with.
        scale_factor: positive int.
        scale_window: positive int.

    Raises:
        TypeError: settings of another type.
        ValueError: settings out of range.

    Examples:
        >>> scaler = amp.DynamicLossScaler(scale_value=1024, scale_factor=2, scale_window=1)
        >>> gradients = (Tensor([float("nan"), 1.0], ms.float16), Tensor([0.2], ms.float16))
        >>> scaler.adjust(amp.all_finite(scaler.unscale(gradients)))
        True
        >>> print(scaler.scale_value)
        Parameter (name=scale_value, shape=(), dtype=Float32, requires_grad=False)
        >>> print(scaler.scale_value.asnumpy())
        512.0
    """

    def __init__(self, scale_value: float, scale_factor: int, scale_window: int) -> None:
        self.scale_value = _scale_value("DynamicLossScaler", scale_value)
        self.scale_factor = positive_int("DynamicLossScaler", "scale_factor", scale_factor)
        self.scale_window = positive_int("DynamicLossScaler", "scale_window", scale_window)
        self.counter = Parameter(Tensor(0, dt.int32), name="counter", requires_grad=False)

    def adjust(self, grads_finite: Any) -> bool:
        """The scale and the count after a step, in place; True.

        Args:
            grads_finite: Tensor of shape () and dtype bool, or a Python bool.
        """
        _adjust(self, ops.cast(Tensor(grads_finite) if isinstance(grads_finite, bool) else grads_finite, dt.bool_))
        return True


@jit
def _adjust(scaler: DynamicLossScaler, finite: Tensor) -> None:
    scale, larger = scaler.scale_value, scaler.scale_value * scaler.scale_factor
    grown = ops.where(ops.logical_and(scaler.counter == scaler.scale_window - 1, ops.isfinite(larger)), larger, scale)
    count = ops.where(finite, (scaler.counter + 1) % scaler.scale_window, 0)
    ops.assign(scale, ops.where(finite, grown, ops.maximum(scale / scaler.scale_factor, 1.0)))
    ops.assign(scaler.counter, count)
