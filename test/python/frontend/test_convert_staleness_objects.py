"""Closures, defaults, objects and containers that a function with control flow reads change between two calls: the next call answers for the world as it is now."""
from __future__ import annotations

import dataclasses
import enum
import types

import numpy as np
import pytest
from convert_support import check

from cellgrad import Tensor

X = Tensor([1.0, 2.0])


def helper(v):
    return v * 2


class Mode(enum.Enum):
    ADD = 1
    MULTIPLY = 2


@dataclasses.dataclass
class Config:
    gain: float = 2.0
    mode: Mode = Mode.ADD
    sizes: list = dataclasses.field(default_factory=lambda: [1.0])



def test_closure_scalar():
    factor = 2.0

    def f(v):
        if v.sum() > 0:
            for _ in range(2):
                v = v * factor
        return v

    def change():
        nonlocal factor
        factor = 5.0

    check(f, change, X)


def test_closure_of_a_function_that_is_called():
    factor = 2.0

    def inner(v):
        if v.sum() > 0:
            return v * factor
        return v

    def change():
        nonlocal factor
        factor = 5.0

    check(lambda v: inner(v) + 1, change, X)


def test_function_in_a_dict_and_its_closure():
    state = {"k": 2.0}

    def make(key):
        def step(v):
            if v.sum() > 0:
                return v * state[key]
            return v

        return step

    steps = {"a": make("k")}

    def f(v):
        for name in steps:
            v = steps[name](v)
        return v

    check(f, lambda: state.__setitem__("k", 6.0), X)
    check(f, lambda: steps.__setitem__("b", make("k")), X)


def test_default_arguments():
    settings = [1.0]

    def f(v, config=settings, *, shift=2.0):
        if v.sum() > 0:
            return v * config[0] + shift
        return v

    check(f, lambda: settings.__setitem__(0, 4.0), X)
    check(f, lambda: setattr(f, "__defaults__", ([9.0],)), X)
    check(f, lambda: f.__kwdefaults__.__setitem__("shift", 7.0), X)
    check(f, lambda: setattr(f, "__kwdefaults__", {"shift": 8.0}), X)


def test_code_of_a_function():
    def f(v):
        if v.sum() > 0:
            return v * 2
        return v

    def g(v):
        if v.sum() > 0:
            return v * 3
        return v

    check(f, lambda: setattr(f, "__code__", g.__code__), X)
    check(lambda v: f(v) + 1, lambda: setattr(f, "__code__", helper.__code__), X)


def test_numpy_array_content():
    table = np.array([1.0, 2.0], np.float32)

    def f(v):
        if v.sum() > 0:
            return v * Tensor(table) + float(table[0])
        return v

    check(f, lambda: table.__setitem__(0, 5.0), X)


@pytest.mark.parametrize("where", ["closure", "argument"])
def test_enum_and_dataclass(where):
    config = Config()

    def f(v, c=None):
        c = config if c is None else c
        if c.mode is Mode.ADD:
            v = v + c.gain
        elif c.mode == Mode.MULTIPLY:
            v = v * c.gain
        if v.sum() > 0:
            for s in c.sizes:
                v = v + s
        return v

    arguments = (X, config) if where == "argument" else (X,)
    for change in (lambda: setattr(config, "gain", 5.0), lambda: setattr(config, "mode", Mode.MULTIPLY), lambda: config.sizes.append(3.0)):
        check(f, change, *arguments)


def test_slots_and_property():
    class Slotted:
        __slots__ = ("k",)

        def __init__(self):
            self.k = 2.0

        @property
        def value(self):
            return self.k + 1

    s = Slotted()
    check(lambda v: v * s.value if v.sum() > 0 else v, lambda: setattr(s, "k", 9.0), X)


def test_attribute_added_and_removed():
    box = types.SimpleNamespace(a=1.0)

    class Holder:
        pass

    h = Holder()

    def f(v):
        if hasattr(h, "late") and v.sum() > 0:
            v = v + h.late
        return v + getattr(h, "other", 0.0) + box.a

    check(f, lambda: setattr(h, "late", 3.0), X)
    check(f, lambda: delattr(h, "late"), X)
    check(f, lambda: setattr(h, "other", 4.0), X)
    check(f, lambda: setattr(box, "a", 6.0), X)


def test_callable_object_and_partial():
    import functools

    class Scale:
        def __init__(self, k):
            self.k = k

        def __call__(self, v):
            if v.sum() > 0:
                return v * self.k
            return v

    scale = Scale(2.0)
    keywords = {"shift": 1.0}

    def shifted(v, shift):
        return v + shift if v.sum() > 0 else v

    partial = functools.partial(shifted, **keywords)
    check(lambda v: partial(scale(v)), lambda: setattr(scale, "k", 4.0), X)
    check(lambda v: partial(scale(v)), lambda: partial.keywords.__setitem__("shift", 9.0), X)


def test_subclass_of_list_and_dict():
    class Names(list):
        pass

    class Table(dict):
        pass

    names, table = Names(["a"]), Table(a=1.0, b=2.0)

    def f(v):
        for n in names:
            if v.sum() > 0:
                v = v + table[n]
        return v

    check(f, lambda: names.append("b"), X)
    check(f, lambda: table.__setitem__("a", 9.0), X)


def test_set_and_tuple_of_objects():
    box = types.SimpleNamespace(k=1.0)
    flags = {"on"}
    parts = (box,)

    def f(v):
        if "on" in flags and v.sum() > 0:
            v = v + 1
        for p in parts:
            v = v * p.k
        return v

    check(f, flags.clear, X)
    check(f, lambda: setattr(box, "k", 5.0), X)
