//===- Mapping.h - the mappings from linalg ops to Ascend kernels ----------===//
#ifndef CELL_PASSES_LINALGTOASCEND_MAPPING_H
#define CELL_PASSES_LINALGTOASCEND_MAPPING_H

#include "dialect/Rt/RtOps.h"
#include "passes/LinalgToAscend/AscendKernels.h"
#include "passes/LinalgToLLVM/LoopPlan.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace mlir::cell {

// linalg-to-ascend-kernels asks in the order of this file; what nobody takes becomes plain loops on the general cores (passes/LinalgToGpu).

/// Products and convolutions on the cube cores. Removes the ops that it lowers, with the pointwise ops that are computed on the way out; copies of factors that
/// no transfer can read, and sums of pieces, stay behind as linalg ops.
void lowerCubeOps(ModuleOp module, AscendKernels &kernels);

/// Loops over single elements that are running sums of many lines. Puts a kernel in front of the loop and returns true, or false with a reason.
bool lowerVectorScan(scf::ForOp loop, AscendKernels &kernels);

/// Routines that the vector cores have kernels for: scatter_add. Removes the calls.
void lowerVectorRoutines(ModuleOp module, AscendKernels &kernels);

/// Chains of ops over the same rows that fit into UB become one kernel each. Removes the ops that it lowers.
void lowerVectorRows(ModuleOp module, AscendKernels &kernels);

/// Ops on the vector cores: pointwise groups and reductions. Puts kernels and launches in front of the op and returns true; false, with a reason given to
/// `AscendKernels::explain`, if the vector unit cannot.
bool lowerVectorOp(AscendKernels &kernels, linalg::LinalgOp op, const LoopPlan &plan);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOASCEND_MAPPING_H
