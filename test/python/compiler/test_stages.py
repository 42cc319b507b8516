"""What can be seen of a program on its way, and errors at each stage."""
import pathlib
import tempfile

import pytest
from small_programs import check, square_sum
from test_module import RECURSIVE

from cellgrad import _compiler, _errors
from cellgrad._compiler import Module, stages


def test_text_at_every_stage():
    program = _compiler.compile(square_sum(), "f")
    assert "cell.value_and_grad" in program.mlir() == program.mlir("cell")
    assert "cell.value_and_grad" not in program.mlir("differentiated") and "cell.mul" in program.mlir("differentiated")
    assert "linalg.generic" in program.mlir("linalg") and "cell.mul" not in program.mlir("linalg")
    assert "llvm.func @cg_entry" in program.mlir("llvm")
    assert "cg_entry" in program.asm()
    with pytest.raises(ValueError, match="the stages are cell, differentiated, linalg, llvm"):
        program.mlir("object")
    check(program)


def test_remarks_of_a_slow_way(monkeypatch):
    path = pathlib.Path(__file__).parents[2] / "passes/LinalgToLLVM/cautious-copies.mlir"
    program = _compiler.compile(square_sum(), "f")
    assert program.remarks() == ()
    # The program is there at the last stage only; before it the conflict would be simplified away.
    monkeypatch.setattr(stages, "STAGES", {"cell": (), "llvm": ("linalg-to-llvm",)})
    (remark,) = stages.remarks(Module.parse(path.read_text(), "loops.py"), "f")
    assert remark.startswith("loops.py:") and "what loops and branches hand on is copied in each turn" in remark


def test_module_of_the_caller_stays_as_it_is():
    module = square_sum()
    before = module.text()
    _compiler.compile(module, "f").mlir("llvm")
    assert module.text() == before


def test_dump_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CELLGRAD_DUMP_IR", str(tmp_path / "dump"))
    for _ in range(2):  # the cache does not hide the second one
        check(_compiler.compile(square_sum(), "net/f<1>", key="k"))
        assert _compiler.lookup("k") is None
    names = sorted(path.name.split("-", 2)[2] for path in (tmp_path / "dump").iterdir())
    assert names == sorted(2 * [f"net_f_1_.{end}" for end in ("cell.mlir", "differentiated.mlir", "linalg.mlir", "llvm.mlir", "o", "s")])


def test_error_of_differentiation_is_the_users():
    with pytest.raises(_errors.GradError, match="recursi") as caught:
        _compiler.compile(Module.parse(RECURSIVE), "f")
    assert caught.value.position == _errors.Position("net.py", 12, 9)
    assert "train.py:40: called from here" in str(caught.value)


def test_failed_pass_leaves_a_reproducer(monkeypatch, tmp_path):
    monkeypatch.setenv("CELLGRAD_DUMP_IR", str(tmp_path))
    monkeypatch.setitem(stages.STAGES, "llvm", ("convert-cell-to-linalg",))
    monkeypatch.setattr(stages, "_UNSUPPORTED", ())
    monkeypatch.setitem(stages.STAGES, "linalg", ())
    monkeypatch.setitem(stages.STAGES, "differentiated", ())
    with pytest.raises(_errors.InternalError, match="failed at stage 'llvm'") as caught:
        _compiler.compile(Module.parse(RECURSIVE.replace("private", "")), "f")
    text = open(caught.value.reproducer).read()
    assert Module.parse(text).text() and 'loc("net.py":12:9)' in text
    assert f"cell-opt {caught.value.reproducer} --pass-pipeline='builtin.module(convert-cell-to-linalg)'" in str(caught.value)


def test_failed_code_generation_leaves_a_reproducer(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setitem(stages.STAGES, "llvm", ())
    with pytest.raises(_errors.InternalError, match="failed at stage 'object'") as caught:
        _compiler.compile(square_sum(), "f")
    assert f"cell-run {tmp_path}" in str(caught.value)
