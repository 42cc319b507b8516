"""What a driver answers when something goes wrong, on the simulator: each failure is told as what it is, and calls go on where they can. And several threads on one file."""
from __future__ import annotations

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import Parameter, Tensor, ops

HEAD = """
import ctypes, os
from cellgrad_program import _library
c = _library.library()
file = lambda: cellgrad_program.load(sys.argv[1])
counting = ctypes.CDLL(os.environ['CELLGRAD_CUDA_DRIVER'])
number = lambda name: ctypes.c_int.in_dll(counting, name)
x = np.arange(32, dtype=np.float32).reshape(4, 8)
def raises(kind, text, call, *args):
    try: call(*args)
    except kind as error: assert text in str(error) and type(error) is kind, repr(error)
    else: raise SystemExit(f'no error: {text}')
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    made, count, other = tmp_path_factory.mktemp("failures") / "f.cgp", Parameter(Tensor(np.zeros((), np.float32)), name="count"), Parameter(Tensor(np.ones(4, np.float32)), name="other")

    def step(x):
        ops.assign_add(count, x[0, 1] * 0 + 1)
        return x * 2 + other.sum()

    x = Tensor(np.ones((4, 8), np.float32))
    ms.export_programs(made, {"f": (lambda x: x * 2 + 1, x), "step": (step, x)}, target="gpu", chip="sim")
    return made


@pytest.fixture
def run(with_sim, path, driver):
    return lambda source: with_sim(HEAD + source, path, driver=driver)


def test_a_copy_to_the_host_that_fails(run):
    run("""
loaded = file()
f, dx = loaded['f'], loaded.to_device(x)
number('fail_download').value = 719
raises(cellgrad_program.ProgramError, 'a copy from the device failed: CUDA_ERROR_LAUNCH_FAILED', f, x)
raises(cellgrad_program.ProgramError, 'a copy from the device failed', dx.numpy)
raises(cellgrad_program.ProgramError, 'a copy from the device failed', loaded.parameters)
number('fail_download').value = 0
assert np.array_equal(f(x), 2 * x + 1) and np.array_equal(dx.numpy(), x)
""")


def test_the_driver_cannot_say_what_an_address_is(run):
    """Only the error for an unknown address says that it is one; others are failures of the driver."""
    run("""
loaded = file()
f, dx = loaded['f'], loaded.to_device(x)
number('fail_attribute').value = 719
raises(cellgrad_program.ProgramError, "asking the driver about an address failed: CUDA_ERROR_LAUNCH_FAILED", f, dx)
number('fail_attribute').value = 1
raises(ValueError, 'is not memory of GPU 0', f, dx)
number('fail_attribute').value = 0
assert np.array_equal(f(dx).numpy(), 2 * x + 1)
""")


def test_no_memory_for_the_kernels(run):
    run("""
number('fail_load').value = 2
raises(MemoryError, 'does not run here: GPU 0', file)
number('fail_load').value = 209
raises(cellgrad_program.MachineError, 'does not run here: GPU 0', file)
number('fail_load').value = 0
assert np.array_equal(file()['f'](x), 2 * x + 1)
""")


def test_memory_of_the_host_is_waited_for(run):
    """Loading waits once for all Parameters, a write of one once; a GPU that reads any memory of the host by itself gets it only as long as the call runs."""
    run("""
waits = number('waits')
before = waits.value
loaded = file()
assert waits.value == before + 1, waits.value - before
dx = loaded.to_device(x)
assert waits.value == before + 2
loaded.load_parameters({'count': np.float32(3)}, strict=False)
assert waits.value == before + 3 and float(loaded.parameters()['count']) == 3
""")
    for pageable in (0, 1):
        run(f"""
number('pageable').value = {pageable}
loaded = file()
given = (_library.Array * 1)(_library.Array(x.ctypes.data, x.nbytes, 0))
made = loaded.to_device(x)
out = (_library.Array * 1)(_library.Array(made._address, x.nbytes, 1))
waits = number('waits')
before = waits.value
assert c.cgp_call_on(loaded['f']._pointer, given, 1, out, 1, loaded.stream, None) == 0
assert waits.value == before + {pageable}
""")


def test_a_stream_that_is_captured(run):
    run("""
loaded = file()
f, dx, dy = loaded['f'], loaded.to_device(x), loaded.to_device(x)
stream, graph, error = ctypes.c_void_p(), ctypes.c_void_p(), _library.Error()
assert counting.cuStreamCreate(ctypes.byref(stream), 1) == 0 and counting.cuStreamBeginCapture_v2(stream, 2) == 0
given, out = ((_library.Array * 1)(_library.Array(a._address, x.nbytes, 1)) for a in (dx, dy))
called = lambda: c.cgp_call_on(f._pointer, given, 1, out, 1, stream, ctypes.byref(error))
for call in (called, lambda: c.cgp_wait_for(loaded._handle, stream, ctypes.byref(error)), lambda: c.cgp_let_wait(loaded._handle, stream, ctypes.byref(error))):
    assert call() == 5 and b'is being captured as a CUDA graph' in error.text, error.text
class Theirs:
    __cuda_array_interface__ = {**dx.__cuda_array_interface__, 'stream': stream.value}
raises(ValueError, 'is being captured', f, Theirs())
assert np.array_equal(dy.numpy(), x) and number('edges').value == 0        # nothing was given to any stream
assert counting.cuStreamEndCapture(stream, ctypes.byref(graph)) == 0
assert called() == 0 and np.array_equal(dy.numpy(), 2 * x + 1)
own, stream = loaded.stream, ctypes.c_void_p(loaded.stream)                # and the file's own
assert counting.cuStreamBeginCapture_v2(stream, 2) == 0 and called() == 5 and b'is being captured' in error.text
assert counting.cuStreamEndCapture(stream, ctypes.byref(graph)) == 0 and called() == 0
""")


def test_threads_share_a_file(run):
    """Arrays of the host, of the GPU, and a program that writes a Parameter, all at once."""
    run("""
import threading
loaded = file()
f, step, wrong = loaded['f'], loaded['step'], []
def work(k):
    mine = x + k
    there = loaded.to_device(mine)
    for i in range(20):
        if not np.array_equal(f(mine), 2 * mine + 1) or not np.array_equal(f(there).numpy(), 2 * mine + 1) or not np.array_equal(step(mine), 2 * mine + 4):
            wrong.append((k, i))
threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
for t in threads: t.start()
for t in threads: t.join()
assert not wrong and float(loaded.parameters()['count']) == 120, (wrong, loaded.parameters()['count'])
""")
