"""Files appear whole or not at all, with the rights that the process gives new files."""
from __future__ import annotations

import os
import stat

import pytest

from cellgrad._runtime.files import write_file


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_rights_follow_the_mask_which_nobody_touches(tmp_path, monkeypatch, mask):
    before = os.umask(mask)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(os, "umask", lambda value: pytest.fail("the mask is the whole process's: other threads make files meanwhile"))
            write_file(str(tmp_path / "f"), b"content")
    finally:
        os.umask(before)
    assert (tmp_path / "f").read_bytes() == b"content" and stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o666 & ~mask


def test_a_file_that_cannot_be_finished_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "f").write_bytes(b"old")

    def full(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_file(str(tmp_path / "f"), b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"] and (tmp_path / "f").read_bytes() == b"old"
