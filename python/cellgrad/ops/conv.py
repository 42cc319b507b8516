"""Convolution and pooling over height and width of NCHW Tensors."""
from __future__ import annotations

from typing import Any

from .. import _errors as err
from .._frontend.dispatch import broadcast_to, cast, composite, dispatch
from .._runtime import dtype as dt
from ..common.tensor import Tensor
from ._helpers import check_bool, check_choice, check_int, check_ndim, ints, pair

__all__ = ["avg_pool2d", "conv2d", "max_pool2d", "pool_same", "same_padding"]


def same_padding(size: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) such that the result has ``ceil(size / stride)`` rows and columns; the odd one goes below and to the right."""
    pads: list[int] = []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        pads += [total // 2, total - total // 2]
    return pads[0], pads[1], pads[2], pads[3]


def _four(op: str, padding: Any) -> tuple[int, ...]:
    """(top, bottom, left, right) from an int, (vertical, horizontal) or all four."""
    got = ints(op, "padding", padding)
    got = got * 4 if len(got) == 1 else (got[0], got[0], got[1], got[1]) if len(got) == 2 else got
    if len(got) != 4 or min(got) < 0:
        raise err.UserValueError(f"{op}: 'padding' should be one, two or four ints that are not negative, but got {padding!r}")
    return got[0], got[1], got[2], got[3]


def conv2d(input: Any, weight: Any, bias: Any = None, stride: Any = 1, pad_mode: str = "valid", padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
    """Convolution (cross-correlation) over height and width.

    Args:
        input: Tensor of shape (N, C, H, W).
        weight: Tensor of shape (O, C / groups, KH, KW).
        bias: Tensor of shape (O,) or None.
        stride, dilation: int or (vertical, horizontal).
        pad_mode: 'valid': no padding; 'same': ``ceil(H / stride)`` rows and ``ceil(W / stride)`` columns come out; 'pad': zeros as ``padding`` says.
        padding: for 'pad': int, (vertical, horizontal) or (top, bottom, left, right).
        groups: into how many groups the channels fall, each convolved on its own.

    Returns:
        Tensor of shape (N, O, HO, WO) with ``HO = (H + top + bottom - dilation * (KH - 1) - 1) // stride + 1``.

    Raises:
        TypeError: not Tensors.
        ValueError: shapes that do not go together; another pad mode; padding beside a mode other than 'pad'.
    """
    x, w = check_ndim("conv2d", "input", input, 4), check_ndim("conv2d", "weight", weight, 4)
    strides, dilations = pair("conv2d", "stride", stride), pair("conv2d", "dilation", dilation)
    groups = check_int("conv2d", "groups", groups, 1)
    check_choice("conv2d", "pad_mode", pad_mode, ("valid", "same", "pad"))
    pads = _four("conv2d", padding)
    if pad_mode != "pad" and any(pads):
        raise err.UserValueError(f"conv2d: 'padding' {padding} belongs to pad_mode 'pad', not to '{pad_mode}'")
    if x.shape[1] != w.shape[1] * groups or w.shape[0] % groups:
        raise err.ShapeError(f"conv2d: input of shape {x.shape} has {x.shape[1]} channels, but weight of shape {w.shape} with groups={groups} takes "
                             f"{w.shape[1] * groups}" + (f" and {w.shape[0]} outputs do not divide into {groups} groups" if w.shape[0] % groups else ""))
    if pad_mode == "same":
        pads = same_padding(x.shape[2:], w.shape[2:], strides, dilations)
    dtype = dt.promote(x.dtype, w.dtype)
    attrs = {"strides": strides, "pads": pads, "dilations": dilations, "groups": groups}
    if bias is None:
        return dispatch("conv2d", (cast(x, dtype), cast(w, dtype)), attrs)
    b = check_ndim("conv2d", "bias", bias, 1)
    if b.shape[0] != w.shape[0]:
        raise err.ShapeError(f"conv2d: 'bias' should have {w.shape[0]} elements, one for each output channel, but has shape {b.shape}")
    return dispatch("conv2d_bias", (cast(x, dtype), cast(w, dtype), cast(b, dtype)), attrs)


@composite("conv2d_bias")
def _conv2d_bias(x: Tensor, w: Tensor, b: Tensor, *, strides: tuple, pads: tuple, dilations: tuple, groups: int) -> Tensor:
    y = dispatch("conv2d", (x, w), {"strides": strides, "pads": pads, "dilations": dilations, "groups": groups})
    return y + broadcast_to(dispatch("reshape", (b,), {"shape": (1, -1, 1, 1)}), y.shape)


# -- pooling --------------------------------------------------------------------------------------------------------------


def _image(op: str, x: Any) -> tuple[Tensor, bool]:
    """The input with four dimensions, and whether it had three."""
    x = check_ndim(op, "the input", x, 3, 4)
    return (x, False) if x.ndim == 4 else (dispatch("reshape", (x,), {"shape": (1, *x.shape)}), True)


def _ceil_pads(size: tuple, kernel: tuple, stride: tuple, dilation: tuple, pads: tuple) -> tuple[int, ...]:
    """The padding with what ``ceil_mode`` adds at the end; a last window that would start beyond the input and its padding is left out."""
    result = list(pads)
    for i, (n, k, s, d) in enumerate(zip(size, kernel, stride, dilation, strict=True)):
        span, before, after = d * (k - 1) + 1, pads[2 * i], pads[2 * i + 1]
        count = -(-(n + before + after - span) // s) + 1
        if (count - 1) * s >= n + before:
            count -= 1
        result[2 * i + 1] = max(after, (count - 1) * s + span - n - before)
    return result[0], result[1], result[2], result[3]


def _unbatch(y: Tensor, batched: bool) -> Tensor:
    return dispatch("reshape", (y,), {"shape": y.shape[1:]}) if batched else y


def max_pool2d(x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, return_indices: bool = False,
               ceil_mode: bool = False) -> Any:
    """Maximum of each window. The derivative goes to the first maximum of a window.

    Args:
        x: Tensor of shape (N, C, H, W) or (C, H, W).
        kernel_size: int or (height, width).
        stride: int or (vertical, horizontal); None is the kernel size.
        padding: int or (vertical, horizontal), at most half the kernel; it never is the maximum.
        dilation: int or (vertical, horizontal).
        return_indices: whether the positions of the maxima in each H x W plane are returned too (int64).
        ceil_mode: whether a last window that is only partly inside counts.

    Raises:
        TypeError: not a Tensor.
        ValueError: shapes or sizes that do not go together.
    """
    x, batched = _image("max_pool2d", x)
    kernel = pair("max_pool2d", "kernel_size", kernel_size)
    strides = kernel if stride is None else pair("max_pool2d", "stride", stride)
    pads, dilations = _four("max_pool2d", padding), pair("max_pool2d", "dilation", dilation)
    if any(2 * p > k for p, k in zip(pads[::2], kernel, strict=True)):
        raise err.UserValueError(f"max_pool2d: 'padding' {padding} should be at most half of 'kernel_size' {kernel_size}")
    if check_bool("max_pool2d", "ceil_mode", ceil_mode):
        pads = _ceil_pads(x.shape[2:], kernel, strides, dilations, pads)
    attrs = {"kernel": kernel, "strides": strides, "pads": pads, "dilations": dilations}
    y = _unbatch(dispatch("max_pool2d", (x,), attrs), batched)
    if not check_bool("max_pool2d", "return_indices", return_indices):
        return y
    return y, _unbatch(dispatch("max_pool2d_positions", (x,), attrs), batched)


@composite("max_pool2d_positions")
def _max_pool2d_positions(x: Tensor, *, kernel: tuple, strides: tuple, pads: tuple, dilations: tuple) -> Tensor:
    rows = dispatch("iota", (), {"shape": x.shape, "axis": 2, "dtype": dt.int64})
    columns = dispatch("iota", (), {"shape": x.shape, "axis": 3, "dtype": dt.int64})
    place = cast(rows * x.shape[3] + columns, dt.float64)
    found = dispatch("max_pool2d_gather", (cast(x, dt.float64), place), {"kernel": kernel, "strides": strides, "pads": pads, "dilations": dilations})
    return cast(found, dt.int64)


def avg_pool2d(input_x: Any, kernel_size: Any = 1, stride: Any = 1, padding: Any = 0, ceil_mode: bool = False, count_include_pad: bool = True,
               divisor_override: int = 0) -> Tensor:
    """Mean of each window.

    Args:
        input_x: Tensor of shape (N, C, H, W) or (C, H, W), of a float dtype.
        kernel_size, stride: int or (height, width).
        padding: int, (vertical, horizontal) or (top, bottom, left, right), each at most half the kernel.
        ceil_mode: whether a last window that is only partly inside counts; what lies beyond the padding is not counted.
        count_include_pad: whether zeros of the padding are counted.
        divisor_override: if not 0, the sum of a window is divided by it.

    Raises:
        TypeError: not a Tensor; integers.
        ValueError: shapes or sizes that do not go together.
    """
    x, batched = _image("avg_pool2d", input_x)
    kernel, strides = pair("avg_pool2d", "kernel_size", kernel_size), pair("avg_pool2d", "stride", stride)
    pads = _four("avg_pool2d", padding)
    if any(2 * max(p) > k for p, k in zip((pads[:2], pads[2:]), kernel, strict=True)):
        raise err.UserValueError(f"avg_pool2d: 'padding' {padding} should be at most half of 'kernel_size' {kernel_size}")
    divisor = check_int("avg_pool2d", "divisor_override", divisor_override or 0, 0)
    include = check_bool("avg_pool2d", "count_include_pad", count_include_pad)
    if check_bool("avg_pool2d", "ceil_mode", ceil_mode):
        wide = _ceil_pads(x.shape[2:], kernel, strides, (1, 1), pads)
        if include and not divisor and wide != pads:
            # Zeros of the padding count, what ceil_mode adds does not: the padding becomes part of the input.
            zeros = {"low": (0, 0, pads[0], pads[2]), "high": (0, 0, pads[1], pads[3]), "interior": (0, 0, 0, 0), "value": 0.0}
            x = dispatch("pad", (x,), zeros) if any(pads) else x
            wide, include = tuple(w - p for w, p in zip(wide, pads, strict=True)), False
        pads = wide
    y = dispatch("avg_pool2d", (x,), {"kernel": kernel, "strides": strides, "pads": pads, "count_include_pad": include or bool(divisor)})
    if divisor:
        y = y * (kernel[0] * kernel[1] / divisor)
    return _unbatch(y, batched)


def pool_same(name: str, x: Any, kernel: tuple[int, int], strides: tuple[int, int]) -> Tensor:
    """Pooling with 'same' padding, which no mean counts: ``name`` is 'max_pool2d' or 'avg_pool2d'."""
    x, batched = _image(name, x)
    pads = same_padding(x.shape[2:], kernel, strides, (1, 1))
    rest = {"dilations": (1, 1)} if name == "max_pool2d" else {"count_include_pad": False}
    return _unbatch(dispatch(name, (x,), {"kernel": kernel, "strides": strides, "pads": pads, **rest}), batched)
