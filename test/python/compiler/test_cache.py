"""Programs on disk: found by content, checked when read, rebuilt when damaged, limited in size."""
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from small_programs import check, square_sum

from cellgrad import _compiler
from cellgrad._compiler import cache, program


def forget(monkeypatch):
    """As a new process would: nothing is in memory."""
    program._loaded.clear()


def files(folder):
    return sorted(folder.glob("*.cgobj"))


def test_second_process_finds_the_program(cache_folder, monkeypatch):
    module = square_sum()
    first = _compiler.compile(module, "f")
    assert {"differentiated", "linalg", "llvm", "object", "load"} == set(first.timings())
    check(first)
    forget(monkeypatch)
    again = _compiler.compile(square_sum(file="elsewhere.py"), "f")
    assert set(again.timings()) == {"cache"} and len(files(cache_folder)) == 1
    check(again)
    assert again.mlir("differentiated") == first.mlir("differentiated")


def test_another_program_is_another_entry(cache_folder):
    check(_compiler.compile(square_sum(), "f"))
    other = _compiler.compile(square_sum(scale=2.0), "f")
    assert "object" in other.timings() and len(files(cache_folder)) == 2
    check(other, scale=2.0)


def test_equal_programs_share_code_in_memory():
    first, again = _compiler.compile(square_sum(), "f"), _compiler.compile(square_sum(), "h")
    assert first.entry == again.entry
    check(again)


def test_options_are_part_of_the_key(cache_folder, monkeypatch):
    _compiler.compile(square_sum(), "f")
    monkeypatch.setenv("CELLGRAD_OPT_LEVEL", "0")
    low = _compiler.compile(square_sum(), "f")
    assert "object" in low.timings() and len(files(cache_folder)) == 2
    check(low)
    monkeypatch.setenv("CELLGRAD_OPT_LEVEL", "fast")
    with pytest.raises(ValueError, match="CELLGRAD_OPT_LEVEL"):
        _compiler.compile(square_sum(), "f")


def test_lookup_by_key(monkeypatch):
    key = "('mul', None)"
    assert _compiler.lookup(key) is None
    _compiler.compile(square_sum(), "mul", key=key, outputs=[[8, [2, 3]]])
    forget(monkeypatch)
    found = _compiler.lookup(key)
    assert found.name == "mul" and found.outputs == [[8, [2, 3]]]
    check(found)
    assert "cell.value_and_grad" in found.mlir() and "cg_entry" in found.asm()
    assert _compiler.lookup(key + " ") is None


def test_lookup_loads_no_llvm(cache_folder):
    _compiler.compile(square_sum(), "f", key="k")
    code = ("import sys; from cellgrad import _compiler; found = _compiler.lookup('k'); assert found is not None and found.entry\n"
            "assert not any('_native' in name for name in sys.modules)\n"
            "assert 'libLLVM' not in open('/proc/self/maps').read()")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "bit":
        data[len(data) // 2] ^= 1
    elif how == "short":
        del data[-7:]
    elif how == "empty":
        data.clear()
    elif how == "other":
        data[:4] = b"JUNK"
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["bit", "short", "empty", "other"])
def test_damaged_entry_is_rebuilt(cache_folder, monkeypatch, how):
    _compiler.compile(square_sum(), "f")
    (path,) = files(cache_folder)
    good = path.read_bytes()
    damage(path, how)
    forget(monkeypatch)
    with pytest.warns(cache.CacheWarning, match="damaged file"):
        again = _compiler.compile(square_sum(), "f")
    assert "object" in again.timings()
    check(again)
    forget(monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert set(_compiler.compile(square_sum(), "f").timings()) == {"cache"}
    assert files(cache_folder) == [path] and len(path.read_bytes()) == pytest.approx(len(good), abs=64)


def test_object_that_does_not_load_is_rebuilt(cache_folder, monkeypatch):
    """The checksum is right, the object is not: another program wrote the file."""
    _compiler.compile(square_sum(), "f")
    (path,) = files(cache_folder)
    cache.write(path.stem, cache.Entry({"name": "f", "outputs": None}, b"no object", b""))
    forget(monkeypatch)
    with pytest.warns(cache.CacheWarning, match="not a relocatable ELF object"):
        check(_compiler.compile(square_sum(), "f"))


def test_no_cache(cache_folder, monkeypatch):
    monkeypatch.setenv("CELLGRAD_CACHE_DIR", "")
    check(_compiler.compile(square_sum(), "f", key="k"))
    assert not cache_folder.exists() and _compiler.lookup("k") is None


def test_folder_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CELLGRAD_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.warns(cache.CacheWarning) as said:
        check(_compiler.compile(square_sum(), "f"))
        check(_compiler.compile(square_sum(scale=2.0), "f"), scale=2.0)
    assert len(said) == 1


def test_default_folder(monkeypatch):
    monkeypatch.delenv("CELLGRAD_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache.folder() == "/somewhere/cellgrad"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.folder() == str(Path.home() / ".cache" / "cellgrad")


def test_oldest_entries_go_first(cache_folder):
    for i in range(10):
        cache.write(f"{i:040x}", cache.Entry({}, bytes(1000), b""))
        os.utime(cache_folder / f"{i:040x}.cgobj", (1000 + i, 1000 + i))
    (cache_folder / ".new-x.cgobj.tmp").write_bytes(bytes(10))
    os.utime(cache_folder / ".new-x.cgobj.tmp", (1, 1))  # not older than an hour by the folder's own time
    cache.shrink(cache_folder, 5 * 1100)
    assert [path.stem for path in files(cache_folder)] == [f"{i:040x}" for i in range(6, 10)]
    assert (cache_folder / ".new-x.cgobj.tmp").exists()
    os.utime(cache_folder / f"{9:040x}.cgobj", (9000, 9000))
    cache.shrink(cache_folder, 1 << 20)
    assert not (cache_folder / ".new-x.cgobj.tmp").exists() and len(files(cache_folder)) == 4


def test_reading_renews_the_time_of_use(cache_folder):
    cache.write("a" * 40, cache.Entry({"name": "x"}, b"code", b""))
    path = cache_folder / ("a" * 40 + ".cgobj")
    os.utime(path, (1, 1))
    assert cache.read("a" * 40).header == {"name": "x"}
    assert path.stat().st_mtime > 1
    assert path.stat().st_mode & 0o077 == 0


def test_build_id_is_read_without_loading():
    from cellgrad._compiler import _native

    program._compiler_build.cache_clear()
    assert program._compiler_build() == _native.build_id() and len(_native.build_id()) == 40
