"""What the tests of control flow share: a function eagerly and compiled, on copies of the same Tensors."""
from __future__ import annotations

import numpy as np

from cellgrad import Parameter, Tensor, jit
from cellgrad._frontend.structure import map_leaves, tensor_leaves


def copies(args):
    return map_leaves(lambda a: Tensor(a.asnumpy().copy()) if isinstance(a, Tensor) else a, tuple(args))


def same(got, want, tolerance=1e-6):
    """Structure, dtypes, shapes and values."""
    if isinstance(want, Tensor) or isinstance(got, Tensor):
        assert isinstance(got, Tensor), got
        if isinstance(want, Tensor):
            assert (got.dtype, got.shape) == (want.dtype, want.shape)
            want = want.asnumpy()
        np.testing.assert_allclose(got.asnumpy(), want, rtol=tolerance, atol=tolerance)
    elif isinstance(want, dict):
        assert type(got) is type(want) and set(got) == set(want)
        for key in want:
            same(got[key], want[key], tolerance)
    elif isinstance(want, (tuple, list)):
        assert type(got) is type(want) and len(got) == len(want)
        for a, b in zip(got, want):
            same(a, b, tolerance)
    else:
        assert got == want


def agree(fn, *calls, params=()):
    """Runs ``fn`` eagerly and compiled for each tuple of arguments (numbers that became Tensors count as equal); both leave the Parameters and the arguments the same.

    Returns:
        the compiled function.
    """
    program = jit(fn)
    for args in calls:
        before = [p.asnumpy().copy() for p in params]
        eager_args, compiled_args = copies(args), copies(args)
        want = fn(*eager_args)
        after = [p.asnumpy().copy() for p in params]
        for p, value in zip(params, before):
            p.set_data(Tensor(value))
        got = program(*compiled_args)
        same(got, want)
        same(compiled_args, eager_args)
        for p, value in zip(params, after):
            np.testing.assert_allclose(p.asnumpy(), value, rtol=1e-6)
    return program


def parameter(values, name="p"):
    return Parameter(Tensor(np.array(values, np.float32)), name=name)


def numeric(fn, args, k=0, step=1e-3):
    """Derivative of the sum of ``fn``'s result by its Tensor argument ``k``, by central differences, eagerly."""
    base = [a.asnumpy().astype(np.float64) if isinstance(a, Tensor) else a for a in args]

    def total(values):
        given = [Tensor(v.astype(a.asnumpy().dtype)) if isinstance(a, Tensor) else a for v, a in zip(values, args)]
        return sum(float(leaf.asnumpy().astype(np.float64).sum()) for leaf in tensor_leaves(fn(*given)))

    result = np.zeros_like(base[k])
    for index in np.ndindex(result.shape):
        sides = []
        for sign in (1, -1):
            moved = list(base)
            moved[k] = base[k].copy()
            moved[k][index] += sign * step
            sides.append(total(moved))
        result[index] = (sides[0] - sides[1]) / (2 * step)
    return result
