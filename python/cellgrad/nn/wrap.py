"""Networks with their loss, and whole training steps, as Cells."""
from __future__ import annotations

from typing import Any

from .. import _errors as err
from .._frontend import trace
from .._frontend.jit import call_cell, cell_program
from .._frontend.grad_operation import GradOperation
from .._frontend.transforms import value_and_grad
from ..common.parameter import Parameter, ParameterTuple
from ..common.tensor import Tensor
from .cell import Cell
from .optim.optimizer import Optimizer

__all__ = ["ForwardValueAndGrad", "TrainOneStepCell", "WithLossCell"]


class WithLossCell(Cell):
    """``loss_fn(backbone(data), label)``.

    Args:
        backbone: Cell.
        loss_fn: Cell or function of (result, label).

    Raises:
        TypeError: the backbone is not a Cell.
    """

    def __init__(self, backbone: Cell, loss_fn: Any) -> None:
        super().__init__(auto_prefix=False)
        if not isinstance(backbone, Cell):
            raise err.UserTypeError(f"For 'WithLossCell', 'backbone' must be a Cell, but got {type(backbone).__name__}.")
        self._backbone = backbone
        self._loss_fn = loss_fn

    def construct(self, data: Any, label: Any) -> Tensor:
        return self._loss_fn(self._backbone(data), label)

    @property
    def backbone_network(self) -> Cell:
        return self._backbone


class _Compiled(Cell):
    """A Cell whose call is one compiled program also in PYNATIVE mode."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if trace.capturing():
            return call_cell(self, args, kwargs)
        return cell_program(self)(*args, **kwargs)


class TrainOneStepCell(_Compiled):
    """A training step: loss, gradients by the optimizer's Parameters, update, in one compiled program. Gives the loss.

    Args:
        network: Cell that gives the loss.
        optimizer: Optimizer.
        sens: number by which the loss's gradients are scaled, or None.
        return_grad: whether the result is (loss, {name: gradient}).

    Raises:
        TypeError: not a Cell or not an Optimizer.
    """

    def __init__(self, network: Cell, optimizer: Optimizer, sens: float | None = None, return_grad: bool = False) -> None:
        super().__init__(auto_prefix=False)
        if not isinstance(network, Cell) or not isinstance(optimizer, Optimizer):
            raise err.UserTypeError("For 'TrainOneStepCell', a Cell and an Optimizer are needed, "
                                    f"but got {type(network).__name__} and {type(optimizer).__name__}.")
        self.network, self.optimizer = network, optimizer
        self.network.set_grad()
        self.weights = optimizer.parameters
        self.sens, self.return_grad = sens, return_grad
        self._step = value_and_grad(network, None, self.weights)

    def construct(self, *inputs: Any) -> Any:
        loss, grads = self._step(*inputs)
        if self.sens is not None and self.sens != 1.0:
            grads = tuple(g * self.sens for g in grads)
        self.optimizer(grads)
        return (loss, {p.name: g for p, g in zip(self.weights, grads, strict=True)}) if self.return_grad else loss


class ForwardValueAndGrad(Cell):
    """(result, gradients) of a network.

    Args:
        network: Cell or function.
        weights: ParameterTuple, list of Parameters or Parameter; needed with ``get_by_list``.
        get_all: whether the gradients are by all inputs, else by the first.
        get_by_list: whether they are by ``weights`` (with ``get_all``: by both).
        sens_param: whether the last argument of the call is the cotangent of the result.

    Raises:
        TypeError: weights of another type.
    """

    def __init__(self, network: Any, weights: Any = None, get_all: bool = False, get_by_list: bool = False, sens_param: bool = False) -> None:
        super().__init__(auto_prefix=False)
        if get_by_list and not isinstance(weights, (ParameterTuple, list, tuple, Parameter)):
            raise err.UserTypeError(f"For 'ForwardValueAndGrad', with get_by_list 'weights' must be Parameters, but got {type(weights).__name__}.")
        self.network, self.weights = network, weights
        self.get_all, self.get_by_list, self.sens_param = get_all, get_by_list, sens_param
        self.grad = GradOperation(get_all=get_all, get_by_list=get_by_list, sens_param=sens_param)

    def construct(self, *inputs: Any) -> tuple[Any, Any]:
        values = inputs[:-1] if self.sens_param else inputs
        if not self.sens_param:
            position = tuple(range(len(values))) if self.get_all else None if self.get_by_list else 0
            loss, grads = value_and_grad(self.network, position, self.weights if self.get_by_list else None)(*values)
            return loss, ((grads,) if self.get_all and not self.get_by_list and len(values) == 1 else grads)
        grads = self.grad(self.network, self.weights)(*inputs) if self.get_by_list else self.grad(self.network)(*inputs)
        return self.network(*values), grads
