"""Operations of the vector unit: values, rounding, broadcasting, tails."""
import ml_dtypes
import numpy as np
import pytest

from ascend_sim import kernel, launch, random

NAMES = {np.dtype("f4"): "f32", np.dtype("f2"): "f16", np.dtype("i4"): "i32", np.dtype("i2"): "i16", np.dtype("i8"): "i64", np.dtype("i1"): "i8", np.dtype(ml_dtypes.bfloat16): "bf16"}


def memref(shape, dtype, space):
    return f"memref<{''.join(f'{n}x' for n in shape)}{NAMES[np.dtype(dtype)]}, {space}>"


def run(op, inputs, out_shape, out_dtype):
    """`op` with {0}, {1} ... for the inputs, {t0} ... for their types, {out} and {tout}."""
    arguments, body = [], ""
    fields = {"out": "%uout", "tout": memref(out_shape, out_dtype, "UB")}
    names = []
    for i, array in enumerate(inputs):
        arguments.append(f"%g{i}: {memref(array.shape, array.dtype, 'GM')}")
        body += f"%u{i} = memref.alloc() : {memref(array.shape, array.dtype, 'UB')}\n"
        body += f"ascend.load ins(%g{i} : {memref(array.shape, array.dtype, 'GM')}) outs(%u{i} : {memref(array.shape, array.dtype, 'UB')})\n"
        names.append(f"%u{i}")
        fields[f"t{i}"] = memref(array.shape, array.dtype, "UB")
    arguments.append(f"%gout: {memref(out_shape, out_dtype, 'GM')}")
    body += f"%uout = memref.alloc() : {fields['tout']}\n" + op.format(*names, **fields) + "\n"
    body += f"ascend.store ins(%uout : {fields['tout']}) outs(%gout : {memref(out_shape, out_dtype, 'GM')})\n"
    result = launch(kernel(", ".join(arguments), body), [*inputs, np.zeros(out_shape, out_dtype)])
    assert not isinstance(result, str), result
    return result[-1]


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int32, np.int16])
@pytest.mark.parametrize("kind, function", [("add", np.add), ("sub", np.subtract), ("mul", np.multiply), ("max", np.maximum), ("min", np.minimum)])
def test_binary(kind, function, dtype):
    a, b = random((4, 96), dtype), random((4, 96), dtype, 1)
    got = run(f"ascend.vbin <{kind}> ins({{0}}, {{1}} : {{t0}}, {{t1}}) outs({{out}} : {{tout}})", [a, b], a.shape, dtype)
    np.testing.assert_array_equal(got, function(a, b))


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_division_is_rounded_once(dtype):
    a, b = random((64,), dtype), random((64,), dtype, 1)
    got = run("ascend.vbin <div> ins({0}, {1} : {t0}, {t1}) outs({out} : {tout})", [a, b], a.shape, dtype)
    np.testing.assert_array_equal(got, (a.astype(np.float64) / b.astype(np.float64)).astype(dtype))


def test_rows_and_columns_are_repeated():
    a, row, column = random((16, 64), np.float32), random((1, 64), np.float32, 1), random((16, 8), np.float32, 2)
    got = run("ascend.vbin <sub> ins({0}, {1} : {t0}, {t1}) outs({out} : {tout})", [a, row], a.shape, np.float32)
    np.testing.assert_array_equal(got, a - row)
    narrow = "memref<16x1xf32, strided<[8, 1]>, UB>"
    got = run(f"%c = memref.subview {{1}}[0, 0] [16, 1] [1, 1] : {{t1}} to {narrow}\n"
              f"ascend.vbin <mul> ins({{0}}, %c : {{t0}}, {narrow}) outs({{out}} : {{tout}})", [a, column], a.shape, np.float32)  # fmt: skip
    np.testing.assert_array_equal(got, a * column[:, :1])


def test_scalar_operand_and_reverse():
    a = random((64,), np.float32)
    op = "%s = arith.constant 3.0 : f32\nascend.vbin_scalar <div> ins({0}, %s : {t0}, f32) outs({out} : {tout})"
    np.testing.assert_array_equal(run(op, [a], a.shape, np.float32), a / np.float32(3))
    np.testing.assert_array_equal(run(op + " reverse", [a], a.shape, np.float32), np.float32(3) / a)


@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 2e-7), (np.float16, 1e-3)])
@pytest.mark.parametrize("kind, function", [("exp", np.exp), ("ln", np.log), ("sqrt", np.sqrt), ("rsqrt", lambda x: 1 / np.sqrt(x)), ("rec", lambda x: 1 / x),
                                            ("abs", np.abs), ("relu", lambda x: np.maximum(x, 0)), ("neg", np.negative)])  # fmt: skip
def test_unary(kind, function, dtype, tolerance):
    x = (np.abs(random((80,), np.float32)) + 0.1).astype(dtype)
    if kind in ("abs", "relu", "neg"):
        x[::2] *= -1
    got = run(f"ascend.vun <{kind}> ins({{0}} : {{t0}}) outs({{out}} : {{tout}})", [x], x.shape, dtype)
    np.testing.assert_allclose(got, function(x.astype(np.float64)), rtol=tolerance)


def test_casts_round_as_asked():
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, -2.6, 1e10, -1e10, np.nan, np.inf, 7, 0, -0.0, 3.5, 100], np.float32)
    clipped = np.nan_to_num(np.clip(x, -(2.0**31), 2.0**31 - 1))
    for rounding, function in [("rint", np.rint), ("floor", np.floor), ("ceil", np.ceil), ("trunc", np.trunc), ("round", lambda v: np.copysign(np.floor(np.abs(v) + 0.5), v))]:
        got = run(f"ascend.vcast <{rounding}> ins({{0}} : {{t0}}) outs({{out}} : {{tout}})", [x], x.shape, np.int32)
        want = np.clip(function(clipped.astype(np.float64)), -(2.0**31), 2.0**31 - 1).astype(np.int32)
        want[x == np.inf] = 2**31 - 1
        np.testing.assert_array_equal(got, want, err_msg=rounding)


def test_narrow_floats():
    x = np.concatenate([random((240,), np.float32) * 10 ** np.linspace(-8, 5, 240), [65519, 65520, 1e-8, 6e-8, 0, -0.0, np.inf, 70000, 2.0**-25, 3e-8, 1, 2, 3, 4, 5, 6]]).astype(np.float32)
    for dtype in (np.float16, ml_dtypes.bfloat16):
        op = "ascend.vcast <{}> ins({{0}} : {{t0}}) outs({{out}} : {{tout}})"
        with np.errstate(over="ignore"):
            near = x.astype(dtype)
        np.testing.assert_array_equal(run(op.format("rint"), [x], x.shape, dtype).view(np.uint16), near.view(np.uint16))
        down, up = run(op.format("floor"), [x], x.shape, dtype).astype(np.float32), run(op.format("ceil"), [x], x.shape, dtype).astype(np.float32)
        assert (down <= x).all() and (up >= x).all()
        assert ((near == down) | (near == up))[np.abs(x) < 6e4].all()


def test_narrow_floats_rounded_away_from_zero():
    x = np.array([65519, 65520, 1e6, -65520, -65519, 2049, 2051, 0, np.inf, 1, -2049, 4098, 65504, -1e30, 3, 5], np.float32)
    got = run("ascend.vcast <round> ins({0} : {t0}) outs({out} : {tout})", [x], x.shape, np.float16)
    np.testing.assert_array_equal(got, np.array([65504, np.inf, np.inf, -np.inf, -65504, 2050, 2052, 0, np.inf, 1, -2050, 4100, 65504, -np.inf, 3, 5], np.float16))


def test_large_integers_are_rounded_once():
    from fractions import Fraction

    x = np.array([2**24 + 1, 2**53 + 1, 2**54 - 1, -(2**54) + 1, 2**62 + 1, 2**62 + 2**38, 2**62 + 2**38 + 1, 2**62 + 2**38 - 1, 2**63 - 1, -(2**63), 7, 0, -(2**62) - 1, 2**60 - 1, 5, -5], np.int64)
    for rounding in ("rint", "floor", "ceil", "trunc", "round"):
        want = []
        for value in map(int, x):
            around = {np.float32(value), np.nextafter(np.float32(value), np.float32(np.inf)), np.nextafter(np.float32(value), np.float32(-np.inf))}
            below, above = max(f for f in around if Fraction(float(f)) <= value), min(f for f in around if Fraction(float(f)) >= value)
            low, high = value - Fraction(float(below)), Fraction(float(above)) - value
            even = below if below.view(np.uint32) % 2 == 0 else above
            near = {"floor": below, "ceil": above, "trunc": below if value > 0 else above}.get(rounding)
            if near is None:
                near = below if low < high else above if high < low else even if rounding == "rint" else (above if value > 0 else below)
            want.append(near)
        got = run(f"ascend.vcast <{rounding}> ins({{0}} : {{t0}}) outs({{out}} : {{tout}})", [x], x.shape, np.float32)
        np.testing.assert_array_equal(got, np.array(want, np.float32), err_msg=rounding)


@pytest.mark.parametrize("dims, shape", [((1,), (16, 1)), ((0,), (1, 72)), ((0, 1), (1, 1))])
@pytest.mark.parametrize("kind, function", [("sum", np.sum), ("max", np.max), ("min", np.min)])
def test_reductions(kind, function, dims, shape):
    x = random((16, 72), np.float32)
    got = run(f"ascend.vreduce <{kind}> dims = [{', '.join(map(str, dims))}] ins({{0}} : {{t0}}) outs({{out}} : {{tout}})", [x], shape, np.float32)
    np.testing.assert_allclose(got, function(x.astype(np.float64), axis=dims, keepdims=True), rtol=1e-5, atol=1e-5)


def test_compare_and_select():
    a, b = random((64,), np.float32), random((64,), np.float32, 1)
    got = run("%m = memref.alloc() : memref<64xi1, UB>\nascend.vcmp <gt> ins({0}, {1} : {t0}, {t1}) outs(%m : memref<64xi1, UB>)\n"
              "%z = arith.constant 0.0 : f32\nascend.vsel ins(%m, {0}, %z : memref<64xi1, UB>, {t0}, f32) outs({out} : {tout})", [a, b], a.shape, np.float32)  # fmt: skip
    np.testing.assert_array_equal(got, np.where(a > b, a, 0))


def test_transpose_gather_range():
    a = random((16, 24, 32), np.float32)
    got = run("ascend.vtranspose permutation = [2, 0, 1] ins({0} : {t0}) outs({out} : {tout})", [a], (32, 16, 24), np.float32)
    np.testing.assert_array_equal(got, a.transpose(2, 0, 1))
    table, indices = random((100,), np.float32), np.random.default_rng(0).integers(0, 100, 64).astype(np.int32)
    got = run("ascend.vgather ins({0}, {1} : {t0}, {t1}) outs({out} : {tout})", [table, indices], (64,), np.float32)
    np.testing.assert_array_equal(got, table[indices])
    got = run("%o = arith.constant 5 : index\n%a = arith.constant 100 : index\n%b = arith.constant 3 : index\nascend.varange offset %o strides[%a, %b] outs({out} : {tout})",
              [], (4, 16), np.int32)  # fmt: skip
    np.testing.assert_array_equal(got, 5 + 100 * np.arange(4)[:, None] + 3 * np.arange(16))


def test_index_out_of_bounds_is_found():
    op = "ascend.vgather ins({0}, {1} : {t0}, {t1}) outs({out} : {tout})"
    with pytest.raises(AssertionError, match="ascend.vgather: the index 100 is out of bounds of an axis of 100"):
        run(op, [random((100,), np.float32), np.full(64, 100, np.int32)], (64,), np.float32)
