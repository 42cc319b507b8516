"""Reductions: sums, extremes, statistics, running sums."""
from __future__ import annotations

import builtins
from typing import Any

from .. import _errors as err
from .._frontend.arith import power
from .._frontend.dispatch import as_tensor, binary, cast, composite, dispatch, is_number, normalize_axes, normalize_axis, select
from .._runtime import dtype as dt
from ..common.tensor import Tensor
from ._generated import abs, exp, log, maximum, minimum, sqrt
from ._helpers import INF, check_bool, check_int, float_tensor, reduce, stop

__all__ = ["all", "amax", "amin", "any", "argmax", "argmin", "argmax_with_value", "argmin_with_value", "count_nonzero", "cumprod", "cumsum", "logsumexp",
           "max", "mean", "min", "norm", "prod", "std", "sum", "var", "var_mean"]


def _wide(x: Tensor, dtype: Any) -> Tensor:
    """Sums and products of integers and bools are computed in int64, as MindSpore does."""
    if dtype is not None:
        return cast(x, dt.as_dtype(dtype))
    return x if x.dtype.is_floating_point else cast(x, dt.int64)


def sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Sum along axes. The sum of nothing is 0.

    Args:
        input: Tensor.
        dim: axis, tuple of axes, or None for all.
        keepdim: whether the axes stay with size 1.
        dtype: dtype in which the sum is computed. Default: that of the input; int64 for integers and bools.

    Raises:
        TypeError: an axis is not an int.
        ValueError: an axis is out of range or named twice.
    """
    return reduce("sum", _wide(as_tensor(input), dtype), dim, check_bool("sum", "keepdim", keepdim))


def prod(input: Any, axis: Any = None, keep_dims: bool = False, dtype: Any = None) -> Tensor:
    """Product along axes. The product of nothing is 1; the derivative needs no division, so zeros are no exception.

    Args:
        input: Tensor.
        axis: axis, tuple of axes, or None for all.
        keep_dims: whether the axes stay with size 1.
        dtype: dtype in which the product is computed. Default: that of the input; int64 for integers and bools.

    Raises:
        TypeError, ValueError: as ``sum``.
    """
    return reduce("prod", _wide(as_tensor(input), dtype), axis, check_bool("prod", "keep_dims", keep_dims))


@composite("mean_int")
def _mean_int(x: Tensor, *, axes: tuple, keepdims: bool) -> Tensor:
    mean = reduce("mean", cast(x, dt.float64), axes, keepdims) if axes else cast(x, dt.float64)
    return cast(mean, x.dtype)


def mean(x: Any, axis: Any = None, keep_dims: bool = False) -> Tensor:
    """Mean along axes, in the input's dtype (an integer mean is cut towards zero). The mean of nothing is NaN.

    Raises:
        TypeError, ValueError: as ``sum``.
    """
    x = as_tensor(x)
    keep_dims = check_bool("mean", "keep_dims", keep_dims)
    if x.dtype.is_floating_point:
        return reduce("mean", x, axis, keep_dims)
    return dispatch("mean_int", (x,), {"axes": normalize_axes("mean", axis, x.ndim), "keepdims": keep_dims})


# -- extremes -------------------------------------------------------------------------------------------------------------


def _masked(op: str, x: Tensor, initial: Any, where: Any) -> Tensor:
    if where is not None:
        if initial is None:
            raise err.UserValueError(f"{op}: with 'where', 'initial' is needed as the value of masked elements")
        x = select(where, x, as_tensor(initial, x.dtype))
    return x


def _extreme(op: str, name: str, x: Any, axis: Any, keepdims: Any, initial: Any, where: Any) -> Tensor:
    x = _masked(op, as_tensor(x), initial, where)
    result = reduce(name, x, axis, check_bool(op, "keepdims", keepdims), op)
    if initial is not None:
        result = (maximum if name == "max" else minimum)(result, as_tensor(initial, x.dtype))
    return result


def amax(input: Any, axis: Any = None, keepdims: bool = False, *, initial: Any = None, where: Any = None) -> Tensor:
    """Largest element along axes. NaN if there is one; ties share the derivative evenly.

    Args:
        input: Tensor.
        axis: axis, tuple of axes, or None for all.
        keepdims: whether the axes stay with size 1.
        initial: number that takes part as one more element.
        where: bool Tensor: elements where it is False are replaced by ``initial``.

    Raises:
        TypeError, ValueError: as ``sum``; ``where`` without ``initial``; nothing to compare.
    """
    return _extreme("amax", "max", input, axis, keepdims, initial, where)


def amin(input: Any, axis: Any = None, keepdims: bool = False, *, initial: Any = None, where: Any = None) -> Tensor:
    """Smallest element along axes; otherwise as ``amax``."""
    return _extreme("amin", "min", input, axis, keepdims, initial, where)


def _along(op: str, name: str, x: Any, axis: Any, keepdims: Any) -> Tensor:
    x = as_tensor(x)
    if axis is None:
        x, axis = dispatch("reshape", (x,), {"shape": (-1,)}) if x.size else x, 0
    if x.ndim == 0:
        x = dispatch("reshape", (x,), {"shape": (1,)})
    return dispatch(name, (x,), {"axis": normalize_axis(op, axis, x.ndim), "keepdims": check_bool(op, "keepdims", keepdims)})


def argmax(input: Any, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Position of the largest element along an axis (None: in the flat Tensor), the first of several: int64.

    Raises:
        TypeError: the axis is not an int.
        ValueError: the axis is out of range; nothing to compare.
    """
    return _along("argmax", "argmax", input, dim, keepdim and dim is not None)


def argmin(input: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Position of the smallest element along an axis (None: in the flat Tensor), the first of several: int32, as in MindSpore."""
    return cast(_along("argmin", "argmin", input, axis, keepdims and axis is not None), dt.int32)


@composite("extreme_with_index")
def _extreme_with_index(x: Tensor, *, name: str, axis: int, keepdims: bool) -> tuple[Tensor, Tensor]:
    index = dispatch(name, (x,), {"axis": axis, "keepdims": True})
    place = dispatch("iota", (), {"shape": x.shape, "axis": axis, "dtype": dt.int64})
    if x.dtype is dt.bool_:
        return reduce("any" if name == "argmax" else "all", x, axis, keepdims), dispatch(name, (x,), {"axis": axis, "keepdims": keepdims})
    # The value at the index: all of its derivative goes there.
    chosen = select(binary("equal", place, index), x, as_tensor(0, x.dtype))
    return reduce("sum", chosen, axis, keepdims), dispatch(name, (x,), {"axis": axis, "keepdims": keepdims})


def _with_index(op: str, name: str, x: Any, axis: Any, keepdims: Any) -> tuple[Tensor, Tensor]:
    x = as_tensor(x)
    if x.ndim == 0:
        return x, as_tensor(0, dt.int64)
    attrs = {"name": name, "axis": normalize_axis(op, axis, x.ndim), "keepdims": check_bool(op, "keepdims", keepdims)}
    return dispatch("extreme_with_index", (x,), attrs)


def max(input: Any, axis: int | None = None, keepdims: bool = False, *, initial: Any = None, where: Any = None) -> tuple[Tensor, Tensor]:
    """(largest elements, their positions) along an axis; all of the derivative goes to the position.

    Without an axis: (largest element of all, 0), and ties share the derivative evenly.

    Args:
        input: Tensor.
        axis: int or None.
        keepdims: whether the axis stays with size 1.
        initial, where: as in ``amax``.

    Raises:
        TypeError: the axis is not an int.
        ValueError: the axis is out of range; nothing to compare.
    """
    if axis is None:
        return amax(input, initial=initial, where=where), as_tensor(0, dt.int64)
    values, index = _with_index("max", "argmax", _masked("max", as_tensor(input), initial, where), axis, keepdims)
    return (values if initial is None else maximum(values, as_tensor(initial, values.dtype))), index


def min(input: Any, axis: int | None = None, keepdims: bool = False, *, initial: Any = None, where: Any = None) -> tuple[Tensor, Tensor]:
    """(smallest elements, their positions) along an axis; otherwise as ``max``."""
    if axis is None:
        return amin(input, initial=initial, where=where), as_tensor(0, dt.int64)
    values, index = _with_index("min", "argmin", _masked("min", as_tensor(input), initial, where), axis, keepdims)
    return (values if initial is None else minimum(values, as_tensor(initial, values.dtype))), index


def argmax_with_value(x: Any, axis: int = 0, keep_dims: bool = False) -> tuple[Tensor, Tensor]:
    """(positions of the largest elements, the elements) along an axis."""
    values, index = max(x, axis, keep_dims)
    return index, values


def argmin_with_value(x: Any, axis: int = 0, keep_dims: bool = False) -> tuple[Tensor, Tensor]:
    """(positions of the smallest elements, the elements) along an axis."""
    values, index = min(x, axis, keep_dims)
    return index, values


def all(input: Any, axis: Any = None, keep_dims: bool = False) -> Tensor:
    """Whether all elements along axes are not 0: a bool Tensor. True of nothing."""
    return reduce("all", cast(as_tensor(input), dt.bool_), axis, check_bool("all", "keep_dims", keep_dims))


def any(input: Any, axis: Any = None, keep_dims: bool = False) -> Tensor:
    """Whether any element along axes is not 0: a bool Tensor. False of nothing."""
    return reduce("any", cast(as_tensor(input), dt.bool_), axis, check_bool("any", "keep_dims", keep_dims))


def count_nonzero(x: Any, axis: Any = (), keep_dims: bool = False, dtype: Any = dt.int32) -> Tensor:
    """How many elements along axes (all of them by default) are not 0."""
    return reduce("sum", cast(as_tensor(x) != 0, dt.as_dtype(dtype)), axis, check_bool("count_nonzero", "keep_dims", keep_dims))


# -- statistics -----------------------------------------------------------------------------------------------------------


@composite("var_mean")
def _var_mean(x: Tensor, *, axes: tuple, ddof: int, keepdims: bool) -> tuple[Tensor, Tensor]:
    count = 1
    for axis in axes:
        count *= x.shape[axis]
    center = x - reduce("mean", x, axes, True) if axes else x - x
    total = reduce("sum", center * center, axes, keepdims) if axes else center * center
    return total / float(count - ddof) if count > ddof else total * float("nan"), reduce("mean", x, axes, keepdims) if axes else x


def _moments(op: str, x: Any, axis: Any, ddof: Any, keepdims: Any) -> tuple[Tensor, Tensor]:
    x = float_tensor(x)
    ddof = int(ddof) if isinstance(ddof, bool) else check_int(op, "ddof", ddof)
    attrs = {"axes": normalize_axes(op, axis, x.ndim), "ddof": ddof, "keepdims": check_bool(op, "keepdims", keepdims)}
    return dispatch("var_mean", (x,), attrs)


def var(input: Any, axis: Any = None, ddof: int | bool = 0, keepdims: bool = False) -> Tensor:
    """Variance along axes: the sum of squared differences from the mean, divided by ``n - ddof``.

    Args:
        input: Tensor; integers are computed in float32.
        axis: axis, tuple of axes, or None for all.
        ddof: int; True is 1.
        keepdims: whether the axes stay with size 1.

    Raises:
        TypeError, ValueError: as ``sum``.
    """
    return _moments("var", input, axis, ddof, keepdims)[0]


def std(input: Any, axis: Any = None, ddof: int | bool = 0, keepdims: bool = False) -> Tensor:
    """Standard deviation along axes: the root of ``var``. The derivative where all elements are equal is NaN."""
    return sqrt(_moments("std", input, axis, ddof, keepdims)[0])


def var_mean(input: Any, axis: Any = None, ddof: int | bool = 0, keepdims: bool = False) -> tuple[Tensor, Tensor]:
    """(variance, mean) along axes; see ``var``."""
    return _moments("var_mean", input, axis, ddof, keepdims)


@composite("norm")
def _norm(x: Tensor, *, axes: tuple, order: float, keepdims: bool) -> Tensor:
    if order == 2.0:
        return sqrt(reduce("sum", x * x, axes, keepdims))
    if builtins.abs(order) == INF:
        return reduce("max" if order > 0 else "min", abs(x), axes, keepdims)
    if order == 0.0:
        return reduce("sum", cast(x != 0, x.dtype), axes, keepdims)
    if order == 1.0:
        return reduce("sum", abs(x), axes, keepdims)
    return power(reduce("sum", power(abs(x), order), axes, keepdims), 1.0 / order)


def norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Norm of vectors along an axis, or the Frobenius, 1- or inf-norm of matrices along two axes.

    Args:
        A: Tensor; integers are computed in float32.
        ord: None or 'fro': root of the sum of squares. A number p: ``(sum |x|^p)^(1/p)``; inf and -inf: the largest and smallest ``|x|``; 0: how
            many are not 0. For matrices 1, -1: the largest, smallest sum of a column; inf, -inf: of a row.
        dim: axis, tuple of axes, or None for all.
        keepdim: whether the axes stay with size 1.
        dtype: dtype to which the input is cast first.

    Raises:
        NotImplementedError: the 2-norm and the nuclear norm of matrices.
        ValueError: another ``ord``; axes out of range.
    """
    x = float_tensor(A) if dtype is None else as_tensor(A, dt.as_dtype(dtype))
    axes = normalize_axes("norm", dim, x.ndim)
    keepdim = check_bool("norm", "keepdim", keepdim)
    matrix = ord is not None and (len(axes) == 2 and (dim is not None or x.ndim == 2))
    if ord is None or ord == "fro":
        return dispatch("norm", (x,), {"axes": axes, "order": 2.0, "keepdims": keepdim})
    if isinstance(ord, str) and ord != "nuc" or not isinstance(ord, str) and not is_number(ord):
        raise err.UserValueError(f"norm: 'ord' should be None, 'fro', 'nuc' or a number, but got {ord!r}")
    if not matrix and ord != "nuc":
        return dispatch("norm", (x,), {"axes": axes, "order": float(ord), "keepdims": keepdim})
    if ord == "nuc" or builtins.abs(ord) == 2:
        raise err.UnsupportedError(f"norm: ord={ord!r} of matrices needs singular values, which cellgrad does not compute",
                                   hint="use ord='fro', or reshape to a vector for the 2-norm of all elements")
    if builtins.abs(ord) not in (1, INF):
        raise err.UserValueError(f"norm: for matrices 'ord' should be 'fro', 1, -1, inf or -inf, but got {ord!r}")
    rows, columns = (axes[0], axes[1]) if dim is None else (normalize_axis("norm", dim[0], x.ndim), normalize_axis("norm", dim[1], x.ndim))
    first, second = (rows, columns) if builtins.abs(ord) == 1 else (columns, rows)
    sums = dispatch("norm", (x,), {"axes": (first,), "order": 1.0, "keepdims": True})
    result = reduce("max" if ord > 0 else "min", sums, second, True)
    if keepdim:
        return result
    return dispatch("reshape", (result,), {"shape": tuple(s for i, s in enumerate(result.shape) if i not in axes)})


@composite("logsumexp")
def _logsumexp(x: Tensor, *, axes: tuple, keepdims: bool) -> Tensor:
    top = stop(reduce("max", x, axes, True))
    top = select(abs(top) < INF, top, 0.0)
    total = log(reduce("sum", exp(x - top), axes, keepdims))
    return total + (top if keepdims else dispatch("reshape", (top,), {"shape": total.shape}))


def logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Tensor:
    """``log(sum(exp(input)))`` along axes, without overflow.

    Args:
        input: Tensor; integers are computed in float32.
        dim: axis, tuple of axes, or None for all.
        keepdim: whether the axes stay with size 1.

    Raises:
        TypeError, ValueError: as ``sum``.
    """
    x = float_tensor(input)
    attrs = {"axes": normalize_axes("logsumexp", dim, x.ndim), "keepdims": check_bool("logsumexp", "keepdim", keepdim)}
    return dispatch("logsumexp", (x,), attrs)


# -- running sums and products --------------------------------------------------------------------------------------------


def cumsum(x: Any, axis: int, dtype: Any = None) -> Tensor:
    """Running sum along an axis, of the same shape.

    Raises:
        TypeError: the axis is not an int; bools.
        ValueError: the axis is out of range.
    """
    x = as_tensor(x) if dtype is None else as_tensor(x, dt.as_dtype(dtype))
    return dispatch("cumsum", (x,), {"axis": normalize_axis("cumsum", axis, x.ndim), "exclusive": False, "reverse": False})


@composite("cumprod")
def _cumprod(x: Tensor, *, axis: int) -> Tensor:
    # Doubling: after step k each element is the product of the 2^k elements up to it.
    size, shift = x.shape[axis], 1
    while shift < size:
        low, limits, high = [0] * x.ndim, list(x.shape), (0,) * x.ndim
        low[axis], limits[axis] = shift, size - shift
        part = dispatch("slice", (x,), {"starts": high, "limits": tuple(limits), "strides": (1,) * x.ndim})
        x = x * dispatch("pad", (part,), {"low": tuple(low), "high": high, "interior": high, "value": 1.0})
        shift *= 2
    return x


def cumprod(input: Any, dim: int, dtype: Any = None) -> Tensor:
    """Running product along an axis, of the same shape. The derivative needs no division, so zeros are no exception.

    Raises:
        TypeError: the axis is not an int.
        ValueError: the axis is out of range.
    """
    x = as_tensor(input) if dtype is None else as_tensor(input, dt.as_dtype(dtype))
    return dispatch("cumprod", (x,), {"axis": normalize_axis("cumprod", dim, x.ndim)})


