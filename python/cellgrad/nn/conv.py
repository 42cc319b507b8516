"""Convolution."""
from __future__ import annotations

import math
from typing import Any

from .. import _errors as err
from .. import ops
from .._runtime import dtype as dt
from ..common.initializer import HeUniform, Uniform, initializer
from ..common.parameter import Parameter
from ..common.tensor import Tensor
from ._checks import boolean, choice, is_int, positive_int, two
from .cell import Cell

__all__ = ["Conv2d"]


class Conv2d(Cell):
    """Convolution over height and width; see ``ops.conv2d`` for the formula.

    Args:
        in_channels, out_channels: numbers of channels.
        kernel_size: int or (height, width).
        stride, dilation: int or (vertical, horizontal).
        pad_mode: 'same': the result has ``ceil(H / stride)`` rows; 'valid': no padding; 'pad': zeros as ``padding`` says.
        padding: for 'pad': int, (vertical, horizontal) or (top, bottom, left, right).
        group: into how many groups the channels fall.
        has_bias: whether there is a bias.
        weight_init: initialiser of the weight, of shape (out_channels, in_channels / group, height, width). None: uniform in ±1/sqrt(fan in).
        bias_init: initialiser of the bias, of shape (out_channels,). None: uniform in ±1/sqrt(fan in).
        data_format: 'NCHW'.
        dtype: dtype of the Parameters.

    Inputs: Tensor of shape (N, in_channels, H, W). Result: Tensor of shape (N, out_channels, HO, WO).

    Raises:
        TypeError: sizes that are not ints.
        ValueError: sizes out of range; channels that do not divide into the groups; another mode; padding beside a mode other than 'pad'.
        NotImplementedError: the data format 'NHWC'.

    Examples:
        >>> nn.Conv2d(3, 8, 3)(ops.ones((1, 3, 6, 6), ms.float32)).shape
        (1, 8, 6, 6)
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, pad_mode: str = "same", padding: Any = 0, dilation: Any = 1,
                 group: int = 1, has_bias: bool = False, weight_init: Any = None, bias_init: Any = None, data_format: str = "NCHW",
                 dtype: Any = dt.float32) -> None:
        super().__init__()
        self.in_channels = positive_int("Conv2d", "in_channels", in_channels)
        self.out_channels = positive_int("Conv2d", "out_channels", out_channels)
        self.kernel_size = two("Conv2d", "kernel_size", kernel_size)
        self.stride, self.dilation = two("Conv2d", "stride", stride), two("Conv2d", "dilation", dilation)
        self.pad_mode = choice("Conv2d", "pad_mode", pad_mode.lower() if isinstance(pad_mode, str) else pad_mode, ("valid", "same", "pad"))
        self.padding = _padding(padding)
        if self.pad_mode != "pad" and any(self.padding if isinstance(self.padding, tuple) else (self.padding,)):
            raise err.UserValueError(f"For 'Conv2d', 'padding' {padding} belongs to pad_mode 'pad', not to '{pad_mode}'.")
        self.group = positive_int("Conv2d", "group", group)
        if self.in_channels % self.group or self.out_channels % self.group:
            raise err.UserValueError(f"For 'Conv2d', 'in_channels' {in_channels} and 'out_channels' {out_channels} must be divisible by 'group' {group}.")
        if choice("Conv2d", "data_format", data_format, ("NCHW", "NHWC")) == "NHWC":
            raise err.UnsupportedError("Conv2d: the data format 'NHWC' is not supported", hint="use 'NCHW' and ops.transpose the input")
        self.data_format, self.has_bias = data_format, boolean("Conv2d", "has_bias", has_bias)
        self.weight_init, self.bias_init = weight_init, bias_init
        shape = (self.out_channels, self.in_channels // self.group, *self.kernel_size)
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        self.weight = Parameter(initializer(HeUniform(math.sqrt(5)) if weight_init is None else weight_init, shape, dtype), name="weight")
        self.bias = None
        if self.has_bias:
            self.bias = Parameter(initializer(Uniform(bound) if bias_init is None else bias_init, shape[:1], dtype), name="bias")

    def construct(self, x: Any) -> Tensor:
        return ops.conv2d(x, self.weight, self.bias, self.stride, self.pad_mode, self.padding, self.dilation, self.group)

    def extend_repr(self) -> str:
        return (f"input_channels={self.in_channels}, output_channels={self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}, "
                f"pad_mode={self.pad_mode}, padding={self.padding}, dilation={self.dilation}, group={self.group}, has_bias={self.has_bias}, "
                f"weight_init={self.weight_init}, bias_init={self.bias_init}, format={self.data_format}")


def _padding(padding: Any) -> Any:
    sizes = (padding,) if is_int(padding) else tuple(padding) if isinstance(padding, (tuple, list)) else None
    if sizes is None or not all(is_int(p) for p in sizes):
        raise err.UserTypeError(f"For 'Conv2d', 'padding' must be an int or a tuple of ints, but got {padding!r}.")
    if len(sizes) not in (1, 2, 4) or min(sizes) < 0:
        raise err.UserValueError(f"For 'Conv2d', 'padding' must be one, two or four ints that are not negative, but got {padding}.")
    return int(padding) if is_int(padding) else tuple(int(p) for p in sizes)
