"""The cube: fractals, products with every kind of factor, what comes out of L0C."""
import ml_dtypes
import numpy as np
import pytest

from ascend_sim import kernel, launch, random

NAMES = {np.dtype("f4"): "f32", np.dtype("f2"): "f16", np.dtype("i1"): "i8", np.dtype("i4"): "i32", np.dtype(ml_dtypes.bfloat16): "bf16"}


def up(a, b):
    return (a + b - 1) // b


def product(a, b, out, transpose_a=False, transpose_b=False, bias=None, relu=False, atomic=False):
    """a [M,K] (or [K,M]), b [K,N] (or [N,K])."""
    t, o = NAMES[a.dtype], NAMES[out.dtype]
    c0 = 32 // a.dtype.itemsize
    s = "i32" if t == "i8" else "f32"
    m, k = a.shape[::-1] if transpose_a else a.shape
    n = b.shape[0] if transpose_b else b.shape[1]
    nz = lambda shape: f"{up(shape[1], c0)}x{up(shape[0], 16)}x16x{c0}x{t}"
    la, lb = f"memref<{nz(a.shape)}, L1>", f"memref<{nz(b.shape)}, L1>"
    za, zb, zc = f"memref<{up(m, 16)}x{up(k, c0)}x16x{c0}x{t}, L0A>", f"memref<{up(k, c0)}x{up(n, 16)}x16x{c0}x{t}, L0B>", f"memref<{up(n, 16)}x{up(m, 16)}x16x16x{s}, L0C>"
    ga, gb, gc = f"memref<{a.shape[0]}x{a.shape[1]}x{t}, GM>", f"memref<{b.shape[0]}x{b.shape[1]}x{t}, GM>", f"memref<{m}x{n}x{o}, GM>"
    arguments, inputs = f"%a: {ga}, %b: {gb}, %c: {gc}", [a, b, out]
    with_bias, extra = "", ""
    if bias is not None:
        gv = f"memref<{n}x{NAMES[bias.dtype]}, GM>"
        arguments += f", %v: {gv}"
        inputs.append(bias)
        lv, tv = gv.replace("GM", "L1"), f"memref<{n}x{s}, BT>"
        extra = f"""%lv = memref.alloc() : {lv}
          %tv = memref.alloc() : {tv}
          ascend.load ins(%v : {gv}) outs(%lv : {lv})
          ascend.l1_to_bt ins(%lv : {lv}) outs(%tv : {tv})
          """
        with_bias = f"bias(%tv : {tv})"
    text = kernel(arguments, f"""
      %la = memref.alloc() : {la}
      %lb = memref.alloc() : {lb}
      %za = memref.alloc() : {za}
      %zb = memref.alloc() : {zb}
      %zc = memref.alloc() : {zc}
      %true = arith.constant true
      {extra}
      ascend.nd2nz ins(%a : {ga}) outs(%la : {la})
      ascend.nd2nz ins(%b : {gb}) outs(%lb : {lb})
      ascend.l1_to_l0a ins(%la : {la}) outs(%za : {za}) {"transpose" if transpose_a else ""}
      ascend.l1_to_l0b ins(%lb : {lb}) outs(%zb : {zb}) {"transpose" if transpose_b else ""}
      ascend.mmad ins(%za, %zb, %true : {za}, {zb}) {with_bias} outs(%zc : {zc})
      ascend.fixpipe ins(%zc : {zc}) outs(%c : {gc}) {"relu" if relu else ""} {"atomic = add" if atomic else ""}
    """, core="aic")  # fmt: skip
    result = launch(text, inputs)
    assert not isinstance(result, str), result
    return result[2]


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.int8])
@pytest.mark.parametrize("m, n, k", [(16, 16, 32), (33, 50, 47)])
def test_products(m, n, k, dtype, transpose_a, transpose_b):
    a, b = random((m, k), np.float32).astype(dtype), random((k, n), np.float32, 1).astype(dtype)
    if dtype == np.int8:
        a, b = random((m, k), np.int8), random((k, n), np.int8, 1)
    got = product(a.T.copy() if transpose_a else a, b.T.copy() if transpose_b else b, np.zeros((m, n), np.int32 if dtype == np.int8 else np.float32), transpose_a, transpose_b)
    if dtype == np.int8:
        np.testing.assert_array_equal(got, a.astype(np.int32) @ b.astype(np.int32))
        return
    want = np.zeros((m, n), np.float32)  # one k after the other, products and sums rounded
    for i in range(k):
        want += a[:, i : i + 1].astype(np.float32) * b[i : i + 1].astype(np.float32)
    np.testing.assert_array_equal(got, want)


def test_bias_relu_and_conversion():
    a, b, bias = random((20, 32), np.float16), random((32, 40), np.float16, 1), random((40,), np.float16, 2)
    got = product(a, b, np.zeros((20, 40), np.float16), bias=bias, relu=True)
    np.testing.assert_allclose(got, np.maximum(a.astype(np.float64) @ b + bias, 0), rtol=2e-3, atol=1e-3)
    got = product(a, b, np.zeros((20, 40), ml_dtypes.bfloat16))
    np.testing.assert_allclose(got.astype(np.float32), a.astype(np.float64) @ b, rtol=2e-2, atol=1e-2)


def test_atomic_add_into_global_memory():
    a, b, c = random((20, 32), np.float32), random((32, 40), np.float32, 1), random((20, 40), np.float32, 2)
    np.testing.assert_allclose(product(a, b, c.copy(), atomic=True), c + a.astype(np.float64) @ b, rtol=1e-4, atol=1e-4)
