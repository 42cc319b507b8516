//===- Passes.td - memory and order of the kernels of the ascend dialect ---===//
#ifndef CELL_PASSES_ASCENDSCHEDULE_TD
#define CELL_PASSES_ASCENDSCHEDULE_TD

include "mlir/Pass/PassBase.td"

def AscendMultiBuffer : Pass<"ascend-multi-buffer", "::mlir::ModuleOp"> {
  let summary = "buffers of loops get a second place, where that lets pipes run side by side";
  let description = [{
    A buffer that a loop's body allocates, and that more than one pipe uses, is marked `ascend.multi_buffer = 2` when all buffers of its space still fit: one
    step is loaded while the one before is computed. Marks that are there already are kept where they fit and taken back (with a remark) where they do
    not; `ascend.multi_buffer = 1` keeps a buffer single. See docs/design/ascend-schedule.md.
  }];
}

def AscendDecompose : Pass<"ascend-decompose", "::mlir::ModuleOp"> {
  let summary = "products in L1 become transfers to L0A and L0B and products there";
  let description = [{
    Each `ascend.mmad_l1` becomes pieces along the sum: `l1_to_l0a`, `l1_to_l0b` and `mmad`, with two buffers in L0A and in L0B that take turns, so that one
    piece comes from L1 while the one before is multiplied. A bias goes to the cube's bias memory once, where it comes to L1. Runs between two
    `ascend-multi-buffer`: the second one sees the buffers in L0 of products that are one piece.

    ```mlir
    ascend.mmad_l1 ins(%a, %b, %first : memref<4x8x16x16xf16, #ascend.space<l1>>, memref<8x4x16x16xf16, #ascend.space<l1>>)
      outs(%c : memref<8x8x16x16xf32, #ascend.space<l0c>>)
    // becomes
    ascend.l1_to_l0a ins(%a : memref<4x8x16x16xf16, #ascend.space<l1>>) outs(%left : memref<8x4x16x16xf16, #ascend.space<l0a>>)
    ascend.l1_to_l0b ins(%b : memref<8x4x16x16xf16, #ascend.space<l1>>) outs(%right : memref<4x8x16x16xf16, #ascend.space<l0b>>)
    ascend.mmad ins(%left, %right, %first : memref<8x4x16x16xf16, #ascend.space<l0a>>, memref<4x8x16x16xf16, #ascend.space<l0b>>)
      outs(%c : memref<8x8x16x16xf32, #ascend.space<l0c>>)
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def AscendPlanMemory : Pass<"ascend-plan-memory", "::mlir::ModuleOp"> {
  let summary = "every buffer of a kernel gets its address";
  let description = [{
    `memref.alloc` in a memory of the core becomes `ascend.address`, one offset per copy of a multi-buffered one. Buffers that are never alive together may
    share bytes; those of a loop that different pipes use share only if the kernel does not fit otherwise. A kernel that does not fit is an error, which
    names the space, the need and the largest buffers.

    ```mlir
    %a = memref.alloc() {ascend.multi_buffer = 2 : i64} : memref<1024xf32, #ascend.space<ub>>
    // becomes
    %a = ascend.address [0, 4096] slot %i : memref<1024xf32, #ascend.space<ub>>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def AscendInsertSync : Pass<"ascend-insert-sync", "::mlir::ModuleOp"> {
  let summary = "flags between the pipes of a kernel: as many as the data needs, none more";
  let description = [{
    For each pair of accesses of different pipes to the same bytes, one of them a write, there is a way of flags from the first to the second afterwards, over
    the steps of loops too. No flag can be left out. Where the numbers of flags run out, a barrier stands instead. Flags and barriers that the
    kernel has already are replaced.
  }];
}

def AscendVerifyKernels : Pass<"ascend-verify-kernels", "::mlir::ModuleOp"> {
  let summary = "refuse kernels whose buffers overlap, whose flags do not match, or whose pipes race";
  let description = [{
    Checks planned kernels on all their paths: addresses are aligned and inside their space, buffers that are alive together do not overlap, each flag is set
    before it is waited for, waited for before it is set again and down at the end, and each pair of conflicting accesses is ordered.
  }];
}

#endif // CELL_PASSES_ASCENDSCHEDULE_TD
