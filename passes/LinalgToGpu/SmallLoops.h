//===- SmallLoops.h - loops over small tensors become kernels -------------===//
#ifndef CELL_PASSES_LINALGTOGPU_SMALLLOOPS_H
#define CELL_PASSES_LINALGTOGPU_SMALLLOOPS_H

#include "passes/LinalgToGpu/KernelBuilder.h"

namespace mlir::cell {

/// Loops of the host whose bodies compute nothing but small tensors and scalars (Newton's method on a scalar, or on each element of a small tensor) become one kernel of
/// one block each: the host does not read a condition back in every turn. Ops are computed one after the other, by all threads of the block.
void lowerSmallLoops(ModuleOp module, KernelModule &kernels);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_SMALLLOOPS_H
