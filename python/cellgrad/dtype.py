"""The dtypes under their own module, as MindSpore has it: ``from cellgrad import dtype as mstype``."""
from ._runtime.dtype import *
from ._runtime.dtype import (  # noqa: F401
    DType, bfloat16, bool_, byte, complex64, complex128, double, float16, float32, float64, half, int8, int16, int32, int64, intc, intp, short, single, ubyte,
    uint8, uint16, uint32, uint64, uintc, uintp, ushort,
)
