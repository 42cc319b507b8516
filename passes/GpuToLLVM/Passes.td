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

def GpuToNVVM : Pass<"gpu-to-nvvm", "::mlir::ModuleOp"> {
  let summary = "Lower the kernels of every gpu.module to the LLVM and NVVM dialects";
  let description = [{
    Kernels become `llvm.func`s with `nvvm.kernel`, memrefs bare pointers, indices 32 bits wide where every buffer and constant of the kernel allows it. An
    `index` argument stays 64 bits wide and a bool is a byte, as the host passes them. The module gets the attribute `#nvvm.target` with the chip and the
    PTX version that code generation reads.
  }];
  let options = [Option<"chip", "chip", "std::string", /*default=*/"\"sm_80\"", "Compute capability: sm_80, sm_86, sm_89, sm_90, sm_90a, sm_100 ...">,
                 Option<"lines", "lines", "bool", /*default=*/"false", "Kernels get line tables of the user's lines: .loc and .file in the PTX">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect", "::mlir::gpu::GPUDialect", "::mlir::cf::ControlFlowDialect",
                           "::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect"];
}

def ExpandDoubleMath : Pass<"expand-double-math", "::mlir::ModuleOp"> {
  let summary = "Write out the f64 functions of kernels that the C library has on the CPU";
  let description = [{
    sin, cos, tan, asin, acos, atan, atan2 and pow in f64, which `expand-math` leaves alone, as arithmetic with fma. sin, cos and tan of large arcs are behind a branch.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def GpuHostToLLVM : Pass<"gpu-host-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Lower the host part of stage gpu to the LLVM dialect with calls of the GPU runtime";
  let description = [{
    `gpu.launch_func` becomes `cg_gpu_launch` with the kernel's number, a load of device memory `cg_gpu_read`, a copy `cg_gpu_copy`, a constant
    `cg_gpu_constant` (runtime/gpu/cellgrad_gpu.h). The rest is what `finalize-cpu` does: bare pointers, `cg_entry`, effects. Every `gpu.module` stays as it
    is; code generation embeds it into the object.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::gpu::GPUDialect"];
}

#endif // CELL_PASSES_GPUTOLLVM_PASSES_TD
