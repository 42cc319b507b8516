"""``if`` and conditional expressions on Tensors: eager = compiled = expected."""
from __future__ import annotations


import pytest
from convert_support import plain, same

import cellgrad as ms
from cellgrad import Parameter, Tensor, jit, ops, value_and_grad

UP, DOWN = Tensor([1.0, 2.0]), Tensor([-1.0, -2.0])
BOTH = pytest.mark.parametrize("x", [UP, DOWN], ids=["then", "else"])


@BOTH
def test_two_branches_assign(x):
    def f(v):
        if v.sum() > 0:
            y = v * 2
        else:
            y = v * 3
        return y

    same(f, x, expected=[2.0, 4.0] if x is UP else [-3.0, -6.0])


@BOTH
def test_branch_without_else_changes_a_variable(x):
    def f(v):
        y = v
        if v.sum() > 0:
            y = y + 10.0
        return y

    same(f, x, expected=[11.0, 12.0] if x is UP else [-1.0, -2.0])


@BOTH
def test_early_return(x):
    def f(v):
        if v.sum() > 0:
            return v * 2
        w = v + 1
        return w * w

    same(f, x, expected=[2.0, 4.0] if x is UP else [0.0, 1.0])


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_chain_of_elif(k):
    def f(v, s):
        if s == 0:
            return v
        elif s == 1:
            return v + 1
        elif s == 2:
            return v + 2
        else:
            r = v + 3
        return r * 10

    same(f, Tensor(1.0), Tensor(k), expected=[1.0, 2.0, 3.0, 40.0][k])


@pytest.mark.parametrize("k", [-1, 0, 5, 50])
def test_return_in_one_branch_of_a_nested_if(k):
    def f(v):
        y = v * 1
        if v > 0:
            if v > 10:
                return v * 100
            y = v + 1
        return y * 2

    same(f, Tensor(k), expected={-1: -2, 0: 0, 5: 12, 50: 5000}[k])


@BOTH
def test_nested_conditions(x):
    def f(v):
        if v[0] > 0:
            if v[1] > 5:
                y = v
            else:
                y = -v
        else:
            if v[1] > -5:
                y = v * 7
            else:
                y = v * 9
        return y

    same(f, x)


def test_static_condition_is_python():
    log = []

    def f(v, flag):
        if flag:
            log.append("yes")
            return v
        log.append("no")
        return v * 2

    g = jit(f)
    assert plain(g(UP, True)) == [1.0, 2.0]
    assert log == ["yes"]
    assert plain(g(UP, False)) == [2.0, 4.0]
    assert log == ["yes", "no"]


@BOTH
def test_numbers_that_differ_become_a_tensor(x):
    def f(v):
        if v.sum() > 0:
            k = 2
        else:
            k = 3
        return v * k

    same(f, x, expected=[2.0, 4.0] if x is UP else [-3.0, -6.0])


def test_number_that_is_the_same_stays_python():
    def f(v):
        if v.sum() > 0:
            n, y = 2, v
        else:
            n, y = 2, -v
        return ops.reshape(y, (n, 1))

    same(f, UP, expected=[[1.0], [2.0]])


@BOTH
def test_containers(x):
    def f(v):
        if v.sum() > 0:
            out = {"a": v, "b": (v + 1, [v * 2])}
        else:
            out = {"a": -v, "b": (v - 1, [v * 3])}
        return out

    same(f, x)


@BOTH
def test_conditional_expression(x):
    same(lambda v: v * 2 if v.sum() > 0 else v - 1, x, expected=[2.0, 4.0] if x is UP else [-2.0, -3.0])


@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)])
def test_and_or_not(a, b):
    def f(p, q):
        r = Tensor(0.0)
        if p > 0 and q > 0:
            r = r + 1
        if p > 0 or q > 0:
            r = r + 10
        if not p > 0:
            r = r + 100
        if not (p > 0 and (q > 0 or p > 5)):
            r = r + 1000
        return r

    same(f, Tensor(a), Tensor(b))


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_chained_comparison(k):
    def f(v):
        if 0 < v <= 2 < 5:
            return v * 10
        return v

    same(f, Tensor(k), expected=k * 10 if k in (1, 2) else k)


def test_and_does_not_compute_what_python_would_not():
    def f(v, other):
        if other is not None and other.sum() > 0:
            return v + other
        return v

    same(f, UP, None, expected=[1.0, 2.0])
    same(f, UP, UP, expected=[2.0, 4.0])


@BOTH
def test_walrus(x):
    def f(v):
        if (s := v.sum()) > 0:
            return v + s
        return v - s

    same(f, x)


@BOTH
def test_parameter_written_in_a_branch(x):
    results = []
    for compiled in (False, True):
        p = Parameter(Tensor([0.0, 0.0]), name="p")

        def f(v):
            if v.sum() > 0:
                ops.assign(p, p + v)  # noqa: B023
            return v * 1

        (jit(f) if compiled else f)(x)
        results.append(plain(p))
    assert results[0] == results[1] == ([1.0, 2.0] if x is UP else [0.0, 0.0])


@BOTH
def test_element_assigned_in_a_branch(x):
    def f(v):
        y = v * 1
        if v.sum() > 0:
            y[0] = 7.0
        else:
            y[1] += 5.0
        return y

    same(f, x, expected=[7.0, 2.0] if x is UP else [-1.0, 3.0])


def test_branches_are_branches_in_the_program():
    f = jit(lambda v: ops.exp(v) if v.sum() > 0 else ops.sin(v))
    f(UP)
    assert "scf.if" in f.mlir("cell")


@BOTH
def test_derivative(x):
    def f(v):
        if v.sum() > 0:
            return (v * v).sum()
        return (v * v * v).sum()

    value, gradient = value_and_grad(f)(x)
    assert plain(gradient) == ([2.0, 4.0] if x is UP else [3.0, 12.0])


def test_dtype_of_the_condition():
    same(lambda v: v if v.astype(ms.int32)[0] else -v, UP, expected=[1.0, 2.0])


@BOTH
def test_branches_that_return_do_not_see_each_others_variables(x):
    def f(v):
        a, k = v * 2, 1
        if v.sum() > 0:
            a = a + 1
            k = 5
            return a * k
        else:
            return a * k + v

    same(f, x, expected=[15.0, 25.0] if x is UP else [-3.0, -6.0])


def test_return_in_a_branch_that_python_never_takes_in_a_loop():
    def f(v, n, k):
        for i in range(n):
            if k == 7:
                return v * 100
            if v.sum() > 1000:
                break
            v = v + i * 0.1
        return v

    v = Tensor(UP.asnumpy().astype("float64"))
    assert plain(jit(f)(v, Tensor(4), 1)) == pytest.approx(plain(f(v, 4, 1)), rel=1e-14)


def test_number_beside_a_comparison_counts_as_truth():
    def f(v, flag):
        k = 0
        while k < 3 and flag:
            k += 1
            v = v * 2
        if v.sum() > 0 or flag:
            v = v + 1
        return v

    same(f, UP, Tensor(1.0), expected=[9.0, 17.0])
    same(f, DOWN, Tensor(0.0), expected=[-1.0, -2.0])
