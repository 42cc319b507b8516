"""Wrong kernels: what the simulator finds, with the operation and its line."""
import numpy as np

from ascend_sim import kernel, launch, random

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
