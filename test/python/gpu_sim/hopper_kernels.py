"""A product of one tile by a ring of bulk copies and wgmma, written out: one thread fills stages, the warpgroups before it multiply 64 rows each."""

import numpy as np

SPACE = "#gpu.address_space<workgroup>"


def index(names, name, value, kind="index"):
    names.append(f"%{name} = arith.constant {value} : {kind}")


def ring(n, steps, stages, a_rows=False, b_rows=False, kind="f16", groups=1):
    """c = a b for a of 64 groups x 64 steps (stored with k innermost, or with `a_rows` its rows) and b of 64 steps x n (k innermost, or with `b_rows` its columns)."""
    k, blocks, m, threads = 64 * steps, n // 64, 64 * groups, 128 * groups
    a_type = f"memref<{k}x{m}x{kind}>" if a_rows else f"memref<{m}x{k}x{kind}>"
    b_type = f"memref<{k}x{n}x{kind}>" if b_rows else f"memref<{n}x{k}x{kind}>"
    b_box = f"64x64x{kind}" if b_rows else f"{n}x64x{kind}"
    tile = lambda box: f"memref<{box}, {SPACE}>"
    map_of = lambda box: f"!nvgpu.tensormap.descriptor<tensor = {tile(box)}, swizzle = swizzle_128b, l2promo = l2promo_128b, oob = zero, interleave = none>"
    group = f"!nvgpu.mbarrier.group<memorySpace = {SPACE}, num_barriers = {2 * stages}>"
    sums = f"!llvm.struct<({', '.join(['f32'] * (n // 2))})>"
    a_bytes, b_bytes = 8192 * groups, 128 * n
    stage_bytes = a_bytes + b_bytes
    constants = []
    for value in sorted({0, 1, 2, 4, 8, threads, 4 * groups, 16, 32, 64, 128, stages, steps, stage_bytes, a_bytes, 8192, 10000000}):
        index(constants, f"c{value}", value)
    loads = []
    for g in range(groups):
        loads += [
            f"%ja{g} = arith.constant {8192 * g} : index", f"%oa{g} = arith.addi %base, %ja{g} : index",
            f"%ta{g} = memref.view %dyn[%oa{g}][] : memref<?xi8, {SPACE}> to {tile('64x64x' + kind)}", f"%m{g} = arith.constant {64 * g} : index",
            f"nvgpu.tma.async.load %ma[{f'%m{g}, %ki' if a_rows else f'%ki, %m{g}'}], %bars[%s] to %ta{g} : {map_of('64x64x' + kind)}, {group} -> {tile('64x64x' + kind)}",
        ]  # fmt: skip
    if b_rows:
        for j in range(blocks):
            loads += [
                f"%jb{j} = arith.constant {a_bytes + 8192 * j} : index", f"%ob{j} = arith.addi %base, %jb{j} : index",
                f"%tb{j} = memref.view %dyn[%ob{j}][] : memref<?xi8, {SPACE}> to {tile('64x64x' + kind)}", f"%n{j} = arith.constant {64 * j} : index",
                f"nvgpu.tma.async.load %mb[%n{j}, %ki], %bars[%s] to %tb{j} : {map_of(b_box)}, {group} -> {tile(b_box)}",
            ]  # fmt: skip
    else:
        loads += [
            f"%ob = arith.addi %base, %c{a_bytes} : index", f"%tb = memref.view %dyn[%ob][] : memref<?xi8, {SPACE}> to {tile(b_box)}",
            f"nvgpu.tma.async.load %mb[%ki, %c0], %bars[%s] to %tb : {map_of(b_box)}, {group} -> {tile(b_box)}",
        ]  # fmt: skip

    def fixed(rows):  # swizzle mode 1, stride 1024, leading 8192 bytes
        return 1 << 62 | 64 << 32 | (512 if rows else 1) << 16

    products = []
    for j in range(4):
        before = "%sum" if j == 0 else f"%d{j - 1}"
        products += [
            f"%ka{j} = arith.constant {(128 if a_rows else 2) * j} : i64", f"%kb{j} = arith.constant {(128 if b_rows else 2) * j} : i64",
            f"%da{j} = arith.addi %da, %ka{j} : i64", f"%db{j} = arith.addi %db, %kb{j} : i64",
            f"%d{j} = nvvm.wgmma.mma_async %da{j}, %db{j}, {before}, #nvvm.shape<m = 64, n = {n}, k = 16>, D[<f32>, #nvvm.wgmma_scale_out<one>], "
            f"A[<{kind}>, #nvvm.wgmma_scale_in<one>, <{'col' if a_rows else 'row'}>], B[<{kind}>, #nvvm.wgmma_scale_in<one>, <{'row' if b_rows else 'col'}>] : {sums} -> {sums}",
        ]  # fmt: skip
    stores = []
    for r in range(n // 2):
        stores += [
            f"%v{r} = llvm.extractvalue %result[{r}] : {sums}", f"%co{r} = arith.constant {r // 4 * 8 + r % 2} : index", f"%col{r} = arith.addi %col, %co{r} : index",
            f"memref.store %v{r}, %c[%row{r // 2 % 2}, %col{r}] : memref<{m}x{n}xf32>",
        ]  # fmt: skip
    newline = "\n"
    return f"""gpu.func @f(%a: {a_type} {{cell.tensor_map = {{}}}}, %b: {b_type} {{cell.tensor_map = {{}}}}, %c: memref<{m}x{n}xf32>) kernel attributes {{known_block_size = array<i32: {threads + 32}, 1, 1>}} {{
{newline.join(constants)}
%false = arith.constant false
%ma = builtin.unrealized_conversion_cast %a : {a_type} to {map_of('64x64x' + kind)}
%mb = builtin.unrealized_conversion_cast %b : {b_type} to {map_of(b_box)}
%dyn = gpu.dynamic_shared_memory : memref<?xi8, {SPACE}>
%bars = nvgpu.mbarrier.create -> {group}
%t = gpu.thread_id x
%first = arith.cmpi eq, %t, %c0 : index
scf.if %first {{
  scf.for %s = %c0 to %c{stages} step %c1 {{
    %e = arith.addi %s, %c{stages} : index
    nvgpu.mbarrier.init %bars[%s], %c1 : {group}
    nvgpu.mbarrier.init %bars[%e], %c{4 * groups} : {group}
  }}
  nvvm.fence.mbarrier.init
}}
gpu.barrier
%producer = arith.cmpi eq, %t, %c{threads} : index
%consumer = arith.cmpi ult, %t, %c{threads} : index
scf.if %producer {{
  scf.for %i = %c0 to %c{steps} step %c1 {{
    %s = arith.remui %i, %c{stages} : index
    %e = arith.addi %s, %c{stages} : index
    %round = arith.divui %i, %c{stages} : index
    %odd = arith.remui %round, %c2 : index
    %free = arith.cmpi eq, %odd, %c0 : index
    nvgpu.mbarrier.try_wait.parity %bars[%e], %free, %c10000000 : {group}
    %base = arith.muli %s, %c{stage_bytes} : index
    %ki = arith.muli %i, %c64 : index
    nvgpu.mbarrier.arrive.expect_tx %bars[%s], %c{stage_bytes} : {group}
    {(newline + '    ').join(loads)}
  }}
}}
scf.if %consumer {{
  %zero = llvm.mlir.zero : {sums}
  %lane = arith.remui %t, %c32 : index
  %leader = arith.cmpi eq, %lane, %c0 : index
  %result = scf.for %i = %c0 to %c{steps} step %c1 iter_args(%sum = %zero) -> {sums} {{
    %s = arith.remui %i, %c{stages} : index
    %e = arith.addi %s, %c{stages} : index
    %round = arith.divui %i, %c{stages} : index
    %odd = arith.remui %round, %c2 : index
    %parity = arith.cmpi eq, %odd, %c1 : index
    nvgpu.mbarrier.try_wait.parity %bars[%s], %parity, %c10000000 : {group}
    %base = arith.muli %s, %c{stage_bytes} : index
    %ta = memref.view %dyn[%base][] : memref<?xi8, {SPACE}> to {tile('64x64x' + kind)}
    %pa = memref.extract_aligned_pointer_as_index %ta : {tile('64x64x' + kind)} -> index
    %pb = arith.addi %pa, %c{a_bytes} : index
    %group = arith.divui %t, %c128 : index
    %rows = arith.muli %group, %c8192 : index
    %ga = arith.addi %pa, %rows : index
    %sa = arith.shrui %ga, %c4 : index
    %sb = arith.shrui %pb, %c4 : index
    %ia = arith.index_cast %sa : index to i64
    %ib = arith.index_cast %sb : index to i64
    %fa = arith.constant {fixed(a_rows)} : i64
    %fb = arith.constant {fixed(b_rows)} : i64
    %da = arith.addi %ia, %fa : i64
    %db = arith.addi %ib, %fb : i64
    nvvm.wgmma.fence.aligned
    {(newline + '    ').join(products)}
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 0
    scf.if %leader {{
      %token = nvgpu.mbarrier.arrive %bars[%e] : {group} -> !nvgpu.mbarrier.token
    }}
    scf.yield %d3 : {sums}
  }}
  %warp = arith.divui %t, %c32 : index
  %wr = arith.muli %warp, %c16 : index
  %g = arith.divui %lane, %c4 : index
  %row0 = arith.addi %wr, %g : index
  %row1 = arith.addi %row0, %c8 : index
  %q = arith.remui %lane, %c4 : index
  %col = arith.muli %q, %c2 : index
  {(newline + '  ').join(stores)}
}}
gpu.return
}}"""


def round_to(kind, array):
    """The array as the 16-bit type's bytes, and the numbers that these stand for."""
    if kind == "f16":
        half = array.astype(np.float16)
        return half, half.astype(np.float64)
    bits = (array.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    return bits, (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
