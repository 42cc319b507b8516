"""Executable: checks, outputs, tied and donated inputs, scratch memory, threads."""
import ctypes
import gc
import sys
import threading
import weakref

import numpy as np
import pytest
from support import ENTRY, Tensor, make, tensor, values

from cellgrad._runtime import _core
from cellgrad._runtime import dtype as dt
from cellgrad._runtime.tensor_data import asnumpy, from_numpy

F, I = dt.float32, dt.int32


def add(a, b, out, arena):
    out[...] = a + b


def test_one_and_two_outputs():
    exe = make(add, [(F, (2,)), (F, (2,))], [(F, (2,))], name="add")
    out = exe(tensor([1.0, 2.0]), tensor([3.0, 4.0]))
    assert type(out) is Tensor and values(out) == [4, 6] and exe.calls == 1 and exe.name == "add"

    def both(a, s, d, arena):
        s[...], d[...] = a + 1, a * 2

    pair = make(both, [(F, (2,))], [(F, (2,)), (F, (2,), -1)])(tensor([1.0, 2.0]))
    assert type(pair) is tuple and [values(t) for t in pair] == [[2, 3], [2, 4]]


def test_wrong_inputs():
    exe = make(add, [(F, (2,)), (F, (2,))], [(F, (2,))], name="add")
    x = tensor([1.0, 2.0])
    with pytest.raises(TypeError, match="add takes 2 Tensors by position, got 1"):
        exe(x)
    with pytest.raises(TypeError, match="input 1 must be a Tensor, got int"):
        exe(x, 1)
    with pytest.raises(TypeError, match=r"input 1 is Int64\(2\), the program was compiled for Float32\(2\)"):
        exe(x, tensor([1, 2]))
    with pytest.raises(ValueError, match=r"input 0 is Float32\(1, 2\)"):
        exe(tensor([[1.0, 2.0]]), x)
    with pytest.raises(RuntimeError, match="traced"):
        exe(x, _core.traced(F, (2,), "node"))


def test_tied_output_is_written_in_place():
    def step(p, g, loss, arena):
        loss[...] = p.sum()
        p -= g

    exe = make(step, [(F, (2,)), (F, (2,))], [(F, (2,), 0), (F, ())])
    p, g = tensor([5.0, 6.0]), tensor([1.0, 2.0])
    address = p.data_ptr()
    assert exe(p, g)._item() == 11 and values(p) == [4, 4] and p.data_ptr() == address
    only = make(lambda p, arena: p.fill(3), [(F, (2,))], [(F, (2,), 0)])
    assert only(p) is None and values(p) == [3, 3]


def test_input_that_shares_memory_with_a_written_one_is_copied_first():
    def step(p, x, out, arena):
        p[...] = 0
        out[...] = x

    exe = make(step, [(F, (4,)), (F, (2, 2))], [(F, (4,), 0), (F, (2, 2))])
    p = tensor([1.0, 2.0, 3.0, 4.0])
    assert values(exe(p, p._alias((2, 2)))) == [[1, 2], [3, 4]] and values(p) == [0, 0, 0, 0]
    array = np.array([1, 2, 3, 4, 5, 6], np.float32)  # overlapping views of foreign memory
    out = exe(from_numpy(array[:4]), from_numpy(array[2:].reshape(2, 2)))
    assert values(out) == [[3, 4], [5, 6]] and array.tolist() == [0, 0, 0, 0, 5, 6]


def test_memory_that_cannot_be_written():
    exe = make(lambda p, q, arena: None, [(F, (2,), True), (F, (2,), True)], [])
    p = tensor([1.0, 2.0])
    with pytest.raises(ValueError, match="input 1 is updated in place and shares its memory"):
        exe(p, p)
    fixed = np.ones(2, np.float32)
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match="input 1 is updated in place but shares read-only memory"):
        exe(p, from_numpy(fixed))
    array = np.zeros(3, np.float32)
    with pytest.raises(ValueError, match="shares its memory"):
        exe(from_numpy(array[:2]), from_numpy(array[1:]))


def test_bad_specifications():
    with pytest.raises(ValueError, match="tied to input 3"):
        make(add, [(F, (2,))], [(F, (2,), 3)])
    with pytest.raises(ValueError, match="another dtype or shape"):
        make(add, [(F, (2,))], [(F, (3,), 0)])
    with pytest.raises(ValueError, match="entry must be"):
        _core.Executable(0, 0, [], [])
    with pytest.raises(TypeError):
        _core.Executable(1, 0, [(F,)], [])


def test_zero_size_and_many_arguments():
    empty = make(lambda a, out, arena: None, [(F, (0, 3))], [(F, (0,))])
    assert empty(tensor(np.zeros((0, 3), np.float32))).shape == (0,)

    def total(*arrays):
        arrays[-2][...] = sum(a for a in arrays[:-2])

    wide = make(total, [(F, (2,))] * 200, [(F, (2,))], release_gil=True)
    assert values(wide(*[tensor([1.0, 2.0])] * 200)) == [200, 400]


def test_arena_is_aligned_shared_and_separate_when_re_entered():
    seen = []

    def inner(out, arena):
        seen.append(arena)
        out[...] = 1

    inner_exe = make(inner, [], [(F, ())], arena_bytes=256)

    def outer(out, arena):
        seen.append(arena)
        out[...] = inner_exe()._item()

    outer_exe = make(outer, [], [(F, ())], arena_bytes=128)
    outer_exe()
    assert len(set(seen)) == 2 and all(a % 64 == 0 for a in seen)
    inner_exe()
    before = seen[-1]
    outer_exe()
    assert seen[-2] == before, "one block per thread serves all executables"


@pytest.mark.parametrize("release", [False, True])
def test_threads(release):
    n = 512

    def scale(x, out, arena):
        scratch = np.frombuffer((ctypes.c_char * (4 * n)).from_address(arena), np.float32)
        for _ in range(3):
            scratch[...] = x * 2
            out[...] = scratch

    exe = make(scale, [(F, (n,))], [(F, (n,))], arena_bytes=4 * n, release_gil=release)
    failures = []

    def work(seed):
        x = tensor(np.full(n, seed, np.float32))
        for _ in range(200):
            if asnumpy(exe(x))[[0, -1]].tolist() != [2 * seed] * 2:
                failures.append(seed)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    finally:
        sys.setswitchinterval(interval)
    assert not failures and exe.calls == 800


def test_references_are_balanced():
    exe = make(add, [(F, (2,)), (F, (2,))], [(F, (2,))])
    x, y = tensor([1.0, 2.0]), tensor([3.0, 4.0])
    exe(x, y)
    counts = [sys.getrefcount(o) for o in (exe, x, y, Tensor, None)]
    gc.collect()  # what earlier tests left
    used = _core.memory_stats()["used_bytes"]
    for _ in range(1000):
        exe(x, y)
        try:
            exe(x, tensor([1]))
        except TypeError:
            pass
    assert [sys.getrefcount(o) for o in (exe, x, y, Tensor)] == counts[:4]
    gc.collect()
    assert _core.memory_stats()["used_bytes"] == used


def test_keepalive_is_released_with_the_executable():
    class Library:
        callback = ENTRY(lambda args, arena: None)

    library = Library()
    exe = _core.Executable(ctypes.cast(library.callback, ctypes.c_void_p).value, 0, [], [], keepalive=library)
    ref = weakref.ref(library)
    del library
    assert exe.keepalive is ref()
    del exe
    assert ref() is None
