"""Tensor: construction, operators, conversion to Python and NumPy. Its methods are bound in tensor_methods.py."""
from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _errors as err
from .._frontend import arith, indexing, trace
from .._frontend.dispatch import binary, concrete, is_number, operator, readable
from .._frontend.effects import traced_text
from .._frontend.numbers import numbered
from .._runtime import _core, device, tensor_data
from .._runtime import dtype as dt
from .._runtime.tensor_format import tensor_repr, tensor_str

__all__ = ["Tensor"]


def _note_fresh(tensor: Any) -> Any:
    capture = trace.current_capture()
    if capture is not None:
        capture.fresh[id(tensor)] = tensor
    return tensor


def _comparable(other: Any) -> bool:
    return isinstance(other, (_core.TensorBase, np.ndarray, list, tuple)) or is_number(other)


class Tensor(_core.TensorBase):
    """A dense array of one dtype.

    Outside compiled functions its operations run at once; inside, a Tensor stands for a value of the program being captured.

    Args:
        input_data: Tensor, NumPy array, Python number or nested list of numbers; copied. ``None`` with ``shape`` and ``init``.
        dtype: of the elements. Without it an array keeps its own; ``int`` becomes int64, ``float`` float32, ``bool`` bool.
        shape, init: the Tensor has this shape and is filled by an initializer (an object, a name or a number).
        const_arg: accepted as MindSpore has it; Tensors are never constants of a program.

    Raises:
        TypeError: data that are not numbers, or an unsupported dtype.
        ValueError: neither data nor shape and init.

    Examples:
        >>> Tensor([1, 2], ms.float32)
        Tensor(shape=[2], dtype=Float32, value= [ 1.00000000e+00,  2.00000000e+00])
    """

    __slots__ = ()

    if TYPE_CHECKING:  # bound below and in tensor_methods.py
        def __getattr__(self, name: str) -> Any: ...
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __rfloordiv__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __rmod__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __rmatmul__(self, other: Any) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __rand__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __ror__(self, other: Any) -> Tensor: ...
        def __xor__(self, other: Any) -> Tensor: ...
        def __rxor__(self, other: Any) -> Tensor: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...

    def __new__(cls, input_data: Any = None, dtype: Any = None, shape: Any = None, init: Any = None, const_arg: bool = False, device: Any = None) -> Tensor:
        if init is not None or shape is not None:
            return _note_fresh(cls._initialized(input_data, dtype, shape, init))
        if input_data is None:
            raise ValueError("For Tensor, one of 'input_data' and 'init' with 'shape' should be given.")
        if isinstance(input_data, Tensor) and not input_data._has_data:
            return input_data if dtype is None else input_data.astype(dtype)
        return _note_fresh(tensor_data.from_value(input_data, dtype, cls))

    @classmethod
    def _initialized(cls, input_data: Any, dtype: Any, shape: Any, init: Any) -> Tensor:
        if input_data is not None:
            raise ValueError("For Tensor, 'input_data' and 'init' cannot be given together.")
        if shape is None or dtype is None or init is None:
            raise ValueError("For Tensor, 'init' needs 'shape' and 'dtype' (and these need 'init').")
        from .initializer import initializer

        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        return tensor_data.from_value(initializer(init, shape, dt.as_dtype(dtype)), None, cls)

    @staticmethod
    def from_numpy(array: np.ndarray) -> Tensor:
        """A Tensor on the memory of a C-contiguous array (of any other array, a copy): a write to one shows in the other.

        Raises:
            TypeError: not an array, or of a dtype that is not supported.
        """
        return tensor_data.from_numpy(array)

    # -- printing, identity -------------------------------------------------------------------------------------------------
    def __repr__(self) -> str:
        return traced_text(self, "{!r}") or tensor_repr(self)

    def __str__(self) -> str:
        return traced_text(self, "{}") or tensor_str(self)

    def __format__(self, spec: str) -> str:
        traced = traced_text(self, f"{{:{spec}}}") if spec else None
        if traced:
            return traced
        if spec and self.size == 1 and self._has_data:
            return format(self._item(), spec)
        return format(str(self), spec)

    def __hash__(self) -> int:
        if self._node is not None:
            raise err.CaptureError("a Tensor as a key of a dict or an element of a set is found again by its identity, which a captured function does not keep",
                                   hint="use a Python value as key (a number, a string, a position), or a list in place of the set")
        return _core.TensorBase.__hash__(self)

    def __deepcopy__(self, memo: dict) -> Any:
        return self.copy() if self._node is not None else _core.TensorBase.__deepcopy__(self, memo)

    # -- to Python and NumPy --------------------------------------------------------------------------------------------------
    def asnumpy(self) -> np.ndarray:
        """The elements as a NumPy array that shares the Tensor's memory.

        Raises:
            CaptureError: the Tensor is being traced.
        """
        return concrete(self, "asnumpy()")

    numpy = asnumpy

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = concrete(self, "numpy.asarray()")
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def _one(self, what: str) -> Any:
        readable(self, what)
        if self.size != 1:
            raise err.UserValueError(f"{what}: The tensor should have only one element, but got {self.size}, more than one element is ambiguous.",
                                     hint="reduce it first (sum, all, any), or index one element")
        return self._item()

    def item(self, index: Any = None) -> Any:
        """One element as a Python number.

        Args:
            index: which one: an int into the flattened Tensor, or a tuple; ``None`` for a Tensor of one element.

        Raises:
            ValueError: more than one element and no index.
            CaptureError: the Tensor is being traced.
        """
        if index is None:
            return self._one("item()")
        return concrete(self, "item()").item(*(index if isinstance(index, tuple) else (index,)))

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return concrete(self, "tolist()").tolist()

    def __bool__(self) -> bool:
        if self._node is not None:
            concrete(self, "`if`, `while`, `and`, `or`, `not` or bool()")
        return bool(self._one("bool()"))

    def __int__(self) -> int:
        return int(self._one("int()"))

    def __float__(self) -> float:
        return float(self._one("float()"))

    def __index__(self) -> int:
        if self.dtype.kind in (dt.FLOAT, dt.BOOL):
            raise err.UserTypeError(f"index: an integer was expected, but got a {self.dtype} Tensor")
        return int(self._one("use as an index"))

    def __round__(self, digits: int | None = None) -> Any:
        return round(self._one("round()"), digits) if digits is not None else round(self._one("round()"))

    # -- a sequence of its first dimension ----------------------------------------------------------------------------------------
    def __len__(self) -> int:
        if not self.ndim:
            raise err.UserTypeError("Not support len of a 0-D tensor", hint="it is one number: use it as it is, or index or reduce along a dimension before")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d tensor")
        rows = self.copy()  # as they are now, also where the loop writes into the tensor: compiled loops see them so
        return (rows[i] for i in range(self.shape[0]))

    def __reversed__(self) -> Iterator[Tensor]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d tensor")
        rows = self.copy()
        return (rows[i] for i in range(self.shape[0] - 1, -1, -1))

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    def __getitem__(self, index: Any) -> Tensor:
        return indexing.getitem(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        indexing.setitem(self, index, value)

    # -- operators ----------------------------------------------------------------------------------------------------------------
    def __neg__(self) -> Tensor:
        return arith.negative(self)

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        return self.abs()

    def __invert__(self) -> Tensor:
        return arith.invert(self)

    def __eq__(self, other: Any) -> Any:
        return binary("equal", self, other) if _comparable(other) else NotImplemented

    def __ne__(self, other: Any) -> Any:
        return binary("not_equal", self, other) if _comparable(other) else NotImplemented

    @property
    def T(self) -> Tensor:
        """The dimensions in reverse order."""
        return self.transpose() if self.ndim > 1 else self

    @property
    def device(self) -> str:
        """Where its memory is at present: ``"CPU"``, a GPU, ``"GPU:0"``, or ``"Ascend:0"``. A Tensor moves to where programs use it; that of a value being traced is where
        the program will run."""
        return device.name_of(self._device if self._has_data else device.current().core)

    @property
    def strides(self) -> tuple:
        """Bytes from one element to the next along each dimension (row major)."""
        steps = []
        step = self.itemsize
        for size in reversed(self.shape):
            steps.append(step)
            step *= size
        return tuple(reversed(steps))


def _check_operands(symbol: str) -> Any:
    def check(left: Any, right: Any) -> None:
        if not (_comparable(left) and _comparable(right)):
            raise err.UserTypeError(f"unsupported operand types for {symbol}: {_kind(left)} and {_kind(right)}", hint="use a Tensor or a number")

    return check


def _kind(value: Any) -> str:
    return "Tensor" if isinstance(value, _core.TensorBase) else type(value).__name__


def _public(name: str) -> Any:
    """The function of ``ops``, which is imported at the first use."""

    def apply(x: Any, y: Any) -> Any:
        from .. import ops

        return getattr(ops, name)(x, y)

    return apply


def _operator(name: str, symbol: str, apply: Any) -> None:
    """``__name__``, and ``__rname__`` for a number on the left."""
    check = _check_operands(symbol)

    def forward(self: Tensor, other: Any) -> Any:
        check(self, other)
        return numbered(apply(self, other), self, other)

    def backward(self: Tensor, other: Any) -> Any:
        check(other, self)
        return numbered(apply(other, self), other, self)

    forward.__name__, backward.__name__ = f"__{name}__", f"__r{name}__"
    setattr(Tensor, f"__{name}__", forward)
    setattr(Tensor, f"__r{name}__", backward)


for _name, _symbol, _op in (("add", "+", "add"), ("sub", "-", "sub"), ("mul", "*", "mul"), ("truediv", "/", "div")):
    setattr(Tensor, f"__{_name}__", operator(_op, False, _check_operands(_symbol)))
    setattr(Tensor, f"__r{_name}__", operator(_op, True, _check_operands(_symbol)))
for _name, _symbol, _op in (("lt", "<", "less"), ("le", "<=", "less_equal"), ("gt", ">", "greater"), ("ge", ">=", "greater_equal")):
    setattr(Tensor, f"__{_name}__", operator(_op, False, _check_operands(_symbol)))
for _name, _symbol, _apply in (("floordiv", "//", _public("floor_div")), ("mod", "%", _public("floor_mod")), ("pow", "**", arith.power),
                               ("matmul", "@", _public("matmul")), ("and", "&", lambda x, y: arith.bitwise("logical_and", x, y)),
                               ("or", "|", lambda x, y: arith.bitwise("logical_or", x, y)), ("xor", "^", lambda x, y: arith.bitwise("logical_xor", x, y))):
    _operator(_name, _symbol, _apply)

_core.set_tensor_class(Tensor)

from . import tensor_methods  # noqa: E402,F401  (binds the methods)
