//===- ElementLoops.h - loops over single elements become kernels ---------===//
#ifndef CELL_PASSES_LINALGTOGPU_ELEMENTLOOPS_H
#define CELL_PASSES_LINALGTOGPU_ELEMENTLOOPS_H

#include "passes/LinalgToGpu/KernelBuilder.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace mlir::cell {

/// Loops of the host that do nothing but compute with single elements of buffers (running sums) become kernels: a thread per iteration of the outer loops
/// that are independent, the rest in order. On the host each element would be a message to the device and back.
/// `first` is asked before, and makes the kernel itself if it returns true.
void lowerElementLoops(ModuleOp module, KernelModule &kernels, llvm::function_ref<bool(scf::ForOp)> first = nullptr);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_ELEMENTLOOPS_H
