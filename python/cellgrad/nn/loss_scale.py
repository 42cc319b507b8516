"""Training steps with a scaled loss, and what keeps the scale."""
from __future__ import annotations

import weakref
from typing import Any

from .. import _errors as err
from .. import ops
from .._frontend import control
from .._frontend.dispatch import cast
from .._frontend.transforms import value_and_grad
from .._runtime import dtype as dt
from ..common.parameter import Parameter
from ..common.tensor import Tensor
from ._checks import number, positive_int
from .cell import Cell
from .optim.optimizer import Optimizer
from .wrap import TrainOneStepCell

__all__ = ["DynamicLossScaleUpdateCell", "FixedLossScaleUpdateCell", "TrainOneStepWithLossScaleCell"]


class FixedLossScaleUpdateCell(Cell):
    """Leaves the scale as it is: ``cell(loss_scale, overflow)`` gives ``overflow``.

    Args:
        loss_scale_value: number of at least 1.

    Raises:
        TypeError: no number.
        ValueError: below 1.
    """

    def __init__(self, loss_scale_value: float) -> None:
        super().__init__()
        self.loss_scale_value = number(type(self).__name__, "loss_scale_value", loss_scale_value, 1)

    def get_loss_scale(self) -> float:
        """The scale to start with."""
        return self.loss_scale_value

    def construct(self, loss_scale: Any, overflow: Any) -> Any:
        return overflow


class DynamicLossScaleUpdateCell(FixedLossScaleUpdateCell):
    """Multiplies the scale by a factor after a number of steps without overflow, and divides it at each overflow: ``cell(loss_scale, overflow)`` writes the Parameter
    ``loss_scale`` and gives ``overflow``. It does not fall below 1.

    Args:
        loss_scale_value: number of at least 1 to start with.
        scale_factor: positive int.
        scale_window: positive int, the steps without overflow.

    Raises:
        TypeError: settings of another type.
        ValueError: settings out of range.

    Examples:
        >>> update = nn.DynamicLossScaleUpdateCell(1024, 2, 1)
        >>> scale = Parameter(Tensor(1024.0), name="scale")
        >>> print(update(scale, Tensor(True)), scale.asnumpy())
        True 512.0
        >>> print(update(scale, Tensor(False)), scale.asnumpy())
        False 1024.0
    """

    def __init__(self, loss_scale_value: float, scale_factor: int, scale_window: int) -> None:
        super().__init__(loss_scale_value)
        self.scale_factor = positive_int(type(self).__name__, "scale_factor", scale_factor)
        self.scale_window = positive_int(type(self).__name__, "scale_window", scale_window)
        self.good_steps = Parameter(Tensor(0, dt.int32), name="good_steps", requires_grad=False)

    def construct(self, loss_scale: Any, overflow: Any) -> Any:
        steps = ops.where(overflow, 0, self.good_steps + 1)
        grows = ops.greater_equal(steps, self.scale_window)
        smaller = ops.maximum(loss_scale / self.scale_factor, 1.0)
        larger = loss_scale * self.scale_factor
        grown = ops.where(ops.logical_and(grows, ops.isfinite(larger)), larger, loss_scale)
        ops.assign(loss_scale, ops.where(overflow, smaller, grown))
        ops.assign(self.good_steps, ops.where(grows, 0, steps))
        return overflow


class TrainOneStepWithLossScaleCell(TrainOneStepCell):
    """A training step with a scaled loss, in one compiled program. Gives (loss, whether the gradients overflowed, the scale that the step had).

    The loss is multiplied by the scale before its gradients are taken, and these are divided by it. Where one of them is infinite or NaN the Parameters and the
    optimizer stay as they are.

    Args:
        network: Cell that gives the loss.
        optimizer: Optimizer.
        scale_sense: a Cell such as ``DynamicLossScaleUpdateCell``, called with the scale and the overflow; or a Tensor of shape () or (1,), a scale that
            ``set_sense_scale`` changes.

    Raises:
        TypeError: not a Cell or not an Optimizer; ``scale_sense`` of another type.
        ValueError: ``scale_sense`` of another shape.

    Examples:
        >>> net = nn.WithLossCell(nn.Dense(4, 2).to_float(ms.float16), nn.MSELoss())
        >>> update = nn.DynamicLossScaleUpdateCell(2**12, 2, 1000)
        >>> step = nn.TrainOneStepWithLossScaleCell(net, nn.SGD(net.trainable_params(), 0.1), update)
        >>> loss, overflow, scale = step(ops.ones((3, 4), ms.float32), ops.zeros((3, 2), ms.float32))
        >>> print(overflow, scale)
        False 4096.0
    """

    def __init__(self, network: Cell, optimizer: Optimizer, scale_sense: Any) -> None:
        super().__init__(network, optimizer)
        self.loss_scaling_manager = scale_sense if isinstance(scale_sense, Cell) else None
        if isinstance(scale_sense, Cell):
            scale_sense = Tensor(float(scale_sense.get_loss_scale()), dt.float32)
        elif not isinstance(scale_sense, Tensor):
            raise err.UserTypeError(f"For 'TrainOneStepWithLossScaleCell', 'scale_sense' must be a Cell or a Tensor, but got {type(scale_sense).__name__}.")
        self.scale_sense = Parameter(self._checked(scale_sense), name="scale_sense", requires_grad=False)
        me = weakref.ref(self)  # the program that is kept for this Cell would hold a bound method, and with it the Cell, for ever

        def scaled(*inputs: Any) -> tuple:
            return me()._scaled(*inputs)  # type: ignore[union-attr]

        self._step = value_and_grad(scaled, None, self.weights, has_aux=True)

    def _scale(self) -> Any:
        return self.scale_sense

    @staticmethod
    def _checked(scale: Tensor) -> Tensor:
        if scale.shape not in ((), (1,)):
            raise err.ShapeError(f"TrainOneStepWithLossScaleCell: the shape of 'scale_sense' must be (1,) or (), but got {scale.shape}")
        return Tensor(scale.asnumpy().reshape(()), dt.float32)

    def set_sense_scale(self, sens: Any) -> None:
        """Sets the scale.

        Raises:
            TypeError: no Tensor.
            ValueError: a Tensor of another shape than () or (1,).
        """
        if not isinstance(sens, Tensor):
            raise err.UserTypeError(f"For 'set_sense_scale', a Tensor is needed, but got {type(sens).__name__}.")
        self.scale_sense.set_data(self._checked(sens))

    def construct(self, *inputs: Any) -> tuple:
        from ..amp import all_finite  # which is made of Cells

        (_, loss), grads = self._step(*inputs)
        scale = self.scale_sense * 1.0
        grads = tuple(g * cast(1.0 / scale, g.dtype) for g in grads)
        finite = all_finite(grads)

        def update() -> tuple:
            self.optimizer(grads)
            return ()

        control.cond(finite, update, lambda: ())
        overflow = ops.logical_not(finite)
        if self.loss_scaling_manager is not None:
            self.loss_scaling_manager(self.scale_sense, overflow)
        return loss, overflow, scale
