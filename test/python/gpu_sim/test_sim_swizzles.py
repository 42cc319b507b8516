"""Descriptors of wgmma for factors in swizzles of 32, 64 and 128 bytes, along k and along rows or columns. What lies in shared memory is laid out here, from PTX's tables."""

import numpy as np
import pytest
from hopper_kernels import SPACE
from sim_driver import Driver, compile_kernels

MODES = {32: 3, 64: 2, 128: 1}  # bytes of a row to bits 62 and 63 of a descriptor


@pytest.fixture(scope="module")
def driver():
    return Driver()


def swizzled(lines, width):
    """`lines`: 128 bytes each, a multiple of the pattern's. Chunk c of 16 bytes of line r lies at chunk c ^ (r mod (width / 16)): PTX's tables for the three widths."""
    tables = {
        32: [(0, 1, 2, 3, 4, 5, 6, 7), (1, 0, 3, 2, 5, 4, 7, 6)],
        64: [(0, 1, 2, 3, 4, 5, 6, 7), (1, 0, 3, 2, 5, 4, 7, 6), (2, 3, 0, 1, 6, 7, 4, 5), (3, 2, 1, 0, 7, 6, 5, 4)],
        128: [(0, 1, 2, 3, 4, 5, 6, 7), (1, 0, 3, 2, 5, 4, 7, 6), (2, 3, 0, 1, 6, 7, 4, 5), (3, 2, 1, 0, 7, 6, 5, 4),
              (4, 5, 6, 7, 0, 1, 2, 3), (5, 4, 7, 6, 1, 0, 3, 2), (6, 7, 4, 5, 2, 3, 0, 1), (7, 6, 5, 4, 3, 2, 1, 0)],
    }  # fmt: skip
    table = tables[width]
    return np.stack([line[list(table[r % len(table)])] for r, line in enumerate(lines.reshape(-1, 8, 8))])


def image_of(factor, width, transposed):
    """A factor (rows x 32 along k) as shared memory holds it; leading, stride and the way to the next 16 along k, in bytes."""
    rows, depth = factor.shape
    inner = width // 2  # elements
    if not transposed:  # rows of `width` bytes along k; what is longer lies behind all rows
        blocks = factor.reshape(rows, depth // min(inner, depth), min(inner, depth)).transpose(1, 0, 2)
        if inner > depth:
            blocks = np.concatenate([blocks, np.full((1, rows, inner - depth), np.nan, np.float16)], 2)
        return swizzled(np.ascontiguousarray(blocks), width), 16, 8 * width, 32 if inner >= 32 else rows * width
    blocks = factor.T.reshape(depth // 8, 8, rows // inner, inner).transpose(2, 0, 1, 3)  # atoms of 8 along k, beside each other along k first
    return swizzled(np.ascontiguousarray(blocks), width), depth * width, 8 * width, 2 * 8 * width


def kernel(n, images, starts, fixed, steps, transposed):
    sums = f"!llvm.struct<({', '.join(['f32'] * (n // 2))})>"
    lines = []
    for name, image, start, f, step in zip("ab", images, starts, fixed, steps):
        count = image.size
        view = f"memref<{count}xf16, {SPACE}>"
        lines.append(f"""%start{name} = arith.constant {start} : index
%n{name} = arith.constant {count} : index
%{name} = memref.view %dyn[%start{name}][] : memref<?xi8, {SPACE}> to {view}
scf.for %i = %t to %n{name} step %c128 {{
  %x = memref.load %g{name}[%i] : memref<{count}xf16>
  memref.store %x, %{name}[%i] : {view}
}}
%p{name} = memref.extract_aligned_pointer_as_index %{name} : {view} -> index
%s{name} = arith.shrui %p{name}, %c4 : index
%i{name} = arith.index_cast %s{name} : index to i64
%f{name} = arith.constant {f} : i64
%d{name}0 = arith.addi %i{name}, %f{name} : i64
%step{name} = arith.constant {step // 16} : i64
%d{name}1 = arith.addi %d{name}0, %step{name} : i64""")
    products = []
    for i in range(2):
        products.append(
            f"%d{i} = nvvm.wgmma.mma_async %da{i}, %db{i}, {'%z' if i == 0 else '%d0'}, #nvvm.shape<m = 64, n = {n}, k = 16>, D[<f32>, #nvvm.wgmma_scale_out<one>], "
            f"A[<f16>, #nvvm.wgmma_scale_in<one>, <{'col' if transposed[0] else 'row'}>], B[<f16>, #nvvm.wgmma_scale_in<one>, <{'row' if transposed[1] else 'col'}>] : {sums} -> {sums}"
        )
    stores = [f"%v{r} = llvm.extractvalue %d1[{r}] : {sums}\n%r{r} = arith.constant {r} : index\nmemref.store %v{r}, %c[%t, %r{r}] : memref<128x{n // 2}xf32>" for r in range(n // 2)]
    newline = "\n"
    return f"""gpu.func @f(%ga: memref<{images[0].size}xf16>, %gb: memref<{images[1].size}xf16>, %c: memref<128x{n // 2}xf32>) kernel {{
%t = gpu.thread_id x
%c4 = arith.constant 4 : index
%c128 = arith.constant 128 : index
%dyn = gpu.dynamic_shared_memory : memref<?xi8, {SPACE}>
{newline.join(lines)}
gpu.barrier
nvvm.fence.proxy {{kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}}
%z = llvm.mlir.zero : {sums}
nvvm.wgmma.fence.aligned
{newline.join(products)}
nvvm.wgmma.commit.group.sync.aligned
nvvm.wgmma.wait.group.sync.aligned 0
{newline.join(stores)}
gpu.return
}}"""


@pytest.mark.parametrize("width", MODES)
@pytest.mark.parametrize("ta, tb", [(False, False), (True, False), (False, True), (True, True)], ids=["kk", "rk", "kc", "rc"])
def test_swizzle(driver, width, ta, tb):
    n = 64
    rng = np.random.default_rng(width)
    a, b = (rng.integers(-8, 8, shape).astype(np.float16) for shape in ((64, 32), (n, 32)))
    images, fixed, steps = [], [], []
    for factor, transposed in ((a, ta), (b, tb)):
        image, leading, stride, step = image_of(factor, width, transposed)
        images.append(image)
        bits = MODES[width] << 62 | stride // 16 << 32 | leading // 16 << 16
        fixed.append(bits - (1 << 64) if bits >> 63 else bits)
        steps.append(step)
    starts = 0, (images[0].nbytes + 1023) // 1024 * 1024
    memory = [driver.upload(image) for image in images] + [driver.upload(np.zeros((128, n // 2), np.float32))]
    function = driver.function(driver.load(compile_kernels(kernel(n, images, starts, fixed, steps, (ta, tb)), True)), "f")
    driver.launch(function, (1, 1, 1), (128, 1, 1), *memory, shared=starts[1] + images[1].nbytes)
    registers = driver.download(memory[2], (4, 8, 4, n // 8, 2, 2), np.float32)  # warp, lane / 4, lane % 4, column / 8, row + 8, column
    got = registers.transpose(0, 4, 1, 3, 2, 5).reshape(64, n)
    np.testing.assert_array_equal(got, a.astype(np.float32) @ b.astype(np.float32).T)
