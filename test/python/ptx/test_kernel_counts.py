"""How many kernels an op and its derivative are: what is computed row by row is one."""
from __future__ import annotations

import numpy as np
import pytest

import cellgrad as ms
from cellgrad import ops


def launches(fn, *shapes: tuple) -> int:
    """The launches of a program without calls, on arguments of these shapes."""
    program = ms.jit(fn).lower(*(ms.Tensor(np.ones(shape, np.float32)) for shape in shapes), target="gpu", chip="sm_90")
    return program.mlir("gpu").count("gpu.launch_func")


def backward(fn, count: int):
    """The derivative alone, for a given derivative of the result."""
    return lambda dy, *xs: ms.vjp(fn, *xs[:count])[1](dy)


def norm(x, scale, shift, mean, var):
    return ops.batch_norm(x, mean, var, scale, shift, training=True)


# A channel is taken by one block: kept in registers, or read from the cache in each pass.
@pytest.mark.parametrize("shape", [(8, 64, 8, 8), (32, 16, 32, 32), (16, 200, 7, 7), (64, 256, 56, 56)])
def test_batch_norm_is_one_kernel_in_each_direction(shape):
    channels = ((shape[1],),) * 4
    assert launches(norm, shape, *channels) == 1
    fixed = np.zeros(shape[1], np.float32), np.ones(shape[1], np.float32)
    assert launches(backward(lambda x, s, b: norm(x, s, b, *map(ms.Tensor, fixed)), 3), shape, shape, *channels[:2]) == 1


def test_few_large_channels_are_shared_by_many_blocks():
    assert 1 < launches(norm, (256, 4, 64, 64), *((4,),) * 4) <= 7


@pytest.mark.parametrize("columns", [32, 1000, 50257])
def test_rows_are_one_kernel(columns):
    rows = (300, columns)
    assert launches(lambda x: ops.softmax(x, -1), rows) == 1
    assert launches(backward(lambda x: ops.softmax(x, -1), 1), rows, rows) == 1
    assert launches(lambda x, s, b: ops.layer_norm(x, (columns,), s, b), rows, (columns,), (columns,)) == 1
