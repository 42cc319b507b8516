"""A whole training step in mixed precision."""
from __future__ import annotations

from typing import Any

from .. import _errors as err
from .. import nn
from .._frontend.precision import cast_floats
from .._runtime import dtype as dt
from ..nn.cell import Cell
from .levels import _BLACK, _LEVELS, _lower_all, auto_mixed_precision
from .loss_scale_manager import DynamicLossScaleManager, LossScaleManager

__all__ = ["build_train_network"]


class _WithLossCell(nn.WithLossCell):
    """The loss of float32 results and labels."""

    def construct(self, data: Any, label: Any) -> Any:
        return self._loss_fn(cast_floats(self._backbone(data), dt.float32), cast_floats(label, dt.float32))


def build_train_network(network: Cell, optimizer: Any, loss_fn: Any = None, level: str = "O0", boost_level: str = "O0", **kwargs: Any) -> Cell:
    """A Cell whose call is one training step in mixed precision, compiled as one program.

    Args:
        network: Cell; without ``loss_fn`` it gives the loss itself.
        optimizer: Optimizer.
        loss_fn: Cell of (result, label), or None. It computes in float32.
        level: "O0" to "O3", as for ``auto_mixed_precision``. "O2" scales the loss with a ``DynamicLossScaleManager()`` unless told otherwise.
        boost_level: "O0"; there is nothing to boost.
        kwargs: ``cast_model_type`` (float16, bfloat16 or float32, which lowers nothing), ``keep_batchnorm_fp32`` (bool) and ``loss_scale_manager`` (a LossScaleManager or None) in place of what the
            level says.

    Returns:
        ``nn.TrainOneStepCell``, which gives the loss (with a ``FixedLossScaleManager(drop_overflow_update=False)`` its gradients are scaled, and the optimizer's
        ``loss_scale`` divides them again), or where a loss scale is updated ``nn.TrainOneStepWithLossScaleCell``, which gives (loss, overflow, scale).

    Raises:
        TypeError: arguments of another type.
        ValueError: another level or keyword.

    Examples:
        >>> net = nn.Dense(4, 2)
        >>> step = amp.build_train_network(net, nn.SGD(net.trainable_params(), 0.1), nn.MSELoss(), level="O3")
        >>> loss = step(ops.ones((3, 4), ms.float32), ops.zeros((3, 2), ms.float32))
    """
    owner = "build_train_network"
    for name, value, kind in (("network", network, Cell), ("optimizer", optimizer, nn.Optimizer), ("loss_fn", loss_fn, (Cell, type(None)))):
        if not isinstance(value, kind):
            raise err.UserTypeError(f"For '{owner}', '{name}' is of another type: {type(value).__name__}.")
    if level not in _LEVELS or boost_level not in ("O0", "O1", "O2"):
        raise err.UserValueError(f"For '{owner}', the level should be one of {', '.join(_LEVELS)}, but got {level!r} and the boost level {boost_level!r}.")
    if boost_level != "O0":
        raise err.UnsupportedError(f"{owner}: boost levels are not supported", hint="leave boost_level out")
    for name in kwargs:
        if name not in ("cast_model_type", "keep_batchnorm_fp32", "loss_scale_manager"):
            raise err.UserValueError(f"For '{owner}', the keyword '{name}' is not known; there are cast_model_type, keep_batchnorm_fp32 and loss_scale_manager.")
    low = kwargs.get("cast_model_type", dt.float32 if level == "O0" else dt.float16)
    if low not in (dt.float16, dt.bfloat16, dt.float32):
        raise err.UserValueError(f"For '{owner}', 'cast_model_type' should be float16, bfloat16 or float32, but got {low}.")
    manager = kwargs.get("loss_scale_manager", DynamicLossScaleManager() if level == "O2" else None)
    if manager is not None and not isinstance(manager, LossScaleManager):
        raise err.UserTypeError(f"For '{owner}', 'loss_scale_manager' should be a LossScaleManager or None, but got {type(manager).__name__}.")
    if low is not dt.float32 and level == "O1":
        auto_mixed_precision(network, level, low)
    elif low is not dt.float32:
        _lower_all(network, _BLACK if kwargs.get("keep_batchnorm_fp32", level == "O2") else (), low)
    if loss_fn is not None:
        network = _WithLossCell(network, loss_fn)
    update = None if manager is None else manager.get_update_cell()
    if update is not None:
        return nn.TrainOneStepWithLossScaleCell(network, optimizer, update).set_train()
    return nn.TrainOneStepCell(network, optimizer, None if manager is None else manager.get_loss_scale()).set_train()
