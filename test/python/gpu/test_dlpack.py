"""DLPack with device memory: no copy, and the streams of both sides in order."""
from __future__ import annotations

import gc

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor
from cellgrad._runtime import _core

CUDA = 2


class Producer:
    """Another library's tensor: hands over ours, and notes what it was asked."""

    def __init__(self, tensor: Tensor, versioned: bool = True) -> None:
        self.tensor, self.versioned, self.asked = tensor, versioned, []

    def __dlpack_device__(self):
        return self.tensor.__dlpack_device__()

    def __dlpack__(self, **asked):
        if not self.versioned and "max_version" in asked:
            raise TypeError("max_version is not known")
        self.asked.append(asked)
        return self.tensor.__dlpack__(**asked)


@pytest.mark.parametrize("versioned", [True, False])
def test_memory_is_shared_both_ways(versioned):
    x = Tensor([1.0, 2.0, 3.0]) * 1.0
    producer = Producer(x, versioned)
    y = _core.from_dlpack(producer)
    assert y.device == "GPU:0" and y.data_ptr() == x.data_ptr() and y.dtype == ms.float32
    stream = producer.asked[-1]["stream"]
    assert isinstance(stream, int) and stream not in (0, -1)  # ours, so that the producer's work comes first
    assert (y + 1.0).asnumpy().tolist() == [2.0, 3.0, 4.0]
    ms.jit(lambda: y.copy_(y + 1.0))()
    assert x.asnumpy().tolist() == [2.0, 3.0, 4.0]


def test_the_message_keeps_the_memory_alive():
    gc.collect()
    used = ms.runtime.memory_stats("GPU")["used_bytes"]
    x = Tensor(np.ones(1000, np.float32)) * 2.0
    y = _core.from_dlpack(x)
    del x
    gc.collect()
    assert y.asnumpy().sum() == 2000
    assert ms.runtime.memory_stats("GPU")["used_bytes"] > used
    del y
    gc.collect()
    assert ms.runtime.memory_stats("GPU")["used_bytes"] == used


def test_devices_and_streams_that_are_asked_for(second_gpu):
    x = Tensor([1.0, 2.0]).to(second_gpu)
    assert x.__dlpack_device__() == (CUDA, 1)
    for stream in (None, -1, 1, 2):
        x.__dlpack__(stream=stream)
    with pytest.raises(ValueError, match="not a stream"):
        x.__dlpack__(stream=0)
    with pytest.raises(BufferError, match="lives on device"):
        x.__dlpack__(dl_device=(1, 0))
    copied = _core.from_dlpack(x.__dlpack__(copy=True))
    assert copied.device == second_gpu and copied.data_ptr() != x.data_ptr() and copied.asnumpy().tolist() == [1.0, 2.0]


def test_imported_memory_stays_where_it_is():
    x = Tensor([1.0, 2.0]) * 1.0
    y = _core.from_dlpack(x)
    ms.set_context(device_target="CPU")
    assert (y * 3.0).asnumpy().tolist() == [3.0, 6.0]
    assert (x.device, y.device) == ("GPU:0", "GPU:0")


def test_the_host_is_told_that_it_cannot_look_into_device_memory():
    x = Tensor([1.0]) * 1.0
    with pytest.raises(BufferError, match="in the memory of GPU 0"):
        memoryview(x)
    with pytest.raises((BufferError, RuntimeError)):
        np.from_dlpack(x)
    assert Tensor([1.0]).__dlpack_device__() == (1, 0)


def raw_message(data: int, count: int, device_type: int = CUDA) -> object:
    """A DLPack message without an owner: floats at an address."""
    import ctypes

    class Message(ctypes.Structure):
        _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device", ctypes.c_int32), ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8),
                    ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16), ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.c_void_p),
                    ("byte_offset", ctypes.c_uint64), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]

    shape = (ctypes.c_int64 * 1)(count)
    message = Message(data, device_type, 0, 1, 2, 32, 1, shape, None, 0, None, None)
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    capsule = new(ctypes.addressof(message), b"dltensor", None)
    kept.append((message, shape))
    return capsule


kept: list = []


def test_memory_that_kernels_could_not_read_at_once_is_copied():
    """Kernels rely on addresses that are multiples of 16; a slice of another library's tensor may begin anywhere."""
    x = Tensor(np.arange(9, dtype=np.float32)) * 1.0
    ms.runtime.synchronize()
    for skipped in (1, 2, 3, 4):
        y = _core.from_dlpack(raw_message(x.data_ptr() + 4 * skipped, 9 - skipped))
        assert y.device == "GPU:0" and y.data_ptr() % 16 == 0
        assert (y.data_ptr() == x.data_ptr() + 16) == (skipped == 4)
        assert (y * 2.0).asnumpy().tolist() == [2.0 * k for k in range(skipped, 9)]


@pytest.mark.parametrize("place", ["somewhere", ("a GPU", 0)])
def test_a_producer_that_does_not_know_its_device_is_not_read_unordered(place):
    class Vague(Producer):
        def __dlpack_device__(self):
            return place

    producer = Vague(Tensor([1.0]) * 1.0)
    with pytest.raises(TypeError):
        _core.from_dlpack(producer)
    assert not producer.asked
