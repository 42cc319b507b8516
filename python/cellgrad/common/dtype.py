"""The dtypes under their own module, as MindSpore has it: ``from cellgrad.common import dtype as mstype``."""
from .._runtime.dtype import (
    DType, bfloat16, bool_, byte, complex64, complex128, double, dtype_to_nptype, dtype_to_pytype, float16, float32, float64, half, int8,
    int16, int32, int64, intc, intp, pytype_to_dtype, short, single, ubyte, uint8, uint16, uint32, uint64, uintc, uintp, ushort,
)

__all__ = [
    "DType", "bfloat16", "bool_", "byte", "complex64", "complex128", "double", "dtype_to_nptype", "dtype_to_pytype", "float16", "float32",
    "float64", "half", "int8", "int16", "int32", "int64", "intc", "intp", "pytype_to_dtype", "short", "single", "ubyte", "uint8", "uint16",
    "uint32", "uint64", "uintc", "uintp", "ushort",
]
