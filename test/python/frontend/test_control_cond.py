"""cond: one of two functions, chosen in Python or by the program."""
import numpy as np
import pytest
from control_support import agree, parameter, same

import cellgrad as ms
from cellgrad import Tensor, jit, ops
from cellgrad._errors import CaptureError, DTypeError, ShapeError, UserError
from cellgrad._frontend.control import Undefined, cond


@pytest.fixture
def x():
    return Tensor([1.0, -2.0, 4.0])


def test_only_one_branch_runs(x):
    def f(x):
        return cond(x.sum() > 0, lambda v: (v * 2, {"a": v.sum()}), lambda v: (v - 1, {"a": v.max()}), x)

    program = agree(f, (x,), (-x,))
    assert program.mlir("cell").count("scf.if") == 1


@pytest.mark.parametrize("value", [0, 3, -1.5, 0.0, True, False])
def test_numbers_are_conditions(value):
    agree(lambda p: cond(p, lambda: Tensor(1.0), lambda: Tensor(2.0)), (Tensor(value),), (Tensor([value]),))


def test_python_conditions_call_one_function(x):
    calls = []

    @jit
    def f(x):
        return cond(len(x.shape) == 1, lambda: x + 1, lambda: calls.append(1))

    same(f(x), x + 1)
    assert not calls and "scf.if" not in f.mlir("cell")
    same(jit(lambda x: cond(Tensor(True), lambda: x * 3, lambda: None))(x), x * 3)  # a constant of the program is known, too


def test_closures_and_operands_are_lifted(x):
    w = parameter([1.0, 2.0, 3.0])

    def f(x, y):
        z = x * y
        return cond((z > 0).all(), lambda a: a * w + z, lambda a: a - z, x)

    agree(f, (x, x), (x, -x), params=[w])


def test_writes_in_one_branch_are_seen_afterwards(x):
    p = parameter([1.0, 1.0, 1.0])

    def f(x, y):
        def yes():
            ops.assign(p, p + x)
            y[0] = 9.0
            return x.sum()

        r = cond(x.sum() > 0, yes, lambda: x.max())
        return r, p * 1, y * 1

    agree(f, (x, x), (-x, x), params=[p])


def test_each_branch_writes_another_tensor(x):
    p, q = parameter([1.0, 1.0, 1.0]), parameter([2.0, 2.0, 2.0], "q")

    def f(x):
        cond(x.sum() > 0, lambda: ops.assign(p, x) and None, lambda: ops.assign(q, x) and None)
        return p + q

    def run(x):
        def set_p():
            ops.assign(p, x)

        def set_q():
            ops.assign(q, x)

        cond(x.sum() > 0, set_p, set_q)
        return p + q

    agree(run, (x,), (-x,), params=[p, q])


def test_numbers_that_differ_become_tensors(x):
    got = jit(lambda x: cond(x.sum() > 0, lambda: (1, 2, 3), lambda: (1, 2.5, True)))(x)
    assert got[0] == 1 and not isinstance(got[0], Tensor)
    assert (got[1].dtype, got[2].dtype) == (ms.float32, ms.int64) and float(got[1]) == 2.0 and int(got[2]) == 3
    got = jit(lambda x, n: cond(x.sum() > 0, lambda: n, lambda: 0.5))(-x, Tensor(3))
    assert got.dtype == ms.float32 and float(got) == 0.5


def test_the_same_object_from_both_branches_stays_itself(x):
    p = parameter([1.0, 2.0, 3.0])

    @jit
    def f(x):
        def yes():
            ops.assign(p, p * 2)
            return p

        return cond(x.sum() > 0, yes, lambda: p)

    assert f(x) is p and p.asnumpy().tolist() == [2, 4, 6]
    assert f(-x) is p and p.asnumpy().tolist() == [2, 4, 6]


def test_random_numbers_advance_in_the_branch_that_runs(x):
    @jit
    def f(flag):
        return cond(flag, lambda: ops.rand(3), lambda: ops.zeros((3,), ms.float32)), ops.rand(3)

    ms.set_seed(3)
    a = f(Tensor(True))
    ms.set_seed(3)
    b = f(Tensor(False))
    same(b[1], a[0])
    assert not np.allclose(a[0].asnumpy(), a[1].asnumpy())


def test_nested(x):
    def f(x, y):
        inner = lambda: cond(y.sum() > 0, lambda: x * y, lambda: x - y)
        return cond(x.sum() > 0, inner, lambda: inner() + 1)

    agree(f, (x, x), (x, -x), (-x, x), (-x, -x))


def test_inside_a_cell(x):
    class Gate(ms.nn.Cell):
        def __init__(self):
            super().__init__()
            self.dense = ms.nn.Dense(3, 3)

        def construct(self, x):
            return cond(x.sum() > 0, lambda: self.dense(x.reshape(1, 3)), lambda: ops.zeros((1, 3), ms.float32))

    cell = Gate()
    program = jit(cell)
    same(program(x), cell(x))
    same(program(-x), cell(-x))


def test_undefined_variables_stay_undefined(x):
    seen = []

    @jit
    def f(x):
        a, b = cond(x.sum() > 0, lambda: (x, Undefined("b")), lambda: (x + 1, (x, x)), names=("a", "b"))
        seen.append(b)
        return a

    same(f(x), x)
    assert isinstance(seen[0], Undefined) and "'b' gets a value in one branch" in str(seen[0].error())


@pytest.mark.parametrize("then, other, kind, words", [
    (lambda x: x, lambda x: x[:2], ShapeError, ["'y'", "Tensor of shape (3,)", "Tensor of shape (2,)", "hint"]),
    (lambda x: x, lambda x: x > 0, DTypeError, ["Float32", "Bool", "astype(ms.float32)"]),
    (lambda x: x, lambda x: None, CaptureError, ["a Float32 Tensor of shape (3,)", "None", "same kind of value"]),
    (lambda x: (x, x), lambda x: x, CaptureError, ["a tuple of 2", "same structure"]),
    (lambda x: {"a": x}, lambda x: {"b": x}, CaptureError, ["keys ['a']", "keys ['b']"]),
    (lambda x: [x, 1], lambda x: [x, "s"], CaptureError, ["'y' (at [1])", "the str 's'"]),
    (lambda x: 1.0, lambda x: x, ShapeError, ["the float 1.0", "shape (3,)"]),
])
def test_branches_that_do_not_fit(x, then, other, kind, words):
    with pytest.raises(kind) as raised:
        jit(lambda x: cond(x.sum() > 0, lambda: (then(x),), lambda: (other(x),), names=("y",)))(x)
    for word in [*words, "test_control_cond.py"]:
        assert word in str(raised.value)


def test_a_condition_of_many_elements(x):
    with pytest.raises(UserError, match=r"shape \(3,\), which is not one truth value"):
        jit(lambda x: cond(x > 0, lambda: x, lambda: x))(x)


def test_a_traced_tensor_of_one_branch_does_not_leak(x):
    kept = []

    @jit
    def f(x):
        def yes():
            kept.append(x * 2)
            return x

        cond(x.sum() > 0, yes, lambda: x)
        return kept[0] + 1

    with pytest.raises(CaptureError, match="outside the function that computed it"):
        f(x)


def test_public_name(x):
    same(ops.cond(x.sum() > 0, lambda v: v + 1, lambda v: v - 1, x), x + 1)
    agree(lambda x: ops.cond(x.sum() > 0, lambda v: v + 1, lambda v: v - 1, x), (x,), (-x,))
    with pytest.raises(TypeError, match="'true_fun' should be a function"):
        ops.cond(True, 1, 2)
