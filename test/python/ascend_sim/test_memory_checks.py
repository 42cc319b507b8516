"""Wrong kernels: what the simulator finds, with the operation and its line."""
import numpy as np
import pytest

from ascend_sim import kernel, launch, launch_in, random

G, U = "memref<64xf32, GM>", "memref<64xf32, UB>"
X = random((64,), np.float32)


def message(body, arguments=f"%a: {G}, %b: {G}", arrays=None, **options):
    result = launch(kernel(arguments, body, **options), arrays or [X, X.copy()])
    assert isinstance(result, str), "nothing was found"
    return result


def test_bytes_that_nothing_wrote():
    text = message(f"""%u = memref.alloc() : {U}
      ascend.store ins(%u : {U}) outs(%b : {G})""")
    assert "kernel 'k', block 0: " in text and ":4, ascend.store: operand 0 (64xf32): reads bytes of UB that nothing wrote" in text


def test_a_part_that_nothing_wrote():
    half = "memref<32xf32, strided<[1]>, UB>"
    part = "memref<32xf32, strided<[1]>, GM>"
    text = message(f"""%u = memref.alloc() : {U}
      %s = memref.subview %u[0] [32] [1] : {U} to {half}
      %g = memref.subview %a[0] [32] [1] : {G} to {part}
      ascend.load ins(%g : {part}) outs(%s : {half})
      ascend.vun <neg> ins(%u : {U}) outs(%u : {U})""")
    assert "ascend.vun neg: operand 0 (64xf32): reads bytes of UB that nothing wrote" in text


def test_memory_is_empty_again_in_each_block():
    body = f"""%u = memref.alloc() : {U}
      %i = ascend.block_idx
      %zero = arith.constant 0 : index
      %first = arith.cmpi eq, %i, %zero : index
      scf.if %first {{
        ascend.load ins(%a : {G}) outs(%u : {U})
      }} else {{
        ascend.store ins(%u : {U}) outs(%b : {G})
      }}"""
    assert "block 1: " in launch(kernel(f"%a: {G}, %b: {G}", body, blocks=2), [X, X.copy()], blocks=2)


def two_buffers(count):
    big, gm = f"memref<{count}xf32, UB>", f"memref<{count}xf32, GM>"
    return f"%a: {gm}, %b: {gm}", f"""%u = memref.alloc() : {big}
      %v = memref.alloc() : {big}
      ascend.load ins(%a : {gm}) outs(%u : {big})
      ascend.load ins(%a : {gm}) outs(%v : {big})"""


def test_beyond_the_memory():
    arguments, body = two_buffers(32768)
    x = np.zeros(32768, np.float32)
    text = message(body, arguments, [x, x])
    assert ":6, ascend.load: the output (32768xf32): bytes 131072 to 262144 are out of bounds of UB, which has 196608" in text


def test_target_says_how_much_memory_there_is():
    arguments, body = two_buffers(128)
    x = np.zeros(128, np.float32)
    assert "out of bounds of UB, which has 768" in message(body, arguments, [x, x], target="{ub_bytes = 768 : i64}")


def test_alignment():
    part, gm = "memref<32xf32, strided<[1], offset: ?>, UB>", "memref<32xf32, strided<[1]>, GM>"
    text = message(f"""%u = memref.alloc() : {U}
      %one = ascend.block_num
      %s = memref.subview %u[%one] [32] [1] : {U} to {part}
      %g = memref.subview %a[0] [32] [1] : {G} to {gm}
      ascend.load ins(%g : {gm}) outs(%s : {part})""")
    assert "its offset 4 in UB is no multiple of 32 bytes" in text


def test_beyond_a_buffer_of_global_memory():
    text = message(f"""%u = memref.alloc() : {U}
      %one = ascend.block_num
      %g = memref.subview %a[%one] [64] [1] : {G} to memref<64xf32, strided<[1], offset: ?>, GM>
      ascend.load ins(%g : memref<64xf32, strided<[1], offset: ?>, GM>) outs(%u : {U})""")
    assert "ascend.load: operand 0 (64xf32): " in text and "out of bounds" in text


def test_sizes_that_do_not_fit():
    d, g = "memref<?xf32, strided<[1]>, UB>", "memref<?xf32, strided<[1]>, GM>"
    text = message(f"""%u = memref.alloc() : {U}
      %n = ascend.block_num
      %m = arith.addi %n, %n : index
      %s = memref.subview %u[0] [%n] [1] : {U} to {d}
      %t = memref.subview %a[0] [%m] [1] : {G} to {g}
      ascend.load ins(%t : {g}) outs(%s : {d})""")
    assert "the shapes do not fit: 2xf32, 1xf32" in text


@pytest.mark.parametrize("size, text", [(2**62, "a size is beyond the 196608 bytes of UB"), (2**60 + 1, "a size is beyond"), (-1, "a size is negative")])
def test_sizes_beyond_64_bits(size, text):
    d = "memref<?xf32, strided<[1]>, UB>"
    body = f"""%u = memref.alloc() : {U}
      %n = arith.constant {size} : index
      %s = memref.subview %u[0] [%n] [1] : {U} to {d}
      ascend.vun <neg> ins(%s : {d}) outs(%s : {d})"""
    assert text in launch_in("", kernel(f"%a: {G}, %b: {G}", body), [X, X.copy()])


def test_the_product_of_sizes_is_beyond_64_bits():
    d = "memref<?x?x?x?xf32, strided<[8, 8, 8, 1]>, UB>"
    body = f"""%u = memref.alloc() : {U}
      %n = arith.constant 65536 : index
      %s = memref.reinterpret_cast %u to offset: [0], sizes: [%n, %n, %n, %n], strides: [8, 8, 8, 1] : {U} to {d}
      ascend.vun <neg> ins(%s : {d}) outs(%s : {d})"""
    assert "it is larger than any memory" in launch_in("", kernel(f"%a: {G}, %b: {G}", body), [X, X.copy()])


def test_a_reduction_of_nothing():
    d, one = "memref<?xf32, strided<[1]>, UB>", "memref<1xf32, UB>"
    text = message(f"""%u = memref.alloc() : {U}
      %v = memref.alloc() : {one}
      %n = arith.constant 0 : index
      %s = memref.subview %u[0] [%n] [1] : {U} to {d}
      ascend.vreduce <sum> dims = [0] ins(%s : {d}) outs(%v : {one})""")
    assert "it reduces an axis without elements: 0xf32" in text


def test_a_kernel_ends_at_its_first_fault():
    """What it reads then is not there: it must not divide by it, nor loop until it changes."""
    n, part = "memref<1xi32, GM>", "memref<1xi32, strided<[1], offset: ?>, GM>"
    body = f"""%c0 = arith.constant 0 : index
      %far = arith.constant 100000 : index
      %g = memref.subview %n[%far] [1] [1] : {n} to {part}
      %w = memref.load %g[%c0] : {part}
      %hundred = arith.constant 100 : i32
      %q = arith.divsi %hundred, %w : i32
      scf.while : () -> () {{
        %v = memref.load %g[%c0] : {part}
        %more = arith.cmpi ne, %v, %q : i32
        scf.condition(%more)
      }} do {{
        scf.yield
      }}"""
    text = launch_in("", kernel(f"%n: {n}", body), [np.array([1], np.int32)])
    assert "memref.load: operand 0 (i32): it is out of bounds of global memory" in text


CUBE = {  # sizes in elements of f16 that a kernel computes, and the operation that they do not fit
    "nd2nz": ("ascend.nd2nz ins(%a : memref<64x64xf16, GM>) outs(%x : memref<?x?x16x16xf16, strided<[1024, 256, 16, 1]>, L1>)", "L1"),
    "l1_to_l0a": ("ascend.l1_to_l0a ins(%l : memref<4x4x16x16xf16, L1>) outs(%x : memref<?x?x16x16xf16, strided<[1024, 256, 16, 1]>, L0A>)", "L0A"),
    "l1_to_l0b": ("ascend.l1_to_l0b ins(%l : memref<4x4x16x16xf16, L1>) outs(%x : memref<?x?x16x16xf16, strided<[1024, 256, 16, 1]>, L0B>) transpose", "L0B"),
    "fixpipe": ("ascend.fixpipe ins(%x : memref<?x?x16x16xf32, strided<[1024, 256, 16, 1]>, L0C>) outs(%c : memref<64x64xf32, GM>)", "L0C"),
}


@pytest.mark.parametrize("name", CUBE)
@pytest.mark.parametrize("rows", [3, 4])
def test_sizes_of_the_cube_that_do_not_fit(name, rows):
    op, space = CUBE[name]
    t = "f32" if space == "L0C" else "f16"
    whole = f"memref<4x4x16x16x{t}, {space}>"
    z = "memref<4x4x16x16xf16, L0A>", "memref<4x4x16x16xf16, L0B>"
    sums = f"""%za = memref.alloc() : {z[0]}
      %zb = memref.alloc() : {z[1]}
      %true = arith.constant true
      ascend.l1_to_l0a ins(%l : memref<4x4x16x16xf16, L1>) outs(%za : {z[0]})
      ascend.l1_to_l0b ins(%l : memref<4x4x16x16xf16, L1>) outs(%zb : {z[1]})
      ascend.mmad ins(%za, %zb, %true : {z[0]}, {z[1]}) outs(%w : {whole})"""
    body = f"""%l = memref.alloc() : memref<4x4x16x16xf16, L1>
      %w = memref.alloc() : {whole}
      ascend.nd2nz ins(%a : memref<64x64xf16, GM>) outs(%l : memref<4x4x16x16xf16, L1>)
      {sums if space == "L0C" else ""}
      %four = arith.constant 4 : index
      %n = arith.constant {rows} : index
      %x = memref.subview %w[0, 0, 0, 0] [%four, %n, 16, 16] [1, 1, 1, 1] : {whole} to memref<?x?x16x16x{t}, strided<[1024, 256, 16, 1]>, {space}>
      {op}"""
    result = launch(kernel("%a: memref<64x64xf16, GM>, %c: memref<64x64xf32, GM>", body, core="aic"), [random((64, 64), np.float16), np.zeros((64, 64), np.float32)])
    assert (f"ascend.{name}: the shapes do not fit: " in result) if rows == 3 else not isinstance(result, str)


@pytest.mark.parametrize("size", [16, 17])
def test_a_bias_that_is_too_short(size):
    za, zb, zc, bt, d = "memref<1x1x16x16xf16, L0A>", "memref<1x2x16x16xf16, L0B>", "memref<2x1x16x16xf32, L0C>", "memref<32xf32, BT>", "memref<?xf32, strided<[1]>, BT>"
    body = f"""%l = memref.alloc() : memref<2x1x16x16xf16, L1>
      %lv = memref.alloc() : memref<32xf32, L1>
      %za = memref.alloc() : {za}
      %zb = memref.alloc() : {zb}
      %zc = memref.alloc() : {zc}
      %bt = memref.alloc() : {bt}
      %true = arith.constant true
      %n = arith.constant {size} : index
      ascend.nd2nz ins(%a : memref<16x32xf16, GM>) outs(%l : memref<2x1x16x16xf16, L1>)
      ascend.load ins(%v : memref<32xf32, GM>) outs(%lv : memref<32xf32, L1>)
      ascend.l1_to_bt ins(%lv : memref<32xf32, L1>) outs(%bt : {bt})
      %first = memref.subview %l[0, 0, 0, 0] [1, 1, 16, 16] [1, 1, 1, 1] : memref<2x1x16x16xf16, L1> to memref<1x1x16x16xf16, strided<[256, 256, 16, 1]>, L1>
      ascend.l1_to_l0a ins(%first : memref<1x1x16x16xf16, strided<[256, 256, 16, 1]>, L1>) outs(%za : {za})
      ascend.l1_to_l0b ins(%l : memref<2x1x16x16xf16, L1>) outs(%zb : {zb})
      %b = memref.subview %bt[0] [%n] [1] : {bt} to {d}
      ascend.mmad ins(%za, %zb, %true : {za}, {zb}) bias(%b : {d}) outs(%zc : {zc})"""
    result = launch(kernel("%a: memref<16x32xf16, GM>, %v: memref<32xf32, GM>", body, core="aic"), [random((16, 32), np.float16), random((32,), np.float32)])
    assert ("ascend.mmad: the shapes do not fit: " in result) if size == 16 else not isinstance(result, str)


def test_fractals_of_another_shape():
    from sim_driver import DriverError

    with pytest.raises(DriverError, match="it computes fractals of 16 rows of 32 bytes, those of this target are 8 rows of 32"):
        launch(kernel(f"%a: {G}", ""), [X], numbers={"fractal_rows": 8})


def test_source_and_destination_that_overlap_in_part():
    part = lambda o: f"memref<32xf32, strided<[1], offset: {o}>, UB>" if o else "memref<32xf32, strided<[1]>, UB>"
    text = message(f"""%u = memref.alloc() : {U}
      ascend.load ins(%a : {G}) outs(%u : {U})
      %x = memref.subview %u[0] [32] [1] : {U} to {part(0)}
      %y = memref.subview %u[8] [32] [1] : {U} to {part(8)}
      ascend.vun <neg> ins(%x : {part(0)}) outs(%y : {part(8)})""")
    assert "operand 0 and the output overlap" in text


def test_argument_that_is_too_short():
    text = message(f"%u = memref.alloc() : {U}", arrays=[X, X[:8].copy()])
    assert "kernel 'k': argument 1, a buffer of 256 bytes: 256 bytes at" in text


def test_other_number_of_blocks_than_compiled_for():
    result = launch(kernel(f"%a: {G}", "", blocks=2), [X], blocks=3)
    assert "launched with 3 blocks, compiled for 2" in result


def test_after_a_fault_the_device_goes_on():
    message(f"""%u = memref.alloc() : {U}
      ascend.store ins(%u : {U}) outs(%b : {G})""")
    good = launch(kernel(f"%a: {G}, %b: {G}", f"""%u = memref.alloc() : {U}
      ascend.load ins(%a : {G}) outs(%u : {U})
      ascend.store ins(%u : {U}) outs(%b : {G})"""), [X, np.zeros_like(X)])  # fmt: skip
    np.testing.assert_array_equal(good[1], X)


def test_scalar_load_chooses_what_a_kernel_does():
    n, one = "memref<1xi32, GM>", "memref<?xf32, strided<[1]>, GM>"
    d = "memref<?xf32, strided<[1]>, UB>"
    body = f"""%u = memref.alloc() : {U}
      %zero = arith.constant 0 : index
      %w = memref.load %n[%zero] : {n}
      %m = arith.index_cast %w : i32 to index
      %s = memref.subview %u[0] [%m] [1] : {U} to {d}
      %x = memref.subview %a[0] [%m] [1] : {G} to {one}
      %y = memref.subview %b[0] [%m] [1] : {G} to {one}
      ascend.load ins(%x : {one}) outs(%s : {d})
      ascend.store ins(%s : {d}) outs(%y : {one})"""
    result = launch(kernel(f"%a: {G}, %b: {G}, %n: {n}", body), [X, np.zeros_like(X), np.array([24], np.int32)])
    np.testing.assert_array_equal(result[1][:24], X[:24])
    assert not result[1][24:].any()


def test_the_ai_cpu_runs_plain_loops():
    a = random((4, 6), np.float64)
    m = "memref<4x6xf64, GM>"
    body = f"""%c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      %c6 = arith.constant 6 : index
      scf.for %i = %c0 to %c4 step %c1 {{
        scf.for %j = %c0 to %c6 step %c1 {{
          %v = memref.load %a[%i, %j] : {m}
          %w = math.exp %v : f64
          memref.store %w, %b[%i, %j] : {m}
        }}
      }}"""
    result = launch(kernel(f"%a: {m}, %b: {m}", body, core="aicpu"), [a, np.zeros_like(a)])
    np.testing.assert_allclose(result[1], np.exp(a), rtol=1e-14)
