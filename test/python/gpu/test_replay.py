"""Programs that are called again with the same memory are replayed as CUDA graphs."""
from __future__ import annotations

import ctypes
import subprocess
import threading
from pathlib import Path

import numpy as np

import cellgrad as ms
from cellgrad import Parameter, Tensor, nn, ops, value_and_grad


def executable(function):
    return function._latest().executable


def counter():
    state = Parameter(Tensor([0.0, 0.0]), name="state")

    @ms.jit
    def step(x):
        state.set_data(state + x)
        return ops.sin(state).sum() * x

    return state, step


def expected(total, x):
    return np.sin(np.float32(total)).sum() * np.asarray(x)


def test_a_step_is_captured_once_and_replayed():
    state, step = counter()
    x = Tensor([1.0, 2.0])
    results = [step(x).asnumpy() for _ in range(6)]
    assert state.asnumpy().tolist() == [6.0, 12.0]
    for k, result in enumerate(results):
        np.testing.assert_allclose(result, expected([k + 1.0, 2 * (k + 1.0)], [1, 2]), rtol=1e-5)
    stats = executable(step).gpu_stats
    assert stats["captures"] == 1 and stats["replays"] == 4, stats


def test_fresh_inputs_and_kept_results_find_their_graphs():
    state, step = counter()
    total = np.zeros(2)
    kept = None
    for k in range(12):
        batch = np.array([k, 1.0], np.float32)
        total += batch
        kept = step(Tensor(batch))
        np.testing.assert_allclose(kept.asnumpy(), expected(total, batch), rtol=1e-5)
    stats = executable(step).gpu_stats
    assert stats["replays"] >= 6, stats


def test_other_memory_is_another_graph_and_never_a_stale_one():
    state, step = counter()
    inputs = [Tensor([float(k), 1.0]) for k in range(12)]  # more than graphs are kept
    total = np.zeros(2)
    for _ in range(3):
        for k, x in enumerate(inputs):
            total += [k, 1.0]
            np.testing.assert_allclose(step(x).asnumpy(), expected(total, [k, 1.0]), rtol=1e-4)
    assert (state.asnumpy() == total).all()


def test_a_program_that_reads_back_is_not_captured():
    @ms.jit
    def clipped(x):
        if x.sum() > 10.0:
            x = x / x.sum()
        return x * 2.0

    x, y = Tensor([1.0, 2.0]), Tensor([10.0, 30.0])
    for _ in range(4):
        assert clipped(x).asnumpy().tolist() == [2.0, 4.0]
        assert clipped(y).asnumpy().tolist() == [0.5, 1.5]
    assert executable(clipped).gpu_stats["captures"] == 0


def test_training_is_replayed():
    net = nn.SequentialCell(nn.Dense(6, 8, activation="tanh"), nn.Dense(8, 1))
    optimizer = nn.Adam(net.trainable_params(), 0.05)
    gradient = value_and_grad(lambda x, y: ((net(x) - y) ** 2).mean(), None, net.trainable_params())

    @ms.jit
    def step(x, y):
        loss, grads = gradient(x, y)
        optimizer(grads)
        return loss

    x = np.random.default_rng(0).standard_normal((16, 6)).astype(np.float32)
    losses = [float(step(Tensor(x), Tensor(x[:, :1]))) for _ in range(40)]
    assert losses[-1] < losses[0] / 3
    assert executable(step).gpu_stats["replays"] > 30


def test_threads_share_a_device():
    state, step = counter()
    step(Tensor([0.0, 0.0]))
    work = ms.jit(lambda x: ops.tanh(x @ x) + x)
    errors, ended = [], []

    def run(seed):
        x = np.random.default_rng(seed).standard_normal((20, 20)).astype(np.float32)
        for _ in range(10):
            if not np.allclose(work(Tensor(x)).asnumpy(), np.tanh(x @ x) + x, atol=1e-4):
                errors.append(seed)
        ended.append(seed)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and sorted(ended) == [0, 1, 2]


PROGRAM = """
#include <stdint.h>
void cg_run(void (*body)(void **, void *), void **args, void *arena);
void cg_fail(int kind, const char *text);
void cg_gpu_copy(void *to, const void *from, int64_t bytes);
void cg_gpu_read(void *host, const void *device, int64_t bytes);
int runs, reads;
float seen;
static void body(void **args, void *arena) {
  for (int i = 0; i < 3; ++i)
    cg_gpu_copy(args[1], args[0], 4);
  if (!runs++)
    cg_fail(1, "out of something");
  cg_gpu_read(&seen, args[1], 4);
  ++reads;
  cg_gpu_copy(args[1], args[0], 4);
}
void cg_entry(void **args, void *arena) { cg_run(body, args, arena); }
"""


def test_a_program_that_failed_before_it_read_back_is_not_captured(tmp_path):
    """The first run tells whether a program reads back; one that ended before it got there does not."""
    (tmp_path / "program.c").write_text(PROGRAM)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", tmp_path / "program.so", tmp_path / "program.c"], check=True)
    libraries = Path(ms.__file__).parent / "lib"
    cpu = ctypes.CDLL(str(libraries / "libcellgrad_cpu.so"), mode=ctypes.RTLD_GLOBAL)
    gpu = ctypes.CDLL(str(libraries / "libcellgrad_gpu.so"), mode=ctypes.RTLD_GLOBAL)
    program = ctypes.CDLL(str(tmp_path / "program.so"))
    gpu.cg_gpu_calls_create.restype = ctypes.c_void_p
    calls = ctypes.c_void_p(gpu.cg_gpu_calls_create())
    x, y = Tensor([0.0]) * 1.0, Tensor([0.0]) * 1.0
    args = (ctypes.c_void_p * 2)(x.data_ptr(), y.data_ptr())
    set_x = ms.jit(lambda value: x.copy_(value))
    for value in range(6):
        set_x(Tensor([float(value)]))
        assert gpu.cg_gpu_run(0, calls, program.cg_entry, args, ctypes.c_int64(2), ctypes.c_int64(0)) == 0
        kind = cpu.cg_take_failure(ctypes.byref(ctypes.c_char_p()))
        assert kind == (1 if value == 0 else 0)
        assert ctypes.c_float.in_dll(program, "seen").value == value
    assert [ctypes.c_int.in_dll(program, name).value for name in ("runs", "reads")] == [6, 5]  # no run was tried as a graph
    stats = (ctypes.c_int64 * 3)()
    gpu.cg_gpu_calls_stats(calls, stats)
    assert list(stats) == [3 + 4 * 5, 0, 0]  # launches, captures, replays
    gpu.cg_gpu_calls_destroy(calls)
