"""Objects loaded into the process; damaged ones are errors."""
import gc
import random

import pytest
from small_programs import square_sum

from cellgrad._compiler import _loader, program, stages


@pytest.fixture(scope="module")
def machine_code():
    module = square_sum()
    return stages.lower(module, "f", {}).emit(0)[0]


def test_entry_and_symbols(machine_code):
    loaded = _loader.load(machine_code, program._libraries())
    assert loaded.entry == loaded.symbol("cg_entry") and loaded.arena_bytes >= 0 and loaded.size >= len(b"code")
    with pytest.raises(KeyError):
        loaded.symbol("no_such_symbol")
    with pytest.raises(TypeError):
        _loader.Loaded()


def test_memory_is_given_back(machine_code):
    def mapped():
        return sum(1 for line in open("/proc/self/maps") if "r-xp 00000000 00:00 0" in line)

    gc.collect()
    before = mapped()
    kept = [_loader.load(machine_code, program._libraries()) for _ in range(20)]
    assert mapped() > before
    del kept
    gc.collect()
    assert mapped() <= before  # programs of earlier tests may go as well


def test_missing_library(machine_code):
    with pytest.raises(OSError, match="cannot load the runtime library '/no/such.so'"):
        _loader.load(machine_code, ("/no/such.so",))
    with pytest.raises(TypeError):
        _loader.load("text")


def test_missing_function():
    from cellgrad._compiler import Module

    text = 'llvm.func @no_such_function()\nllvm.mlir.global constant @cg_arena_size(0 : i64) : i64\n' \
           'llvm.func @cg_entry(%a: !llvm.ptr, %b: !llvm.ptr) {\n  llvm.call @no_such_function() : () -> ()\n  llvm.return\n}'
    with pytest.raises(_loader.LoadError, match="no function 'no_such_function'"):
        _loader.load(Module.parse(text).emit(0)[0], program._libraries())


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"\x7fELF" + bytes(60), bytes(4096)])
def test_no_object(data):
    with pytest.raises(_loader.LoadError):
        _loader.load(data)


def test_damaged_objects_do_not_crash(machine_code):
    rng = random.Random(3)
    refused = 0
    for _ in range(3000):
        data = bytearray(machine_code)
        for _ in range(rng.choice((1, 2, 8))):
            data[rng.randrange(len(data))] = rng.randrange(256)
        if rng.random() < 0.2:
            del data[rng.randrange(len(data)):]
        try:
            _loader.load(bytes(data), program._libraries())
        except _loader.LoadError:
            refused += 1
    assert refused > 1000


def test_cpu_is_the_same_each_time():
    assert _loader.cpu() == _loader.cpu() and len(_loader.cpu()) > 10
