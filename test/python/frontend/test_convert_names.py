"""Names, scopes and other statements of Python around conditions on Tensors: eager = compiled = expected."""
from __future__ import annotations

import functools

import pytest
from convert_support import plain, same

from cellgrad import Tensor, jit, nn

UP, DOWN = Tensor([1.0, 2.0]), Tensor([-1.0, -2.0])
BOTH = pytest.mark.parametrize("x", [UP, DOWN], ids=["then", "else"])



@BOTH
def test_construct_methods_closures_and_partial(x):
    class Net(nn.Cell):
        def __init__(self):
            super().__init__()
            self.gain = 3.0

        def scaled(self, v, *rest, power=1, **more):
            if v.sum() > 0:
                return v * self.gain * power + sum(rest)
            return v + more.get("shift", 0.0)

        def construct(self, v):
            inner = functools.partial(self.scaled, power=2)

            def twice(u):
                if u[0] > 0:
                    return inner(u, 1.0, shift=5.0)
                return self.scaled(u, shift=1.0) * 2

            return twice(v)

    net = Net()
    same(lambda v: net(v), x, expected=[7.0, 13.0] if x is UP else [0.0, -2.0])


@BOTH
def test_super_without_arguments(x):
    class Base(nn.Cell):
        def construct(self, v):
            return v + 1

    class Derived(Base):
        def construct(self, v):
            if v.sum() > 0:
                return super().construct(v) * 2
            return super().construct(v)

    net = Derived()
    same(lambda v: net(v), x, expected=[4.0, 6.0] if x is UP else [0.0, -1.0])


def test_nonlocal_and_global_stay_live():
    count = 0

    def f(v):
        nonlocal count
        count += 1
        if v.sum() > 0:
            return v
        return -v

    jit(f)(UP)
    assert count == 1


def test_private_names():
    class Model:
        def __init__(self):
            self.__k = 4.0

        def __call__(self, v):
            if v.sum() > 0:
                return v * self.__k
            return v

    model = Model()
    same(lambda v: model(v), UP, expected=[4.0, 8.0])


def test_names_without_a_value_raise_as_python_does():
    def f(v, flag):
        if flag:
            y = v
        return y

    with pytest.raises(NameError, match="y"):
        jit(f)(UP, False)
    with pytest.raises(NameError, match="never_defined"):
        jit(lambda v: v if v.sum() > 0 else never_defined)(UP)  # noqa: F821


def test_variable_of_one_branch_that_is_not_read_afterwards():
    def f(v):
        if v.sum() > 0:
            t = v * 2
            y = t + 1
        else:
            y = v
        return y

    same(f, UP, expected=[3.0, 5.0])


def test_lambdas_on_one_line():
    f, g = (lambda v: v if v.sum() > 0 else -v), (lambda v: -v if v.sum() > 0 else v)
    assert plain(jit(f)(UP)) == [1.0, 2.0]
    assert plain(jit(g)(UP)) == [-1.0, -2.0]


def test_match_statement():
    def f(v, how):
        match how:
            case {"scale": s}:
                if v.sum() > 0:
                    y = v * s
                else:
                    y = v
            case [first, *_]:
                return v + first
            case _:
                y = v - 1
        return y

    same(f, UP, {"scale": 2.0}, expected=[2.0, 4.0])
    same(f, UP, [5.0], expected=[6.0, 7.0])
    same(f, UP, None, expected=[0.0, 1.0])


def test_try_and_with_are_python():
    class Managed:
        def __enter__(self):
            return 2.0

        def __exit__(self, *error):
            return False

    def f(v, table):
        try:
            k = table["k"]
            if v.sum() > 0:
                return v * k
        except KeyError:
            k = 5.0
        finally:
            v = v + 0
        with Managed() as m:
            if v.sum() > 100:
                return v
            return v * k * m

    same(f, UP, {"k": 3.0}, expected=[3.0, 6.0])
    same(f, DOWN, {"k": 3.0}, expected=[-6.0, -12.0])
    same(f, UP, {}, expected=[10.0, 20.0])
