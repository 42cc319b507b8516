"""Stochastic gradient descent and momentum."""
from __future__ import annotations

from typing import Any

import numpy as np

from ... import _errors as err
from ... import ops
from ..._frontend.dispatch import composite, dispatch
from ...common.parameter import Parameter
from ...common.tensor import Tensor
from .._checks import boolean, number
from .optimizer import Optimizer

__all__ = ["Momentum", "SGD"]


@composite("sgd_momentum")
def _sgd_momentum(p: Tensor, g: Tensor, accum: Tensor, stat: Tensor, lr: Tensor, momentum: Tensor, *, dampening: float, nesterov: bool) -> Any:
    """(Parameter, accumulation, first-step marks) after a step: the first gradient is not dampened."""
    momentum, lr = ops.cast(momentum, p.dtype), ops.cast(lr, p.dtype)
    accum = ops.where(stat > 0, g, accum * momentum + g * (1.0 - dampening))
    step = g + accum * momentum if nesterov else accum
    return p - step * lr, accum, ops.zeros_like(stat)


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked for (Sutskever et al. 2013).

    ``v = momentum * v + (1 - dampening) * g`` (at first ``v = g``); ``p -= lr * v``, or with ``nesterov`` ``p -= lr * (g + momentum * v)``.
    The state is kept in the Parameters ``accum.<name>`` and ``stat.<name>``.

    Args:
        params, learning_rate, weight_decay, loss_scale: see ``Optimizer``.
        momentum: number, at least 0.
        dampening: number, at least 0.
        nesterov: bool; needs a momentum and no dampening.

    Raises:
        TypeError, ValueError: as ``Optimizer``; settings out of range.

    Examples:
        >>> net = nn.Dense(2, 1)
        >>> optimizer = nn.SGD(net.trainable_params(), learning_rate=0.1, momentum=0.9)
    """

    def __init__(self, params: Any, learning_rate: Any = 0.1, momentum: float = 0.0, dampening: float = 0.0, weight_decay: Any = 0.0,
                 nesterov: bool = False, loss_scale: float = 1.0) -> None:
        super().__init__(learning_rate, params, weight_decay, loss_scale)
        momentum, self.dampening = number("SGD", "momentum", momentum, 0), number("SGD", "dampening", dampening, 0)
        self.nesterov = boolean("SGD", "nesterov", nesterov)
        if self.nesterov and (momentum == 0 or self.dampening != 0):
            raise err.UserValueError("For 'SGD', 'nesterov' needs a 'momentum' above 0 and no 'dampening'.")
        self.momentum = Parameter(np.array(momentum, np.float32), name="momentum")
        self._has_momentum = momentum > 0
        self.accum = self.parameters.clone("accum", "zeros")
        self.stat = self.parameters.clone("stat", "ones")

    def construct(self, gradients: Any) -> bool:
        gradients, rates = self.prepared(gradients), self.rates()
        for p, g, accum, stat, lr in zip(self.parameters, gradients, self.accum, self.stat, rates, strict=True):
            if self._has_momentum:
                attrs = {"dampening": self.dampening, "nesterov": self.nesterov}
                p1, accum1, stat1 = dispatch("sgd_momentum", (p, ops.cast(g, p.dtype), accum, stat, lr, self.momentum), attrs)
                ops.assign(accum, accum1)
                ops.assign(stat, stat1)
                ops.assign(p, p1)
            else:
                ops.assign(p, p - ops.cast(g, p.dtype) * ops.cast(lr, p.dtype))
        self.step()
        return True


class Momentum(Optimizer):
    """Gradient descent with momentum (Polyak 1964).

    ``v = momentum * v + g``; ``p -= lr * v``, or with ``use_nesterov`` ``p -= lr * (g + momentum * v)``. The state is kept in the Parameters
    ``moments.<name>``.

    Args:
        params, learning_rate, weight_decay, loss_scale: see ``Optimizer``.
        momentum: number, at least 0; kept in the Parameter ``momentum``.
        use_nesterov: bool.

    Raises:
        TypeError, ValueError: as ``Optimizer``; settings out of range.
    """

    def __init__(self, params: Any, learning_rate: Any, momentum: float, weight_decay: Any = 0.0, loss_scale: float = 1.0,
                 use_nesterov: bool = False) -> None:
        super().__init__(learning_rate, params, weight_decay, loss_scale)
        self.momentum = Parameter(np.array(number("Momentum", "momentum", momentum, 0), np.float32), name="momentum")
        self.use_nesterov = boolean("Momentum", "use_nesterov", use_nesterov)
        self.moments = self.parameters.clone("moments", "zeros")

    def construct(self, gradients: Any) -> bool:
        gradients, rates = self.prepared(gradients), self.rates()
        for p, g, v, lr in zip(self.parameters, gradients, self.moments, rates, strict=True):
            momentum, g = ops.cast(self.momentum, p.dtype), ops.cast(g, p.dtype)
            v1 = v * momentum + g
            ops.assign(v, v1)
            ops.assign(p, p - (g + v1 * momentum if self.use_nesterov else v1) * ops.cast(lr, p.dtype))
        self.step()
        return True
