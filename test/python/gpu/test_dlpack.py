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
