"""Adam and its kin."""
from __future__ import annotations

from typing import Any

import numpy as np

from ... import _errors as err
from ... import ops
from ...common.parameter import Parameter
from .._checks import boolean, number
from .optimizer import Optimizer

__all__ = ["Adam", "AdamWeightDecay"]


def _betas(owner: str, beta1: Any, beta2: Any, eps: Any) -> tuple[float, float, float]:
    one = number(owner, "beta1", beta1, 0, 1, open_low=True, open_high=True)
    two = number(owner, "beta2", beta2, 0, 1, open_low=True, open_high=True)
    return one, two, number(owner, "eps", eps, 0, open_low=True)


class Adam(Optimizer):
    """Adaptive moments (Kingma and Ba 2014, algorithm 1 in the form of its section 2: the corrections of the bias are part of the learning rate).

    ``m += (1 - beta1) * (g - m)``; ``v += (1 - beta2) * (g^2 - v)``; ``p -= lr * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + eps)``.
    The state is kept in the Parameters ``moment1.<name>``, ``moment2.<name>``, ``beta1_power`` and ``beta2_power``.

    Args:
        params, learning_rate, weight_decay, loss_scale: see ``Optimizer``.
        beta1, beta2: numbers in (0, 1).
        eps: number above 0.
        use_locking: accepted for MindSpore's programs; every update is whole.
        use_nesterov: bool: ``beta1 * m + (1 - beta1) * g`` in place of m (Dozat 2016).
        use_amsgrad: bool: the largest v so far in place of v (Reddi et al. 2018), kept in ``vhat.<name>``.

    Raises:
        TypeError, ValueError: as ``Optimizer``; settings out of range; both variants at once.
    """

    def __init__(self, params: Any, learning_rate: Any = 1e-3, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, use_locking: bool = False,
                 use_nesterov: bool = False, weight_decay: Any = 0.0, loss_scale: float = 1.0, use_amsgrad: bool = False, **kwargs: Any) -> None:
        for key, value in kwargs.items():
            if key not in ("use_lazy", "use_offload"):
                raise TypeError(f"Adam got an unexpected keyword argument '{key}'")
            if value:
                raise err.UnsupportedError(f"Adam: {key}=True is not supported", hint="leave it out; the update is dense and in place")
        super().__init__(learning_rate, params, weight_decay, loss_scale)
        self.beta1, self.beta2, self.eps = _betas("Adam", beta1, beta2, eps)
        self.use_locking = boolean("Adam", "use_locking", use_locking)
        self.use_nesterov, self.use_amsgrad = boolean("Adam", "use_nesterov", use_nesterov), boolean("Adam", "use_amsgrad", use_amsgrad)
        if self.use_nesterov and self.use_amsgrad:
            raise err.UserValueError("For 'Adam', 'use_nesterov' and 'use_amsgrad' cannot both be True.")
        self.beta1_power = Parameter(np.array(1, np.float32), name="beta1_power")
        self.beta2_power = Parameter(np.array(1, np.float32), name="beta2_power")
        self.moment1 = self.parameters.clone("moment1", "zeros")
        self.moment2 = self.parameters.clone("moment2", "zeros")
        if self.use_amsgrad:
            self.vhat = self.parameters.clone("vhat", "zeros")

    def construct(self, gradients: Any) -> bool:
        gradients, rates = self.prepared(gradients), self.rates()
        power1, power2 = self.beta1_power * self.beta1, self.beta2_power * self.beta2
        correction = ops.sqrt(1.0 - power2) / (1.0 - power1)
        for i, (p, g, m, v, lr) in enumerate(zip(self.parameters, gradients, self.moment1, self.moment2, rates, strict=True)):
            g = ops.cast(g, p.dtype)
            m1, v1 = m + (g - m) * (1.0 - self.beta1), v + (g * g - v) * (1.0 - self.beta2)
            ops.assign(m, m1)
            ops.assign(v, v1)
            if self.use_amsgrad:
                v1 = ops.maximum(self.vhat[i], v1)
                ops.assign(self.vhat[i], v1)
            if self.use_nesterov:
                m1 = m1 * self.beta1 + g * (1.0 - self.beta1)
            ops.assign(p, p - m1 / (ops.sqrt(v1) + self.eps) * ops.cast(lr * correction, p.dtype))
        ops.assign(self.beta1_power, power1)
        ops.assign(self.beta2_power, power2)
        self.step()
        return True


class AdamWeightDecay(Optimizer):
    """Adam with weight decay apart from the moments, and without corrections of the bias, as MindSpore has it (Loshchilov and Hutter 2017).

    ``m = beta1 * m + (1 - beta1) * g``; ``v = beta2 * v + (1 - beta2) * g^2``; ``p -= lr * (m / (sqrt(v) + eps) + weight_decay * p)``.
    The state is kept in the Parameters ``adam_m.<name>`` and ``adam_v.<name>``.

    Args:
        params, learning_rate, weight_decay: see ``Optimizer``.
        beta1, beta2: numbers in (0, 1).
        eps: number above 0.

    Raises:
        TypeError, ValueError: as ``Optimizer``; settings out of range.
    """

    def __init__(self, params: Any, learning_rate: Any = 1e-3, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-6, weight_decay: Any = 0.0) -> None:
        super().__init__(learning_rate, params, weight_decay)
        self.beta1, self.beta2, self.eps = _betas("AdamWeightDecay", beta1, beta2, eps)
        self.moments1 = self.parameters.clone("adam_m", "zeros")
        self.moments2 = self.parameters.clone("adam_v", "zeros")

    def construct(self, gradients: Any) -> bool:
        gradients, rates = self.prepared(gradients, decay=False), self.rates()
        for p, g, m, v, lr, decay in zip(self.parameters, gradients, self.moments1, self.moments2, rates, self.decays(), strict=True):
            g = ops.cast(g, p.dtype)
            m1, v1 = m * self.beta1 + g * (1.0 - self.beta1), v * self.beta2 + g * g * (1.0 - self.beta2)
            ops.assign(m, m1)
            ops.assign(v, v1)
            update = m1 / (ops.sqrt(v1) + self.eps)
            if not isinstance(decay, float) or decay > 0:
                update = update + p * (decay if isinstance(decay, float) else ops.cast(decay, p.dtype))
            ops.assign(p, p - update * ops.cast(lr, p.dtype))
        self.step()
        return True
