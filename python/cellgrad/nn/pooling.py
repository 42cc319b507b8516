"""Pooling."""
from __future__ import annotations

from typing import Any

from .. import _errors as err
from .. import ops
from ..common.tensor import Tensor
from ..ops.conv import pool_same
from ._checks import boolean, choice, two
from .cell import Cell

__all__ = ["AdaptiveAvgPool2d", "AvgPool2d", "MaxPool2d"]


class _Pool2d(Cell):
    """Settings that both poolings share. 'valid' and 'same' take no padding, 'pad' takes ``padding`` and ``ceil_mode``."""

    def __init__(self, kernel_size: Any, stride: Any, pad_mode: str, padding: Any, ceil_mode: bool, data_format: str) -> None:
        super().__init__()
        owner = type(self).__name__
        if choice(owner, "data_format", data_format, ("NCHW", "NHWC")) == "NHWC":
            raise err.UnsupportedError(f"{owner}: the data format 'NHWC' is not supported", hint="use 'NCHW' and ops.transpose the input")
        self.pad_mode = choice(owner, "pad_mode", pad_mode.lower() if isinstance(pad_mode, str) else pad_mode, ("valid", "same", "pad"))
        two(owner, "kernel_size", kernel_size)
        two(owner, "stride", stride)
        two(owner, "padding", padding, 0)
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.ceil_mode = boolean(owner, "ceil_mode", ceil_mode)
        if self.pad_mode != "pad" and (padding not in (0, (0, 0)) or self.ceil_mode):
            raise err.UserValueError(f"For '{owner}', 'padding' and 'ceil_mode' belong to pad_mode 'pad', not to '{pad_mode}'.")

    def extend_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, pad_mode={self.pad_mode.upper()}"


class MaxPool2d(_Pool2d):
    """Maximum of each window; see ``ops.max_pool2d``.

    Args:
        kernel_size, stride: int or (height, width).
        pad_mode: 'valid': only whole windows; 'same': ``ceil(H / stride)`` rows come out; 'pad': as ``padding`` says.
        padding, dilation: for 'pad': int or (vertical, horizontal).
        return_indices, ceil_mode: for 'pad': see ``ops.max_pool2d``.
        data_format: 'NCHW'.

    Inputs: Tensor of shape (N, C, H, W) or (C, H, W).

    Raises:
        TypeError, ValueError: sizes that are not ints or out of range; another mode.
        NotImplementedError: the data format 'NHWC'.
    """

    def __init__(self, kernel_size: Any = 1, stride: Any = 1, pad_mode: str = "valid", padding: Any = 0, dilation: Any = 1, return_indices: bool = False,
                 ceil_mode: bool = False, data_format: str = "NCHW") -> None:
        super().__init__(kernel_size, stride, pad_mode, padding, ceil_mode, data_format)
        two("MaxPool2d", "dilation", dilation)
        self.dilation, self.return_indices = dilation, boolean("MaxPool2d", "return_indices", return_indices)
        if self.pad_mode != "pad" and (dilation not in (1, (1, 1)) or return_indices):
            raise err.UserValueError(f"For 'MaxPool2d', 'dilation' and 'return_indices' belong to pad_mode 'pad', not to '{pad_mode}'.")

    def construct(self, x: Any) -> Any:
        if self.pad_mode == "same":
            return pool_same("max_pool2d", x, two("MaxPool2d", "kernel_size", self.kernel_size), two("MaxPool2d", "stride", self.stride))
        return ops.max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation, self.return_indices, self.ceil_mode)


class AvgPool2d(_Pool2d):
    """Mean of each window; see ``ops.avg_pool2d``.

    Args:
        kernel_size, stride: int or (height, width).
        pad_mode: 'valid': only whole windows; 'same': ``ceil(H / stride)`` rows come out, and no mean counts the padding; 'pad': as ``padding`` says.
        padding: for 'pad': int or (vertical, horizontal).
        ceil_mode, count_include_pad, divisor_override: for 'pad': see ``ops.avg_pool2d``.
        data_format: 'NCHW'.

    Inputs: Tensor of shape (N, C, H, W) or (C, H, W).

    Raises:
        TypeError, ValueError: sizes that are not ints or out of range; another mode.
        NotImplementedError: the data format 'NHWC'.
    """

    def __init__(self, kernel_size: Any = 1, stride: Any = 1, pad_mode: str = "valid", padding: Any = 0, ceil_mode: bool = False,
                 count_include_pad: bool = True, divisor_override: int | None = None, data_format: str = "NCHW") -> None:
        super().__init__(kernel_size, stride, pad_mode, padding, ceil_mode, data_format)
        self.count_include_pad = boolean("AvgPool2d", "count_include_pad", count_include_pad)
        self.divisor_override = divisor_override
        if divisor_override is not None and divisor_override < 1:
            raise err.UserValueError(f"For 'AvgPool2d', 'divisor_override' must be above 0, but got {divisor_override}.")

    def construct(self, x: Any) -> Tensor:
        if self.pad_mode == "same":
            return pool_same("avg_pool2d", x, two("AvgPool2d", "kernel_size", self.kernel_size), two("AvgPool2d", "stride", self.stride))
        return ops.avg_pool2d(x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad, self.divisor_override or 0)


class AdaptiveAvgPool2d(Cell):
    """Means over height and width such that the result has the given size.

    Args:
        output_size: int or (height, width); None in it keeps the input's size. The input's size must be a multiple of it.

    Raises:
        ValueError: a size that does not divide the input's.
    """

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = (output_size, output_size) if output_size is None or isinstance(output_size, int) else tuple(output_size)

    def construct(self, x: Any) -> Tensor:
        kernel = []
        for n, want in zip(x.shape[-2:], self.output_size, strict=True):
            if want is not None and (want < 1 or n % want):
                raise err.UserValueError(f"For 'AdaptiveAvgPool2d', the input's size {tuple(x.shape[-2:])} must be a multiple of 'output_size' {self.output_size}.")
            kernel.append(1 if want is None else n // want)
        return ops.avg_pool2d(x, tuple(kernel), tuple(kernel))

    def extend_repr(self) -> str:
        return f"output_size={self.output_size}"
