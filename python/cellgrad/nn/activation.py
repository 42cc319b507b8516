"""Activation functions as Cells."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _errors as err
from .. import ops
from .._runtime import dtype as dt
from ..common.initializer import initializer
from ..common.parameter import Parameter
from ..common.tensor import Tensor
from ._checks import boolean, is_int, number, positive_int
from .cell import Cell

__all__ = ["CELU", "ELU", "GELU", "GLU", "HShrink", "HSigmoid", "HSwish", "Hardtanh", "LeakyReLU", "LogSigmoid", "LogSoftmax", "Mish", "PReLU", "ReLU", "ReLU6",
           "SELU", "SeLU", "SiLU", "Sigmoid", "SoftShrink", "Softmax", "Softmin", "Softplus", "Softsign", "Tanh", "Tanhshrink", "Threshold", "get_activation"]


def _plain(name: str, function: Callable[..., Tensor]) -> type[Cell]:
    """A Cell without settings."""

    def construct(self: Cell, x: Any) -> Tensor:
        return function(x)

    return type(name, (Cell,), {"construct": construct, "__module__": __name__, "__doc__": f"``ops.{function.__name__}`` as a Cell; see there."})


ReLU = _plain("ReLU", ops.relu)
ReLU6 = _plain("ReLU6", ops.relu6)
Tanh = _plain("Tanh", ops.tanh)
Sigmoid = _plain("Sigmoid", ops.sigmoid)
SiLU = _plain("SiLU", ops.silu)
Mish = _plain("Mish", ops.mish)
HSwish = _plain("HSwish", ops.hardswish)
HSigmoid = _plain("HSigmoid", ops.hardsigmoid)
SeLU = _plain("SeLU", ops.selu)
SELU = SeLU
Softsign = _plain("Softsign", ops.softsign)
LogSigmoid = _plain("LogSigmoid", ops.logsigmoid)
Tanhshrink = _plain("Tanhshrink", ops.tanhshrink)


class GELU(Cell):
    """Gaussian error linear unit; see ``ops.gelu``.

    Args:
        approximate: True, as in MindSpore, takes the tanh form, False the erf form.
    """

    def __init__(self, approximate: bool = True) -> None:
        super().__init__()
        self.approximate = boolean("GELU", "approximate", approximate)

    def construct(self, x: Any) -> Tensor:
        return ops.gelu(x, "tanh" if self.approximate else "none")


class LeakyReLU(Cell):
    """``ops.leaky_relu`` as a Cell.

    Args:
        alpha: slope for negative inputs.
    """

    def __init__(self, alpha: float = 0.2) -> None:
        super().__init__()
        self.alpha = number("LeakyReLU", "alpha", alpha)

    def construct(self, x: Any) -> Tensor:
        return ops.leaky_relu(x, self.alpha)


class ELU(Cell):
    """``ops.elu`` as a Cell."""

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = number("ELU", "alpha", alpha)

    def construct(self, x: Any) -> Tensor:
        return ops.elu(x, self.alpha)


class CELU(Cell):
    """``ops.celu`` as a Cell."""

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = number("CELU", "alpha", alpha)

    def construct(self, x: Any) -> Tensor:
        return ops.celu(x, self.alpha)


class Softplus(Cell):
    """``ops.softplus`` as a Cell."""

    def __init__(self, beta: float = 1, threshold: float = 20) -> None:
        super().__init__()
        self.beta, self.threshold = number("Softplus", "beta", beta), number("Softplus", "threshold", threshold)

    def construct(self, x: Any) -> Tensor:
        return ops.softplus(x, self.beta, self.threshold)


class Hardtanh(Cell):
    """``ops.hardtanh`` as a Cell."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        super().__init__()
        self.min_val, self.max_val = number("Hardtanh", "min_val", min_val), number("Hardtanh", "max_val", max_val)

    def construct(self, x: Any) -> Tensor:
        return ops.hardtanh(x, self.min_val, self.max_val)


class HShrink(Cell):
    """``ops.hardshrink`` as a Cell."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = number("HShrink", "lambd", lambd)

    def construct(self, x: Any) -> Tensor:
        return ops.hardshrink(x, self.lambd)


class SoftShrink(Cell):
    """``ops.softshrink`` as a Cell."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = number("SoftShrink", "lambd", lambd)

    def construct(self, x: Any) -> Tensor:
        return ops.softshrink(x, self.lambd)


class Threshold(Cell):
    """``ops.threshold`` as a Cell."""

    def __init__(self, threshold: float, value: float) -> None:
        super().__init__()
        self.threshold, self.value = number("Threshold", "threshold", threshold), number("Threshold", "value", value)

    def construct(self, x: Any) -> Tensor:
        return ops.threshold(x, self.threshold, self.value)


class _AlongAxis(Cell):
    def __init__(self, axis: int = -1) -> None:
        super().__init__()
        if not is_int(axis):
            raise err.UserTypeError(f"For '{type(self).__name__}', 'axis' must be an int, but got {type(axis).__name__}.")
        self.axis = int(axis)


class Softmax(_AlongAxis):
    """``ops.softmax`` along an axis as a Cell."""

    def construct(self, x: Any) -> Tensor:
        return ops.softmax(x, self.axis)


class Softmin(_AlongAxis):
    """``ops.softmin`` along an axis as a Cell."""

    def construct(self, x: Any) -> Tensor:
        return ops.softmin(x, self.axis)


class LogSoftmax(_AlongAxis):
    """``ops.log_softmax`` along an axis as a Cell."""

    def construct(self, x: Any) -> Tensor:
        return ops.log_softmax(x, self.axis)


class GLU(_AlongAxis):
    """``ops.glu`` along an axis as a Cell."""

    def construct(self, x: Any) -> Tensor:
        return ops.glu(x, self.axis)


class PReLU(Cell):
    """``ops.prelu`` with a learned weight.

    Args:
        channel: 1, or the number of channels of the input.
        w: initial weight: a number, or a Tensor of shape (channel,).
    """

    def __init__(self, channel: int = 1, w: Any = 0.25) -> None:
        super().__init__()
        self.channel = positive_int("PReLU", "channel", channel)
        self.w = Parameter(initializer(w, (self.channel,), dt.float32), name="a")

    def construct(self, x: Any) -> Tensor:
        return ops.prelu(x, self.w)


_BY_NAME: dict[str, Callable[..., Cell]] = {
    "softmin": Softmin, "softmax": Softmax, "logsoftmax": LogSoftmax, "relu": ReLU, "relu6": ReLU6, "tanh": Tanh, "gelu": GELU, "elu": ELU,
    "sigmoid": Sigmoid, "prelu": PReLU, "leakyrelu": LeakyReLU, "hswish": HSwish, "hsigmoid": HSigmoid, "logsigmoid": LogSigmoid, "selu": SeLU,
    "silu": SiLU, "mish": Mish, "softsign": Softsign, "softplus": Softplus, "tanhshrink": Tanhshrink, "hshrink": HShrink, "softshrink": SoftShrink,
}


def get_activation(name: Any, prim_name: str | None = None) -> Any:
    """The Cell of that name; None, Cells and functions as they are.

    Raises:
        KeyError: unknown name.
        TypeError: neither a name nor callable.
    """
    if name is None or callable(name):
        return name
    if not isinstance(name, str):
        raise err.UserTypeError(f"For '{prim_name or 'activation'}', the activation must be a name, a Cell or a function, but got {type(name).__name__}.")
    if name.lower() not in _BY_NAME:
        raise KeyError(f"For '{prim_name or 'activation'}', there is no activation '{name}'; names: {', '.join(sorted(_BY_NAME))}.")
    return _BY_NAME[name.lower()]()
