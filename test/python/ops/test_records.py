"""Every op of the dialect has a Python function with a docstring, and a row in the table."""
from __future__ import annotations

import inspect
from pathlib import Path

import emit_python
import images
import op_table
import pytest
import table

from cellgrad import ops

if not op_table.has_mlir_records():
    pytest.skip("the records are read with the TableGen files of xtc-mlir-dev, which only building needs", allow_module_level=True)
OPS = op_table.load()
ROWS = {row.op for row in table.ROWS + images.ROWS}
#: Tested elsewhere: derivatives of functions, constants, parts of other ops' derivatives, random numbers.
ELSEWHERE = {"constant", "value_and_grad", "vjp", "jvp", "vmap", "tape_create", "tape_push", "tape_pop", "barrier", "print", "assert",
             "dynamic_slice", "dynamic_update", "conv2d_input_grad", "conv2d_weight_grad", "max_pool2d_grad", "max_pool2d_gather", "avg_pool2d_grad",
             "random_bits", "random_uniform", "random_normal", "bernoulli", "dropout"}
#: MindSpore's name of ops whose record says another.
PUBLIC = {"reduce_sum": "sum", "reduce_mean": "mean", "reduce_prod": "prod", "reduce_max": "amax", "reduce_min": "amin", "reduce_any": "any",
          "reduce_all": "all", "reverse": "flip", "iota": "arange", "scatter_add": "tensor_scatter_add", "conv2d_input_grad": "", "random_bits": "",
          "random_uniform": "uniform", "random_normal": "standard_normal"}


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_python_name(op) -> None:
    name = PUBLIC.get(op.name, op.python_name)
    if name:
        function = getattr(ops, name)
        assert inspect.getdoc(function), name


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_row(op) -> None:
    assert op.name in ROWS or op.name in ELSEWHERE, f"cell.{op.name} needs a row in test/python/ops/table.py"


def test_rows_name_ops() -> None:
    assert {op.name for op in OPS} >= ROWS


def test_generated_wrappers_are_current() -> None:
    from cellgrad.ops import _generated

    assert Path(_generated.__file__).read_text() == emit_python.emit(OPS)


def test_public_functions_have_docstrings() -> None:
    missing = [name for name in dir(ops) if not name.startswith("_") and callable(getattr(ops, name)) and not inspect.getdoc(getattr(ops, name))]
    assert missing == []
