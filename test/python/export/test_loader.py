"""The loader as it travels: in processes without cellgrad, in old versions of Python, from several threads."""
from __future__ import annotations

import ast
import re
import threading
from pathlib import Path

import numpy as np
import pytest

import cellgrad as ms
import cellgrad_program
from cellgrad import Parameter, Tensor, nn, ops

PACKAGE = Path(cellgrad_program.__file__).parent


def test_a_process_without_cellgrad(tmp_path, bare):
    net = nn.SequentialCell(nn.Dense(3, 4), nn.ReLU(), nn.Dense(4, 2))
    x = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    digest = ms.export_programs(tmp_path / "m.cgp", {"predict": (net, Tensor(x))})
    np.save(tmp_path / "x.npy", x)
    bare("file = cellgrad_program.load(sys.argv[1] + '/m.cgp', digest=sys.argv[2])\n"
         "cellgrad_program.set_num_threads(1)\n"
         "np.save(sys.argv[1] + '/y.npy', file(np.load(sys.argv[1] + '/x.npy')))\n"
         "assert not any(name.split('.')[0] in ('cellgrad', 'mlir') for name in sys.modules)\n", tmp_path, digest)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), net(Tensor(x)).asnumpy(), rtol=1e-4, atol=1e-5)


def test_programs_print_to_standard_output(tmp_path, bare):
    ms.jit(lambda x: (print("x is", x), x + 1)[1]).export(tmp_path / "p.cgp", Tensor(np.ones(2, np.float32)))
    assert bare("cellgrad_program.load(sys.argv[1])(np.float32([1, 2.5]))", tmp_path / "p.cgp") == "x is [1, 2.5]\n"


def test_syntax_of_old_versions():
    for path in PACKAGE.glob("*.py"):
        ast.parse(path.read_text(), feature_version=(3, 10))


def test_one_file_from_many_threads(tmp_path):
    """Calls that write a Parameter run one at a time, so no addition is lost."""
    total = Parameter(Tensor(np.zeros(100_000, np.float64)), name="total")  # long enough for others to come between
    x = np.ones(100_000)
    ms.export_programs(tmp_path / "t.cgp", {"add": (lambda x: ops.assign_add(total, x).sum(), Tensor(x)), "read": (lambda x: (total + x).sum(), Tensor(x))})
    file = cellgrad_program.load(tmp_path / "t.cgp")
    wrong = []

    def work():
        add, read = file["add"], file["read"]
        for _ in range(100):
            if add(x) % 100_000 or read(x) % 100_000:
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    before = ms.get_num_threads()
    cellgrad_program.set_num_threads(1)  # teams of four callers at once would only wait for processors
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        ms.set_num_threads(before)
    assert not wrong and (file.parameters()["total"] == 400).all()


def test_files_and_their_memory_go_together(tmp_path):
    ms.jit(lambda x: x + 1).export(tmp_path / "f.cgp", Tensor(np.ones(4, np.float32)))

    def mapped():
        with open("/proc/self/maps") as maps:
            return sum("r-xp 00000000 00:00 0" in line for line in maps)

    before = mapped()
    files = [cellgrad_program.load(tmp_path / "f.cgp") for _ in range(20)]
    programs = [file["program"] for file in files]
    assert mapped() == before + 20
    del files
    assert programs[3](np.zeros(4, np.float32)).tolist() == [1, 1, 1, 1]  # a program keeps its file
    assert mapped() == before + 20
    del programs
    assert mapped() == before


def test_write_loader_replaces_an_old_one(tmp_path):
    package = Path(ms.write_loader(tmp_path / "new" / "place"))
    assert package == tmp_path / "new" / "place" / "cellgrad_program"
    names = {path.name for path in package.iterdir()}
    assert {"__init__.py", "libcellgrad_program.so", "libcellgrad_cpu.so", "libscipy_openblas.so", "libgomp.so.1", "cellgrad_program.h"} <= names
    (package / "__init__.py").write_text("old")
    ms.write_loader(tmp_path / "new" / "place")
    assert (package / "__init__.py").read_text() == (PACKAGE / "__init__.py").read_text()
    assert not any(path.suffix == ".tmp" for path in package.iterdir())


@pytest.mark.parametrize("cpu", ["x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4", "native"])
def test_processors(tmp_path, cpu):
    """Code for a smaller processor runs here; code for a larger one is refused by name of what is missing."""
    from cellgrad._compiler import _loader
    from cellgrad._compiler.processors import processor

    x = np.linspace(-2, 2, 1000).astype(np.float32)
    ms.jit(lambda x: ops.tanh(x) * ops.exp(x)).export(tmp_path / "f.cgp", Tensor(x), cpu=cpu)
    missing = set(processor(cpu)[1]) - set(_loader.features())
    if missing:
        with pytest.raises(cellgrad_program.MachineError, match=f"lacks .*{min(missing)}"):
            cellgrad_program.load(tmp_path / "f.cgp")
        return
    file = cellgrad_program.load(tmp_path / "f.cgp")
    assert file.header["target"]["cpu"] == cpu
    np.testing.assert_allclose(file(x), np.tanh(x) * np.exp(x), rtol=2e-6, atol=1e-7)


def test_the_loader_has_every_function_that_compiled_code_may_call():
    runtime = Path(__file__).resolve().parents[3] / "runtime"
    header = (runtime / "cpu/cellgrad_cpu.h").read_text()
    for_others = {"cg_set_num_threads", "cg_get_num_threads", "cg_conv2d_slot", "cg_conv2d_scratch", "cg_tape_create_in", "cg_has_failed"}
    functions = set(re.findall(r"^[a-z][\w *]*?\b(cg_\w+)\(", header, re.M)) - for_others
    listed = set(re.findall(r"F\((\w+)\)", (runtime / "program/imports.cpp").read_text()))
    assert len(functions) > 20 and functions <= listed
