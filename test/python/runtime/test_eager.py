"""EagerTable: kernels of single operations are found again by operation, attributes and signature."""
import numpy as np
import pytest
from support import make, tensor, values

from cellgrad._runtime import _core
from cellgrad._runtime import dtype as dt


def table(**options):
    made = []

    def compile(op, attrs, tensors):
        made.append((op, attrs, tuple(t.shape for t in tensors)))
        if op == "bad":
            raise ValueError("cannot compile")
        specs = [(t.dtype, t.shape) for t in tensors]
        return make(lambda *a: np.copyto(a[-2], a[0] * 2), specs, [specs[0]])

    return _core.EagerTable(compile, **options), made


def test_kernels_are_kept():
    eager, made = table()
    x = tensor([1.0, 2.0])
    for _ in range(3):
        assert values(eager("double", None, x)) == [2, 4]
    assert len(made) == len(eager) == 1 and eager.stats() == {"hits": 2, "misses": 1, "entries": 1}
    for op, attrs, t in [("other", None, x), ("double", (1,), x), ("double", (1.0,), x), ("double", (True,), x),
                         ("double", (0.0,), x), ("double", (-0.0,), x),
                         ("double", ((1, 2), "same"), x), ("double", None, tensor([[1.0, 2.0]])), ("double", None, tensor([1, 2])),
                         ("double", (dt.float32,), x), ("double", (dt.float64,), x)]:
        count = len(made)
        eager(op, attrs, t), eager(op, attrs, t)
        assert len(made) == count + 1, (op, attrs)
    eager.clear()
    assert len(eager) == 0 and values(eager("double", None, x)) == [2, 4]


def test_growth_and_limit():
    eager, made = table(limit=100)
    for _ in range(2):
        for n in range(1, 91):
            assert eager("double", None, tensor([1.0] * n)).shape == (n,)
    assert len(made) == 90
    for n in range(91, 111):
        eager("double", None, tensor([1.0] * n))
    assert len(eager) <= 100


def test_traced_operands_and_open_captures():
    seen = []
    eager, _ = table(traced=lambda op, attrs, tensors: seen.append((op, attrs, tensors)) or "traced")
    x, node = tensor([1.0]), _core.traced(dt.float32, (1,), "node")
    assert eager("double", (3,), node, x) == "traced" and seen == [("double", (3,), (node, x))]
    _core.enter_capture()
    try:
        assert eager("double", None, x) == "traced"
    finally:
        _core.exit_capture()
    assert values(eager("double", None, x)) == [2]


def test_errors():
    eager, _ = table()
    x = tensor([1.0])
    with pytest.raises(ValueError, match="cannot compile"):
        eager("bad", None, x)
    with pytest.raises(TypeError, match="double: operand 1 must be a Tensor, got int"):
        eager("double", None, x, 3)
    with pytest.raises(TypeError, match="unhashable"):
        eager("double", [1], x)
    with pytest.raises(TypeError, match="called as"):
        eager("double")
    with pytest.raises(TypeError, match="gave int"):
        _core.EagerTable(lambda *a: 5)("double", None, x)
