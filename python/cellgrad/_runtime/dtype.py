"""dtypes: MindSpore's names, NumPy's counterparts and the rules of implicit promotion.

Promotion, tensor with tensor (``promote``), measured on MindSpore 2.10:

* equal dtypes stay; ``bool_`` gives way to everything; a float beats every integer and keeps its own width;
* two floats: the wider one; ``float16`` with ``bfloat16`` gives ``float32``;
* two integers: the wider one; ``uint8`` with ``int8`` gives ``int16``.

Tensor with a Python number (``promote_scalar``): the tensor's dtype stays, unless the number is of a higher category:
``bool_`` tensor with ``int`` gives ``int64``; ``bool_`` or integer tensor with ``float`` gives ``float32``.
True division of two non-float operands gives ``float32`` (``division_dtype``).
"""
from __future__ import annotations

from typing import Any

import numpy as np

from . import _core

__all__ = ["DType", "as_dtype", "dtype_to_nptype", "dtype_to_pytype", "pytype_to_dtype", "promote", "promote_scalar", "division_dtype"]

BOOL, SIGNED, UNSIGNED, FLOAT, COMPLEX = range(5)


class DType:
    """An element type, such as ``cellgrad.float32``. One object per type: compare with ``is`` or ``==``.

    ``str(cellgrad.float32)`` is ``'Float32'``. Attributes: ``name``, ``code`` (see docs/design/call-path.md), ``itemsize``
    in bytes, ``np_dtype`` (``bfloat16`` is that of ml_dtypes), ``supported``.
    """

    __slots__ = ("name", "code", "itemsize", "kind", "_text", "_np", "__weakref__")
    name: str
    code: int
    itemsize: int
    kind: int

    def __init__(self, name: str, text: str, code: int, itemsize: int, kind: int, np_dtype: Any) -> None:
        self.name, self._text, self.code, self.itemsize, self.kind = name, text, code, itemsize, kind
        self._np = np_dtype

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"cellgrad.{self.name.rstrip('_')}"

    def __reduce__(self) -> Any:
        return _by_name, (self.name,)

    def __copy__(self) -> DType:
        return self

    def __deepcopy__(self, memo: Any) -> DType:
        return self

    @property
    def supported(self) -> bool:
        return self.code <= 9

    @property
    def np_dtype(self) -> np.dtype:
        if self._np is None:
            import ml_dtypes  # only bfloat16 needs it

            self._np = np.dtype(ml_dtypes.bfloat16)
        return self._np

    @property
    def is_floating_point(self) -> bool:
        return self.kind == FLOAT

    @property
    def is_complex(self) -> bool:
        return self.kind == COMPLEX

    @property
    def is_signed(self) -> bool:
        return self.kind in (SIGNED, FLOAT, COMPLEX)


def _table() -> list[DType]:
    rows = [
        ("bool_", "Bool", 1, BOOL, np.bool_), ("int8", "Int8", 1, SIGNED, np.int8), ("int16", "Int16", 2, SIGNED, np.int16),
        ("int32", "Int32", 4, SIGNED, np.int32), ("int64", "Int64", 8, SIGNED, np.int64), ("uint8", "UInt8", 1, UNSIGNED, np.uint8),
        ("float16", "Float16", 2, FLOAT, np.float16), ("bfloat16", "BFloat16", 2, FLOAT, None),
        ("float32", "Float32", 4, FLOAT, np.float32), ("float64", "Float64", 8, FLOAT, np.float64),
        # Known by name, refused wherever they are used.
        ("uint16", "UInt16", 2, UNSIGNED, np.uint16), ("uint32", "UInt32", 4, UNSIGNED, np.uint32),
        ("uint64", "UInt64", 8, UNSIGNED, np.uint64), ("complex64", "Complex64", 8, COMPLEX, np.complex64),
        ("complex128", "Complex128", 16, COMPLEX, np.complex128),
    ]
    return [DType(name, text, code, size, kind, None if np_type is None else np.dtype(np_type))
            for code, (name, text, size, kind, np_type) in enumerate(rows)]


ALL = _table()
SUPPORTED = ALL[:10]
(bool_, int8, int16, int32, int64, uint8, float16, bfloat16, float32, float64,
 uint16, uint32, uint64, complex64, complex128) = ALL
half, single, double = float16, float32, float64
byte, short, intc, intp, ubyte, ushort, uintc, uintp = int8, int16, int32, int64, uint8, uint16, uint32, uint64
_core.set_dtype_objects(ALL)
for _d in ALL:
    if _d is not bfloat16:
        _core.register_value_type(_d.np_dtype.type)  # NumPy scalars among arguments count by value

_NAMES = {d.name: d for d in ALL} | {str(d): d for d in ALL} | {"bool": bool_}
_NUMPY = {d.np_dtype: d for d in ALL if d is not bfloat16}
_PYTHON = {bool: bool_, int: int64, float: float32}


def _by_name(name: str) -> DType:
    return _NAMES[name]


def check_supported(dtype: DType) -> DType:
    """The dtype itself.

    Raises:
        TypeError: cellgrad has no tensors of that dtype.
    """
    if not dtype.supported:
        raise TypeError(f"{dtype.name} is not supported by cellgrad; supported dtypes: {', '.join(d.name for d in SUPPORTED)}")
    return dtype


def from_np_dtype(np_dtype: Any) -> DType:
    """The DType of a NumPy dtype in native byte order.

    Raises:
        TypeError: there is none, or it is not supported.
    """
    found = _NUMPY.get(np_dtype)
    if found is None:
        np_dtype = np.dtype(np_dtype)
        found = bfloat16 if np_dtype.name == "bfloat16" else _NUMPY.get(np_dtype)
    if found is None:
        hint = "; convert it with .astype(array.dtype.newbyteorder('=')) first" if not np_dtype.isnative else ""
        raise TypeError(f"NumPy dtype '{np_dtype}' is not supported by cellgrad; supported dtypes: "
                        f"{', '.join(d.name for d in SUPPORTED)}{hint}")
    return check_supported(found)


def as_dtype(value: Any) -> DType:
    """A supported DType from a DType, its name, a NumPy dtype or ``bool``, ``int``, ``float`` (``float32``).

    Raises:
        TypeError: the value names no supported dtype.
    """
    if isinstance(value, DType):
        return check_supported(value)
    if isinstance(value, str) and value in _NAMES:
        return check_supported(_NAMES[value])
    if isinstance(value, type) and value in _PYTHON:
        return _PYTHON[value]
    if isinstance(value, (np.dtype, type)):
        try:
            return from_np_dtype(np.dtype(value))
        except TypeError as error:
            if "is not supported by cellgrad" in str(error):
                raise
    raise TypeError(f"a dtype such as cellgrad.float32 was expected, got {value!r}")


def dtype_to_nptype(type_: DType) -> Any:
    """The NumPy scalar type of a dtype: ``float32`` -> ``numpy.float32``."""
    if not isinstance(type_, DType):
        raise TypeError(f"dtype_to_nptype takes a dtype, got {type_!r}")
    return type_.np_dtype.type


def dtype_to_pytype(type_: DType) -> type:
    """``bool``, ``int``, ``float`` or ``complex``."""
    if not isinstance(type_, DType):
        raise TypeError(f"dtype_to_pytype takes a dtype, got {type_!r}")
    return (bool, int, int, float, complex)[type_.kind]


def pytype_to_dtype(obj: Any) -> DType:
    """The dtype of a Python or NumPy type, as MindSpore has it: ``int`` -> ``int64``, ``float`` -> ``float64``.

    Raises:
        NotImplementedError: the type has no dtype.
    """
    if obj is float:
        return float64
    if obj is complex:
        return complex128
    try:
        return as_dtype(obj)
    except TypeError:
        raise NotImplementedError(f"Unsupported convert python type {obj} to a cellgrad dtype.") from None


def _promote(a: DType, b: DType) -> DType:
    if a is b:
        return a
    if a.kind == BOOL or b.kind == BOOL:
        return b if a.kind == BOOL else a
    if a.kind == FLOAT or b.kind == FLOAT:
        if a.kind != b.kind:
            return a if a.kind == FLOAT else b
        if a.itemsize == b.itemsize:
            return float32  # float16 with bfloat16
        return a if a.itemsize > b.itemsize else b
    if a.itemsize == b.itemsize:
        return int16  # int8 with uint8
    return a if a.itemsize > b.itemsize else b


_PROMOTED = {(a, b): _promote(a, b) for a in SUPPORTED for b in SUPPORTED}


def promote(a: DType, b: DType) -> DType:
    """The common dtype of two tensor operands."""
    if a is b:
        return a
    return _PROMOTED[a, b]


def promote_scalar(a: DType, value: Any) -> DType:
    """The common dtype of a tensor of dtype ``a`` and a Python ``bool``, ``int`` or ``float``.

    Raises:
        TypeError: the value is none of these.
    """
    kind = type(value)
    if kind is float:
        return a if a.kind == FLOAT else float32
    if kind is int:
        return int64 if a.kind == BOOL else a
    if kind is bool:
        return a
    if isinstance(value, (bool, np.bool_)):
        return a
    if isinstance(value, (int, np.integer)):
        return int64 if a.kind == BOOL else a
    if isinstance(value, (float, np.floating)):
        return a if a.kind == FLOAT else float32
    raise TypeError(f"a Python number was expected beside a {a} Tensor, got {kind.__name__}")


def division_dtype(common: DType) -> DType:
    """The dtype of ``x / y`` whose operands have the common dtype ``common``."""
    return common if common.kind == FLOAT else float32
