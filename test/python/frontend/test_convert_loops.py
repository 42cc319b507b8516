"""``for`` on Tensors and on Python values: eager = compiled = expected."""
from __future__ import annotations

import random

import numpy as np
import pytest
from convert_support import n_loops, plain, same

import cellgrad as ms
from cellgrad import Parameter, Tensor, jit, nn, ops

X = Tensor([1.0, 2.0])
ROWS = Tensor(np.arange(40, dtype=np.float32).reshape(20, 2) / 8)
COUNTS = pytest.mark.parametrize("n", [0, 1, 5])


@COUNTS
def test_range_of_a_tensor(n):
    def f(v, m):
        for i in range(m):
            v = v + i
        return v

    same(f, X, Tensor(n))
    assert n_loops(f, X, Tensor(n)) == 1


@pytest.mark.parametrize("bounds", [(2, 7, 2), (7, 2, -2), (0, 0, 1), (5, 2, 1)])
def test_range_of_three_tensors(bounds):
    def f(v, a, b, c):
        for i in range(a, b, c):
            v = v * 2 + i
        return v

    same(f, X, *(Tensor(b) for b in bounds))


@COUNTS
def test_number_accumulates(n):
    def f(v, m):
        total = 0
        for i in range(m):
            total += v.sum() * i
        return total

    same(f, X, Tensor(n))


@COUNTS
def test_break_continue_and_else_in_a_for(n):
    def f(v, m, top):
        for i in range(m):
            if i == 1:
                continue
            v = v * 2
            if v.sum() > top:
                break
        else:
            v = -v
        return v

    same(f, X, Tensor(n), Tensor(10.0))


@COUNTS
def test_return_from_a_for(n):
    def f(v, m):
        for i in range(m):
            if v.sum() > 10:
                return v * 100
            v = v + i
        return -v

    same(f, X, Tensor(n))


def test_nested_for():
    def f(v, n):
        for i in range(n):
            for j in range(i):
                v = v + i * j
        return v

    same(f, X, Tensor(5), expected=[36.0, 37.0])
    assert n_loops(f, X, Tensor(5)) == 2


def test_elements_are_assigned():
    def f(v, n):
        out = ops.zeros((6,), ms.float32)
        for i in range(n):
            out[i] = v.sum() * i
            out[5 - i] += 1.0
        return out

    same(f, X, Tensor(3), expected=[0.0, 3.0, 6.0, 1.0, 1.0, 1.0])


def test_parameter_is_updated_in_a_loop():
    results = []
    for compiled in (False, True):
        p = Parameter(Tensor([0.0, 0.0]), name="p")

        def f(v, n):
            for _ in range(n):
                ops.assign(p, p + v)  # noqa: B023
            return v * 1

        (jit(f) if compiled else f)(X, Tensor(4))
        results.append(plain(p))
    assert results == [[4.0, 8.0]] * 2


def test_cell_called_in_a_loop():
    net = nn.Dense(2, 2)

    def f(v, n):
        for _ in range(n):
            v = ops.tanh(net(v))
        return v

    same(f, Tensor([[1.0, 2.0]]), Tensor(3))


# -- long loops stay loops -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("n", "loops"), [(15, 0), (16, 1), (100, 1)])
def test_long_range_stays_a_loop(n, loops):
    def f(v):
        for i in range(n):
            v = v * 0.5 + i
        return v

    same(f, X)
    assert n_loops(f, X) == loops


def test_long_range_downwards_and_its_variable_afterwards():
    def f(v):
        for i in range(40, 2, -2):
            v = v + i
        return v * i

    same(f, X)
    assert n_loops(f, X) == 1


def test_long_loop_with_break():
    def f(v):
        for i in range(50):
            v = v + i
            if v.sum() > 30:
                break
        return v

    same(f, X)
    assert n_loops(f, X) == 1


def test_variable_first_assigned_in_a_long_loop():
    def f(v):
        for i in range(20):
            last = v * i
            v = v + 1
        return last

    same(f, X)
    assert n_loops(f, X) == 1


@pytest.mark.parametrize("what", ["list", "index", "attribute", "number", "shape", "iterator", "foreign", "library"])
def test_loop_that_needs_python_is_written_out(what):
    layers = [nn.Dense(2, 2) for _ in range(20)]
    box = type("Box", (), {})()
    seen = []

    def as_list(v):
        parts = []
        for i in range(20):
            parts.append(v * i)
        return ops.stack(parts).sum()

    def index(v):
        v = v.reshape((1, 2))
        for i in range(20):
            v = ops.tanh(layers[i](v))
        return v

    def attribute(v):
        box.total = v
        for i in range(20):
            box.total = box.total + i
        return box.total

    def number(v):
        n = 0
        for _ in range(20):
            n += 2
        return ops.ones((n,), ms.float32)

    def shape(v):
        total = v.sum()
        for i in range(1, 20):
            total = total + ops.ones((i,), ms.float32).sum()
        return total

    def iterator(v):
        values = iter(range(100))
        for _ in range(20):
            v = v + next(values)
        return v

    def foreign(v):
        for i in range(20):
            seen.append(i)
            v = v + 1
        return v

    def library(v):
        random.seed(3)
        for _ in range(20):
            v = v + random.randint(1, 100)
        return v

    f = {"list": as_list}.get(what) or {g.__name__: g for g in (index, attribute, number, shape, iterator, foreign, library)}[what]
    same(f, X)
    assert n_loops(f, X) == 0
    if what == "foreign":
        assert seen[:40] == list(range(20)) * 2  # nothing ran twice


def test_random_numbers_differ_from_trip_to_trip():
    def f(v):
        total = v
        for _ in range(16):
            total = total + ops.dropout(v, 0.5, training=True)
        return total

    ms.set_seed(1)
    out = plain(jit(f)(ops.ones((64,), ms.float32)))
    assert len(set(out)) > 3


def test_recursion_of_static_depth():
    def power(v, n):
        if n == 0:
            return ops.ones_like(v)
        if v.sum() > 1000:
            return v
        return v * power(v, n - 1)

    same(power, X, 5, expected=[1.0, 32.0])

    def count(v, n):
        if n == 0:
            return v
        return count(v + 1, n - 1)

    same(count, X, 500, expected=[501.0, 502.0])
    with pytest.raises(RecursionError):
        jit(lambda v: count(v, -1))(X)


@pytest.mark.parametrize("dtype", ["int32", "float16", "float64"])
@pytest.mark.parametrize("n", [20, Tensor(20)], ids=["static", "tensor"])
def test_the_counter_is_a_number_in_arithmetic(dtype, n):
    def f(v, m):
        k = 0
        for i in range(m):
            v = v + i - (-i) * 2 + k + i % 3 + (i + 1) ** 2 // 5
            v = v - v % (i + 1)
            k += 1
        return v

    v = Tensor(np.array([1, 2]), getattr(ms, dtype))
    compiled = jit(f)(v, n)
    assert compiled.dtype is v.dtype
    assert plain(compiled) == plain(f(v, n))


def test_counter_and_fraction_keep_the_precision_of_python():
    def f(v):
        for i in range(20):
            v = v + i * 0.1 + i / 3
        return v

    v = Tensor(np.array([1.0, 2.0]))
    assert plain(jit(f)(v)) == pytest.approx(plain(f(v)), rel=1e-14)
