"""Operations of kernels on the simulator: ids, shuffles, atomics, views, memory of threads."""

import numpy as np
import pytest
from sim_driver import Driver, compile_kernels


@pytest.fixture(scope="module")
def driver():
    return Driver()


def run(driver, body, arguments, grid=(1, 1, 1), block=(32, 1, 1), attributions="", checked=True):
    """`arguments`: name -> (memref type, array); gives the arrays as they are afterwards."""
    signature = ", ".join(f"%{name}: {kind}" for name, (kind, _) in arguments.items())
    module = driver.load(compile_kernels(f"gpu.func @f({signature}) {attributions} kernel {{\n{body}\ngpu.return\n}}", checked))
    memory = [driver.upload(array) for _, array in arguments.values()]
    driver.launch(driver.function(module, "f"), grid, block, *memory)
    return [driver.download(address, array.shape, array.dtype) for address, (_, array) in zip(memory, arguments.values())]


def test_ids(driver):
    names = [f"gpu.{what}_id {axis}" for what in ("thread", "block", "global") for axis in "xyz"]
    names += [f"gpu.{what}_dim {axis}" for what in ("block", "grid") for axis in "xyz"] + ["gpu.lane_id", "gpu.subgroup_id : index", "gpu.subgroup_size : index"]
    body = """
      %gx = gpu.global_id x
      %gy = gpu.global_id y
      %gz = gpu.global_id z
      %c4 = arith.constant 4 : index
      %c6 = arith.constant 6 : index
      %zy = arith.muli %gz, %c6 : index
      %r = arith.addi %zy, %gy : index
      %rx = arith.muli %r, %c4 : index
      %i = arith.addi %rx, %gx : index
    """
    for k, name in enumerate(names):
        body += f"%v{k} = {name}\n%w{k} = arith.index_cast %v{k} : index to i32\n%k{k} = arith.constant {k} : index\nmemref.store %w{k}, %out[%i, %k{k}] : memref<288x18xi32>\n"
    (out,) = run(driver, body, {"out": ("memref<288x18xi32>", np.zeros((288, 18), np.int32))}, grid=(2, 3, 4), block=(2, 2, 3))
    z, y, x = np.unravel_index(np.arange(288), (12, 6, 4))
    thread = (x % 2, y % 2, z % 3)
    linear = thread[0] + 2 * thread[1] + 4 * thread[2]
    expected = [*thread, x // 2, y // 2, z // 3, x, y, z, 2, 2, 3, 2, 3, 4, linear % 32, linear // 32, 32]
    np.testing.assert_array_equal(out, np.stack([np.broadcast_to(e, 288) for e in expected], axis=1))


@pytest.mark.parametrize("kind, dtype", [("f32", np.float32), ("f64", np.float64), ("i32", np.int32), ("i64", np.int64), ("f16", np.float16)])
@pytest.mark.parametrize("mode, offset", [("xor", 5), ("up", 3), ("down", 4), ("idx", 7)])
def test_shuffle(driver, mode, offset, kind, dtype):
    body = f"""
      %t = gpu.thread_id x
      %o = arith.constant {offset} : i32
      %w = arith.constant 32 : i32
      %v = memref.load %a[%t] : memref<64x{kind}>
      %r, %ok = gpu.shuffle {mode} %v, %o, %w : {kind}
      memref.store %r, %a[%t] : memref<64x{kind}>
      memref.store %ok, %valid[%t] : memref<64xi1>
    """
    a = np.arange(64).astype(dtype) - 20
    got, valid = run(driver, body, {"a": (f"memref<64x{kind}>", a), "valid": ("memref<64xi1>", np.zeros(64, bool))}, block=(64, 1, 1))
    lane = np.arange(64) % 32
    source = {"xor": lane ^ offset, "up": lane - offset, "down": lane + offset, "idx": np.full(64, offset)}[mode]
    inside = (source >= 0) & (source < 32)
    np.testing.assert_array_equal(valid, inside)
    np.testing.assert_array_equal(got, a[np.where(inside, np.arange(64) - lane + source, np.arange(64))])


@pytest.mark.parametrize(
    "kind, dtype, update, expected",
    [
        ("addf", np.float32, "addf", lambda a: a[0] + a.sum()),
        ("maximumf", np.float64, "maximumf", lambda a: a.max()),
        ("mins", np.int32, "mins", lambda a: a.min()),
        ("addi", np.int64, "addi", lambda a: a[0] + a.sum()),
        ("ori", np.int32, "ori", lambda a: np.bitwise_or.reduce(a)),
    ],
)
def test_atomic(driver, kind, dtype, update, expected):
    element = {np.float32: "f32", np.float64: "f64", np.int32: "i32", np.int64: "i64"}[dtype]
    body = f"""
      %t = gpu.global_id x
      %c0 = arith.constant 0 : index
      %v = memref.load %a[%t] : memref<64x{element}>
      %old = memref.atomic_rmw {update} %v, %out[%c0] : ({element}, memref<1x{element}>) -> {element}
    """
    a = (np.arange(64) * 7 % 23 - 5).astype(dtype)
    got = run(driver, body, {"a": (f"memref<64x{element}>", a), "out": (f"memref<1x{element}>", a[:1].copy())}, grid=(2, 1, 1))[1]
    assert got[0] == expected(a)


def test_generic_atomic(driver):
    body = """
      %c0 = arith.constant 0 : index
      %x = memref.generic_atomic_rmw %out[%c0] : memref<2xi32> {
      ^bb0(%old: i32):
        %three = arith.constant 3 : i32
        %y = arith.addi %old, %three : i32
        memref.atomic_yield %y : i32
      }
      %c1 = arith.constant 1 : index
      %m = memref.atomic_rmw maxs %x, %out[%c1] : (i32, memref<2xi32>) -> i32
    """
    (out,) = run(driver, body, {"out": ("memref<2xi32>", np.zeros(2, np.int32))}, grid=(3, 1, 1))
    assert list(out) == [288, 288]


def test_views_and_bools(driver):
    body = """
      %t = gpu.thread_id x
      %c0 = arith.constant 0 : index
      %part = memref.subview %a[0, 2] [4, 8] [1, 2] : memref<4x20xf32> to memref<4x8xf32, strided<[20, 2], offset: 2>>
      %c8 = arith.constant 8 : index
      %i = arith.divui %t, %c8 : index
      %j = arith.remui %t, %c8 : index
      %v = memref.load %part[%i, %j] : memref<4x8xf32, strided<[20, 2], offset: 2>>
      %flat = memref.collapse_shape %out [[0, 1]] : memref<4x8xf32> into memref<32xf32>
      memref.store %v, %flat[%t] : memref<32xf32>
      %row = memref.reinterpret_cast %flags to offset: [4], sizes: [8], strides: [1] : memref<16xi1> to memref<8xi1, strided<[1], offset: 4>>
      %first = arith.cmpi eq, %t, %c0 : index
      scf.if %first {
        %b = vector.load %row[%c0] {alignment = 4 : i64} : memref<8xi1, strided<[1], offset: 4>>, vector<4xi1>
        %yes = arith.constant dense<true> : vector<4xi1>
        %n = arith.xori %b, %yes : vector<4xi1>
        vector.store %n, %flags[%c0] {alignment = 4 : i64} : memref<16xi1>, vector<4xi1>
      }
    """
    a, flags = np.arange(80, dtype=np.float32).reshape(4, 20), np.arange(16) % 3 == 0
    _, out, changed = run(driver, body, {"a": ("memref<4x20xf32>", a), "out": ("memref<4x8xf32>", np.zeros((4, 8), np.float32)), "flags": ("memref<16xi1>", flags)})
    np.testing.assert_array_equal(out, a[:, 2:18:2])
    np.testing.assert_array_equal(changed, np.r_[~flags[4:8], flags[4:]])


@pytest.mark.parametrize("checked", [False, True])
def test_memory_of_threads(driver, checked):
    body = """
      %t = gpu.thread_id x
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %m = memref.alloca() : memref<2xi64>
      %x = arith.index_cast %t : index to i64
      memref.store %x, %m[%c0] : memref<2xi64>
      memref.store %x, %p[%c1] : memref<2xi64, #gpu.address_space<private>>
      gpu.barrier
      %y = memref.load %m[%c0] : memref<2xi64>
      %z = memref.load %p[%c1] : memref<2xi64, #gpu.address_space<private>>
      %s = arith.addi %y, %z : i64
      memref.store %s, %out[%t] : memref<32xi64>
    """
    (out,) = run(driver, body, {"out": ("memref<32xi64>", np.zeros(32, np.int64))}, attributions="private(%p: memref<2xi64, #gpu.address_space<private>>)", checked=checked)
    np.testing.assert_array_equal(out, 2 * np.arange(32))


def test_functions_and_half_precision(driver):
    body = """
      %t = gpu.thread_id x
      %v = memref.load %a[%t] : memref<32xbf16>
      %e = math.exp %v : bf16
      %w = arith.extf %e : bf16 to f32
      %c = arith.constant 3.0 : f32
      %r = arith.remf %w, %c : f32
      memref.store %r, %out[%t] : memref<32xf32>
    """
    x = np.linspace(-2, 2, 32, dtype=np.float32)
    bits = (x.view(np.uint32) >> 16).astype(np.uint16)
    _, out = run(driver, body, {"a": ("memref<32xbf16>", bits), "out": ("memref<32xf32>", np.zeros(32, np.float32))})
    exact = np.exp((bits.astype(np.uint32) << 16).view(np.float32))
    error = np.abs(out - exact % 3)
    assert (np.minimum(error, 3 - error) <= exact * 2.0**-8).all()
