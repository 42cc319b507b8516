"""Where Tensors lie, and how they come to the host and to other devices."""
from __future__ import annotations

import copy
import pickle
import threading
import time

import ml_dtypes
import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Parameter, Tensor, ops


def on_gpu(values=(1.0, 2.0, 3.0), dtype=ms.float32) -> Tensor:
    return Tensor(list(values), dtype).to("GPU")


def test_an_input_moves_to_the_device_at_its_first_use_and_stays():
    x = Tensor([1.0, 2.0])
    assert x.device == "CPU"
    y = x * 2.0
    assert (x.device, y.device) == ("GPU:0", "GPU:0")
    where = x.data_ptr()
    assert (x + y).asnumpy().tolist() == [3.0, 6.0]
    assert x.data_ptr() == where


@pytest.mark.parametrize("elements", [3, 100_000])  # behind the header of the storage, and in a block of its own
def test_there_and_back(elements):
    values = np.arange(elements, dtype=np.float32)
    x = Tensor(values)
    x * 1.0
    ms.set_context(device_target="CPU")
    y = x + 1.0
    assert (x.device, y.device) == ("CPU", "CPU")
    assert (x.asnumpy() == values).all() and (y.asnumpy() == values + 1).all()
    ms.set_context(device_target="GPU")
    assert ((x * 2.0).asnumpy() == values * 2).all() and x.device == "GPU:0"


@pytest.mark.parametrize("dtype", [ms.bool_, ms.int8, ms.int16, ms.int32, ms.int64, ms.uint8, ms.float16, ms.bfloat16, ms.float32, ms.float64])
def test_every_dtype_survives_the_way(dtype):
    x = Tensor(np.array([[0, 1, 5], [7, 2, 3]]), dtype)
    there = x.to("GPU")
    assert there.device == "GPU:0" and there.dtype == dtype and there.shape == (2, 3)
    assert (there.asnumpy() == x.asnumpy()).all() and there.asnumpy().dtype == x.asnumpy().dtype
    assert (there.to("CPU").asnumpy() == x.asnumpy()).all()


def test_to_a_device_and_to_a_dtype():
    x = Tensor([1.5])
    there = x.to("GPU")
    assert x.device == "CPU" and there.to("gpu:0") is there and x.to("cpu") is x
    assert there.to(ms.int32).dtype == ms.int32
    with pytest.raises(RuntimeError, match="no GPU 7"):
        x.to("GPU:7")
    with pytest.raises(ValueError, match="a device is"):
        x.to("GPU:one")


def test_reading_on_the_host():
    x = on_gpu()
    assert float(x[1]) == 2.0 and x.item(2) == 3.0 and x.tolist() == [1.0, 2.0, 3.0]
    assert str(x) == "[1. 2. 3.]" and "Float32" in repr(x)
    assert np.asarray(x).tolist() == [1.0, 2.0, 3.0]
    assert bool(on_gpu([1.0])) and int(on_gpu([4.0])) == 4
    assert on_gpu([1, 2], ms.bfloat16).asnumpy().dtype == ml_dtypes.bfloat16
    assert x.device == "GPU:0"


def test_asnumpy_is_a_copy():
    x = Tensor([1.0, 2.0])
    before = x.asnumpy()
    x * 1.0
    after = x.asnumpy()
    before[0] = after[0] = 9.0
    assert x.asnumpy().tolist() == [1.0, 2.0]


def test_elements_can_be_written():
    x = on_gpu([[1.0, 2.0], [3.0, 4.0]])
    x[0, 1] = 9.0
    assert (x * 1.0).asnumpy().tolist() == [[1.0, 9.0], [3.0, 4.0]]


def test_pickle_and_copy():
    x = on_gpu()
    assert pickle.loads(pickle.dumps(x)).asnumpy().tolist() == [1.0, 2.0, 3.0]
    for other in (copy.copy(x), copy.deepcopy(x), x.copy()):
        assert other.device == "GPU:0" and other.data_ptr() != x.data_ptr()
        assert other.asnumpy().tolist() == [1.0, 2.0, 3.0]


def test_parameters_are_set_where_they_lie():
    p = Parameter(Tensor([1.0, 2.0]), name="p")
    p * 1.0
    where = p.data_ptr()
    p.set_data(Tensor([5.0, 6.0]))
    assert p.device == "GPU:0" and p.data_ptr() == where and p.asnumpy().tolist() == [5.0, 6.0]
    assert copy.deepcopy(p).asnumpy().tolist() == [5.0, 6.0]


def test_checkpoints(tmp_path):
    net = ms.nn.Dense(3, 2)
    net(on_gpu())
    ms.save_checkpoint(net, str(tmp_path / "net.ckpt"))
    other = ms.nn.Dense(3, 2)
    ms.load_checkpoint(str(tmp_path / "net.ckpt"), other)
    assert (other(on_gpu()).asnumpy() == net(on_gpu()).asnumpy()).all()


def test_tensors_on_one_memory_move_together():
    x = Tensor([1.0, 2.0, 3.0, 4.0])
    y = x._alias((2, 2))
    x * 1.0
    assert y.device == "GPU:0" and y.data_ptr() == x.data_ptr()


def test_memory_that_others_know_stays():
    array = np.array([1.0, 2.0], np.float32)
    x = Tensor.from_numpy(array)
    assert (x * 2.0).asnumpy().tolist() == [2.0, 4.0] and x.device == "CPU"
    array[0] = 7.0
    assert (x * 2.0).asnumpy().tolist() == [14.0, 4.0]
    own = Tensor([1.0, 2.0])
    view = memoryview(own)
    own * 1.0
    assert own.device == "CPU"
    del view
    own * 1.0
    assert own.device == "GPU:0"


def test_what_a_program_writes_into_shared_memory_comes_back():
    array = np.array([1.0, 2.0], np.float32)
    p = Parameter(Tensor([0.0, 0.0]), name="p")
    p._rebind(Tensor.from_numpy(array))
    step = ms.jit(lambda x: p.set_data(p + x))
    step(Tensor([10.0, 20.0]))
    assert array.tolist() == [11.0, 22.0]
    array.flags.writeable = False
    p._rebind(Tensor.from_numpy(array))
    with pytest.raises(ValueError, match="read-only"):
        step(Tensor([10.0, 20.0]))


def test_the_same_memory_read_and_written():
    p = Parameter(Tensor([1.0, 2.0]), name="p")
    plain = Tensor([0.0, 0.0])
    plain._rebind(p)
    step = ms.jit(lambda x: (p.set_data(p + x), x * 2.0)[1])
    assert step(plain).asnumpy().tolist() == [2.0, 4.0]
    assert p.asnumpy().tolist() == [2.0, 4.0]


def test_two_devices(second_gpu):
    x = on_gpu()
    ms.set_device("GPU", 1)
    y = x * 2.0
    assert (x.device, y.device) == (second_gpu, second_gpu) and y.asnumpy().tolist() == [2.0, 4.0, 6.0]
    assert y.to("GPU:0").device == "GPU:0" and y.to("GPU:0").asnumpy().tolist() == [2.0, 4.0, 6.0]
    double = ms.jit(lambda t: t * 2.0)
    assert double(y).device == second_gpu
    ms.set_device("GPU", 0)
    assert "device: GPU:1 -> GPU:0" in str(double.explain(y))
    assert double(y).device == "GPU:0" and double(y).asnumpy().tolist() == [4.0, 8.0, 12.0]


def test_programs_of_one_device_do_not_serve_another():
    double = ms.jit(lambda x: x * 2.0)
    x = Tensor([1.0])
    assert double(x).device == "GPU:0"
    ms.set_context(device_target="CPU")
    explained = double.explain(x)
    assert not explained and "device: GPU:0 -> CPU" in str(explained)
    assert double(x).device == "CPU"
    ms.set_context(device_target="GPU")
    assert double.explain(x) and double(x).device == "GPU:0"
    assert double.stats()["entries"] == 2


def test_zero_size():
    x = Tensor(np.zeros((0, 3), np.float32))
    assert (x * 2.0).shape == (0, 3) and x.to("GPU").asnumpy().shape == (0, 3)
    assert ops.concat((x.to("GPU"), Tensor(np.ones((1, 3), np.float32)))).asnumpy().tolist() == [[1.0, 1.0, 1.0]]


def test_a_limit_of_memory_holds_for_the_device_that_comes():
    ms.set_context(device_target="CPU", max_device_memory="64MB")
    try:
        ms.set_context(device_target="GPU")
        with pytest.raises(MemoryError):
            Tensor(np.zeros(2**25, np.float32)).to("GPU")
    finally:
        ms.set_context(device_target="GPU", max_device_memory="1000GB")
        ms.set_context(device_target="CPU")
        ms._frontend.context._context["max_device_memory"] = None


def test_a_tensor_that_one_thread_reads_while_another_takes_it_home():
    """Reading lets go of the interpreter's lock, so what was to be moved may be in use when its copy is there; the program then works on the copy."""
    ms.set_context(device_target="CPU")
    add = ms.jit(lambda x: x + 1.0)
    host = Tensor(np.ones(1 << 19, np.float32))
    errors: list = []

    def look(tensor, delay):
        try:
            for _ in range(4):
                time.sleep(delay)
                assert tensor.asnumpy().sum() == 1 << 19
        except BaseException as error:
            errors.append(error)

    for k in range(40):
        there = host.to("GPU")
        threads = [threading.Thread(target=look, args=(there, delay)) for delay in (0.0, 1e-5 * k)]
        for thread in threads:
            thread.start()
        assert add(there).asnumpy().sum() == 2 << 19
        for thread in threads:
            thread.join()
    assert not errors
