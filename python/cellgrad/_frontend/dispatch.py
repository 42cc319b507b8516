"""The one way from an op to its result: appended to the program being captured, or run at once by its compiled kernel.

docs/design/frontend.md says how the public modules use it.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _errors as err
from .._runtime import _core
from .._runtime import dtype as dt
from .._runtime.tensor_data import asnumpy, from_value
from . import locations, precision, trace
from .numbers import beside_numbers, numbered, stands_for_number

__all__ = ["as_tensor", "binary", "broadcast_shapes", "broadcast_to", "cast", "compare", "composite", "dispatch", "float_unary", "full", "is_number",
           "logical", "normalize_axes", "normalize_axis", "operand", "readable", "select", "unary"]

TensorBase = _core.TensorBase
_COMPOSITES: dict[str, Callable] = {}
_MIXED = "mixed."  # prefix of an elementwise op whose operands still need casts and broadcasts


# --------------------------------------------------------------------------------------------------------------------
# Eager and traced
# --------------------------------------------------------------------------------------------------------------------
def _attribute(value: Any) -> Any:
    if isinstance(value, dt.DType):
        return ("dtype", trace.to_mlir(value))
    return tuple(value) if isinstance(value, list) else value


def _build(name: str, attrs: tuple | None, tensors: tuple) -> Any:
    """Appends the op to the function being captured."""
    if precision.current() is not None:
        return precision.computed(name, attrs, tensors, _build)
    function = _COMPOSITES.get(name)
    if function is not None:
        return function(*tensors, **dict(attrs or ()))
    if name.startswith(_MIXED):
        return _mixed(name[len(_MIXED):], tensors)
    frame = trace.current_frame()
    operands = [frame.value(t) for t in tensors]
    values = frame.emit(name, operands, {key: _attribute(value) for key, value in attrs or ()})
    if len(values) == 1:
        return frame.tensor(values[0])
    return tuple(frame.tensor(value) for value in values)


def _compile(name: str, attrs: tuple | None, tensors: tuple) -> Any:
    """The executable of one op for the dtypes and shapes of these tensors."""
    from . import program

    return program.compile_op(name, attrs, tensors, _build)


_eager = _core.EagerTable(_compile, _build)


def dispatch(name: str, tensors: Any, attrs: dict | None = None) -> Any:
    """The result of a cell op or a composite: a Tensor, or a tuple of Tensors when it has several.

    Args:
        name: of the op without ``cell.``, or of a composite.
        tensors: operands, of the dtypes and shapes that the op takes.
        attrs: static attributes.

    Raises:
        UserError: the dialect refuses the operands.
    """
    return _eager(name, tuple(attrs.items()) if attrs else None, *tensors)


def composite(name: str) -> Callable[[Callable], Callable]:
    """Registers a function of Tensors (keyword-only: static attributes) as one op of its own for ``dispatch``."""

    def register(function: Callable) -> Callable:
        if name in _COMPOSITES:
            raise ValueError(f"composite {name!r} is registered twice")
        _COMPOSITES[name] = function
        return function

    return register


# --------------------------------------------------------------------------------------------------------------------
# Operands
# --------------------------------------------------------------------------------------------------------------------
def is_number(value: Any) -> bool:
    """A Python or NumPy scalar."""
    return isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating))


def as_tensor(value: Any, dtype: dt.DType | None = None) -> Any:
    """The value as a Tensor; Tensors as they are. A Tensor made here while capturing is a constant of the program.

    Raises:
        TypeError: no Tensor can be made of it.
    """
    if isinstance(value, TensorBase):
        return value if dtype is None else cast(value, dtype)
    tensor = from_value(value, dtype)
    capture = trace.current_capture()
    if capture is not None:
        capture.fresh[id(tensor)] = tensor
    return tensor


def full(shape: Any, value: Any, dtype: dt.DType) -> Any:
    """A Tensor of the shape filled with a number."""
    shape = tuple(shape)
    if not trace.capturing():
        if value == 0:
            return _core.zeros(dtype, shape)
        return from_value(np.full(shape, value, dtype.np_dtype))
    return broadcast_to(as_tensor(value, dtype), shape)


def cast(x: Any, dtype: dt.DType) -> Any:
    """``x`` with elements of another dtype."""
    if x.dtype is dtype:
        return x
    return _eager("cast", (("dtype", dtype),), x)


def broadcast_to(x: Any, shape: tuple) -> Any:
    """``x`` repeated to a shape, by NumPy's rules."""
    if x.shape == shape:
        return x
    return _eager("broadcast", (("shape", shape),), x)


def broadcast_shapes(op: str, *shapes: tuple) -> tuple:
    """The common shape.

    Raises:
        ShapeError: there is none.
    """
    rank = max(map(len, shapes))
    result = []
    for axis in range(rank):
        sizes = {s[axis - rank + len(s)] for s in shapes if axis - rank + len(s) >= 0} - {1}
        if len(sizes) > 1:
            raise err.ShapeError(
                f"{op}: shapes {' and '.join(map(str, shapes))} cannot be broadcast together "
                f"(dimension {axis - rank} is {' and '.join(map(str, sorted(sizes)))})",
                hint="make the dimensions equal, or 1 where one operand is to be repeated (reshape, expand_dims)")
        result.append(sizes.pop() if sizes else 1)
    return tuple(result)


def normalize_axis(op: str, axis: Any, ndim: int) -> int:
    """A non-negative axis.

    Raises:
        UserTypeError: the axis is not an int.
        UserValueError: it is out of range.
    """
    if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
        raise err.UserTypeError(f"{op}: the axis should be an int, but got {type(axis).__name__}")
    if not -max(ndim, 1) <= axis < max(ndim, 1):
        raise err.UserValueError(f"{op}: axis {axis} is out of range for a Tensor of {ndim} dimensions",
                                 hint=f"use an axis in [{-max(ndim, 1)}, {max(ndim, 1)})")
    return int(axis) % ndim if ndim else 0


def normalize_axes(op: str, axis: Any, ndim: int) -> tuple:
    """Sorted non-negative axes; ``None`` and ``()`` stand for all.

    Raises:
        UserError: as ``normalize_axis``, or an axis is named twice.
    """
    if axis is None or (isinstance(axis, (tuple, list)) and not axis):
        return tuple(range(ndim))
    if not isinstance(axis, (tuple, list)):
        axis = (axis,)
    if ndim == 0:
        for a in axis:
            normalize_axis(op, a, 0)
        return ()
    axes = tuple(sorted(normalize_axis(op, a, ndim) for a in axis))
    if len(set(axes)) != len(axes):
        raise err.UserValueError(f"{op}: axes {tuple(axis)} name a dimension twice")
    return axes


# --------------------------------------------------------------------------------------------------------------------
# Promotion and broadcasting
# --------------------------------------------------------------------------------------------------------------------
# What an arithmetic op means for bools, which are not numbers in the dialect.
_OF_BOOLS = {"add": "logical_or", "sub": "logical_xor", "mul": "logical_and", "maximum": "logical_or", "minimum": "logical_and"}
_COMPARISONS = frozenset(("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"))


def _common(name: str, x: Any, y: Any) -> dt.DType:
    """The dtype in which a binary op computes."""
    common = dt.promote(x.dtype, y.dtype)
    if name in ("div", "atan2"):
        return dt.division_dtype(common)
    if common is dt.bool_ and name not in _OF_BOOLS and name not in ("equal", "not_equal", "logical_and", "logical_or", "logical_xor"):
        return dt.int32
    return common


def _mixed(name: str, tensors: tuple) -> Any:
    """Casts and broadcasts the operands of an elementwise op of two operands, then the op."""
    x, y = tensors
    dtype = _common(name, x, y)
    shape = broadcast_shapes(name, x.shape, y.shape)
    x = broadcast_to(cast(x, dtype), shape)
    y = broadcast_to(cast(y, dtype), shape)
    if dtype is dt.bool_:
        name = _OF_BOOLS.get(name, name)
    return dispatch(name, (x, y))


def operand(name: str, value: Any, other: Any) -> Any:
    """The operand beside the Tensor ``other`` as a Tensor. Numbers take the other's dtype where they can."""
    if isinstance(value, TensorBase):
        return value
    if is_number(value):
        if isinstance(value, np.generic):
            value = value.item()
        dtype = dt.promote_scalar(other.dtype, value)
        if type(value) is int and not dtype.is_floating_point and not _fits(value, dtype):
            if not -(2**63) <= value < 2**63:
                raise err.UserValueError(f"{name}: the number {value} does not fit into int64")
            dtype = dt.int64
        if trace.capturing():
            return as_tensor(value, dtype)
        return _core.make_scalar(value, dtype)
    if isinstance(value, (np.ndarray, list, tuple)):
        return as_tensor(value)
    raise err.UserTypeError(f"{name}: a Tensor or a number was expected, but got {type(value).__name__}")


def _fits(value: int, dtype: dt.DType) -> bool:
    if dtype is dt.bool_:
        return value in (0, 1)
    info = np.iinfo(dtype.np_dtype)
    return info.min <= value <= info.max


def binary(name: str, x: Any, y: Any) -> Any:
    """An elementwise op of two operands with promotion and broadcasting.

    Raises:
        UserError: shapes that do not go together, or operands that are not numbers.
    """
    if trace.capturing() and (stands_for_number(x) or stands_for_number(y)):
        return _of_numbers(name, x, y)
    if isinstance(x, TensorBase):
        if not isinstance(y, TensorBase):
            y = operand(name, y, x)
    elif isinstance(y, TensorBase):
        x = operand(name, x, y)
    else:
        x, y = as_tensor(x), as_tensor(y)
    if x.dtype is y.dtype and x.shape == y.shape and x.dtype.kind == dt.FLOAT:
        return _eager(name, None, x, y)
    _common(name, x, y)  # errors are raised here, at the user's line
    broadcast_shapes(name, x.shape, y.shape)
    return _eager(_MIXED + name, None, x, y)


compare = binary


def _of_numbers(name: str, x: Any, y: Any) -> Any:
    """A binary op with a Tensor that stands for a Python number."""
    if all(stands_for_number(v) or is_number(v) for v in (x, y)):
        with precision.suspended():  # Python's arithmetic
            return _numbers(name, x, y)
    return _numbers(name, x, y)


def _numbers(name: str, x: Any, y: Any) -> Any:
    result = _eager(_MIXED + name, None, *beside_numbers(x, y, name == "div"))
    return result if name in _COMPARISONS else numbered(result, x, y)


def operator(name: str, reflected: bool = False, check: Any = None) -> Any:
    """A method of Tensor for a Python operator. Where the kernel exists, a call runs no Python code (docs/design/call-path.md)."""

    def fallback(left: Any, right: Any) -> Any:
        if check is not None:
            check(left, right)
        return binary(name, left, right)

    return _core.BinaryOp(_eager, name, _MIXED + name, fallback, reflected, f"Elementwise {name}, with promotion and broadcasting.")


def unary(name: str, x: Any, attrs: dict | None = None) -> Any:
    """An elementwise op of one operand."""
    result = dispatch(name, (as_tensor(x),), attrs)
    return numbered(result, x)


def float_unary(name: str, x: Any, attrs: dict | None = None) -> Any:
    """An elementwise op of one operand that computes in floating point: integers and bools become float32."""
    x = as_tensor(x)
    if x.dtype.kind != dt.FLOAT:
        x = cast(x, dt.float32)
    return dispatch(name, (x,), attrs)


def logical(name: str, *xs: Any) -> Any:
    """A logical op; operands become bool (not equal to 0)."""
    tensors = [cast(as_tensor(x), dt.bool_) for x in xs]
    if len(tensors) == 1:
        return dispatch(name, tensors)
    broadcast_shapes(name, *(t.shape for t in tensors))
    return _eager(_MIXED + name, None, *tensors)


@composite("mixed_select")
def _mixed_select(condition: Any, x: Any, y: Any) -> Any:
    dtype = dt.promote(x.dtype, y.dtype)
    shape = broadcast_shapes("where", condition.shape, x.shape, y.shape)
    condition = broadcast_to(cast(condition, dt.bool_), shape)
    return dispatch("select", (condition, broadcast_to(cast(x, dtype), shape), broadcast_to(cast(y, dtype), shape)))


def select(condition: Any, x: Any, y: Any) -> Any:
    """Elements of ``x`` where the condition holds, else of ``y``; with promotion and broadcasting."""
    condition = as_tensor(condition)
    if not isinstance(x, TensorBase) and isinstance(y, TensorBase):
        x = operand("where", x, y)
    x = as_tensor(x)
    y = operand("where", y, x)
    broadcast_shapes("where", condition.shape, x.shape, y.shape)
    return _eager("mixed_select", None, condition, x, y)


def element_count(shape: tuple) -> int:
    return math.prod(shape)


def concrete(x: Any, what: str) -> np.ndarray:
    """The values of a Tensor for Python. Raises as ``readable``."""
    readable(x, what)
    return asnumpy(x)


def readable(x: Any, what: str) -> None:
    """Asks whether Python may read a Tensor's values here.

    Raises:
        CaptureError: the Tensor is being traced; ``what`` names the Python operation that wanted its values.
    """
    capture = trace.current_capture()
    known = x._node is None
    if capture is not None and known:
        # Python may read what was there before the capture; the recorder sees to it that a change is noticed.
        known = id(x) not in capture.overwritten and (id(x) in capture.fresh or capture.recorder is None or capture.recorder.content(x))
    if not known:
        raise _unknown(x, what)


_REWRITES = {
    "use as an index": "a list or tuple is indexed by Python numbers: stack its elements (ops.stack) and index the Tensor",
    "numpy.asarray()": "use the function of cellgrad.ops in place of NumPy's, or call NumPy outside the compiled function",
    "asnumpy()": "keep the computation in Tensors (cellgrad.ops has NumPy's functions), or return the Tensor and convert it outside the compiled function",
}


def _unknown(x: Any, what: str) -> Exception:
    from .convert import why_not

    code = locations.user_code()
    reason = why_not(code) if code is not None else None
    hint = _REWRITES.get(what, "keep the computation in Tensors (ops.where chooses element by element), or move this line out of the compiled function")
    notes: tuple = ()
    if reason is not None and code is not None:
        name = "this lambda" if code.co_name == "<lambda>" else code.co_name
        notes = (f"`if`, `while` and `for` in {name} stay Python, because {reason}",)
        hint = f"write {name} as an ordinary function in a file, with def and return" if "source" in reason else "write it as an ordinary function that returns its result"
    elif code is not None and what.startswith("`if`") and "__cg__" not in code.co_freevars and not locations.is_block(code):
        notes = (f"{code.co_name} was called by Python or a library, not by converted code (an operator method, a callback), so its `if`, `while` and `for` stay Python",)
        hint = "call it by its name from the function that is compiled"
    if precision.current() is not None:
        notes += ("a Cell with to_float, or lowered by amp, runs as a compiled program, outside of jit as well",)
    return err.CaptureError(f"{what} needs the values of {describe_tensor(x)} while the program is being captured, when they are not known yet", hint=hint, notes=notes)


def describe_tensor(x: Any) -> str:
    """Dtype and shape, in the words of an error."""
    return f"{'an' if str(x.dtype)[0] in 'AIU' else 'a'} {x.dtype} Tensor of shape {x.shape}"
