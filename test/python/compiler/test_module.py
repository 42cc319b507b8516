"""Modules: text, pipelines, errors of passes, code generation."""
import pathlib
import subprocess
import sys
import threading

import pytest
from small_programs import square_sum

from cellgrad._compiler import CompileError, Module

PIPELINES = ("cell-differentiate-pipeline", "cell-simplify", "cell-to-linalg-pipeline", "linalg-to-llvm")


def lowered():
    module = square_sum()
    for pipeline in PIPELINES:
        assert module.run(pipeline, verify_each=True) >= 0
    return module


def test_text_is_read_again():
    module = square_sum()
    for locations in (False, True):
        again = Module.parse(module.text(locations))
        assert again.fingerprint() == module.fingerprint()


def test_parse_error_has_a_place():
    with pytest.raises(CompileError) as caught:
        Module.parse("module {\n  func.func @f( {\n}", "file.mlir")
    assert caught.value.diagnostics[0][1:3] == ("file.mlir", 2)


def test_clone_shares_nothing():
    module = square_sum()
    copy = module.clone()
    copy.run("cell-differentiate-pipeline")
    assert "value_and_grad" in module.text() and "value_and_grad" not in copy.text()


def test_unknown_pipeline():
    module = square_sum()
    with pytest.raises(CompileError, match="does not refer to a registered pass"):
        module.run("no-such-pass")
    assert module.intact


RECURSIVE = """
func.func private @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = func.call @f(%x) : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
} loc(callsite("net.py":12:9 at "train.py":40:1))
func.func @g(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %0:2 = cell.value_and_grad @f(%x) wrt [0] outputs [0] : (tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  return %0#0, %0#1 : tensor<2xf32>, tensor<2xf32>
}
"""


def test_failed_pass_names_the_user_line():
    with pytest.raises(CompileError) as caught:
        Module.parse(RECURSIVE).run("cell-differentiate-pipeline")
    _, file, line, column, message, notes = caught.value.errors[0]
    assert (file, line, column) == ("net.py", 12, 9) and "recursi" in message
    assert ("train.py", 40, 1, "called from here") in notes


def test_code_is_made_of_the_llvm_dialect_only():
    with pytest.raises(CompileError, match="run the pipeline linalg-to-llvm or gpu-program-to-llvm first"):
        square_sum().emit()


def test_module_after_a_failed_pass_can_only_be_printed():
    module = Module.parse("func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {\n  %0 = cell.value_and_grad @g(%x) wrt [] outputs [0] : (tensor<2xf32>) -> tensor<2xf32>\n"
                          "  return %0 : tensor<2xf32>\n}\nfunc.func private @g(%x: tensor<2xf32>) -> tensor<2xf32>", "net.mlir")
    with pytest.raises(CompileError) as caught:
        module.run("cell-to-linalg-pipeline")
    assert caught.value.errors[0][1] == "net.mlir"
    assert not module.intact and module.text()
    for action in (module.clone, module.fingerprint, module.emit, lambda: module.run("cell-simplify")):
        with pytest.raises(CompileError, match="earlier pipeline failed"):
            action()


def test_machine_code_and_assembly():
    module = lowered()
    code, seconds = module.emit()
    assert code[:4] == b"\x7fELF" and all(value >= 0 for value in seconds.values())
    assert "cg_entry" in module.assembly(0) and "define" in module.llvm_ir(1)
    with pytest.raises(CompileError, match="0 to 3"):
        module.emit(4)


def test_fatal_errors_and_failed_assertions_are_exceptions():
    """In a process of its own: LLVM reports on stderr."""
    program = ("from small_programs import square_sum; from cellgrad._compiler import CompilerCrash\n"
               "m = square_sum()\n"
               f"[m.run(p) for p in {PIPELINES!r}]\n"
               "for bad in (dict(cpu='i386'), dict(features='junk')):\n"
               "    try: m.emit(**bad)\n"
               "    except CompilerCrash as e: print(len(e.diagnostics))\n"
               "print(len(m.emit()[0]) > 100)\n")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=pathlib.Path(__file__).parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1", "1", "True"]


def test_several_threads():
    problems = []

    def work(number):
        try:
            for i in range(5):
                module = square_sum((2, 3 + number), scale=1.0 + i)
                for pipeline in PIPELINES:
                    module.run(pipeline)
                assert module.emit(0)[0]
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
