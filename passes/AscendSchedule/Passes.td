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
