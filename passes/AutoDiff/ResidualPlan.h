//===- ResidualPlan.h - save or compute again -----------------------------===//
#ifndef CELL_PASSES_AUTODIFF_RESIDUALPLAN_H
#define CELL_PASSES_AUTODIFF_RESIDUALPLAN_H

#include "mlir/IR/Block.h"
#include "mlir/IR/Operation.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::cell {

/// How values of a forward block get into its reverse block.
struct ResidualPlan {
  /// Values of the forward block that are handed over.
  SmallVector<Value> saved;
  /// Ops of the forward block that the reverse block computes again, before their first use there. Each operand is saved, free, computed
  /// again too, or from outside the forward block.
  llvm::SetVector<Operation *> recomputed;
};

/// Decides what is saved of `forward` so that its reverse block has the values `needed` (results of ops in `forward`, or its arguments; no tapes). Values in
/// `free` are there at no cost: the induction variable of a loop; arguments of a function and what it returns anyway.
/// Values from outside of `forward` are there, too: what they cost is planned with the block that has them.
ResidualPlan planResiduals(Block &forward, ArrayRef<Value> needed, const llvm::DenseSet<Value> &free);

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_RESIDUALPLAN_H
