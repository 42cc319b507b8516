"""Dynamic shared memory, mbarriers between ordinary threads, tensor maps and the tiles that bulk copies bring."""

import ctypes

import numpy as np
import pytest
from hopper_kernels import SPACE
from sim_driver import Driver, DriverError, compile_kernels

G = f"!nvgpu.mbarrier.group<memorySpace = {SPACE}, num_barriers = 1>"


@pytest.fixture(scope="module")
def driver():
    return Driver()


def test_dynamic_shared_memory(driver):
    shared = f"memref<64xf32, {SPACE}>"
    text = f"""gpu.func @f(%a: memref<64xf32>) workgroup(%w: {shared}) kernel {{
      %t = gpu.thread_id x
      %far = arith.constant 50000 : index
      %c63 = arith.constant 63 : index
      %dyn = gpu.dynamic_shared_memory : memref<?xi8, {SPACE}>
      %view = memref.view %dyn[%far][] : memref<?xi8, {SPACE}> to {shared}
      %x = memref.load %a[%t] : memref<64xf32>
      memref.store %x, %w[%t] : {shared}
      %old = memref.load %view[%t] : {shared}
      %wrong = arith.cmpf ord, %old, %old : f32
      %y = arith.select %wrong, %old, %x : f32
      memref.store %y, %view[%t] : {shared}
      gpu.barrier
      %m = arith.subi %c63, %t : index
      %z = memref.load %view[%m] : {shared}
      memref.store %z, %a[%t] : memref<64xf32>
      gpu.return
    }}"""
    function = driver.function(driver.load(compile_kernels(text, True)), "f")
    values = np.arange(64, dtype=np.float32)
    a = driver.upload(values)

    def launch(shared, blocks=1):
        driver.launch(function, (blocks, 1, 1), (64, 1, 1), a, shared=shared)

    with pytest.raises(DriverError, match="50256 bytes of dynamic shared memory, from byte 1024 on; 48128 are allowed"):
        launch(50256)
    with pytest.raises(DriverError, match="231425 bytes of dynamic shared memory, from byte 1024 on; a block has at most 232448"):
        driver.call("cuFuncSetAttribute", function, 8, 226 * 1024 + 1)
    with pytest.raises(DriverError, match="NOT_SUPPORTED.*attribute 3 is not simulated"):
        driver.call("cuFuncSetAttribute", function, 3, 1)
    driver.call("cuFuncSetAttribute", function, 8, 226 * 1024)
    launch(50256)
    np.testing.assert_array_equal(driver.download(a, 64, np.float32), values[::-1])
    with pytest.raises(DriverError, match="memref.load of .*: out of bounds of the block's shared memory of 50280 bytes"):
        launch(49256)


HAND_OVER = f"""gpu.func @f(%a: memref<64xf32>) workgroup(%w: memref<64xf32, {SPACE}>) kernel {{
  %t = gpu.thread_id x
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %off = arith.constant false
  %bars = nvgpu.mbarrier.create -> {G}
  %first = arith.cmpi eq, %t, %c0 : index
  nvgpu.mbarrier.init %bars[%c0], %c32, predicate = %first : {G}
  gpu.barrier
  %writer = arith.cmpi ult, %t, %c32 : index
  scf.if %writer {{
    %x = memref.load %a[%t] : memref<64xf32>
    memref.store %x, %w[%t] : memref<64xf32, {SPACE}>
    %k = nvgpu.mbarrier.arrive %bars[%c0] : {G} -> !nvgpu.mbarrier.token
  }} else {{
    nvgpu.mbarrier.try_wait.parity %bars[%c0], %off, %c32 : {G}
    %i = arith.subi %t, %c32 : index
    %y = memref.load %w[%i] : memref<64xf32, {SPACE}>
    memref.store %y, %a[%t] : memref<64xf32>
  }}
  gpu.return
}}"""


def test_mbarrier_orders_accesses(driver):
    """What threads did before they arrive lies behind those who wait; without that it is a race."""

    def run(text):
        a = driver.upload(np.arange(64, dtype=np.float32))
        driver.launch(driver.function(driver.load(compile_kernels(text, True)), "f"), (3, 1, 1), (64, 1, 1), a)
        return driver.download(a, 64, np.float32)

    one_block = HAND_OVER.replace("memref.store %y, %a[%t] : memref<64xf32>", "%b = gpu.block_id x\n%own = arith.cmpi eq, %b, %c0 : index\nscf.if %own { memref.store %y, %a[%t] : memref<64xf32> }")
    np.testing.assert_array_equal(run(one_block), np.tile(np.arange(32, dtype=np.float32), 2))
    wait = f"nvgpu.mbarrier.try_wait.parity %bars[%c0], %off, %c32 : {G}"
    with pytest.raises(DriverError, match="race: the same bytes were (written|read) by thread"):
        run(one_block.replace(wait, ""))
    arrive = f"%k = nvgpu.mbarrier.arrive %bars[%c0] : {G} -> !nvgpu.mbarrier.token\n"
    with pytest.raises(DriverError, match="race: the same bytes were (written|read) by thread"):  # too early
        run(one_block.replace(arrive, "").replace("    %x = memref.load", "    " + arrive + "    %x = memref.load"))
    with pytest.raises(DriverError, match=r"thread \(32, 0, 0\) waits for phase 0 of the mbarrier at byte 272 .*\(32 of 32 arrivals and 0 bytes are missing\) at .*:\d+, nvgpu.mbarrier.try_wait.parity, and nobody is left"):
        run(one_block.replace(arrive, ""))
    with pytest.raises(DriverError, match="nvgpu.mbarrier.arrive: thread 0 of the block initialised the mbarrier at .* with no barrier between"):
        run(one_block.replace("gpu.barrier", ""))


def tile_kernel(element, tile, rank):
    space = f"memref<{'x'.join(map(str, tile))}x{element}, {SPACE}>"
    map_type = f"!nvgpu.tensormap.descriptor<tensor = {space}, swizzle = swizzle_128b, l2promo = l2promo_128b, oob = zero, interleave = none>"
    count, bits = int(np.prod(tile)), {"f16": 16, "f32": 32}[element]
    where = ", ".join(f"%x{d}" for d in range(rank))
    flat = f"memref<{count}x{element}, {SPACE}>"
    return f"""gpu.func @f(%m: memref<8x{element}> {{cell.tensor_map = {{}}}}, %out: memref<{count}x{element}>, {', '.join(f'%x{d}: index' for d in range(rank))}) kernel {{
      %t = gpu.thread_id x
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %off = arith.constant false
      %bytes = arith.constant {count * bits // 8} : index
      %n = arith.constant {count} : index
      %dyn = gpu.dynamic_shared_memory : memref<?xi8, {SPACE}>
      %tile = memref.view %dyn[%c0][] : memref<?xi8, {SPACE}> to {space}
      %flat = memref.view %dyn[%c0][] : memref<?xi8, {SPACE}> to {flat}
      %map = builtin.unrealized_conversion_cast %m : memref<8x{element}> to {map_type}
      %bars = nvgpu.mbarrier.create -> {G}
      %first = arith.cmpi eq, %t, %c0 : index
      scf.if %first {{
        nvgpu.mbarrier.init %bars[%c0], %c1 : {G}
        nvvm.fence.mbarrier.init
        nvgpu.mbarrier.arrive.expect_tx %bars[%c0], %bytes : {G}
        nvgpu.tma.async.load %map[{where}], %bars[%c0] to %tile : {map_type}, {G} -> {space}
      }}
      gpu.barrier
      nvgpu.mbarrier.try_wait.parity %bars[%c0], %off, %c1 : {G}
      %w = gpu.block_dim x
      scf.for %i = %t to %n step %w {{
        %v = memref.load %flat[%i] : {flat}
        memref.store %v, %out[%i] : memref<{count}x{element}>
      }}
      gpu.return
    }}"""


def copy_tile(driver, text, array, tile, at, swizzle=3):
    code = {"float16": 6, "float32": 7}[array.dtype.name]
    map = driver.tensor_map(driver.upload(array), array.shape[::-1], array.strides[-2::-1], tile[::-1], code, swizzle)
    out = driver.upload(np.full(int(np.prod(tile)), np.nan, array.dtype))
    driver.launch(driver.function(driver.load(compile_kernels(text, True)), "f"), (1, 1, 1), (32, 1, 1), map, out, *[ctypes.c_int64(x) for x in at], shared=int(np.prod(tile)) * array.itemsize)
    return driver.download(out, tile, array.dtype)


def expected_tile(array, tile, at, swizzle):
    """The tile as it lies in shared memory, by PTX's table of the swizzles: in 128 bytes, chunk c of row r lies at chunk c ^ (r mod 8)."""
    padded = np.zeros(tile, array.dtype)
    for position in np.ndindex(*tile):
        source = tuple(p + x for p, x in zip(position, at[::-1]))
        if all(0 <= s < n for s, n in zip(source, array.shape)):
            padded[position] = array[source]
    if not swizzle:
        return padded
    chunk = 16 // array.itemsize
    lines = padded.reshape(-1, 8, chunk)  # 128 bytes each
    order = {3: lambda r: r % 8, 2: lambda r: r % 4, 1: lambda r: r % 2}[swizzle]
    return np.stack([line[np.arange(8) ^ order(r)] for r, line in enumerate(lines)]).reshape(tile)


@pytest.mark.parametrize("at", [(0, 0), (64, 8), (16, -5), (-24, 30), (500, 0)])
def test_tile(driver, at):
    array = np.random.default_rng(0).standard_normal((40, 104)).astype(np.float16)
    got = copy_tile(driver, tile_kernel("f16", (24, 64), 2), array, (24, 64), at)
    np.testing.assert_array_equal(got, expected_tile(array, (24, 64), at, 3))


@pytest.mark.parametrize("swizzle, inner", [(0, 64), (0, 8), (1, 16), (2, 32)])
def test_other_swizzles(driver, swizzle, inner):
    array = np.random.default_rng(0).standard_normal((40, 72)).astype(np.float16)
    tile = (64, inner)
    got = copy_tile(driver, tile_kernel("f16", tile, 2).replace("swizzle_128b", "none"), array, tile, (8, 4), swizzle)
    np.testing.assert_array_equal(got, expected_tile(array, tile, (8, 4), swizzle))


def test_tile_of_three_dimensions(driver):
    array = np.random.default_rng(0).standard_normal((3, 10, 40)).astype(np.float32)
    got = copy_tile(driver, tile_kernel("f32", (2, 8, 32), 3), array, (2, 8, 32), (8, 4, 2))
    np.testing.assert_array_equal(got, expected_tile(array, (2, 8, 32), (8, 4, 2), 3))


def test_static_memory_is_aligned_as_on_the_device(driver):
    """To 16 bytes and no more; a tile needs 128, swizzled 1024."""
    array = np.zeros((40, 64), np.float16)
    text = tile_kernel("f16", (24, 64), 2).replace(") kernel {", f") workgroup(%st: memref<3072xi8, {SPACE}>) kernel {{").replace("%dyn[%c0][] : memref<?xi8", "%st[%c0][] : memref<3072xi8")
    with pytest.raises(DriverError, match="nvgpu.tma.async.load .*: the tile lies at byte 16 of shared memory, not at a multiple of 1024"):
        copy_tile(driver, text, array, (24, 64), (0, 0))


def test_a_copy_shows_nothing_but_itself(driver):
    """Who waits for a tile has behind it what its thread did before it arrived, not what it did before it started the copy."""
    array = np.ones((24, 64), np.float16)
    word = f"memref<32xf16, {SPACE}>"
    expect, copy, store = "        nvgpu.mbarrier.arrive.expect_tx", "        nvgpu.tma.async.load", f"        memref.store %one, %word[%c0] : {word}\n"
    text = tile_kernel("f16", (24, 64), 2).replace(") kernel {", f") workgroup(%word: {word}) kernel {{\n%one = arith.constant 1.0 : f16")
    text = text.replace("      gpu.barrier\n", "").replace(expect, "      }\n      gpu.barrier\n      scf.if %first {\n" + expect)
    text = text.replace("      %w = gpu.block_dim x", f"      %w = gpu.block_dim x\n      %s = memref.load %word[%c0] : {word}\n      memref.store %s, %out[%c0] : memref<1536xf16>\n      gpu.barrier")
    assert (copy_tile(driver, text.replace(expect, store + expect).replace("memref.store %s", "// "), array, (24, 64), (0, 0)) == 1).all()
    with pytest.raises(DriverError, match="memref.load .*: race: the same bytes were written by thread 0 of the block with no barrier between"):
        copy_tile(driver, text.replace(copy, store + copy), array, (24, 64), (0, 0))


def test_tile_that_nobody_waited_for(driver):
    array = np.zeros((40, 104), np.float16)
    text = tile_kernel("f16", (24, 64), 2)
    wait = f"nvgpu.mbarrier.try_wait.parity %bars[%c0], %off, %c1 : {G}"
    with pytest.raises(DriverError, match="memref.load .*: the bulk copy at .* to these bytes is under way"):
        copy_tile(driver, text.replace(wait, ""), array, (24, 64), (0, 0))
    only_first = text.replace(wait, "%c31 = arith.constant 31 : index\n%last = arith.cmpi eq, %t, %c31 : index\nscf.if %last { gpu.barrier\n" + wait + "\n} else {" + wait + "}")
    with pytest.raises(DriverError, match="waits for the barrier"):
        copy_tile(driver, only_first, array, (24, 64), (0, 0))
    one_waits = text.replace(wait, f"scf.if %first {{ {wait}\n%ones = arith.constant 1 : i32\n}}\n%c32i = arith.constant 32 : i32\n%zero = arith.constant 0 : i32\n%sh, %ok = gpu.shuffle idx %zero, %zero, %c32i : i32\n%u = arith.index_cast %sh : i32 to index\n%tu = arith.addi %t, %u : index").replace("%i = %t to", "%i = %tu to")
    with pytest.raises(DriverError, match="wrote these bytes, and this thread did not wait for its mbarrier"):
        copy_tile(driver, one_waits, array, (24, 64), (0, 0))


REFUSED = {
    "rank 0 is not 1 to 5": dict(sizes=[], strides=[], box=[]),
    "rank 6 is not 1 to 5": dict(sizes=[64] * 6, strides=[128] * 5, box=[8] * 6),
    "the tensor's address is not a multiple of 16": dict(address=8),
    "stride 104 of dimension 1 is not a multiple of 16": dict(strides=[104]),
    "stride 1099511627776 of dimension 1": dict(strides=[1 << 40]),
    "size 0 of dimension 1": dict(sizes=[64, 0]),
    "size 4294967297 of dimension 0": dict(sizes=[(1 << 32) + 1, 8]),
    "box 257 of dimension 1 is not 1 to 256": dict(box=[64, 257]),
    "box 0 of dimension 0": dict(box=[0, 8]),
    "a row of the box has 256 bytes, more than the swizzle's 128": dict(box=[128, 8]),
    "a row of the box has 136 bytes, more|a row of the box has 72 bytes, no multiple of 16": dict(box=[36, 8]),
    "element stride 9 of dimension 0 is not 1 to 8": dict(element_strides=[9, 1]),
    "NOT_SUPPORTED.*element strides other than 1": dict(element_strides=[1, 2]),
    "NOT_SUPPORTED.*interleaved": dict(interleave=1),
    "NOT_SUPPORTED.*fills with NaN": dict(fill=1),
    "data type 13": dict(type=13),
    "is none of the known ones": dict(swizzle=4),
}


@pytest.mark.parametrize("text", REFUSED)
def test_maps_that_the_driver_refuses(driver, text):
    a = driver.allocate(1 << 14)
    given = dict(address=0, sizes=[64, 64], strides=[128], box=[64, 8])
    driver.tensor_map(a, **{k: v for k, v in given.items() if k != "address"})
    given |= REFUSED[text]
    with pytest.raises(DriverError, match=text):
        driver.tensor_map(a + given.pop("address"), **given)


def test_null_and_alignment_of_maps(driver):
    a = driver.allocate(1 << 14)
    one, box = (ctypes.c_uint64 * 1)(64), (ctypes.c_uint32 * 1)(64)
    with pytest.raises(DriverError, match="a null pointer"):
        driver.call("cuTensorMapEncodeTiled", None, 6, 1, ctypes.c_void_p(a), one, None, box, box, 0, 3, 2, 0)
    room = (ctypes.c_char * 256)()
    odd = ctypes.c_void_p(ctypes.addressof(room) // 64 * 64 + 72)
    with pytest.raises(DriverError, match="the map is not aligned to 64 bytes"):
        driver.call("cuTensorMapEncodeTiled", odd, 6, 1, ctypes.c_void_p(a), one, None, box, box, 0, 3, 2, 0)
