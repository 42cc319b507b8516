//===- ElementLoops.h - loops over single elements become kernels ---------===//
#ifndef CELL_PASSES_LINALGTOGPU_ELEMENTLOOPS_H
#define CELL_PASSES_LINALGTOGPU_ELEMENTLOOPS_H

#include "passes/LinalgToGpu/KernelBuilder.h"

namespace mlir::cell {

/// Loops of the host that do nothing but compute with single elements of buffers (running sums) become kernels: a thread per iteration of the outer loops
/// that are independent, the rest in order. On the host each element would be a message to the device and back.
void lowerElementLoops(ModuleOp module, KernelModule &kernels);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_ELEMENTLOOPS_H
