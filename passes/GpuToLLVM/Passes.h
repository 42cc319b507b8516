//===- Passes.h - passes from stage "gpu" to machine code -----------------===//
#ifndef CELL_PASSES_GPUTOLLVM_PASSES_H
#define CELL_PASSES_GPUTOLLVM_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>
#include <string>

namespace mlir::cell {

#define GEN_PASS_DECL
#include "passes/GpuToLLVM/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/GpuToLLVM/Passes.h.inc"

/// On an argument of a kernel: it is a tensor map of the buffer, 128 bytes by value. A dictionary of `sizes`, `strides` and `box`, in elements, outermost first.
inline constexpr llvm::StringLiteral kTensorMap = "cell.tensor_map";

/// Copies the tensor maps of kernels to their launches, for gpu-host-to-llvm: lowered kernels do not have these attributes any more.
void noteTensorMaps(ModuleOp module);

} // namespace mlir::cell

#endif // CELL_PASSES_GPUTOLLVM_PASSES_H
