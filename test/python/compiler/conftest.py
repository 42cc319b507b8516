"""Every test has a cache of its own."""
import pathlib
import sys
import weakref

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch):
    from cellgrad._compiler import cache, program

    folder = tmp_path / "cache"
    monkeypatch.setenv("CELLGRAD_CACHE_DIR", str(folder))
    monkeypatch.delenv("CELLGRAD_DUMP_IR", raising=False)
    monkeypatch.setattr(program, "_loaded", weakref.WeakValueDictionary())
    monkeypatch.setattr(cache, "_complained", False)
    return folder
