"""Writing Parameters, stopping derivatives, facts about Tensors."""
from __future__ import annotations

from typing import Any

from .. import _errors as err
from .._frontend import precision, state
from .._frontend.dispatch import as_tensor, binary, cast, composite, dispatch
from .._runtime import dtype as dt
from ..common.tensor import Tensor
from ._generated import minimum, sqrt
from ._helpers import check_number, check_tensor, reduce

__all__ = ["assign", "assign_add", "assign_sub", "clip_by_global_norm", "clip_by_norm", "depend", "dtype", "is_tensor", "numel", "rank", "shape", "size",
           "stop_gradient"]


def assign(variable: Any, value: Any) -> Any:
    """Writes ``value``, cast to the variable's dtype, into the variable, in place; gives the variable.

    Args:
        variable: Parameter or Tensor.
        value: Tensor of the same shape.

    Raises:
        TypeError: the variable is not a Tensor.
        ValueError: the shapes differ.
    """
    return state.assign(check_tensor("assign", "variable", variable), value)


def _changed(name: str, variable: Tensor, value: Any) -> Any:
    with precision.suspended():  # in the variable's own dtype
        return state.assign(variable, binary(name, variable, value))


def assign_add(variable: Any, value: Any) -> Any:
    """``variable += value``, in place; gives the variable. The value broadcasts."""
    return _changed("add", check_tensor("assign_add", "variable", variable), value)


def assign_sub(variable: Any, value: Any) -> Any:
    """``variable -= value``, in place; gives the variable. The value broadcasts."""
    return _changed("sub", check_tensor("assign_sub", "variable", variable), value)


def stop_gradient(value: Any) -> Any:
    """The same value, through which no derivative flows. Sequences are gone through; what is not a Tensor comes back as it is."""
    if isinstance(value, Tensor):
        return dispatch("stop_gradient", (value,))
    if isinstance(value, (tuple, list)):
        return type(value)(stop_gradient(v) for v in value)
    return value


def depend(value: Any, expr: Any) -> Any:
    """``value``. A captured program keeps the order of assignments by itself, so ``expr`` needs nothing more."""
    return value


def shape(input_x: Any) -> tuple[int, ...]:
    """The sizes of a Tensor."""
    return check_tensor("shape", "input_x", input_x).shape


def dtype(x: Any) -> dt.DType:
    """The dtype of a Tensor."""
    return check_tensor("dtype", "x", x).dtype


def rank(input_x: Any) -> Tensor:
    """The number of dimensions, as a 0-d int64 Tensor."""
    return as_tensor(check_tensor("rank", "input_x", input_x).ndim, dt.int64)


def size(input_x: Any) -> int:
    """The number of elements."""
    return check_tensor("size", "input_x", input_x).size


def numel(input: Any) -> int:
    """The number of elements."""
    return check_tensor("numel", "input", input).size


def is_tensor(obj: Any) -> bool:
    """Whether the object is a Tensor."""
    return isinstance(obj, Tensor)


# -- clipping of gradients ------------------------------------------------------------------------------------------------


@composite("clip_by_global_norm")
def _clip_by_global_norm(*xs: Tensor, limit: float) -> Any:
    total = None
    for x in xs:
        part = reduce("sum", cast(x * x, dt.float32))
        total = part if total is None else total + part
    # 1 where the norm is within the limit.
    factor = minimum(limit / sqrt(total), 1.0)
    out = tuple(x * cast(factor, x.dtype) for x in xs)
    return out if len(out) > 1 else out[0]


def clip_by_global_norm(x: Any, clip_norm: float = 1.0, use_norm: Any = None) -> tuple[Tensor, ...]:
    """Tensors scaled by one factor so that the root of the sum of all squares is at most ``clip_norm`` (Pascanu et al. 2013).

    Args:
        x: list or tuple of float Tensors.
        clip_norm: number above 0.
        use_norm: None; MindSpore takes nothing else.

    Raises:
        TypeError: not a list or tuple of Tensors.
        ValueError: an empty list; ``clip_norm`` is not above 0.
    """
    if use_norm is not None:
        raise err.UserValueError("clip_by_global_norm: 'use_norm' should be None")
    if not isinstance(x, (list, tuple)) or not x:
        raise err.UserTypeError("clip_by_global_norm: a list or tuple with at least one Tensor is needed")
    limit = check_number("clip_by_global_norm", "clip_norm", clip_norm)
    if limit <= 0:
        raise err.UserValueError(f"clip_by_global_norm: 'clip_norm' should be above 0, but is {limit}")
    xs = tuple(check_tensor("clip_by_global_norm", f"x[{i}]", t) for i, t in enumerate(x))
    out = dispatch("clip_by_global_norm", xs, {"limit": limit})
    return out if len(xs) > 1 else (out,)


@composite("clip_by_norm")
def _clip_by_norm(*xs: Tensor, limit: float, order: float) -> Any:
    total: Any = None
    for x in xs:
        x = cast(x, dt.float32)
        part = reduce("sum", x * x if order == 2 else dispatch("abs", (x,)) ** order)
        total = part if total is None else total + part
    factor = minimum(limit / (total ** (1.0 / order) + 1e-6), 1.0)
    out = tuple(x * cast(factor, x.dtype) for x in xs)
    return out if len(out) > 1 else out[0]


def clip_by_norm(x: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False) -> Any:
    """Tensors scaled by one factor so that their common p-norm is at most ``max_norm``.

    Args:
        x: Tensor, or list or tuple of Tensors.
        max_norm: number above 0.
        norm_type: number p above 0.
        error_if_nonfinite: not supported inside compiled functions.

    Raises:
        ValueError: numbers out of range; with ``error_if_nonfinite``, a norm that is NaN or infinite.
    """
    xs = (x,) if isinstance(x, Tensor) else tuple(x)
    limit, order = check_number("clip_by_norm", "max_norm", max_norm), check_number("clip_by_norm", "norm_type", norm_type)
    if limit <= 0 or order <= 0 or not xs:
        raise err.UserValueError("clip_by_norm: at least one Tensor, and 'max_norm' and 'norm_type' above 0 are needed")
    out = dispatch("clip_by_norm", xs, {"limit": limit, "order": order})
    out = out if len(xs) > 1 else (out,)
    if error_if_nonfinite and not all(bool(dispatch("isfinite", (t,)).asnumpy().all()) for t in xs):
        raise err.UserValueError("clip_by_norm: the norm is NaN or infinite")
    return out[0] if isinstance(x, Tensor) else type(x)(out)
