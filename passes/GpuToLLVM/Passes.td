//===- Passes.td - from stage "gpu" to machine code ----------------------===//
#ifndef CELL_PASSES_GPUTOLLVM_PASSES_TD
#define CELL_PASSES_GPUTOLLVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def GpuToSim : Pass<"gpu-to-sim", "::mlir::ModuleOp"> {
  let summary = "Kernels to functions that the GPU simulator runs";
  let description = [{
    Each `gpu.func` of a `gpu.module` becomes an LLVM function `void name(void **args, cg_sim_thread *thread)` for this processor: ids and shared memory
    come from the thread's record (runtime/gpu_sim/gpu_sim.h); barriers, shuffles, matrix products and asynchronous copies are calls of the simulator. A
    constant `cg_sim.<name>` says what a launch must know. With `checked` every access to memory is shown to the simulator first, with the user's line.
  }];
  let options = [Option<"checked", "checked", "bool", /*default=*/"false", "Accesses to memory are checked at run time">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // CELL_PASSES_GPUTOLLVM_PASSES_TD
