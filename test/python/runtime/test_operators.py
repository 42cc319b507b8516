"""BinaryOp: known kernels run without Python, everything else goes to the fallback."""
import numpy as np
import pytest
from support import Tensor, make, tensor, values

from cellgrad._runtime import _core
from cellgrad._runtime import dtype as dt
from cellgrad._runtime.tensor_data import from_value


@pytest.fixture
def ops():
    """A Tensor subclass with `-`, computed by NumPy, and the log of what reached Python."""
    log = []

    def compile(op, attrs, tensors):
        log.append(("compile", op))
        out = np.subtract(*(np.ones(t.shape, t.dtype.np_dtype) for t in tensors))
        inputs = [(t.dtype, t.shape) for t in tensors]
        return make(lambda a, b, o, arena: np.subtract(a, b, out=o), inputs, [(dt.from_np_dtype(out.dtype), out.shape)])

    table = _core.EagerTable(compile, lambda *a: "traced")

    def sub(a, b):
        log.append(("fallback", type(a).__name__, type(b).__name__))
        if not isinstance(a, Tensor) or not isinstance(b, Tensor):
            other = a if isinstance(a, Tensor) else b
            a, b = (v if isinstance(v, Tensor) else from_value(v, dt.promote_scalar(other.dtype, v)) for v in (a, b))
        alike = a.shape == b.shape and a.dtype is b.dtype and a.dtype.is_floating_point
        return table("sub" if alike else "mixed.sub", None, a, b)

    minus = _core.BinaryOp(table, "sub", "mixed.sub", sub, doc="Difference.")
    rminus = _core.BinaryOp(table, "sub", "mixed.sub", sub, reflected=True)
    Tensor.__sub__, Tensor.__rsub__ = minus, rminus
    yield log
    del Tensor.__sub__, Tensor.__rsub__


def test_known_kernels_run_without_python(ops):
    x, y, i = tensor([5.0, 7.0]), tensor([1.0, 2.0]), tensor([3, 4])
    cases = [(lambda: x - y, [4, 5]), (lambda: x - 2.5, [2.5, 4.5]), (lambda: 2.5 - x, [-2.5, -4.5]), (lambda: x - 1, [4, 6]),
             (lambda: i - 1, [2, 3]), (lambda: 10 - i, [7, 6]), (lambda: i - tensor([[1], [2]]), [[2, 3], [1, 2]])]
    for run, result in cases:
        assert values(run()) == result
    ops.clear()
    for run, result in cases:
        assert values(run()) == result
    assert ops == []
    assert (x - 2.5).dtype is dt.float32 and (i - 1).dtype is dt.int64


def test_everything_else_reaches_the_fallback(ops):
    x = tensor([5.0, 7.0])
    x - x, x - 1.0
    ops.clear()
    node = _core.traced(dt.float32, (2,), "node")
    assert x - node == "traced" and node - 1.0 == "traced"
    assert ops == [("fallback", "Tensor", "Tensor"), ("fallback", "Tensor", "float")]
    ops.clear()
    _core.enter_capture()
    try:
        assert x - x == "traced"
    finally:
        _core.exit_capture()
    assert ops == [("fallback", "Tensor", "Tensor")]
    ops.clear()
    small = from_value([1], dt.int8)
    small - 1
    with pytest.raises(ValueError):
        x - tensor([1.0, 2.0, 3.0])
    values(x - True)
    assert ("fallback", "Tensor", "bool") in ops
    with pytest.raises(TypeError):
        x - "text"


def test_description(ops):
    assert Tensor.__sub__.__doc__ == "Difference." and Tensor.__sub__.__name__ == "sub" and callable(tensor([1.0]).__sub__)
    with pytest.raises(TypeError, match="two operands"):
        Tensor.__sub__(1)
