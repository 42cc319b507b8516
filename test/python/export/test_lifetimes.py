"""When files and arrays on the GPU end, whatever hangs together with them, and what is waited for where another library has them too; from Python on the simulator."""
from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest
from needs import need

import cellgrad as ms
import cellgrad_program
from cellgrad import Tensor

# Every call of the C library from here on is noted with its first argument and, of those that free, the second.
HEAD = """
import ctypes, gc, os, threading
from cellgrad_program import _device, _file, _library
class Noted:
    calls = []
    def __getattr__(self, name):
        function = getattr(real, name)
        def call(*args):
            self.calls.append((name, int(args[1] if name == 'cgp_free' else args[0] or 0) if args and name in ('cgp_free', 'cgp_close') else 0))
            return function(*args)
        return call
real, noted = _library.library(), Noted()
_library.library = _file.library = _device.library = lambda: noted
ends = lambda: [call for call in Noted.calls if call[0] in ('cgp_free', 'cgp_close')]
file = cellgrad_program.load(sys.argv[1])
x = np.ones((4, 8), np.float32)
gc.disable()
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    made = tmp_path_factory.mktemp("lifetimes") / "f.cgp"
    x = Tensor(np.ones((4, 8), np.float32))
    ms.jit(lambda x, y: x * y + 1).export(made, x, x, target="gpu", chip="sim")
    return made


def test_a_cycle_frees_arrays_before_it_closes_the_file(with_sim, path):
    with_sim(HEAD + """
first, second = file.to_device(x), file.to_device(x)
handle, addresses = int(file._handle), {int(first._address), int(second._address)}
assert not gc.is_tracked(file._handle) and not gc.is_tracked(first._address)
file.mine, first.other, second.other = [first, second], second, first
del file, first, second
assert ends() == []
gc.collect()
assert {call for call in ends()[:2]} == {('cgp_free', a) for a in addresses} and ends()[2:] == [('cgp_close', handle)], ends()
""", path)


def test_what_ends_with_the_cycle_may_use_all_of_it(with_sim, path):
    out = with_sim(HEAD + """
class Session:
    def __init__(self, file):
        self.file, self.array, self.itself = file, file.to_device(x * 3), self
    def __del__(self):
        print(float(self.file(self.array, self.array).numpy()[0, 0]))
for _ in range(5):
    session = Session(file)
file.session = session
del file, session
gc.collect()
assert [name for name, _ in ends()].count('cgp_close') == 1 and ends()[-1][0] == 'cgp_close', ends()
""", path)
    assert out.split() == ["10.0"] * 5


def test_parameters_of_the_cpu_keep_the_memory_and_no_cycle(tmp_path):
    import gc
    import weakref

    p = ms.Parameter(Tensor(np.arange(4, dtype=np.float32)), name="p")
    ms.jit(lambda x: x + p).export(tmp_path / "f.cgp", Tensor(np.ones(4, np.float32)))
    file = cellgrad_program.load(tmp_path / "f.cgp")
    array = file.parameters()["p"]
    gone, file.mine = weakref.ref(file), array
    del file
    gc.collect()
    assert gone() is None and array.tolist() == [0, 1, 2, 3]


def test_an_array_that_another_library_has_is_waited_for(with_sim, path, driver):
    with_sim(HEAD + """
gc.enable()
from cellgrad._runtime import _core
counting = ctypes.CDLL(os.environ['CELLGRAD_CUDA_DRIVER'])
quiet = lambda: ctypes.c_int.in_dll(counting, 'quiets').value
waits = lambda: ctypes.c_int.in_dll(counting, 'waits').value
def counted(call):
    before = quiet()
    call()
    return quiet() - before
dx, dy = file.to_device(x), file.to_device(x)
assert counted(lambda: file(dx, dy)) == 0 and counted(dx.numpy) == 0
theirs = _core.from_dlpack(dx)
before = waits()
assert counted(lambda: file(dx, dy)) == 1 and waits() == before + 2      # before the program for what they did, after it for what they do next
assert counted(dx.numpy) == 1 and counted(lambda: file(dy, dy)) == 0
del theirs; gc.collect()
assert counted(lambda: file(dx, dy)) == 1 and counted(lambda: file(dx, dy)) == 0   # once more: they let it go, with work that may still run
capsule = dx.__dlpack__(max_version=(1, 0))
del capsule
file.to_device(x)                                                                    # finds that nobody took it
assert counted(dx.numpy) == 1 and counted(dx.numpy) == 0
dx.__cuda_array_interface__
assert [counted(dx.numpy) for _ in range(3)] == [1, 1, 1]                            # nothing tells when its users are done
""", path, driver=driver)


def test_sweeping_while_sweeping(with_sim, path):
    """The collector may run in the middle of a sweep what begins one: a time limit ends the process where they wait for each other."""
    with_sim(HEAD + """
import faulthandler
from cellgrad_program import _dlpack
faulthandler.dump_traceback_later(60, exit=True)
found = []
real_forgotten = _dlpack._is_forgotten
def again(lent):
    found.append(file.to_device(x))                  # as a __del__ might that the collector runs here
    return real_forgotten(lent)
_dlpack._is_forgotten = again
capsule = file.to_device(x).__dlpack__()
file.to_device(x)
assert len(found) == 1
""", path)


def test_a_library_of_another_version_is_named_before_anything_else(tmp_path, monkeypatch):
    compiler = shutil.which("cc")
    need(compiler, "no C compiler")
    library = cellgrad_program._library.library.__wrapped__
    for source, text in (("int cgp_api(void) { return 1; }", "has interface 1, and this module uses 2"), ("int other;", "is not the library of this module")):
        (tmp_path / "old.c").write_text(source)
        made = tmp_path / f"old{len(text)}.so"
        subprocess.run([compiler, "-shared", "-fPIC", tmp_path / "old.c", "-o", made], check=True, capture_output=True, timeout=60)
        monkeypatch.setattr(cellgrad_program._library, "_path", lambda made=made: str(made))
        with pytest.raises(OSError, match=text):
            library()
