"""What is missing or fails is said once, with what to do."""
from __future__ import annotations

import gc
import os
import subprocess
import sys

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Tensor, nn, value_and_grad


def run(code: str, **environment: str) -> str:
    """What a process of its own prints that selects the GPU."""
    start = "import cellgrad as ms\ntry:\n  ms.set_context(device_target='GPU')\nexcept RuntimeError as error:\n  print(error)\n"
    done = subprocess.run([sys.executable, "-c", start + code], env={**os.environ, **environment}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_driver_is_one_clear_error():
    said = run("print(ms.get_context('device_target'), ms.Tensor([1.0]) * 2)", CELLGRAD_CUDA_DRIVER="/nowhere/libcuda.so.1")
    assert "no CUDA driver: /nowhere/libcuda.so.1 cannot be loaded" in said
    assert "nvidia.com/drivers" in said and "CELLGRAD_CUDA_DRIVER=sim" in said
    assert said.endswith("CPU [2.]\n")  # and nothing has changed


def test_a_library_that_is_no_driver():
    assert "libm.so.6 is not a CUDA driver that can be used: it has no function" in run("", CELLGRAD_CUDA_DRIVER="libm.so.6")


def test_no_device():
    said = run("", CELLGRAD_CUDA_DRIVER="sim", CELLGRAD_SIM_DEVICES="0")
    assert "finds no GPU (CUDA_ERROR_NO_DEVICE)" in said and "CUDA_VISIBLE_DEVICES" in said


def test_no_such_device():
    with pytest.raises(RuntimeError, match=r"there is no GPU 63: the driver has \d"):
        ms.set_context(device_id=63)
    assert ms.get_context("device_id") == 0


def test_settings_are_checked():
    with pytest.raises(ValueError, match="should be one of"):
        ms.set_context(device_target="TPU")
    with pytest.raises(ValueError, match="number of a device"):
        ms.set_context(device_id=-1)
    with pytest.raises(ValueError, match="a size as '30GB'"):
        ms.set_context(max_device_memory="much")
    assert ms.get_context("device_target") == "GPU"


@pytest.fixture
def little_memory():
    gc.collect()
    ms.runtime.empty_cache()
    ms.set_context(max_device_memory="4MB")
    yield
    ms.set_context(max_device_memory="0B")


def test_out_of_memory_names_the_largest_buffers(little_memory):
    net = nn.Dense(256, 1024)
    gradient = value_and_grad(lambda x: net(x).sum(), None, net.trainable_params())
    step = ms.jit(lambda x: gradient(x))
    with pytest.raises(MemoryError) as caught:
        step(Tensor(np.ones((2048, 256), np.float32)))
    said = str(caught.value)
    del caught  # its frames hold the input
    gc.collect()
    assert "out of memory" in said and "4.00 MiB that max_device_memory allows" in said
    assert "The program needs" in said and "input 0, Float32 (2048, 256)" in said and "2.00 MiB" in said
    small = step(Tensor(np.ones((2, 256), np.float32)))  # and the next one runs
    assert np.isfinite(small[0].asnumpy())


def test_out_of_memory_of_a_tensor(little_memory):
    with pytest.raises(MemoryError, match="20.00 MiB were asked for"):
        Tensor(np.zeros(5 << 20, np.float32)).to("GPU")


def test_cached_memory_is_given_back_before_one_gives_up(little_memory):
    for size in (700_000, 750_000, 800_000, 600_000):  # each another size class; two of them do not fit at once
        assert Tensor(np.ones(size, np.float32)).to("GPU").asnumpy().sum() == size
    stats = ms.runtime.memory_stats()
    assert stats["used_bytes"] + stats["cached_bytes"] <= 4 << 20
    ms.runtime.empty_cache()
    assert ms.runtime.memory_stats()["cached_bytes"] == 0


def test_nothing_is_left_behind():
    step = ms.jit(lambda x: (x @ x).sum())
    step(Tensor(np.ones((50, 50), np.float32)))
    gc.collect()
    used = ms.runtime.memory_stats()["used_bytes"]
    for _ in range(5):
        step(Tensor(np.ones((50, 50), np.float32)))
    assert ms.runtime.memory_stats()["used_bytes"] == used


def test_a_failing_kernel_is_named_with_the_users_line():
    from cellgrad._runtime import device

    step = ms.jit(lambda x: (x * 2.0).sum())
    step(Tensor([1.0, 2.0]))
    executable = step._latest().executable
    kernel = next(iter(executable.keepalive.kernel_places()))
    said = device.explain_failure(executable, RuntimeError(f"GPU 0: starting kernel '{kernel}' (grid 1 x 1 x 1) failed: CUDA_ERROR_LAUNCH_FAILED"))
    assert f"kernel '{kernel}' of {__file__}:" in said, said


def test_what_is_known_of_a_device():
    info = ms.runtime.device_info("GPU")
    assert info["name"] and info["chip"] and info["memory_bytes"] > 0 and info["processors"] > 0
    assert ms.runtime.device_count("CPU") == 1 and ms.runtime.device_count() >= 1
    with pytest.raises(ValueError, match="a GPU was expected"):
        ms.runtime.device_info("CPU")
    ms.runtime.synchronize()
    ms.runtime.synchronize("CPU")


def test_numbers_of_devices_are_not_cut_off():
    x = Tensor([1.0])
    for number in (1 << 32, 1 << 80, -2, 128):
        with pytest.raises(ValueError, match="there is no device"):
            x._to(number)
        with pytest.raises(ValueError, match="there is no device"):
            x._place(number)
    with pytest.raises(ValueError, match="a device is"):
        x.to("GPU:64")
    with pytest.raises(RuntimeError, match="there is no GPU device 64"):
        ms.set_context(device_id=64)


def test_a_device_that_cannot_be_described_is_not_selected(monkeypatch):
    from cellgrad._runtime import _core, device

    before = _core.current_device()

    def refuse(number):
        raise RuntimeError("no properties")

    monkeypatch.setattr(device._core, "gpu_info", refuse)
    with pytest.raises(RuntimeError, match="no properties"):
        device.select("GPU", 1)
    assert _core.current_device() == before == device.current().core
