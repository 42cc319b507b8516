"""The examples of the documentation of value_and_grad print what the reference system prints."""
from __future__ import annotations

import runpy
from pathlib import Path

import pytest

import cellgrad as ms

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "value_and_grad_doc.py"

PRINTED = '''[-0. 18.]
[0. 6.]
(Tensor(shape=[2], dtype=Float32, value= [ 7.50000000e+01,  7.50000000e+01]), Tensor(shape=[2], dtype=Float32, value= [ 5.00000000e+00,  5.00000000e+00]))
(Tensor(shape=[2], dtype=Float32, value= [ 7.50000000e+01,  7.50000000e+01]), Tensor(shape=[2], dtype=Float32, value= [ 3.00000000e+01,  3.00000000e+01]))
(16, 1)
(16, 10) (16, 10)
(16, 1)
2 2
(16, 1)
(16, 10) (16, 10)
2 2
'''


@pytest.mark.parametrize("mode", [ms.PYNATIVE_MODE, ms.GRAPH_MODE])
def test_examples_print_what_the_documentation_prints(mode, capsys):
    ms.set_context(mode=mode)
    try:
        runpy.run_path(str(EXAMPLE))
    finally:
        ms.set_context(mode=ms.PYNATIVE_MODE)
    assert capsys.readouterr().out == PRINTED
