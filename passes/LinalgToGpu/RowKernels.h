//===- RowKernels.h - chains of ops over the same rows --------------------===//
#ifndef CELL_PASSES_LINALGTOGPU_ROWKERNELS_H
#define CELL_PASSES_LINALGTOGPU_ROWKERNELS_H

#include "passes/LinalgToGpu/KernelBuilder.h"

namespace mlir::cell {

/// Reductions of rows and what is computed around them, row by row, become one kernel: softmax, layer_norm, cross entropy and their derivatives. Each lane keeps
/// its part of a row in registers from one op to the next; what only the ops of a chain need is never stored. Removes the ops that it lowers.
void lowerRowChains(ModuleOp module, KernelModule &kernels);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_ROWKERNELS_H
