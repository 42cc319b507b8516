//===- Routine.h - products and runtime routines as kernels ---------------===//
#ifndef CELL_PASSES_LINALGTOGPU_ROUTINE_H
#define CELL_PASSES_LINALGTOGPU_ROUTINE_H

#include "dialect/Rt/RtOps.h"
#include "passes/LinalgToGpu/KernelBuilder.h"

namespace mlir::cell {

/// Contractions, convolutions and the other routines of a program on buffers become kernels, with the fills and pointwise ops that are computed with
/// them; all other ops stay.
LogicalResult lowerProductsAndRoutines(ModuleOp module, KernelModule &kernels);

/// Pooling, its gradients and scatter_add, in front of `op`; false for another routine.
bool emitRoutine(KernelModule &kernels, cellrt::CallOp op);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_ROUTINE_H
