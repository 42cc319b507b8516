"""Converted functions on Python values do what the functions do: syntax that has nothing to do with Tensors, and whole modules of the standard library."""
from __future__ import annotations

import contextlib
import functools
import importlib.util
import sys
from types import FunctionType

import pytest
from convert_support import plain, same

import cellgrad as ms
from cellgrad import Tensor, jit, ops
from cellgrad._frontend.convert import functions

X = Tensor([1.0, 2.0])


def converted_module(name):
    """A copy of a module of the standard library, all of whose functions and methods are converted."""
    spec = importlib.util.find_spec(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"converted_{name}"] = module
    spec.loader.exec_module(module)
    count = 0
    for holder in [module, *(v for v in vars(module).values() if isinstance(v, type) and v.__module__ == module.__name__)]:
        for key, value in list(vars(holder).items()):
            if isinstance(value, FunctionType) and value.__code__.co_filename == spec.origin:
                made = functions.convert(value)
                count += made is not value
                made.__doc__ = value.__doc__
                setattr(holder, key, made)
    return module, count


TEXT = "  The quick brown fox jumped over the lazy dog, and then it-was-hyphenated over and over.  Two  spaces.\n\tA tab.\n\n    indented\n" * 4


def test_textwrap():
    import textwrap

    module, count = converted_module("textwrap")
    assert count >= 10
    for width in (1, 8, 20, 70):
        for options in ({}, {"break_long_words": False}, {"max_lines": 2}, {"initial_indent": "* ", "subsequent_indent": "  ", "drop_whitespace": False}):
            if width == 1 and options:
                continue
            assert module.wrap(TEXT, width, **options) == textwrap.wrap(TEXT, width, **options)
    assert module.dedent(TEXT) == textwrap.dedent(TEXT)
    assert module.indent(TEXT, "> ") == textwrap.indent(TEXT, "> ")


def test_difflib():
    import difflib

    module, count = converted_module("difflib")
    assert count >= 20
    a, b = TEXT.splitlines(), TEXT.replace("fox", "cat").replace("Two", "2").splitlines()[1:]
    assert module.SequenceMatcher(None, a, b).get_opcodes() == difflib.SequenceMatcher(None, a, b).get_opcodes()
    assert module.get_close_matches("appel", ["ape", "apple", "peach"]) == ["apple", "ape"]


def test_decimal():
    import decimal

    module, count = converted_module("_pydecimal")
    assert count >= 100
    with module.localcontext() as context:
        context.prec = 30
        assert str(module.Decimal(2).sqrt()) == "1.41421356237309504880168872421"
        assert str(module.Decimal("1.1").exp()) == str(decimal.Context(prec=30).exp(decimal.Decimal("1.1")))


def test_annotations_and_del():
    def f(v, n: int = 3) -> Tensor:
        y: Tensor = v
        unused: int  # noqa: F842
        if v.sum() > 0:
            z: Tensor = y * n
            del y
        else:
            z: Tensor = y
        return z

    same(f, X, expected=[3.0, 6.0])


@pytest.mark.parametrize("x", [X, -X])
def test_return_and_break_in_with_and_try(x):
    def f(v, n):
        with contextlib.nullcontext():
            if v.sum() > 0:
                return v * 2
            v = v - 1
        for i in range(n):
            try:
                if v.sum() < -20:
                    break
                if i == 2:
                    continue
                v = v * 2
            except ValueError:
                v = v * 0
            else:
                v = v - 0.5
            finally:
                v = v - 1
        return v

    same(f, x, Tensor(10))
    same(f, x, 4)


def test_unpacking_of_tuples():
    def f(v):
        a, *rest = [v, v + 1, v + 2]
        if v.sum() > 0:
            (a, (b, c)), d = (v, rest), 3
        else:
            b = c = v
            d = 4
        return a + b + c + d

    same(f, X, expected=[9.0, 12.0])


def test_nonlocal_of_an_inner_function():
    def f(v):
        total = v * 0

        def add(x):
            nonlocal total
            if x.sum() > 2:
                total = total + x
            return total

        for i in range(3):
            add(v * i)
        if v.sum() > 0:
            add(v * 10)
        return total

    same(f, X, expected=[13.0, 26.0])


def test_decorators_and_kinds_of_methods():
    def doubled(f):
        @functools.wraps(f)
        def wrapper(*args, **kwargs):
            if args[-1].sum() > 0:
                return f(*args, **kwargs) * 2
            return f(*args, **kwargs)

        return wrapper

    class Model:
        k = 3.0

        @staticmethod
        def fixed(v):
            return v if v.sum() > 0 else -v

        @classmethod
        def of_class(cls, v):
            return v * cls.k if v.sum() > 0 else -v

        @property
        def bound(self):
            if X.sum() > 0:
                return X * 2
            return X

        @doubled
        def method(self, v):
            if v.sum() > 1:
                return v + 1
            return v

        def __call__(self, v):
            return self.fixed(v) + self.of_class(v) + Model.fixed(v) + self.method(v) + self.bound

    model = Model()
    same(lambda v: model(v), X, expected=[11.0, 20.0])


def test_closures_of_a_loop():
    def f(v):
        steps = [lambda u, k=k: u * k if u.sum() > 0 else u for k in range(3)]
        return sum(step(v) for step in steps)

    same(f, X, expected=[3.0, 6.0])


def test_number_functions_of_the_counter():
    def f(v, n):
        for i in range(n):
            q, r = divmod(i, 3)
            if isinstance(i, int):
                v = v + float(i) / 4 + int(i) * q + r + min(i, 2) + abs(i - 1)
        return v

    same(f, X, Tensor(5))
    same(f, X, 20)


def test_containers_with_tensors_are_carried():
    def f(v, n):
        state = (v, {"sum": v * 0, "log": [v]})
        for _ in range(n):
            state = (state[0] + 1, {"sum": state[1]["sum"] + state[0], "log": [state[0]]})
        return state

    same(f, X, Tensor(3))


def test_method_under_jit_and_function_of_the_functional_layer():
    def step(v):
        if v.sum() > 2:
            return v * 2
        return v + 1

    assert plain(jit(lambda v: ops.cond(v.sum() > 0, step, lambda u: u, v))(X)) == [2.0, 4.0]

    class Model(ms.nn.Cell):
        @jit
        def construct(self, v):
            return step(v) if v.sum() > 0 else v

    assert plain(Model()(X)) == [2.0, 4.0]
    assert plain(Model()(-X)) == [-1.0, -2.0]
