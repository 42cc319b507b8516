"""Calls with arrays that are on the GPU already, from Python on the simulator: no copies, streams in order, clear refusals."""
from __future__ import annotations

import numpy as np
import pytest

import cellgrad as ms
import cellgrad_program
from cellgrad import Parameter, Tensor, ops

# cellgrad's own Tensors on the simulator stand for those of another library.
HEAD = """
import gc, os, ctypes
file = cellgrad_program.load(sys.argv[1])
def raises(kind, text, call, *args):
    try: call(*args)
    except kind as error: assert text in str(error), error
    else: raise SystemExit(f'no error: {text}')
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    made = tmp_path_factory.mktemp("device") / "f.cgp"

    def grow(p, x):
        ops.assign_add(p, x)
        return p

    x, p = Tensor(np.ones((4, 8), np.float32)), Parameter(Tensor(np.zeros((4, 8), np.float32)), name="p")
    ms.export_programs(made, {"f": (lambda x, y: {"z": x * y + 1, "sum": x.sum()}, x, x), "grow": (grow, p, x), "half": (lambda x: x * 2, Tensor(np.ones(8, np.float32)).astype(ms.bfloat16)),
                              "empty": (lambda x: x * 2, Tensor(np.ones((0, 3), np.float32)))}, target="gpu", chip="sim")
    return made


def test_results_stay_where_arguments_are(with_sim, path):
    with_sim(HEAD + """
x = np.arange(32, dtype=np.float32).reshape(4, 8)
f = file['f']
assert isinstance(f(x, x)['z'], np.ndarray)
dx = file.to_device(x)
got = f(dx, x)
z, total = got['z'], got['sum']
assert isinstance(z, cellgrad_program.DeviceArray) and (z.shape, z.dtype, z.device, z.ndim, z.nbytes) == ((4, 8), 'float32', 0, 2, 128), z
assert np.array_equal(z.numpy(), x * x + 1) and float(total) == x.sum() and total.shape == () and np.array_equal(np.asarray(z), x * x + 1)
assert repr(z) == 'DeviceArray(float32[4, 8], GPU 0)'
for _ in range(3):
    z = f(z, dx)['z']
expected = x * x + 1
for _ in range(3): expected = expected * x + 1
assert np.array_equal(z.numpy(), expected)
p = file.to_device(np.zeros((4, 8), np.float32))
assert file['grow'](p, dx) is p and file['grow'](p, x) is p and np.array_equal(p.numpy(), 2 * x)
q = np.zeros((4, 8), np.float32)
file['grow'](q, dx)
assert np.array_equal(q, x)
h = file['half'](file.to_device(np.float32([1, 2, 3, 4, 5, 6, 7, 1.001]), 'bfloat16'))
assert h.dtype == 'bfloat16' and h.numpy().dtype == np.float32 and h.numpy().tolist() == [2, 4, 6, 8, 10, 12, 14, 2]
assert file['empty'](file.to_device(np.zeros((0, 3), np.float32))).numpy().shape == (0, 3)
# The file stays as long as an array of it.
x2 = file.to_device(x)
del file, f, got, z, p, h, dx, total
gc.collect()
assert np.array_equal(x2.numpy(), x)
""", path)


def test_no_copies_and_replay(with_sim, path, driver):
    """Counted by the driver: arrays on the GPU are neither copied nor waited for; the host's have one copy each and one wait."""
    with_sim(HEAD + """
counting = ctypes.CDLL(os.environ['CELLGRAD_CUDA_DRIVER'])
count = lambda name: ctypes.c_int.in_dll(counting, name).value
def counted(call):
    names = ('uploads', 'downloads', 'waits', 'edges')
    before = [count(name) for name in names]
    call()
    return dict(zip(names, [count(name) - b for name, b in zip(names, before)]))
x = np.ones((4, 8), np.float32)
f, dx, dy = file['f'], file.to_device(x), file.to_device(x)
assert counted(lambda: f(x, x)) == {'uploads': 2, 'downloads': 2, 'waits': 1, 'edges': 0}
assert counted(lambda: [f(dx, dy) and None for _ in range(6)]) == {'uploads': 0, 'downloads': 0, 'waits': 0, 'edges': 0}
assert count('replays') >= 3, count('replays')
assert counted(lambda: f(dx, x)) == {'uploads': 1, 'downloads': 0, 'waits': 0, 'edges': 0}
assert counted(f(dx, x)['z'].numpy) == {'uploads': 0, 'downloads': 1, 'waits': 1, 'edges': 0}

class Theirs:  # an array of Numba's kind
    def __init__(self, array, stream, version=3):
        self.array, self.__cuda_array_interface__ = array, {**array.__cuda_array_interface__, 'stream': stream, 'version': version}
streams = lambda name: list((ctypes.c_void_p * 64).in_dll(counting, name))
before, records = count('edges'), count('records')
made = counted(lambda: f(Theirs(dx, 2), dy))
assert made == {'uploads': 0, 'downloads': 0, 'waits': 0, 'edges': 2}, made
ours = file.stream
assert streams('recorded')[records:records + 2] == [2, ours] and streams('waiting')[before:before + 2] == [ours, 2]
assert counted(lambda: f(Theirs(dx, None), dy)) == {'uploads': 0, 'downloads': 0, 'waits': 1, 'edges': 0}
assert counted(lambda: f(Theirs(dx, None, 2), dy))['edges'] == 1  # which is silent about streams: made on the default one

# Other libraries that take ours: their stream waits.
before, records = count('edges'), count('records')
dx.__dlpack__(stream=2), dx.__dlpack__(stream=-1), dx.__dlpack__()
assert count('edges') == before + 2 and streams('waiting')[before:before + 2] == [2, 1] and streams('recorded')[records:records + 2] == [ours, ours]
about = dx.__cuda_array_interface__
assert about['stream'] == ours and about['version'] == 3 and about['typestr'] == '<f4' and about['shape'] == (4, 8)
""", path, driver=driver)


def test_exchange_with_another_library(with_sim, path):
    with_sim(HEAD + """
import cellgrad as ms
from cellgrad import Tensor
from cellgrad._runtime import _core
ms.set_context(device_target='GPU')
x = np.arange(32, dtype=np.float32).reshape(4, 8)
t = Tensor(x) * 1.0
f = file['f']
got = f(t, x)                                        # by DLPack, of version 1
assert np.array_equal(got['z'].numpy(), x * x + 1)
class Old:                                           # which knows no max_version
    def __init__(self, t): self.t = t
    def __dlpack_device__(self): return self.t.__dlpack_device__()
    def __dlpack__(self, stream=None): self.stream = stream; return self.t.__dlpack__(stream=stream)
old = Old(t)
assert np.array_equal(f(old, t)['z'].numpy(), x * x + 1) and old.stream == file.stream
grown = Tensor(x) * 1.0
assert file['grow'](grown, t) is grown and np.array_equal(grown.asnumpy(), 2 * x)
z = got['z']
back = _core.from_dlpack(z)
assert back.data_ptr() == z.__cuda_array_interface__['data'][0] and np.array_equal((back + 1.0).asnumpy(), x * x + 2)
half = _core.from_dlpack(file['half'](file.to_device(np.ones(8, np.float32), 'bfloat16')))
assert half.dtype == ms.bfloat16 and np.array_equal(half.astype(ms.float32).asnumpy(), np.full(8, 2, np.float32))
used = lambda: ms.runtime.memory_stats('GPU')['used_bytes']
before = used()
other = f(t, x)['z']
shared = _core.from_dlpack(other)
del other; gc.collect()
assert np.array_equal(shared.asnumpy(), x * x + 1) and used() > before    # the message keeps it
del shared; gc.collect()
other = f(t, x)['z']                                                       # the next array finds it free
assert used() == before + 512, (used(), before)
capsule = other.__dlpack__(max_version=(1, 0))
del capsule, other                                                         # nobody took it
other = f(t, x)['z']
assert used() == before + 512, (used(), before)
""", path)


def test_what_is_refused(with_sim, path):
    with_sim(HEAD + """
x = np.ones((4, 8), np.float32)
f, dx = file['f'], file.to_device(x)
raises(TypeError, "'x' has dtype float32, but the array on the GPU is float64", f, file.to_device(x.astype(np.float64)), x)
raises(ValueError, "'x' has shape (4, 8), but the array on the GPU has (8, 4)", f, file.to_device(x.reshape(8, 4)), x)
raises(TypeError, 'no arrays of dtype complex64', file.to_device, x.astype(np.complex64))
class Theirs:
    def __init__(self, **changed): self.__cuda_array_interface__ = {**dx.__cuda_array_interface__, **changed}
address = dx.__cuda_array_interface__['data'][0]
raises(ValueError, 'multiple of 16 bytes', f, Theirs(data=(address + 4, False)), x)
raises(ValueError, 'is not contiguous', f, Theirs(strides=(4, 16)), x)
raises(ValueError, "'x' is given with a mask", f, Theirs(mask=dx), x)
raises(TypeError, 'in another byte order (>f4)', f, Theirs(typestr='>f4'), x)
assert f(Theirs(strides=(32, 4)), x)['z'].shape == (4, 8)
host = np.ones((8, 8), np.float32)
raises(ValueError, 'is not memory of GPU 0', f, Theirs(data=(host.ctypes.data + -host.ctypes.data % 16, False)), x)
raises(ValueError, 'is read-only', file['grow'], Theirs(data=(address, True)), x)
raises(ValueError, 'overlaps', file['grow'], dx, dx)
raises(BufferError, 'not on (1, 0)', lambda: dx.__dlpack__(dl_device=(1, 0)))
raises(ValueError, '0 is not a stream', lambda: dx.__dlpack__(stream=0))
raises(ValueError, 'without a copy', lambda: dx.__array__(copy=False))
raises((BufferError, RuntimeError), '', lambda: np.from_dlpack(dx))
second = cellgrad_program.load(sys.argv[1], gpu=1)
assert (file.device, second.device) == (0, 1)
raises(ValueError, "'x' is on GPU 1, and the file's programs run on GPU 0", f, second.to_device(x), x)
raises(ValueError, 'belongs to device 1', f, Theirs(data=second.to_device(x).__cuda_array_interface__['data']), x)
assert np.array_equal(second['f'](second.to_device(x), x)['z'].numpy(), x + 1)
""", path)


def test_programs_of_the_cpu_take_no_arrays_of_a_gpu(tmp_path):
    ms.jit(lambda x: x + 1).export(tmp_path / "f.cgp", Tensor(np.ones(4, np.float32)))
    file = cellgrad_program.load(tmp_path / "f.cgp")

    class Theirs:
        __cuda_array_interface__ = {"version": 3, "shape": (4,), "typestr": "<f4", "data": (4096, False), "strides": None, "stream": None}

    with pytest.raises(ValueError, match="'x' is given on a GPU, and the program runs on the CPU"):
        file(Theirs())
    with pytest.raises(ValueError, match="run on the CPU"):
        file.to_device(np.ones(4, np.float32))
    assert (file.device, file.stream) == (-1, 0)
