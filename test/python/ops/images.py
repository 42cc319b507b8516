"""Rows of the ops over height and width, with plain loops as reference."""
from __future__ import annotations

from typing import Any

import numpy as np
from table import FLOATS, Row, shaped


def _windows(x: np.ndarray, kernel: tuple, stride: tuple, pads: tuple, dilation: tuple, fill: float) -> np.ndarray:
    """(N, C, HO, WO, KH, KW): the elements of each window."""
    x = np.pad(x, ((0, 0), (0, 0), pads[:2], pads[2:]), constant_values=fill)
    size = [(x.shape[2 + i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in range(2)]
    out = np.empty((*x.shape[:2], *size, *kernel), x.dtype)
    for i in range(size[0]):
        for j in range(size[1]):
            rows = i * stride[0] + dilation[0] * np.arange(kernel[0])
            columns = j * stride[1] + dilation[1] * np.arange(kernel[1])
            out[:, :, i, j] = x[:, :, rows[:, None], columns[None, :]]
    return out


def conv2d(x: Any, w: Any, stride: tuple = (1, 1), pads: tuple = (0, 0, 0, 0), dilation: tuple = (1, 1), groups: int = 1) -> np.ndarray:
    windows = _windows(x, w.shape[2:], stride, pads, dilation, 0.0)
    parts = [np.einsum("ncijpq,ocpq->noij", a, b) for a, b in zip(np.split(windows, groups, 1), np.split(w, groups, 0), strict=True)]
    return np.concatenate(parts, 1)


def max_pool(x: Any, kernel: tuple, stride: tuple, pads: tuple = (0, 0, 0, 0), dilation: tuple = (1, 1)) -> np.ndarray:
    return _windows(x, kernel, stride, pads, dilation, -np.inf).max((-2, -1))


def avg_pool(x: Any, kernel: tuple, stride: tuple, pads: tuple = (0, 0, 0, 0), include: bool = True) -> np.ndarray:
    windows = _windows(x, kernel, stride, pads, (1, 1), 0.0)
    count = kernel[0] * kernel[1] if include else _windows(np.ones_like(x), kernel, stride, pads, (1, 1), 0.0).sum((-2, -1))
    return windows.sum((-2, -1)) / count


_X, _W = (2, 4, 6, 5), (4, 4, 3, 2)
ROWS: list[Row] = [
    shaped("conv2d", lambda ops, x, w: ops.conv2d(x, w), conv2d, _X, _W, dtypes=FLOATS, tolerance=4),
    shaped("conv2d", lambda ops, x, w: ops.conv2d(x, w, stride=2, pad_mode="pad", padding=1), lambda x, w: conv2d(x, w, (2, 2), (1, 1, 1, 1)), _X, _W,
           name="conv2d-stride-pad", dtypes=("float32", "float64")),
    shaped("conv2d", lambda ops, x, w: ops.conv2d(x, w, dilation=(2, 1), pad_mode="pad", padding=(2, 1, 0, 1)),
           lambda x, w: conv2d(x, w, (1, 1), (2, 1, 0, 1), (2, 1)), _X, _W, name="conv2d-dilation", dtypes=("float32", "float64")),
    shaped("conv2d", lambda ops, x, w: ops.conv2d(x, w, groups=2, pad_mode="same"), lambda x, w: conv2d(x, w, (1, 1), (1, 1, 0, 1), (1, 1), 2), _X, (6, 2, 3, 2),
           name="conv2d-groups-same", dtypes=("float32", "float64")),
    shaped("max_pool2d", lambda ops, x: ops.max_pool2d(x, 2), lambda x: max_pool(x, (2, 2), (2, 2)), _X),
    shaped("max_pool2d", lambda ops, x: ops.max_pool2d(x, (3, 2), (1, 2), 1), lambda x: max_pool(x, (3, 2), (1, 2), (1, 1, 1, 1)), _X, name="max_pool2d-pad",
           dtypes=("float32", "float64")),
    shaped("avg_pool2d", lambda ops, x: ops.avg_pool2d(x, 2, 2), lambda x: avg_pool(x, (2, 2), (2, 2)), _X),
    shaped("avg_pool2d", lambda ops, x: ops.avg_pool2d(x, (3, 2), 1, 1, count_include_pad=False), lambda x: avg_pool(x, (3, 2), (1, 1), (1, 1, 1, 1), False), _X,
           name="avg_pool2d-exclusive", dtypes=("float32", "float64")),
]
