"""Every row of the behaviour reference of value_and_grad, called eagerly, in GRAPH_MODE and inside jit: one semantics."""
from __future__ import annotations

import builtins

import pytest
from rows import arguments, calls, harness, higher, ids_outputs, inputs, ties, weights

import cellgrad as ms
from cellgrad import _errors

ROWS = [r for module in (arguments, weights, ids_outputs, inputs, calls, higher, ties) for r in module.ROWS]


@pytest.fixture
def mode(request):
    if request.param == "graph":
        ms.set_context(mode=ms.GRAPH_MODE)
    yield request.param
    ms.set_context(mode=ms.PYNATIVE_MODE)


def test_rows_are_all_there():
    names = [r.name for r in ROWS]
    assert len(set(names)) == len(names) == 302


@pytest.mark.parametrize("mode", ["eager", "graph", "jit"], indirect=True)
@pytest.mark.parametrize("r", ROWS, ids=lambda r: r.name)
def test_row(r, mode):
    absent = harness.missing_ops(r)
    if absent:
        pytest.skip(f"ops.{absent[0]} does not exist yet")
    if r.raises is None:
        harness.compare(harness.expectation(r), harness.execute(r, mode))
        return
    kind = getattr(builtins, r.raises, None) or getattr(_errors, r.raises)
    with pytest.raises(kind) as caught:
        harness.execute(r, mode)
    assert r.match in str(caught.value)
