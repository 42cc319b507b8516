"""Modules: text, pipelines, errors of passes, code generation."""
import pathlib
import subprocess
import sys
import threading

import pytest
from small_programs import square_sum

from cellgrad._compiler import Builder, CompileError, Module

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


def test_failed_pass_names_the_user_line():
    builder = Builder()
    at = builder.location("net.py", 12, 9, builder.location("train.py", 40))
    f = builder.function("f", at)
    x = f.argument("f32", (2,), at)
    wall = f.op("cell.floor", [x], {}, at)
    f.finish(wall)
    g = builder.function("g", at)
    g.finish(g.value_and_grad(f, [g.argument("f32", (2,))], [0], [0], at))
    module = builder.finish(g)
    for pipeline in PIPELINES[:1]:
        module.run(pipeline)  # floor passes no derivative: zeros, not an error
    llvm = square_sum()
    with pytest.raises(CompileError, match="run the pipeline linalg-to-llvm first"):
        llvm.emit()


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


def test_fatal_error_of_the_code_generator_is_an_exception():
    """In a process of its own: LLVM reports on stderr."""
    program = ("from small_programs import square_sum; from cellgrad._compiler import CompileError\n"
               "m = square_sum()\n"
               f"[m.run(p) for p in {PIPELINES!r}]\n"
               "try: m.emit(cpu='i386')\n"
               "except CompileError as e: print(type(e).__name__, len(e.diagnostics))\n"
               "print(len(m.emit()[0]) > 100)\n")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=pathlib.Path(__file__).parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] in ("CompilerCrash", "CompileError") and done.stdout.split()[-1] == "True"


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
