//===- Mapping.h - the mappings from linalg ops to kernels ----------------===//
#ifndef CELL_PASSES_LINALGTOGPU_MAPPING_H
#define CELL_PASSES_LINALGTOGPU_MAPPING_H

#include "passes/LinalgToGpu/KernelBuilder.h"
#include "passes/LinalgToLLVM/LoopPlan.h"

namespace mlir::cell {

// A mapping looks at an op on memrefs. If it is of its kind, it puts kernels and launches in front of it and returns true; the caller erases the
// op. Otherwise it changes nothing. linalg-to-gpu-kernels asks in the order of this file.

/// Takes ops apart whose outputs are reduced over different dimensions: neither can be had in the order of the other.
void separateReductions(ModuleOp module);

/// A reduction of everything in two steps: to one value per row in scratch memory, and of those.
struct RowsFirst {
  linalg::GenericOp ofRows, ofAll;
  SmallVector<Operation *> made; // all that is new, in order
};
/// Puts the two steps in front of `op`, whose outer dimensions are the rows; nothing if it is no such reduction. The caller erases `op`, or what was made.
std::optional<RowsFirst> reduceRowsFirst(linalg::GenericOp op, int64_t rows);

/// Ops in which an output has fewer elements than there are points. Rows are reduced by a part of a warp, a warp or a block each, columns by tiles of
/// threads; a few long ones are cut into pieces that a second kernel joins in order. Results are the same at each run.
bool lowerReduction(KernelModule &module, linalg::LinalgOp op, const LoopPlan &plan);

/// Pointwise ops that read along other rows than those they write, through tiles in shared memory.
bool lowerTranspose(KernelModule &module, linalg::LinalgOp op, const LoopPlan &plan);

/// Ops that write each of their outputs at each point.
bool lowerPointwise(KernelModule &module, linalg::LinalgOp op, const LoopPlan &plan);

/// Any op. What several points write is written in the order of the loops, by one thread; a thread for each value of the dimensions that keep such points apart.
void lowerInOrder(KernelModule &module, linalg::LinalgOp op, const LoopPlan &plan);

/// Copies between buffers that are not both contiguous become linalg ops, those of nothing go.
void expandStridedCopies(ModuleOp module);

/// Every linalg op that is left on the host, and every store, becomes a kernel: by `first` if that takes it, or by the mappings above. An error names `device`.
LogicalResult lowerRemainingOps(ModuleOp module, KernelModule &kernels, StringRef device, llvm::function_ref<bool(linalg::LinalgOp, const LoopPlan &)> first = nullptr);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_MAPPING_H
