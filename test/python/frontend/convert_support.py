"""One function, run op by op and compiled: both give what is expected."""
from __future__ import annotations

import numpy as np

from cellgrad import Tensor, jit, value_and_grad


def plain(value):
    """Tensors as nested lists, containers and Python values as they are."""
    if isinstance(value, Tensor):
        return value.asnumpy().tolist()
    if isinstance(value, (list, tuple)):
        return type(value)(plain(v) for v in value)
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value


def same(fn, *args, expected=None):
    """The compiled result, which is the eager one (and the expected one)."""
    eager, compiled = plain(fn(*args)), plain(jit(fn)(*args))
    assert flat(compiled) == flat(eager), (compiled, eager)
    if expected is not None:
        assert flat(compiled) == flat(expected), (compiled, expected)
    return compiled


def flat(value):
    """Numbers of all kinds as floats, in order."""
    if isinstance(value, (list, tuple)):
        return [f for v in value for f in flat(v)]
    if isinstance(value, dict):
        return [f for v in value.values() for f in flat(v)]
    return [round(float(value), 4)] if isinstance(value, (int, float, np.generic)) else [value]


def n_loops(fn, *args):
    """How many loops the program of a call has."""
    text = jit(fn).lower(*args).mlir("cell")
    return text.count("scf.for") + text.count("scf.while")


# -- while ---------------------------------------------------------------------------------------------------------------


def check(fn, change, *args, differs=True):
    """Eager = compiled before and after the change, which makes a difference."""
    compiled = jit(fn)
    slope = value_and_grad(lambda *a: fn(*a), 0)
    before = plain(compiled(*args))
    assert flat(before) == flat(plain(fn(*args)))
    slope(*args)
    assert plain(compiled(*args)) == before
    change()
    after = plain(compiled(*args))
    assert flat(after) == flat(plain(fn(*args)))
    assert flat(plain(slope(*args)[0])) == flat(after)
    assert (after != before) == differs
