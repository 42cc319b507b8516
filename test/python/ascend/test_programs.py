"""Programs on the accelerator from Python: Tensors, training, looking at kernels, profiles, several devices in one process."""
from __future__ import annotations

import json

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Parameter, Tensor, ops

pytestmark = pytest.mark.usefixtures("ascend")


def test_tensors_lie_on_the_device():
    x = Tensor([1.0, 2.0])
    y = x * 2.0
    assert (x.device, y.device) == ("Ascend:0", "Ascend:0") and y.asnumpy().tolist() == [2.0, 4.0]
    there = Tensor([1.0]).to("Ascend")
    assert there.device == "Ascend:0" and there.to("CPU").device == "CPU" and there.to("Ascend:0") is there
    info = ms.runtime.device_info("Ascend")
    assert info["memory_bytes"] > 0 and ms.runtime.device_count("Ascend") >= 1
    ms.runtime.synchronize("Ascend")
    assert ms.runtime.memory_stats()["used_bytes"] > 0


def test_dlpack_says_that_it_cannot():
    x = Tensor([1.0]) * 2.0
    for share in (x.__dlpack__, x.__dlpack_device__, lambda: ms.from_dlpack(x)):
        with pytest.raises(BufferError, match=r"memory of Ascend 0, which DLPack cannot describe; copy it first: to\(\"CPU\"\)"):
            share()
    with pytest.raises(BufferError, match="memory of Ascend 0"):
        memoryview(x)


def test_an_update_in_place():
    state = Parameter(Tensor([1.0, 2.0]), name="state")
    step = ms.jit(lambda x: state.set_data(state + x))
    for _ in range(3):
        step(Tensor([1.0, 10.0]))
    assert state.asnumpy().tolist() == [4.0, 32.0] and state.device == "Ascend:0"


def test_control_flow_on_the_host():
    @ms.jit
    def halve(x):
        n = 0
        while x.sum() > 1.0:
            x = x / 2.0
            n = n + 1
        return x, n

    x, n = halve(Tensor([4.0, 4.0]))
    assert x.asnumpy().tolist() == [0.5, 0.5] and int(n) == 3


def test_assertions_name_the_line():
    @ms.jit
    def check(x):
        assert x.sum() > 0, "not positive"
        return x + 1.0

    check(Tensor([1.0]))
    with pytest.raises(AssertionError, match="not positive"):
        check(Tensor([-1.0]))


def test_what_was_compiled_for_one_chip_is_not_run_as_another():
    @ms.jit
    def f(x):
        return ops.exp(x) + x

    x = Tensor(np.linspace(-1, 1, 100000).astype(np.float32))
    seen = {}
    for chip in ("Ascend910B3", "Ascend910B1", "Ascend910B3"):
        ms.set_context(ascend_chip=chip)
        if seen:
            assert "device: Ascend:0 -> Ascend:0 for another chip" in str(f.explain(x)) or chip in seen
        result = f(x)
        np.testing.assert_allclose(result.asnumpy(), np.exp(x.asnumpy()) + x.asnumpy(), rtol=1e-5, atol=1e-6)
        seen[chip] = f._latest().compiled.chip
        assert result.device == "Ascend:0"
    assert seen["Ascend910B1"] == "Ascend910B1" and len(f._programs) == 2
    with pytest.raises(ValueError, match="ascend_chip"):
        ms.set_context(ascend_chip="Ascend310")


def test_the_kernels_can_be_looked_at():
    ms.set_context(device_target="CPU")  # no device is needed

    @ms.jit
    def f(x, y):
        return ops.tanh(x + y) * 0.5

    x = Tensor(np.ones((64, 128), np.float32))
    program = f.lower(x, x, target="ascend", chip="Ascend910B2")
    kernels = program.kernels()
    assert [(k.core, k.file, k.launches) for k in kernels] == [("aiv", __file__, 1)] and kernels[0].line > 0 and kernels[0].blocks >= 1
    text = program.mlir("ascend")
    for part in ('ascend.target<"Ascend910B2"', "ascend.load", "ascend.store", "ascend.set_flag", "ascend.wait_flag", "ascend.address"):
        assert part in text, part
    assert "hivm.hir.load" in program.hivm() and "memref.alloc" in program.hivm("auto")
    assert "hivm.hir.pointer_cast" in program.hivm("planned") and "hivm.hir.set_flag" in program.hivm("planned")
    with pytest.raises(ValueError, match="'auto' or 'planned'"):
        program.hivm("both")
    with pytest.raises(ValueError, match="has no PTX"):
        program.ptx()
    with pytest.raises(ValueError, match="has no HIVM"):
        f.lower(x, x, target="gpu", chip="sm_80").hivm()


def test_targets_and_chips_are_checked():
    f = ms.jit(lambda x: x + 1.0)
    x = Tensor([1.0])
    assert f.lower(x, chip="Ascend910B4").compiled.chip == "Ascend910B4" and f.lower(x, target="ascend").compiled.chip == "Ascend910B3"
    for settings, error in (({"target": "ascend", "chip": "sm_90"}, "chip of the target 'ascend'"), ({"target": "gpu", "chip": "Ascend910B3"}, "goes with the target 'ascend'"),
                            ({"target": "npu"}, "should be 'cpu', 'gpu' or 'ascend'"), ({"target": "gpu"}, "wants a chip")):
        with pytest.raises(ValueError, match=error):
            f.lower(x, **settings)
    with pytest.raises(TypeError, match="should be a text"):
        f.lower(x, target=3)


def test_a_profile(tmp_path):
    @ms.jit
    def f(x):
        return ops.exp(x) + 1.0

    x = Tensor(np.ones((400, 512), np.float32))
    profile = f.profile(x)
    np.testing.assert_allclose(profile.result.asnumpy(), np.full((400, 512), np.e + 1), rtol=1e-5)
    (launch,) = profile.launches
    assert launch.core == "aiv" and launch.cycles > 0 and profile.cycles == launch.cycles and launch.bound in launch.pipes
    assert profile.bytes["gm->ub"] == profile.bytes["ub->gm"] == x.nbytes
    busy = profile.busy()
    assert max(busy.values()) <= 100 and max(busy, key=busy.get) == launch.bound
    assert launch.kernel in str(profile)
    profile.write_trace(tmp_path / "t.json")
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    assert {event["tid"] for event in events} >= {"MTE2", "V", "MTE3"}
    assert f.profile(x).cycles == profile.cycles  # a model: the same each time
    ms.set_context(device_target="CPU")
    with pytest.raises(ValueError, match="runs on the CPU"):
        f.profile(x)


def test_gpu_and_accelerator_in_one_process(monkeypatch):
    monkeypatch.setenv("CELLGRAD_CUDA_DRIVER", "sim")
    f = ms.jit(lambda x: ops.sin(x) * 2.0)
    x = np.linspace(-1, 1, 50).astype(np.float32)
    first = f(Tensor(x))
    ms.set_context(device_target="GPU")
    second = f(Tensor(x))
    assert (first.device, second.device) == ("Ascend:0", "GPU:0")
    third = f(first)  # takes its input along
    assert third.device == "GPU:0"
    ms.set_context(device_target="Ascend")
    both = first + second
    assert both.device == "Ascend:0"
    expected = 2 * np.sin(x)
    np.testing.assert_allclose(second.asnumpy(), expected, atol=1e-6)
    np.testing.assert_allclose(both.asnumpy(), 2 * expected, atol=2e-6)
    np.testing.assert_allclose(third.asnumpy(), 2 * np.sin(expected), atol=2e-6)


def test_what_goes_to_the_ai_cpu_is_said_with_its_line():
    f = ms.jit(lambda x: ops.exp(x) * 2.0)
    x = Tensor(np.linspace(-1, 1, 12), ms.float64)
    program = f.lower(x, target="ascend")
    assert {kernel.core for kernel in program.kernels()} == {"aicpu"}
    remark = program.remarks()[0]
    assert remark.startswith(f"{__file__}:") and "AI CPU" in remark
    np.testing.assert_allclose(f(x).asnumpy(), 2 * np.exp(x.asnumpy()), rtol=1e-14)
    few, many = (f.profile(Tensor(np.zeros(12 * scale), ms.float64)).launches[0] for scale in (1, 1000))
    assert few.core == "aicpu" and few.bound == "S" and 500 < many.cycles / few.cycles < 2000  # a model: operations and accesses one after the other


def test_a_limit_of_memory():
    ms.set_context(max_device_memory="1MB")
    try:
        with pytest.raises(MemoryError, match="Ascend 0 .*out of memory"):
            Tensor(np.zeros(1 << 20, np.float32)).to("Ascend")
    finally:
        ms.set_context(max_device_memory="0B")
