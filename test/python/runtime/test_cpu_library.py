"""The C functions that compiled code calls, against NumPy."""

import ctypes
import itertools

import numpy as np
import pytest

from cellgrad._compiler import program

SUFFIX = {np.float32: "f32", np.float64: "f64"}


@pytest.fixture(scope="module")
def lib():
    return ctypes.CDLL(program._libraries()[0])


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


def parameters(values):
    return (ctypes.c_int64 * len(values))(*values)


def real(dtype, value):
    return (ctypes.c_float if dtype == np.float32 else ctypes.c_double)(value)


@pytest.mark.parametrize("dtype", SUFFIX)
@pytest.mark.parametrize("m,n,k", [(3, 4, 5), (1, 7, 3), (200, 150, 90), (4, 5, 0), (0, 5, 3)])
def test_gemm(lib, dtype, m, n, k):
    rng = np.random.default_rng(0)
    for ta, tb, beta in itertools.product((0, 1), (0, 1), (0.0, 1.0)):
        a, b = rng.random((k, m) if ta else (m, k)).astype(dtype), rng.random((n, k) if tb else (k, n)).astype(dtype)
        # beta = 0 must not read the old contents.
        c = np.full((m, n), np.nan if beta == 0 else 2.0, dtype)
        want = (a.T if ta else a) @ (b.T if tb else b) + (0 if beta == 0 else c)
        i64 = ctypes.c_int64
        getattr(lib, "cg_gemm_" + SUFFIX[dtype])(
            i64(ta), i64(tb), i64(m), i64(n), i64(k), real(dtype, 1), pointer(a), i64(a.shape[1]), pointer(b), i64(b.shape[1]),
            real(dtype, beta), pointer(c), i64(n))
        np.testing.assert_allclose(c, want, rtol=1e-4 if dtype == np.float32 else 1e-12)


def reference_convolution(x, w, dy, stride, pad, dilation, groups):
    """y, dx, dw by their definition, in float64."""
    (n, _c, h, v), (o, cg, kh, kw) = x.shape, w.shape
    sh, sw = stride
    pt, pb, pl, pr = pad
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (pt, pb), (pl, pr)))
    dpadded, dw = np.zeros_like(padded), np.zeros(w.shape)
    oh = (h + pt + pb - dilation[0] * (kh - 1) - 1) // sh + 1
    ow = (v + pl + pr - dilation[1] * (kw - 1) - 1) // sw + 1
    y = np.zeros((n, o, oh, ow))
    dy = dy(y.shape)
    og = o // groups
    for q, a, b in itertools.product(range(groups), range(kh), range(kw)):
        ins, outs = slice(q * cg, (q + 1) * cg), slice(q * og, (q + 1) * og)
        rows = slice(a * dilation[0], a * dilation[0] + (oh - 1) * sh + 1, sh)
        columns = slice(b * dilation[1], b * dilation[1] + (ow - 1) * sw + 1, sw)
        window = padded[:, ins, rows, columns]
        y[:, outs] += np.einsum("nchw,oc->nohw", window, w[outs, :, a, b])
        dpadded[:, ins, rows, columns] += np.einsum("nohw,oc->nchw", dy[:, outs], w[outs, :, a, b])
        dw[outs, :, a, b] += np.einsum("nohw,nchw->oc", dy[:, outs], window)
    return y, dpadded[:, :, pt:pt + h, pl:pl + v], dw, dy


CONVOLUTIONS = {
    "lenet first": ((5, 1, 28, 28), (6, 1, 5, 5), (1, 1), (2, 2, 2, 2), (1, 1), 1),
    "lenet second": ((11, 6, 14, 14), (16, 6, 5, 5), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    "many channels": ((2, 40, 9, 17), (13, 40, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
    "wide rows": ((1, 2, 4, 70), (9, 2, 2, 7), (1, 1), (0, 1, 3, 2), (1, 1), 1),
    "stride and groups": ((2, 6, 9, 11), (4, 3, 3, 2), (2, 3), (1, 0, 2, 1), (1, 1), 2),
    "dilation": ((2, 3, 12, 13), (5, 3, 3, 3), (1, 2), (2, 2, 0, 1), (2, 3), 1),
    "depthwise": ((3, 8, 12, 12), (8, 1, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 8),
    "one by one": ((2, 5, 8, 8), (3, 5, 1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    "only padding": ((1, 1, 1, 1), (2, 1, 3, 3), (1, 1), (4, 4, 4, 4), (1, 1), 1),
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", SUFFIX)
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolution(lib, case, dtype, threads):
    xs, ws, stride, pad, dilation, groups = CONVOLUTIONS[case]
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal(xs).astype(dtype), rng.standard_normal(ws).astype(dtype)
    y, dx, dw, dy = reference_convolution(x, w, lambda s: rng.standard_normal(s).astype(dtype), stride, pad, dilation, groups)
    slots = 2
    p = parameters([*xs, ws[0], ws[2], ws[3], *y.shape[2:], *stride, *pad, *dilation, groups, slots])
    rows = ws[1] * ws[2] * ws[3]
    images = 8 * (xs[1] // groups * (xs[2] + pad[0] + pad[1]) * (xs[3] + pad[2] + pad[3] + 64) + ws[0] // groups * y.shape[2] * (y.shape[3] + 16))
    scratch = np.full(slots * (max(images + ws[0] * rows + 80, rows * y.shape[2] * y.shape[3] + 16) + ws[0] * rows + 16), np.nan, dtype)
    close = {"rtol": 1e-3, "atol": 1e-3} if dtype == np.float32 else {"rtol": 1e-10, "atol": 1e-10}
    before = lib.cg_get_num_threads()
    lib.cg_set_num_threads(threads)
    try:
        for name, first, second, want in (("conv2d", x, w, y), ("conv2d_dx", dy, w, dx), ("conv2d_dw", x, dy, dw)):
            got = np.full(want.shape, np.nan, dtype)
            getattr(lib, f"cg_{name}_{SUFFIX[dtype]}")(p, pointer(first), pointer(second), pointer(got), pointer(scratch))
            np.testing.assert_allclose(got, want, err_msg=name, **close)
    finally:
        lib.cg_set_num_threads(before)


@pytest.mark.parametrize("dtype", SUFFIX)
@pytest.mark.parametrize("size,kernel,stride,pad", [
    ((2, 3, 8, 10), (2, 2), (2, 2), (0, 0, 0, 0)),
    ((1, 2, 7, 9), (3, 2), (1, 2), (1, 1, 0, 1)),
    ((1, 1, 5, 5), (2, 2), (2, 2), (0, 0, 0, 0)),
])
def test_max_pool(lib, dtype, size, kernel, stride, pad):
    rng = np.random.default_rng(2)
    x = rng.integers(0, 4, size).astype(dtype)  # ties: the first maximum of a window gets the gradient
    x[0, 0, 0, 1] = np.nan
    padded = np.pad(x, ((0, 0), (0, 0), pad[:2], pad[2:]), constant_values=-np.inf)
    oh, ow = (padded.shape[2] - kernel[0]) // stride[0] + 1, (padded.shape[3] - kernel[1]) // stride[1] + 1
    y, dpadded = np.zeros((*size[:2], oh, ow), dtype), np.zeros(padded.shape, dtype)
    dy = rng.standard_normal(y.shape).astype(dtype)
    for n, c, i, j in np.ndindex(*y.shape):
        window = padded[n, c, i * stride[0]:i * stride[0] + kernel[0], j * stride[1]:j * stride[1] + kernel[1]]
        y[n, c, i, j] = window.max()
        a, b = np.unravel_index(window.argmax(), window.shape)  # argmax: first NaN, else first maximum
        dpadded[n, c, i * stride[0] + a, j * stride[1] + b] += dy[n, c, i, j]
    dx = dpadded[:, :, pad[0]:pad[0] + size[2], pad[2]:pad[2] + size[3]]
    p = parameters([*size, oh, ow, *kernel, *stride, *pad, 1, 1])
    got, gradient = np.empty_like(y), np.empty_like(x)
    getattr(lib, "cg_maxpool2d_" + SUFFIX[dtype])(p, pointer(x), pointer(got))
    getattr(lib, "cg_maxpool2d_dx_" + SUFFIX[dtype])(p, pointer(x), pointer(dy), pointer(gradient))
    np.testing.assert_array_equal(got, y)
    np.testing.assert_allclose(gradient, dx, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_scatter_add(lib, index):
    rows = np.array([2, 0, 2, -1, 7], index)
    update, acc = np.arange(15, dtype=np.float32).reshape(5, 3), np.ones((4, 3), np.float32)
    lib.cg_scatter_add_f32(parameters([5, 3, 4, rows.itemsize]), pointer(rows), pointer(update), pointer(acc))
    np.testing.assert_array_equal(acc, [[4, 5, 6], [1, 1, 1], [7, 9, 11], [1, 1, 1]])  # rows -1 and 7 do not exist


def test_parallel_for_covers_the_range_once(lib):
    seen, body = np.zeros(1000, np.int32), ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)

    @body
    def count(_, begin, end):
        seen[begin:end] += 1

    for begin, end, grain in ((0, 1000, 10), (5, 6, 1), (3, 3, 1), (0, 1000, 10**9), (10, 0, 1)):
        seen[:] = 0
        lib.cg_parallel_for(count, None, ctypes.c_int64(begin), ctypes.c_int64(end), ctypes.c_int64(grain))
        assert (seen[begin:max(begin, end)] == 1).all() and seen.sum() == max(0, end - begin)
