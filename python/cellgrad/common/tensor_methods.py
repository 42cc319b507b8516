"""The methods of Tensor. Most are the function of ``ops`` of the same name with the Tensor as first argument."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _errors as err
from .._frontend import state, trace
from .._frontend.dispatch import as_tensor, cast, full
from .._runtime import device
from .._runtime import dtype as dt
from .tensor import Tensor

_functions: dict[str, Callable] = {}


def _ops(name: str) -> Callable:
    found = _functions.get(name)
    if found is None:
        from .. import ops  # at the first use: importing cellgrad stays quick

        found = _functions[name] = getattr(ops, name)
    return found


# Same name, same arguments after the first.
_SAME = """
abs acos acosh add addmm all any argsort asin asinh atan atan2 atanh bmm broadcast_to ceil chunk clamp clip cos cosh cross cumprod cumsum diag diagonal div dot eq
equal erf erfc exp expand_dims expm1 flip floor floor_divide fmod gather gather_elements ge greater greater_equal gt index_select inner isclose isfinite isinf
isnan le less less_equal log log10 log1p log2 logical_and logical_not logical_or logical_xor logsumexp lt masked_fill masked_select matmul maximum minimum mm
moveaxis multiply narrow ne neg negative nonzero norm not_equal outer permute pow reciprocal relu remainder repeat_interleave roll round rsqrt scatter_add
select sigmoid sign sin sinh softmax sort split sqrt square squeeze std sub subtract swapaxes swapdims take tan tanh tile topk tril triu true_divide trunc unbind
unsqueeze var where
""".split()
# Another name, or a method that the function of that name does not serve.
_RENAMED = {"mul": "mul", "absolute": "abs", "divide": "div", "logical_xor": "logical_xor", "gather_nd": "gather_nd", "erfinv": "erfinv", "repeat": "repeat_interleave",
            "mod": "floor_mod", "floor_mod": "floor_mod", "argmax_with_value": "argmax_with_value", "amax": "amax", "amin": "amin"}


def _bind(method: str, function: str) -> None:
    def call(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return _ops(function)(self, *args, **kwargs)

    call.__name__ = method
    call.__qualname__ = f"Tensor.{method}"
    call.__doc__ = f"``ops.{function}`` of this Tensor; see there."
    setattr(Tensor, method, call)


for _name in _SAME:
    _bind(_name, _name)
for _name, _function in _RENAMED.items():
    _bind(_name, _function)


def _method(function: Callable) -> Callable:
    setattr(Tensor, function.__name__, function)
    return function


def _sizes(sizes: tuple) -> tuple:
    """``(2, 3)`` of ``f(2, 3)``, ``f((2, 3))`` and ``f([2, 3])``."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    return tuple(int(s) for s in sizes)


# -- reductions ---------------------------------------------------------------------------------------------------------
@_method
def sum(self: Tensor, axis: Any = None, dtype: Any = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """The sum over ``axis`` (all of them by default); of bools as int64."""
    result = _ops("sum")(self if dtype is None else self.astype(dtype), axis, keepdims)
    return result if initial is None else result + initial


@_method
def mean(self: Tensor, axis: Any = None, keep_dims: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean over ``axis`` (all of them by default)."""
    return _ops("mean")(self if dtype is None else self.astype(dtype), axis, keep_dims)


@_method
def prod(self: Tensor, axis: Any = None, keep_dims: bool = False, dtype: Any = None) -> Tensor:
    """The product over ``axis`` (all of them by default)."""
    return _ops("prod")(self if dtype is None else self.astype(dtype), axis, keep_dims)


def _extreme(self: Tensor, name: str, axis: Any, keepdims: bool, return_indices: bool) -> Any:
    if return_indices:
        return _ops(name)(self, axis, keepdims)
    return _ops("a" + name)(self, axis, keepdims)


@_method
def max(self: Tensor, axis: Any = None, keepdims: bool = False, *, return_indices: bool = False) -> Any:
    """The largest element over ``axis``; with ``return_indices`` also where it is. A tie shares the gradient."""
    return _extreme(self, "max", axis, keepdims, return_indices)


@_method
def min(self: Tensor, axis: Any = None, keepdims: bool = False, *, return_indices: bool = False) -> Any:
    """The smallest element over ``axis``; with ``return_indices`` also where it is. A tie shares the gradient."""
    return _extreme(self, "min", axis, keepdims, return_indices)


@_method
def argmax(self: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The position of the largest element, int64."""
    return _ops("argmax")(self, axis, keepdims)


@_method
def argmin(self: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The position of the smallest element, int64."""
    return _ops("argmin")(self, axis, keepdims)


# -- shapes ---------------------------------------------------------------------------------------------------------------
@_method
def reshape(self: Tensor, *shape: Any) -> Tensor:
    """The elements in row-major order under another shape; one size may be -1."""
    return _ops("reshape")(self, _sizes(shape))


@_method
def view(self: Tensor, *shape: Any) -> Tensor:
    """As ``reshape``."""
    return _ops("reshape")(self, _sizes(shape))


@_method
def view_as(self: Tensor, other: Tensor) -> Tensor:
    """As ``reshape`` to the shape of ``other``."""
    return _ops("reshape")(self, other.shape)


Tensor.reshape_as = view_as  # type: ignore[attr-defined]


@_method
def transpose(self: Tensor, *axes: Any) -> Tensor:
    """The dimensions in the given order, reversed by default."""
    order = tuple(axes[0]) if len(axes) == 1 and isinstance(axes[0], (tuple, list)) else tuple(axes)
    return _ops("permute")(self, order or tuple(range(self.ndim))[::-1])


@_method
def permute(self: Tensor, *axis: Any) -> Tensor:
    """The dimensions in the given order."""
    return _ops("permute")(self, _sizes(axis))


@_method
def flatten(self: Tensor, order: str = "C", *, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from ``start_dim`` to ``end_dim`` joined."""
    return _ops("flatten")(self, order, start_dim=start_dim, end_dim=end_dim)


@_method
def ravel(self: Tensor) -> Tensor:
    """All elements in one dimension."""
    return _ops("reshape")(self, (-1,))


@_method
def expand(self: Tensor, *size: Any) -> Tensor:
    """As ``broadcast_to``; -1 keeps a size."""
    return _ops("broadcast_to")(self, _sizes(size))


@_method
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """As ``broadcast_to`` the shape of ``other``."""
    return _ops("broadcast_to")(self, other.shape)


@_method
def t(self: Tensor) -> Tensor:
    """The transpose of a matrix; a vector as it is."""
    if self.ndim > 2:
        raise err.ShapeError(f"t: at most 2 dimensions were expected, but got shape {self.shape}", hint="use permute or swapaxes")
    return self.T


# -- dtypes -----------------------------------------------------------------------------------------------------------------
@_method
def astype(self: Tensor, dtype: Any, copy: bool = True) -> Tensor:
    """The elements converted to a dtype.

    Raises:
        TypeError: not a dtype.
    """
    target = dt.as_dtype(dtype)
    return cast(self, target) if target is not self.dtype or not copy else self


@_method
def to(self: Tensor, dtype: Any) -> Tensor:
    """As ``astype``; with a device (``"CPU"``, ``"GPU"``, ``"GPU:1"``, ``"Ascend"``), the elements in its memory: the Tensor itself where it is there.

    Raises:
        TypeError: neither a dtype nor a device.
        RuntimeError: there is no such device.
    """
    if not isinstance(dtype, str) or not dtype.upper().startswith(("CPU", "GPU", "CUDA", "ASCEND")):
        return self.astype(dtype)
    number = device.parse(dtype)
    if self._node is not None or self._device == number:  # a program's values are where it runs
        return self
    return self._to(number)


@_method
def type(self: Tensor, dtype: Any = None) -> Any:
    """As ``astype``; without a dtype, the name of the present one."""
    return str(self.dtype) if dtype is None else self.astype(dtype)


@_method
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The elements converted to the dtype of ``other``."""
    return self.astype(other.dtype)


def _convert(method: str, dtype: dt.DType) -> None:
    def call(self: Tensor) -> Tensor:
        return cast(self, dtype)

    call.__name__, call.__doc__ = method, f"The elements as {dtype.name}."
    setattr(Tensor, method, call)


for _name, _dtype in (("float", dt.float32), ("double", dt.float64), ("half", dt.float16), ("bfloat16", dt.bfloat16), ("int", dt.int32), ("long", dt.int64),
                      ("short", dt.int16), ("byte", dt.uint8), ("bool", dt.bool_)):
    _convert(_name, _dtype)


@_method
def is_floating_point(self: Tensor) -> Any:
    """Whether the dtype is a float."""
    return self.dtype.is_floating_point


# -- copies, new Tensors, in place ---------------------------------------------------------------------------------------------
@_method
def copy(self: Tensor) -> Tensor:
    """A Tensor of its own memory with the same elements."""
    capture = trace.current_capture()
    if capture is None:
        return self._copy()
    return capture.frame.tensor(capture.frame.value(self))


Tensor.clone = copy  # type: ignore[attr-defined]


@_method
def contiguous(self: Tensor) -> Tensor:
    """The Tensor: all are contiguous."""
    return self


@_method
def is_contiguous(self: Tensor) -> Any:
    return True


@_method
def detach(self: Tensor) -> Tensor:
    """The same values without a derivative."""
    return _ops("stop_gradient")(self)


@_method
def stop_gradient(self: Tensor) -> Tensor:
    """The same values without a derivative."""
    return _ops("stop_gradient")(self)


@_method
def new_zeros(self: Tensor, size: Any, dtype: Any = None) -> Tensor:
    """Zeros of a shape, of this Tensor's dtype by default."""
    return full(_sizes((size,)), 0, self.dtype if dtype is None else dt.as_dtype(dtype))


@_method
def new_ones(self: Tensor, size: Any, dtype: Any = None) -> Tensor:
    """Ones of a shape, of this Tensor's dtype by default."""
    return full(_sizes((size,)), 1, self.dtype if dtype is None else dt.as_dtype(dtype))


@_method
def fill(self: Tensor, value: Any) -> Tensor:
    """A Tensor of this shape and dtype filled with a number."""
    return full(self.shape, value, self.dtype)


@_method
def copy_(self: Tensor, source: Any) -> Tensor:
    """Takes the elements of ``source``, broadcast and cast to this Tensor's shape and dtype, in place."""
    return state.assign(self, _ops("broadcast_to")(as_tensor(source), self.shape))


@_method
def fill_(self: Tensor, value: Any) -> Tensor:
    """Fills the Tensor with a number, in place."""
    return state.assign(self, full(self.shape, value, self.dtype))


@_method
def zero_(self: Tensor) -> Tensor:
    """Fills the Tensor with 0, in place."""
    return state.assign(self, full(self.shape, 0, self.dtype))


@_method
def assign_value(self: Tensor, value: Any) -> Tensor:
    """Takes the elements of ``value``, in place."""
    return state.assign(self, value)


def _in_place(method: str, function: str) -> None:
    def call(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return state.assign(self, _ops(function)(self, *args, **kwargs))

    call.__name__, call.__doc__ = method, f"``ops.{function}`` of this Tensor, written into it."
    setattr(Tensor, method, call)


for _name in ("add", "sub", "mul", "div", "clamp"):
    _in_place(_name + "_", _name)


# -- sizes ---------------------------------------------------------------------------------------------------------------------
@_method
def numel(self: Tensor) -> Any:
    """The number of elements."""
    return self.size


@_method
def dim(self: Tensor) -> Any:
    """The number of dimensions."""
    return self.ndim


@_method
def nelement(self: Tensor) -> Any:
    """The number of elements."""
    return self.size


@_method
def element_size(self: Tensor) -> Any:
    """Bytes per element."""
    return self.itemsize
