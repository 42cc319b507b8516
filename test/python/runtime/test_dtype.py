"""dtypes: text, conversion and promotion; the promotion tables were measured on MindSpore 2.10."""
import copy
import pickle

import numpy as np
import pytest

from cellgrad._runtime import dtype as dt

ORDER = [dt.bool_, dt.int8, dt.int16, dt.int32, dt.int64, dt.uint8, dt.float16, dt.float32, dt.float64, dt.bfloat16]
TABLE = """
Bool Int8 Int16 Int32 Int64 UInt8 Float16 Float32 Float64 BFloat16
Int8 Int8 Int16 Int32 Int64 Int16 Float16 Float32 Float64 BFloat16
Int16 Int16 Int16 Int32 Int64 Int16 Float16 Float32 Float64 BFloat16
Int32 Int32 Int32 Int32 Int64 Int32 Float16 Float32 Float64 BFloat16
Int64 Int64 Int64 Int64 Int64 Int64 Float16 Float32 Float64 BFloat16
UInt8 Int16 Int16 Int32 Int64 UInt8 Float16 Float32 Float64 BFloat16
Float16 Float16 Float16 Float16 Float16 Float16 Float16 Float32 Float64 Float32
Float32 Float32 Float32 Float32 Float32 Float32 Float32 Float32 Float64 Float32
Float64 Float64 Float64 Float64 Float64 Float64 Float64 Float64 Float64 Float64
BFloat16 BFloat16 BFloat16 BFloat16 BFloat16 BFloat16 Float32 Float32 Float64 BFloat16
""".split()
SCALAR = {
    True: "Bool Int8 Int16 Int32 Int64 UInt8 Float16 Float32 Float64 BFloat16",
    2: "Int64 Int8 Int16 Int32 Int64 UInt8 Float16 Float32 Float64 BFloat16",
    2.5: "Float32 Float32 Float32 Float32 Float32 Float32 Float16 Float32 Float64 BFloat16",
}


def test_promotion_of_two_tensors():
    assert [str(dt.promote(a, b)) for a in ORDER for b in ORDER] == TABLE


@pytest.mark.parametrize("value", SCALAR)
def test_promotion_with_a_number(value):
    assert " ".join(str(dt.promote_scalar(a, value)) for a in ORDER) == SCALAR[value]
    assert dt.promote_scalar(dt.int32, np.float64(1)) is dt.float32
    with pytest.raises(TypeError):
        dt.promote_scalar(dt.int32, "x")


def test_division():
    assert dt.division_dtype(dt.int64) is dt.float32 and dt.division_dtype(dt.float16) is dt.float16


def test_text_and_identity():
    assert str(dt.float32) == "Float32" and repr(dt.float32) == "cellgrad.float32" and str(dt.bool_) == "Bool"
    for d in dt.ALL:
        assert pickle.loads(pickle.dumps(d)) is d and copy.deepcopy(d) is d and copy.copy(d) is d and hash(d) == hash(d)
    assert dt.float32 == dt.single and dt.float32 != dt.float64 and dt.float32 != "Float32"


def test_conversions():
    assert dt.dtype_to_nptype(dt.float32) is np.float32 and dt.dtype_to_nptype(dt.bool_) is np.bool_
    assert dt.pytype_to_dtype(float) is dt.float64 and dt.pytype_to_dtype(int) is dt.int64 and dt.pytype_to_dtype(np.float32) is dt.float32
    assert dt.dtype_to_pytype(dt.float16) is float and dt.dtype_to_pytype(dt.uint8) is int
    for value in (np.float32, np.dtype("float32"), "float32", "Float32", float, dt.float32):
        assert dt.as_dtype(value) is dt.float32
    assert dt.as_dtype(dt.bfloat16.np_dtype) is dt.bfloat16
    for bad in (5, None, "float", list, dt.complex64, np.uint16, "complex128"):
        with pytest.raises(TypeError):
            dt.as_dtype(bad)
    with pytest.raises(NotImplementedError):
        dt.pytype_to_dtype(list)
    with pytest.raises(TypeError, match="newbyteorder"):
        dt.from_np_dtype(np.dtype(">f4"))
