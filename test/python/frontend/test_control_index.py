"""Indexing with integers that only the run knows: reads, writes, blocks."""
import numpy as np
import pytest
from control_support import agree, same

import cellgrad as ms
from cellgrad import Tensor, grad, jit, ops
from cellgrad._errors import CaptureError, ShapeError
from cellgrad._frontend.control import for_loop


@pytest.fixture
def x():
    return Tensor(np.arange(12, dtype=np.float32).reshape(3, 4))


def n(value, dtype=None):
    return Tensor(value, dtype)


@pytest.mark.parametrize("index", [
    lambda i, j: i, lambda i, j: j, lambda i, j: (i, j), lambda i, j: (slice(None), i), lambda i, j: (i, slice(None, None, -1)), lambda i, j: (slice(1, 3), i),
    lambda i, j: (None, i, Ellipsis, slice(1, 3)), lambda i, j: (Ellipsis, j), lambda i, j: (i, 2), lambda i, j: (-1, i), lambda i, j: slice(i, i + 2),
    lambda i, j: slice(i - 1, i), lambda i, j: (slice(i * 2 - 2, i * 2), slice(i, i + 3)), lambda i, j: (slice(i, i), 1), lambda i, j: (slice(i, 1 + 1 + i), j),
    lambda i, j: (i, slice(None, None, 2)), lambda i, j: slice(i, i + 2, 1),
])
def test_reads_and_writes(x, index):
    def read(x, i, j):
        return x[index(i, j)]

    def write(x, i, j):
        y = x * 1
        y[index(i, j)] = y[index(i, j)] * 10 + 1
        y[index(i, j)] += 5.0
        y[index(i, j)] = 3
        return y, y[index(i, j)]

    agree(read, (x, n(1), n(-1)), (x, n(1, ms.int32), n(-2, ms.int8)))
    agree(write, (x, n(1), n(-1)))


def test_rows_cost_rows(x):
    """No op of the whole size stands for one row."""
    @jit
    def f(x, i):
        x[i] = x[i] + 1
        return x[0, 0]

    f(x, n(1))
    text = f.mlir("cell")
    assert "cell.dynamic_slice" in text and "cell.dynamic_update" in text and "cell.select" not in text.replace("tensor<i64>", "").split("dynamic_update")[-1]
    assert "cell.pad" not in text


def test_loops_over_rows(x):
    def f(x, k):
        y = ops.zeros((3, 4), ms.float32)
        total = ops.zeros((4,), ms.float32)

        def body(i, total):
            y[i] = x[i] * i
            y[i, 1:3] += 1.0
            return (total + x[-1 - i],)

        (total,) = for_loop(0, k, 1, body, (total,))
        return y, total

    agree(f, (x, n(3)), (x, n(0)))


def test_arguments_are_written_in_place(x):
    def f(x, i):
        x[i] = 0.0
        x[i:i + 2, 1] += 1.0

    agree(f, (x, n(1)))


def test_ints_that_capture_knows_stay_static(x):
    f = jit(lambda x: x[Tensor(1)] + x[:Tensor(1)])
    same(f(x), x[1] + x[:1])
    assert "dynamic" not in f.mlir("cell")


def test_out_of_range_is_moved_inside(x):
    f = jit(lambda x, i: (x[i], x[i:i + 2]))
    same(f(x, n(7))[0], x[2])
    same(f(x, n(2))[1], x[1:3])


def test_index_tensors_with_dimensions_still_gather(x):
    agree(lambda x, i: x[i], (x, Tensor([2, 0])))
    agree(lambda x, i, j: x[i, j], (x, Tensor([2, 0]), n(1)))


def test_slices_of_unknown_length(x):
    for index in (lambda i: slice(i, None), lambda i: slice(None, i), lambda i: slice(i, i * 2), lambda i: slice(i, i + 2, 2), lambda i: slice(i, 2)):
        with pytest.raises(CaptureError, match="the shape of the result is not known"):
            jit(lambda x, i: x[index(i)])(x, n(1))  # noqa: B023
    with pytest.raises(ShapeError, match="a slice of length 5 from a dimension of size 3"):
        jit(lambda x, i: x[i:i + 5])(x, n(1))


def test_an_empty_dimension():
    x = ops.zeros((0, 2), ms.float32)
    agree(lambda x, k: for_loop(0, k, 1, lambda i, v: (v + x[i],), (ops.zeros((2,), ms.float32),)), (x, n(0)))


def test_iteration_is_over_the_first_dimension(x):
    @jit
    def f(x):
        total = ops.zeros((4,), ms.float32)
        for row in iter(x):
            total = total * 2 + row
        return total, len(x)

    total, length = f(x)
    same(total, x[0] * 4 + x[1] * 2 + x[2])
    assert length == 3


def test_derivatives(x):
    def f(x, k):
        y = x * x

        def body(i, total):
            y[i] = y[i] * x[-1 - i]
            return (total + y[i] * (i + 1),)

        return for_loop(0, k, 1, body, (ops.zeros((4,), ms.float32),))[0]

    values = x.asnumpy().astype(np.float64)
    want = np.zeros_like(values)
    for i in range(3):  # total = sum of (i + 1) * x[i]**2 * x[2 - i]
        want[i] += (i + 1) * 2 * values[i] * values[2 - i]
        want[2 - i] += (i + 1) * values[i] ** 2
    np.testing.assert_allclose(grad(f)(x, n(3)).asnumpy(), want, rtol=1e-6)
