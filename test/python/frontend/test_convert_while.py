"""``while`` on Tensors and on Python values: eager = compiled = expected."""
from __future__ import annotations

import pytest
from convert_support import n_loops, same

from cellgrad import Tensor

X = Tensor([1.0, 2.0])


def test_while_on_a_tensor():
    def f(v):
        while v.sum() < 100:
            v = v * 2
        return v

    same(f, X, expected=[64.0, 128.0])
    assert n_loops(f, X) == 1


def test_while_with_a_counter_of_python():
    def f(v):
        k = 0
        while v.sum() < 100:
            v = v * 2
            k += 1
        return v, k

    same(f, X, expected=[64.0, 128.0, 6])


def test_while_that_runs_never():
    def f(v):
        k = 0
        while v.sum() > 100:
            v = v * 2
            k = k + 1
        return v + k

    same(f, X, expected=[1.0, 2.0])


def test_while_break():
    def f(v):
        k = 0
        while True:
            v = v * 2
            k += 1
            if v.sum() > 50:
                break
        return v, k

    same(f, X, expected=[32.0, 64.0, 5])


def test_while_condition_and_break():
    def f(v):
        k = 0
        while v.sum() < 100:
            v = v * 2
            k += 1
            if k > 3:
                break
        return v, k

    same(f, X, expected=[16.0, 32.0, 4])


def test_while_continue():
    def f(n):
        total = Tensor(0.0)
        i = 0
        while i < n:
            i += 1
            if i % 2 == 0:
                continue
            total = total + i
        return total

    same(f, Tensor(7), expected=16.0)


@pytest.mark.parametrize("limit", [10.0, 1000.0])
def test_while_else(limit):
    def f(v, top):
        i = 0
        while i < 5:
            v = v * 2
            i += 1
            if v.sum() > top:
                break
        else:
            v = v + 1000
        return v

    same(f, X, Tensor(limit), expected=[4.0, 8.0] if limit == 10 else [1032.0, 1064.0])


@pytest.mark.parametrize("start", [1.0, 60.0, 200.0])
def test_return_from_a_while(start):
    def f(v):
        i = 0
        while v.sum() < 100:
            if v.sum() > 50:
                return v + 1000
            v = v * 2
            i += 1
        return v * i

    same(f, Tensor([start]))


def test_return_from_an_endless_loop():
    def f(v):
        while True:
            v = v * 3
            if v.sum() > 100:
                return v, v.sum()

    same(f, X)


def test_static_while_is_python():
    def f(v):
        n = 3
        while n:
            v = v * n
            n -= 1
        return v

    same(f, X, expected=[6.0, 12.0])
    assert n_loops(f, X) == 0


def test_nested_while():
    def f(n):
        i, total = 0, 0
        while i < n:
            j = 0
            while j < i:
                total += j
                j += 1
            i += 1
        return total

    same(f, Tensor(5), expected=10)


def test_walrus_in_the_condition():
    def f(v):
        while (s := v.sum()) < 50:
            v = v + s
        return v, s

    same(f, X)


# -- for over range -------------------------------------------------------------------------------------------------------
