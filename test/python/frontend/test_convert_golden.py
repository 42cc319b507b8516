"""What cannot be captured: the whole text of the error of every module in ``golden``, apart from paths. ``GOLDEN=write pytest ...`` writes the texts anew, to be read."""
from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "golden"


def error_of(path):
    spec = importlib.util.spec_from_file_location(f"golden_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(Exception) as caught:
        module.run()
    error = caught.value
    text = "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])
    return re.sub(r"(?<=--> )\S*/", "", text) + "\n"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda p: p.stem)
def test_error(path):
    text = error_of(path)
    expected = path.with_suffix(".txt")
    if os.environ.get("GOLDEN") == "write":
        expected.write_text(text)
    assert text == expected.read_text()


def test_no_internal_names():
    for path in FOLDER.glob("*.txt"):
        text = path.read_text()
        assert not re.search(r"_cg_|__cg__|_node|scf\.|InternalError|_frontend", text), path.stem
