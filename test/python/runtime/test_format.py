"""repr and str of Tensors: every text below is what MindSpore 2.10 prints."""
import numpy as np
import pytest
from support import Tensor, tensor

from cellgrad._runtime import _core
from cellgrad._runtime import dtype as dt
from cellgrad._runtime.tensor_data import from_value

VECTORS = [
    (np.float32([75, 75]), "Tensor(shape=[2], dtype=Float32, value= [ 7.50000000e+01,  7.50000000e+01])"),
    (np.int64([-1, 2, -300]), "Tensor(shape=[3], dtype=Int64, value= [  -1,    2, -300])"),
    (np.array([True, False]), "Tensor(shape=[2], dtype=Bool, value= [ True, False])"),
    (np.float16([1.5, np.nan]), "Tensor(shape=[2], dtype=Float16, value= [ 1.5000e+00,         nan])"),
    (np.float64([1.5, 2e200, -1e-300]), "Tensor(shape=[3], dtype=Float64, value= [ 1.50000000e+00, 2.00000000e+200, -1.00000000e-300])"),
    (np.float32([np.nan, np.inf, -np.inf, -0.0]),
     "Tensor(shape=[4], dtype=Float32, value= [            nan,             inf,            -inf, -0.00000000e+00])"),
    (np.zeros(0, np.float32), "Tensor(shape=[0], dtype=Float32, value= )"),
    (np.zeros((2, 0), np.int32), "Tensor(shape=[2, 0], dtype=Int32, value=\n)"),
    (np.arange(2000), "Tensor(shape=[2000], dtype=Int64, value= [   0,    1,    2 ... 1997, 1998, 1999])"),
    (np.array([1, 2, 3] + [10**9] * 2000 + [4, 5, 6]), "Tensor(shape=[2006], dtype=Int64, value= [1, 2, 3 ... 4, 5, 6])"),
    (np.arange(24), "Tensor(shape=[24], dtype=Int64, value= [ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17, 18, "
     "19, 20, 21, 22, 23\n ])"),
    (np.arange(26) > 3, "Tensor(shape=[26], dtype=Bool, value= [False, False, False, False,  True,  True,  True,  True,  True,  True,  True, "
     " True, \n  True,  True,  True,  True,  True,  True,  True,  True,  True,  True,  True,  True, \n  True,  True])"),
]
SCALARS = [(np.float32(3), "3"), (np.float32(1 / 3), "0.333333"), (np.float32(123456789), "1.23457e+08"), (np.float32(-0.0), "-0"),
           (np.float64(1e-5), "1e-05"), (np.float16(0.1), "0.0999756"), (np.int8(-5), "-5"), (np.bool_(True), "True"), (np.float32(np.nan), "nan")]
MATRIX = """Tensor(shape=[2, 3, 2], dtype=Float32, value=
[[[ 0.00000000e+00,  1.00000000e+00],
  [ 2.00000000e+00,  3.00000000e+00],
  [ 4.00000000e+00,  5.00000000e+00]],
 [[ 6.00000000e+00,  7.00000000e+00],
  [ 8.00000000e+00,  9.00000000e+00],
  [ 1.00000000e+01,  1.10000000e+01]]])"""
SHORTENED = """Tensor(shape=[7, 7], dtype=Int64, value=
[[ 0,  1,  2 ...  4,  5,  6],
 [ 7,  8,  9 ... 11, 12, 13],
 [14, 15, 16 ... 18, 19, 20],
 ...
 [28, 29, 30 ... 32, 33, 34],
 [35, 36, 37 ... 39, 40, 41],
 [42, 43, 44 ... 46, 47, 48]])"""


@pytest.mark.parametrize("array, text", VECTORS)
def test_vectors(array, text):
    assert repr(from_value(array)) == text


@pytest.mark.parametrize("value, text", SCALARS)
def test_scalars(value, text):
    t = from_value(value)
    assert repr(t) == f"Tensor(shape=[], dtype={t.dtype}, value= {text})"


def test_matrices():
    assert repr(from_value(np.arange(12, dtype=np.float32).reshape(2, 3, 2))) == MATRIX
    assert repr(from_value(np.arange(49).reshape(7, 7))) == SHORTENED


def test_str_is_that_of_numpy():
    assert str(tensor([-0.0, 18.0])) == "[-0. 18.]"
    assert str(tensor([0.0, 6.0])) == "[0. 6.]"
    assert str(tensor(3.5)) == "3.5"
    assert str(from_value([1.5, 2.0], dt.bfloat16)) == "[1.5 2. ]"
    assert repr(from_value([1.5, 2.0], dt.bfloat16)) == "Tensor(shape=[2], dtype=BFloat16, value= [ 1.5000e+00,  2.0000e+00])"
    assert repr((tensor([1]), tensor(2))) == "(Tensor(shape=[1], dtype=Int64, value= [1]), Tensor(shape=[], dtype=Int64, value= 2))"


def test_traced_tensors_show_no_values():
    assert repr(_core.traced(dt.float32, (2,), "node")) == "Tensor(shape=[2], dtype=Float32, value= <traced>)"
    assert str(Tensor.__str__(_core.traced(dt.int8, (), "node"))) == "Tensor(shape=[], dtype=Int8, value= <traced>)"
