"""Networks with their loss, and whole training steps, as Cells."""
from __future__ import annotations

import weakref
from typing import Any

from .. import _errors as err
from .._frontend import trace
from .._frontend.dispatch import cast
from .._frontend.jit import call_cell, cell_program
from .._frontend.grad_operation import by_flags
from .._frontend.transforms import value_and_grad
from ..common.parameter import ParameterTuple
from ..common.tensor import Tensor
from .cell import Cell
from .optim.optimizer import Optimizer

__all__ = ["ForwardValueAndGrad", "TrainOneStepCell", "WithGradCell", "WithLossCell"]


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
        sens: number by which the loss is multiplied before its gradients are taken, or None. The optimizer's ``loss_scale`` divides by it.
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
        me = weakref.ref(self)  # the program that is kept for this Cell would hold a bound method, and with it the Cell, for ever

        def scaled(*inputs: Any) -> tuple:
            return me()._scaled(*inputs)  # type: ignore[union-attr]

        self._step = value_and_grad(scaled, None, self.weights, has_aux=True)

    def _scale(self) -> Any:
        return self.sens

    def _scaled(self, *inputs: Any) -> tuple:
        """What is differentiated, and the loss. Gradients are scaled from the start, so that small ones survive low precision."""
        loss, scale = self.network(*inputs), self._scale()
        return loss if scale is None else loss * (cast(scale, loss.dtype) if isinstance(scale, Tensor) else scale), loss

    def construct(self, *inputs: Any) -> Any:
        (_, loss), grads = self._step(*inputs)
        self.optimizer(grads)
        return (loss, {p.name: g for p, g in zip(self.weights, grads, strict=True)}) if self.return_grad else loss


class ForwardValueAndGrad(Cell):
    """(result, gradients) of a network.

    Args:
        network: Cell, function or method.
        weights: ParameterTuple, tuple or list of Parameters; needed with ``get_by_list``.
        get_all: whether the gradients are by all inputs, as a tuple, else by the first.
        get_by_list: whether they are by ``weights`` (with ``get_all``: the pair of both).
        sens_param: whether the last argument of the call is the cotangent of the result, a Tensor or a tuple of them.

    Raises:
        TypeError: the network is not callable, a flag is not a bool, weights of another type.

    Examples:
        >>> net = nn.Dense(2, 1, weight_init="ones", bias_init="zeros")
        >>> step = nn.ForwardValueAndGrad(net, weights=net.trainable_params(), get_by_list=True)
        >>> result, (of_weight, of_bias) = step(Tensor([[1.0, 2.0]]))
        >>> print(result, of_weight, of_bias)
        [[3.]] [[1. 2.]] [1.]
    """

    def __init__(self, network: Any, weights: Any = None, get_all: bool = False, get_by_list: bool = False, sens_param: bool = False) -> None:
        super().__init__(auto_prefix=False)
        if not isinstance(network, Cell) and (isinstance(network, type) or not callable(network)):
            raise err.UserTypeError("For 'ForwardValueAndGrad', the argument 'network' must be cell, function type or method type, "
                                    f"but got {type(network).__name__}.")
        for name, flag in (("get_all", get_all), ("get_by_list", get_by_list), ("sens_param", sens_param)):
            if not isinstance(flag, bool):
                raise err.UserTypeError(f"For 'ForwardValueAndGrad', the type of '{name}' must be bool, but got {type(flag).__name__}.")
        if get_by_list and not isinstance(weights, (ParameterTuple, list, tuple)):
            raise err.UserTypeError("For 'ForwardValueAndGrad', when 'get_by_list' is set to True, the argument 'weights' must be Parameters array, "
                                    f"but got {type(weights).__name__}.")
        self.network, self.weights = network, weights
        if isinstance(network, Cell):
            network.set_grad()
        self.get_all, self.get_by_list, self.sens_param = get_all, get_by_list, sens_param
        self._both = by_flags(network, weights if get_by_list else None, get_all, get_by_list, sens_param, True)

    def construct(self, *inputs: Any) -> tuple[Any, Any]:
        return self._both(*inputs)


class WithGradCell(Cell):
    """Gradients of a network's loss by its trainable Parameters.

    Args:
        network: Cell; without ``loss_fn`` it gives the loss itself.
        loss_fn: Cell or function of (result, label), or None.
        sens: cotangent of the loss: a Tensor, a number, a tuple of them, or None for 1.

    Raises:
        TypeError: the network is not a Cell, ``sens`` of another type.

    Examples:
        >>> net = nn.Dense(2, 1, weight_init="ones", bias_init="zeros")
        >>> of_weight, of_bias = nn.WithGradCell(net, nn.MSELoss())(Tensor([[1.0, 2.0]]), Tensor([[2.0]]))
        >>> print(of_weight, of_bias)
        [[2. 4.]] [2.]
    """

    def __init__(self, network: Cell, loss_fn: Any = None, sens: Any = None) -> None:
        super().__init__(auto_prefix=False)
        if not isinstance(network, Cell):
            raise err.UserTypeError(f"For 'WithGradCell', 'network' must be a Cell, but got {type(network).__name__}.")
        if sens is not None and not isinstance(sens, (Tensor, int, float, tuple)):
            raise err.UserTypeError(f"For 'WithGradCell', 'sens' must be None, a Tensor, a number or a tuple, but got {type(sens).__name__}.")
        self.network, self.loss_fn, self.sens = network, loss_fn, sens
        self.weights = ParameterTuple(network.trainable_params())
        self.network_with_loss = network if loss_fn is None else WithLossCell(network, loss_fn)
        self.network_with_loss.set_train()
        self._grad = by_flags(self.network_with_loss, self.weights, False, True, sens is not None, False)

    def construct(self, *inputs: Any) -> tuple:
        return self._grad(*inputs) if self.sens is None else self._grad(*inputs, self.sens)
