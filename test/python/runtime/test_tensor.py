"""TensorBase: construction, getters, views, copies, exchange with NumPy and DLPack."""
import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
from support import Tensor, tensor, values

from cellgrad._runtime import _core
from cellgrad._runtime import dtype as dt
from cellgrad._runtime.tensor_data import asnumpy, from_numpy, from_value


@pytest.mark.parametrize("dtype", dt.SUPPORTED, ids=str)
def test_round_trip_of_every_dtype(dtype):
    array = np.array([[0, 1, 2], [1, 0, 3]]).astype(dtype.np_dtype)
    t = from_value(array)
    assert type(t) is Tensor and t.dtype is dtype and t.shape == (2, 3) and t.ndim == 2 and t.size == 6
    assert t.itemsize == dtype.itemsize and t.nbytes == 6 * dtype.itemsize and t.data_ptr() % 64 == 0
    back = asnumpy(t)
    assert back.dtype == dtype.np_dtype and np.array_equal(back, array)
    copied = pickle.loads(pickle.dumps(t))
    assert copied.dtype is dtype and np.array_equal(asnumpy(copied), array)
    assert tensor(1, dtype)._item() == 1


def test_copies_do_not_share_memory():
    t = tensor([1.0, 2.0])
    for other in (t._copy(), copy.copy(t), copy.deepcopy(t), from_value(t), pickle.loads(pickle.dumps(t))):
        assert type(other) is Tensor
        asnumpy(other)[0] = 9
        assert values(t) == [1, 2]


def test_asnumpy_shares_memory_and_keeps_it_alive():
    t = tensor([1.0, 2.0])
    array = asnumpy(t)
    array[0] = 5
    assert values(t) == [5, 2]
    del t
    gc.collect()
    junk = [tensor([7.0, 7.0]) for _ in range(50)]
    assert array.tolist() == [5, 2] and junk


def test_views_stay_valid_when_the_tensor_takes_other_memory():
    t = tensor([1.0, 2.0])
    array = asnumpy(t)
    t._rebind(tensor([[3], [4], [5]]))
    junk = [tensor([7.0, 7.0]) for _ in range(50)]
    assert array.tolist() == [1, 2] and values(t) == [[3], [4], [5]] and t.dtype is dt.int64 and junk


def test_from_numpy_shares_where_it_can():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    t = from_numpy(array)
    array[1, 2] = 50
    assert values(t)[1][2] == 50 and t.data_ptr() == array.ctypes.data
    part = from_numpy(array[:, ::2])
    array[0, 0] = 9
    assert values(part)[0][0] == 0, "not contiguous: a copy"
    array.flags.writeable = False
    fixed = from_numpy(array)
    assert not asnumpy(fixed).flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        fixed._set_from(tensor(np.zeros((2, 3), np.float32)))
    with pytest.raises(TypeError, match="Expected a NumPy array"):
        from_numpy([1])


def test_misaligned_memory_is_copied():
    raw = np.zeros(9, np.uint8)
    odd = raw[1:].view(np.float32)
    t = from_numpy(odd)
    assert t.data_ptr() != odd.ctypes.data and t.data_ptr() % 4 == 0


def test_values_of_python_numbers_as_mindspore_has_them():
    cases = [([1.5, 2], dt.float32), ([1, 2], dt.int64), ([True, 2], dt.int64), ([True], dt.bool_), (2.5, dt.float32), (3, dt.int64),
             (True, dt.bool_), ([], dt.float32), (np.float64(2), dt.float64), ([np.float64(1.5)], dt.float32), (np.int32(2), dt.int32)]
    for value, dtype in cases:
        assert from_value(value).dtype is dtype, value
    assert values(from_value([1.7, -1.7], dt.int32)) == [1, -1]
    assert from_value(300, dt.int8)._item() == 44
    assert values(from_value([tensor([1.0, 2.0]), tensor([3.0, 4.0])])) == [[1, 2], [3, 4]]
    for bad in ([[1, 2], [3]], [1, "a"], [None], {1: 2}, "abc", None, range(3), np.array(["a"]), np.array([1], object), 1j, [1j], [2**63]):
        with pytest.raises(TypeError):
            from_value(bad)
    for bad in (2**70, [2**70]):
        with pytest.raises(OverflowError):
            from_value(bad)


def test_unsupported_dtypes_are_refused_by_name():
    with pytest.raises(TypeError, match="complex64 is not supported by cellgrad"):
        from_value([1.0], dt.complex64)
    with pytest.raises(TypeError, match="Complex64 is not supported by cellgrad"):
        _core.empty(dt.complex64, (2,))
    with pytest.raises(TypeError, match="uint16 is not supported"):
        from_value(np.zeros(2, np.uint16))
    with pytest.raises(TypeError, match="dtype"):
        _core.empty("what", (2,))
    with pytest.raises(ValueError, match="at most 8"):
        _core.empty(dt.float32, (1,) * 9)
    with pytest.raises(ValueError, match="negative"):
        _core.empty(dt.float32, (-1,))
    with pytest.raises(MemoryError, match="too large"):
        _core.empty(dt.float32, (2**40, 2**40))


def test_scalars():
    assert _core.make_scalar(65520.0, dt.float16)._item() == float("inf")
    assert _core.make_scalar(1.00390625, dt.bfloat16)._item() == 1.0  # ties to even
    assert np.isnan(_core.make_scalar(float("nan"), dt.bfloat16)._item())
    assert _core.make_scalar(-5, dt.int16)._item() == -5
    with pytest.raises(OverflowError):
        _core.make_scalar(300, dt.int8)
    with pytest.raises(ValueError, match="only one element"):
        tensor([1, 2])._item()


def test_alias_and_set_from():
    t = tensor([[1, 2], [3, 4]])
    flat = t._alias((4,))
    asnumpy(flat)[0] = 9
    assert values(t) == [[9, 2], [3, 4]]
    t._set_from(tensor([[5, 6], [7, 8]]))
    assert values(flat) == [5, 6, 7, 8]
    with pytest.raises(ValueError):
        t._alias((3,))
    with pytest.raises(ValueError, match="cannot write"):
        t._set_from(flat)


def test_empty_tensors():
    for shape in ((0,), (0, 3), (2, 0)):
        t = from_value(np.zeros(shape, np.float32))
        assert t.shape == shape and t.size == 0 and asnumpy(t).shape == shape and t.data_ptr()
    assert asnumpy(_core.empty(dt.bfloat16, (0, 2))).shape == (0, 2)


def test_traced_tensors_have_no_values():
    node = ["an SSA value"]
    t = _core.traced(dt.float32, (2, 3), node)
    assert t._node is node and t.shape == (2, 3) and t.dtype is dt.float32 and not t._has_data
    for action in (asnumpy, lambda t: t.data_ptr(), lambda t: t._copy(), lambda t: t._item(), pickle.dumps, lambda t: t.__dlpack__()):
        with pytest.raises(RuntimeError, match="being traced"):
            action(t)
    node.append(t)  # a cycle through the node is collected
    ref = weakref.ref(t)
    del t, node
    gc.collect()
    assert ref() is None


def test_subclass_with_attributes():
    class Param(Tensor):
        pass

    p = from_value([1.0, 2.0], None, Param)
    p.name = "w"
    twin = copy.deepcopy(p)
    assert type(twin) is Param and twin.name == "w" and values(twin) == [1, 2] and twin.data_ptr() != p.data_ptr()
    p.self = p
    ref = weakref.ref(p)
    del p
    gc.collect()
    assert ref() is None


def test_dlpack_with_numpy():
    t = tensor([[1.0, 2.0], [3.0, 4.0]])
    assert t.__dlpack_device__() == (1, 0)
    array = np.from_dlpack(t)
    array[0, 0] = 8
    assert values(t)[0][0] == 8
    del t
    gc.collect()
    assert array.tolist() == [[8, 2], [3, 4]]
    source = np.arange(6, dtype=np.int32).reshape(2, 3)
    back = _core.from_dlpack(source)
    source[0, 0] = 7
    assert values(back) == [[7, 1, 2], [3, 4, 5]]
    strided = _core.from_dlpack(source.T)
    assert values(strided) == source.T.tolist() and strided.data_ptr() != source.ctypes.data
    capsule = tensor([1]).__dlpack__()
    assert values(_core.from_dlpack(capsule)) == [1]
    with pytest.raises(TypeError, match="already consumed"):
        _core.from_dlpack(capsule)
    with pytest.raises(TypeError, match="from_dlpack takes"):
        _core.from_dlpack(3)
    with pytest.raises(TypeError, match="not supported"):
        _core.from_dlpack(np.zeros(2, np.complex64))
    bf = from_value([1.5, 2.5], dt.bfloat16)
    assert values(_core.from_dlpack(bf)) == [1.5, 2.5] and _core.from_dlpack(bf).dtype is dt.bfloat16


def test_no_memory_is_lost():
    def work():
        t = tensor(np.ones((16, 16), np.float32))
        asnumpy(t)
        t._alias((256,))
        copy.deepcopy(t)
        _core.from_dlpack(t)
        np.from_dlpack(t)
        from_numpy(np.ones(3))

    work()
    gc.collect()
    used = _core.memory_stats()["used_bytes"]
    for _ in range(200):
        work()
    gc.collect()
    assert _core.memory_stats()["used_bytes"] == used
