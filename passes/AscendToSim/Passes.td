//===- Passes.td - kernels of the ascend dialect to the simulator ----------===//
#ifndef CELL_PASSES_ASCENDTOSIM_PASSES_TD
#define CELL_PASSES_ASCENDTOSIM_PASSES_TD

include "mlir/Pass/PassBase.td"

def AscendToSim : Pass<"ascend-to-sim", "::mlir::ModuleOp"> {
  let summary = "Kernels to functions that the Ascend simulator runs";
  let description = [{
    Each kernel of a `gpu.module` becomes an LLVM function `void name(void **args, cg_ascend_core *core)` for this processor. In kernels of the vector and the
    cube core every operation of the dialect is a call `cg_ascend_issue(core, record, views)`: a constant record of what is known of it, and where its operands
    lie (runtime/ascend_sim/ascend_sim.h). Kernels of the AI CPU are plain code. A constant `cg_ascend.<name>` says what a launch must know,
    `cg_ascend_target` holds the numbers of the chip.

    Buffers that are still `memref.alloc` are laid out one behind the other. `ascend.mmad_l1` must have been decomposed.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect"];
}

#endif // CELL_PASSES_ASCENDTOSIM_PASSES_TD
