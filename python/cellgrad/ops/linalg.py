"""Products of matrices and vectors, and sums of several operands."""
from __future__ import annotations

import math
from typing import Any

from .. import _errors as err
from .._frontend.dispatch import as_tensor, binary, broadcast_shapes, broadcast_to, cast, composite, dispatch, is_number
from .._runtime import dtype as dt
from ..common.tensor import Tensor
from ._generated import log
from ._helpers import check_ndim, check_number, check_tensor, float_tensor, ints, operands
from .array_func import permute, reshape

__all__ = ["addcdiv", "addcmul", "addmm", "addn", "baddbmm", "bmm", "dense", "dot", "ger", "inner", "lerp", "matmul", "mm", "outer", "tensor_dot", "xlogy"]


@composite("matmul_nd")
def _matmul_nd(a: Tensor, b: Tensor, *, transpose_a: bool = False, transpose_b: bool = False) -> Tensor:
    """Vectors become matrices, leading dimensions broadcast. Many rows times one matrix are one large product."""
    shape_a, shape_b = a.shape, b.shape
    if len(shape_a) == 1:
        a = dispatch("reshape", (a,), {"shape": (1, shape_a[0])})
    if len(shape_b) == 1:
        b = dispatch("reshape", (b,), {"shape": (shape_b[0], 1)})
    rows = a.shape[:-1]
    if b.ndim == 2 and a.ndim > 2 and not transpose_a:
        a = dispatch("reshape", (a,), {"shape": (math.prod(rows), a.shape[-1])})
        result = dispatch("matmul", (a, b), {"transpose_a": False, "transpose_b": transpose_b})
        result = dispatch("reshape", (result,), {"shape": rows + (result.shape[-1],)})
    else:
        batch = broadcast_shapes("matmul", a.shape[:-2], b.shape[:-2])
        a, b = broadcast_to(a, batch + a.shape[-2:]), broadcast_to(b, batch + b.shape[-2:])
        result = dispatch("matmul", (a, b), {"transpose_a": transpose_a, "transpose_b": transpose_b})
    if len(shape_a) > 1 and len(shape_b) > 1:
        return result
    shape = result.shape[:-2] + (() if len(shape_a) == 1 else result.shape[-2:-1]) + (() if len(shape_b) == 1 else result.shape[-1:])
    return dispatch("reshape", (result,), {"shape": shape})


def product(op: str, a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False) -> Tensor:
    """The matrix product of checked and promoted operands."""
    a, b = check_tensor(op, "the first operand", a), check_tensor(op, "the second operand", b)
    if a.ndim == 0 or b.ndim == 0:
        raise err.ShapeError(f"{op}: operands of at least one dimension are needed, but got shapes {a.shape} and {b.shape}",
                             hint="multiply by a number with *")
    inner_a = a.shape[-2 if transpose_a and a.ndim > 1 else -1]
    inner_b = b.shape[-1 if transpose_b or b.ndim == 1 else -2]
    if inner_a != inner_b:
        raise err.ShapeError(f"{op}: the inner sizes differ: {inner_a} of shape {a.shape} and {inner_b} of shape {b.shape}",
                             hint="the last size of the first operand should be the last but one of the second")
    broadcast_shapes(op, a.shape[:-2], b.shape[:-2])
    dtype = dt.promote(a.dtype, b.dtype)
    if dtype is dt.bool_:
        raise err.DTypeError(f"{op}: bool Tensors cannot be multiplied as matrices", hint="cast them with .astype(ms.float32)")
    a, b = cast(a, dtype), cast(b, dtype)
    attrs = {"transpose_a": bool(transpose_a), "transpose_b": bool(transpose_b)}
    if a.ndim == b.ndim == 2 or (a.ndim == b.ndim and a.shape[:-2] == b.shape[:-2] and a.ndim > 1):
        return dispatch("matmul", (a, b), attrs)
    return dispatch("matmul_nd", (a, b), attrs)


def matmul(input: Any, other: Any) -> Tensor:
    """Matrix product over the last two dimensions.

    A vector as first operand is a row, as second a column, and its dimension goes away again. Leading dimensions broadcast. float16 and
    bfloat16 accumulate in float32.

    Args:
        input: Tensor of shape (..., M, K) or (K,).
        other: Tensor of shape (..., K, N) or (K,).

    Raises:
        TypeError: not Tensors; bools.
        ValueError: K differs; leading dimensions do not broadcast; a 0-d operand.
    """
    return product("matmul", input, other)


def mm(input: Any, mat2: Any) -> Tensor:
    """Product of two matrices, (M, K) times (K, N).

    Raises:
        ValueError: not two matrices; K differs.
    """
    return product("mm", check_ndim("mm", "input", input, 2), check_ndim("mm", "mat2", mat2, 2))


def bmm(input_x: Any, mat2: Any) -> Tensor:
    """Products of the matrices of two batches, (B, ..., M, K) times (B, ..., K, N).

    Raises:
        ValueError: fewer than 3 dimensions; K or the leading dimensions differ.
    """
    a, b = check_tensor("bmm", "input_x", input_x), check_tensor("bmm", "mat2", mat2)
    if a.ndim < 3 or a.shape[:-2] != b.shape[:-2]:
        raise err.ShapeError(f"bmm: two batches with equal leading dimensions are needed, but got shapes {a.shape} and {b.shape}")
    return product("bmm", a, b)


@composite("tensor_dot")
def _tensor_dot(a: Tensor, b: Tensor, *, axes_a: tuple, axes_b: tuple) -> Tensor:
    free_a = tuple(i for i in range(a.ndim) if i not in axes_a)
    free_b = tuple(i for i in range(b.ndim) if i not in axes_b)
    shape = tuple(a.shape[i] for i in free_a) + tuple(b.shape[i] for i in free_b)
    inner_size = math.prod(a.shape[i] for i in axes_a)
    rows = reshape(permute(a, free_a + axes_a), (math.prod(a.shape[i] for i in free_a), inner_size))
    columns = reshape(permute(b, axes_b + free_b), (inner_size, math.prod(b.shape[i] for i in free_b)))
    return reshape(dispatch("matmul", (rows, columns), {"transpose_a": False, "transpose_b": False}), shape)


def tensor_dot(x1: Any, x2: Any, axes: Any) -> Tensor:
    """Sum of products over pairs of axes; the result has the other axes of ``x1``, then those of ``x2``.

    Args:
        x1, x2: Tensors.
        axes: int n: the last n axes of ``x1`` with the first n of ``x2``; or a pair of ints or of sequences of ints.

    Raises:
        TypeError: not Tensors.
        ValueError: sizes differ; axes out of range or not as many of each.
    """
    a, b = check_tensor("tensor_dot", "x1", x1), check_tensor("tensor_dot", "x2", x2)
    if isinstance(axes, int) and not isinstance(axes, bool):
        if not 0 <= axes <= min(a.ndim, b.ndim):
            raise err.UserValueError(f"tensor_dot: 'axes' {axes} is more than the dimensions of shapes {a.shape} and {b.shape}")
        axes_a, axes_b = tuple(range(a.ndim - axes, a.ndim)), tuple(range(axes))
    else:
        if not isinstance(axes, (tuple, list)) or len(axes) != 2:
            raise err.UserValueError(f"tensor_dot: 'axes' should be an int or a pair, but got {axes!r}")
        axes_a, axes_b = (tuple(v % max(x.ndim, 1) for v in ints("tensor_dot", "axes", part)) for part, x in zip(axes, (a, b), strict=True))
    if len(axes_a) != len(axes_b) or tuple(a.shape[i] for i in axes_a) != tuple(b.shape[i] for i in axes_b):
        raise err.ShapeError(f"tensor_dot: axes {axes_a} of shape {a.shape} and axes {axes_b} of shape {b.shape} should have equal sizes")
    dtype = dt.promote(a.dtype, b.dtype)
    return dispatch("tensor_dot", (cast(a, dtype), cast(b, dtype)), {"axes_a": axes_a, "axes_b": axes_b})


def dot(input: Any, other: Any) -> Tensor:
    """Sum of products over the last axis of ``input`` and the last but one of ``other``, as NumPy's ``dot``.

    Raises:
        TypeError: not Tensors.
        ValueError: sizes differ.
    """
    a, b = check_tensor("dot", "input", input), check_tensor("dot", "other", other)
    if a.ndim == 0 or b.ndim == 0:
        return binary("mul", a, b)
    if b.ndim <= 2:
        return product("dot", a, b)
    return tensor_dot(a, b, ((a.ndim - 1,), (b.ndim - 2,)))


def inner(input: Any, other: Any) -> Tensor:
    """Sum of products over the last axes of both.

    Raises:
        ValueError: their sizes differ.
    """
    a, b = check_tensor("inner", "input", input), check_tensor("inner", "other", other)
    if a.ndim == 0 or b.ndim == 0:
        return binary("mul", a, b)
    return tensor_dot(a, b, ((a.ndim - 1,), (b.ndim - 1,)))


def outer(input: Any, vec2: Any) -> Tensor:
    """All products of the elements of two vectors: shape (M, N).

    Raises:
        ValueError: not two vectors.
    """
    a, b = check_ndim("outer", "input", input, 1), check_ndim("outer", "vec2", vec2, 1)
    return binary("mul", reshape(a, (-1, 1)), reshape(b, (1, -1)))


ger = outer


def dense(input: Any, weight: Any, bias: Any = None) -> Tensor:
    """``input @ weight.T + bias``.

    Args:
        input: Tensor of shape (..., K).
        weight: Tensor of shape (N, K) or (K,).
        bias: Tensor of shape (N,) or None.

    Raises:
        TypeError: not Tensors.
        ValueError: K differs; the bias does not broadcast.
    """
    weight = check_ndim("dense", "weight", weight, 1, 2)
    result = product("dense", input, weight, transpose_b=weight.ndim == 2)
    return result if bias is None else binary("add", result, bias)


def addmm(input: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)``."""
    return binary("add", binary("mul", input, beta), binary("mul", mm(mat1, mat2), alpha))


def baddbmm(input: Any, batch1: Any, batch2: Any, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * bmm(batch1, batch2)``."""
    return binary("add", binary("mul", input, beta), binary("mul", bmm(batch1, batch2), alpha))


# -- several operands ---------------------------------------------------------------------------------------------------


def addn(x: Any) -> Tensor:
    """The sum of a list or tuple of Tensors.

    Raises:
        ValueError: the list is empty.
    """
    if not isinstance(x, (list, tuple)) or not x:
        raise err.UserValueError("addn: a list or tuple with at least one Tensor is needed")
    total = as_tensor(x[0])
    for item in x[1:]:
        total = binary("add", total, item)
    return total


@composite("lerp")
def _lerp(x: Tensor, y: Tensor, *weight: Tensor, w: float | None) -> Tensor:
    return x + (weight[0] if weight else w) * (y - x)


def lerp(input: Any, end: Any, weight: Any) -> Tensor:
    """``input + weight * (end - input)``.

    Args:
        input, end: Tensors.
        weight: number or Tensor.
    """
    x, y = float_tensor(input), float_tensor(end)
    if is_number(weight):
        return dispatch("lerp", (x, y), {"w": float(weight)})
    return dispatch("lerp", (x, y, float_tensor(weight)), {"w": None})


@composite("addcmul")
def _addcmul(x: Tensor, a: Tensor, b: Tensor, *, value: float) -> Tensor:
    return x + a * b * value


@composite("addcdiv")
def _addcdiv(x: Tensor, a: Tensor, b: Tensor, *, value: float) -> Tensor:
    return x + a / b * value


def addcmul(input: Any, tensor1: Any, tensor2: Any, value: float = 1) -> Tensor:
    """``input + value * tensor1 * tensor2``; the shapes broadcast."""
    return dispatch("addcmul", tuple(map(as_tensor, (input, tensor1, tensor2))), {"value": value if is_number(value) else check_number("addcmul", "value", value)})


def addcdiv(input: Any, tensor1: Any, tensor2: Any, value: float = 1) -> Tensor:
    """``input + value * tensor1 / tensor2``; the shapes broadcast."""
    return dispatch("addcdiv", tuple(map(as_tensor, (input, tensor1, tensor2))), {"value": value if is_number(value) else check_number("addcdiv", "value", value)})


@composite("xlogy")
def _xlogy(x: Tensor, y: Tensor) -> Tensor:
    return x * log(y)


def xlogy(input: Any, other: Any) -> Tensor:
    """``input * log(other)``: NaN where both are 0, as in MindSpore."""
    x, y = operands("xlogy", input, other)
    return dispatch("xlogy", (float_tensor(x), float_tensor(y)))
