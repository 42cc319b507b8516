"""Matrix products, ldmatrix and asynchronous copies of the simulator against NumPy."""

import numpy as np
import pytest

from sim_driver import Driver, compile_kernels


@pytest.fixture(scope="module")
def driver():
    return Driver()


def product_kernel(a: str, acc: str, m: int, k: int, extra: str = "") -> str:
    """d = a @ b.T + c, fragments loaded element by element as PTX's manual numbers them."""
    width = {"f16": 2, "bf16": 2, "f32": 1, "f64": 1, "i8": 4}[a]
    ra, rb, rc = m * k // 32 // width, k * 8 // 32 // width, m * 8 // 64
    lines = []

    def loads(name, registers, elements, row, column, memref):
        vector = f"vector<{registers}x{elements}x{acc if name == 'c' else a}>"
        lines.append(f"%{name}z = arith.constant dense<0{'.0' if 'f' in vector.rsplit('x', 1)[1] else ''}> : {vector}")
        last = f"%{name}z"
        for r in range(registers):
            for j in range(elements):
                i, jj = row(r, j), column(r, j)
                n = f"{name}{r}_{j}"
                lines.append(f"%{n}i = arith.constant {i[1]} : index\n%{n}r = arith.addi %{i[0]}, %{n}i : index")
                lines.append(f"%{n}j = arith.constant {jj[1]} : index\n%{n}c = arith.addi %{jj[0]}, %{n}j : index")
                lines.append(f"%{n}v = memref.load %{name}[%{n}r, %{n}c] : {memref}")
                lines.append(f"%{n}x = vector.insert %{n}v, {last} [{r}, {j}] : {vector.rsplit('x', 1)[1][:-1]} into {vector}")
                last = f"%{n}x"
        return last, vector

    lines.append("%l = gpu.lane_id\n%four = arith.constant 4 : index\n%g = arith.divui %l, %four : index\n%t = arith.remui %l, %four : index")
    lines.append(f"%w = arith.constant {width} : index\n%wt = arith.muli %t, %w : index\n%two = arith.constant 2 : index\n%t2 = arith.muli %t, %two : index")
    tall = m == 16
    fa, ta = loads("a", ra, width, lambda r, j: ("g", 8 * (r % 2) if tall else 0), lambda r, j: ("wt", j + 4 * width * (r // 2 if tall else r)), f"memref<{m}x{k}x{a}>")
    fb, tb = loads("b", rb, width, lambda r, j: ("g", 0), lambda r, j: ("wt", j + 4 * width * r), f"memref<8x{k}x{a}>")
    fc, tc = loads("c", rc, 2, lambda r, j: ("g", 8 * r), lambda r, j: ("t2", j), f"memref<{m}x8x{acc}>")
    lines.append(f"%d = nvgpu.mma.sync ({fa}, {fb}, {fc}) {{mmaShape = [{m}, 8, {k}]{extra}}} : ({ta}, {tb}, {tc}) -> {tc}")
    for r in range(rc):
        for j in range(2):
            lines.append(f"%d{r}_{j} = vector.extract %d[{r}, {j}] : {acc} from {tc}")
            lines.append(f"memref.store %d{r}_{j}, %out[%c{r}_{j}r, %c{r}_{j}c] : memref<{m}x8x{acc}>")
    arguments = f"%a: memref<{m}x{k}x{a}>, %b: memref<8x{k}x{a}>, %c: memref<{m}x8x{acc}>, %out: memref<{m}x8x{acc}>"
    return f"gpu.func @product({arguments}) kernel attributes {{known_block_size = array<i32: 32, 1, 1>}} {{\n" + "\n".join(lines) + "\ngpu.return\n}"


def random(shape, kind: str):
    """The numbers, and how they lie in memory."""
    rng = np.random.default_rng(7)
    if kind in ("i8", "i32"):
        x = rng.integers(-100, 100, shape).astype(np.int8 if kind == "i8" else np.int32)
        return x.astype(np.int64), x
    x = rng.standard_normal(shape)
    if kind == "bf16":
        bits = (x.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
        return (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64), bits
    x = x.astype({"f16": np.float16, "f32": np.float32, "f64": np.float64}[kind])
    return x.astype(np.float64), x


@pytest.mark.parametrize(
    "a, acc, m, k",
    [("f16", "f32", 16, 16), ("f16", "f32", 16, 8), ("f16", "f16", 16, 16), ("bf16", "f32", 16, 16), ("f32", "f32", 16, 8), ("f32", "f32", 16, 4),
     ("f64", "f64", 8, 4), ("i8", "i32", 16, 32), ("i8", "i32", 16, 16)],
)  # fmt: skip
def test_mma(driver, a, acc, m, k):
    module = driver.load(compile_kernels(product_kernel(a, acc, m, k, ", tf32Enabled" if a == "f32" else ""), checked=True))
    (x, xm), (y, ym), (z, zm) = random((m, k), a), random((8, k), a), random((m, 8), acc)
    out = driver.allocate(zm.nbytes)
    driver.launch(driver.function(module, "product"), (1, 1, 1), (32, 1, 1), driver.upload(xm), driver.upload(ym), driver.upload(zm), out)
    got = driver.download(out, (m, 8), zm.dtype)
    if a == "f32":  # tf32 does not look at the last 13 bits
        x, y = [(v.astype(np.float32).view(np.uint32) & 0xFFFFE000).view(np.float32).astype(np.float64) for v in (x, y)]
    tolerance = {"f16": 4e-3, "f32": 1e-6, "f64": 1e-14, "i32": 0}[acc]
    np.testing.assert_allclose(got.astype(np.float64), x @ y.T + z, rtol=tolerance, atol=tolerance * 8)


@pytest.mark.parametrize("transpose", [False, True])
def test_ldmatrix(driver, transpose):
    kernel = f"""
      gpu.func @tiles(%a: memref<32x8xf16>, %out: memref<32x8xf16>) workgroup(%w: memref<32x8xf16, #gpu.address_space<workgroup>>) kernel {{
        %l = gpu.lane_id
        %c0 = arith.constant 0 : index
        %v = vector.load %a[%l, %c0] : memref<32x8xf16>, vector<8xf16>
        vector.store %v, %w[%l, %c0] : memref<32x8xf16, #gpu.address_space<workgroup>>, vector<8xf16>
        gpu.barrier
        %f = nvgpu.ldmatrix %w[%l, %c0] {{numTiles = 4 : i32, transpose = {str(transpose).lower()}}} : memref<32x8xf16, #gpu.address_space<workgroup>> -> vector<4x2xf16>
        %o = vector.shape_cast %f : vector<4x2xf16> to vector<8xf16>
        vector.store %o, %out[%l, %c0] : memref<32x8xf16>, vector<8xf16>
        gpu.return
      }}"""
    a = np.arange(256, dtype=np.float16).reshape(32, 8)
    module = driver.load(compile_kernels(kernel, checked=True))
    out = driver.allocate(512)
    driver.launch(driver.function(module, "tiles"), (1, 1, 1), (32, 1, 1), driver.upload(a), out)
    tiles = a.reshape(4, 8, 8)
    tiles = tiles.transpose(0, 2, 1) if transpose else tiles
    expected = tiles.reshape(4, 8, 4, 2).transpose(1, 2, 0, 3).reshape(32, 8)  # lane, tile, pair
    np.testing.assert_array_equal(driver.download(out, (32, 8), np.float16), expected)


def async_kernel(wait: str) -> str:
    return f"""
      gpu.func @copy(%a: memref<32x4xf32>, %out: memref<32x4xf32>, %n: index) workgroup(%w: memref<32x4xf32, #gpu.address_space<workgroup>>) kernel {{
        %l = gpu.thread_id x
        %c0 = arith.constant 0 : index
        %t = nvgpu.device_async_copy %a[%l, %c0], %w[%l, %c0], 4, %n : memref<32x4xf32> to memref<32x4xf32, #gpu.address_space<workgroup>>
        %g = nvgpu.device_async_create_group %t
        {wait}
        %v = vector.load %w[%l, %c0] : memref<32x4xf32, #gpu.address_space<workgroup>>, vector<4xf32>
        vector.store %v, %out[%l, %c0] : memref<32x4xf32>, vector<4xf32>
        gpu.return
      }}"""


@pytest.mark.parametrize("checked", [False, True])
def test_async_copy(driver, checked):
    import ctypes

    a = np.random.default_rng(0).random((32, 4), np.float32)
    source, out = driver.upload(a), driver.allocate(512)
    done = driver.load(compile_kernels(async_kernel("nvgpu.device_async_wait %g"), checked))
    driver.launch(driver.function(done, "copy"), (1, 1, 1), (32, 1, 1), source, out, ctypes.c_int64(4))
    np.testing.assert_array_equal(driver.download(out, (32, 4), np.float32), a)
    driver.launch(driver.function(done, "copy"), (1, 1, 1), (32, 1, 1), source, out, ctypes.c_int64(1))
    np.testing.assert_array_equal(driver.download(out, (32, 4), np.float32), a * [1, 0, 0, 0])
    # Without the wait, or with one that leaves the group running, the data is not there.
    for wait in ("", "nvgpu.device_async_wait %g {numGroups = 1 : i32}"):
        early = driver.load(compile_kernels(async_kernel(wait), checked))
        driver.launch(driver.function(early, "copy"), (1, 1, 1), (32, 1, 1), source, out, ctypes.c_int64(4))
        assert np.isnan(driver.download(out, (32, 4), np.float32)).all()
