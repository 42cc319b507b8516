//===- ResidualPlan.h - save or compute again -----------------------------===//
#ifndef CELL_PASSES_AUTODIFF_RESIDUALPLAN_H
#define CELL_PASSES_AUTODIFF_RESIDUALPLAN_H

#include "mlir/IR/Block.h"
#include "mlir/IR/Operation.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::cell {

/// What is saved between the halves of a derivative: what needs the least memory, or all that the rules mention.
enum class ResidualChoice { MinCut, All };

/// How values of a forward block get into its reverse block.
struct ResidualPlan {
  /// Values of the forward block that are handed over.
  SmallVector<Value> saved;
  /// Per saved value, the needed value that it was saved for first.
  DenseMap<Value, Value> neededFor;
  /// Ops of the forward block that the reverse block computes again, before their first use there. Each operand is saved, free, computed
  /// again too, or from outside the forward block.
  llvm::SetVector<Operation *> recomputed;

  /// Whether a value computed again is another value than the one computed before: it starts from a barrier, or something before it does.
  bool isApart(Value value) const;
};

/// Decides what is saved of `forward` so that its reverse block has the values `needed` (results of ops in `forward`, or its arguments; no tapes). Values in
/// `free` are there at no cost: the induction variable of a loop; arguments of a function and what it returns anyway.
/// Values from outside of `forward` are there, too: what they cost is planned with the block that has them.
ResidualPlan planResiduals(Block &forward, ArrayRef<Value> needed, const llvm::DenseSet<Value> &free, ResidualChoice choice);

/// Moves ops of the reverse block that need nothing but values of the forward block to the end of that, where they can be saved or computed again as
/// all others: the mask of a relu needs less memory than its operand. Returns them.
SmallVector<Operation *> hoistIntoForward(Block &forward, Block &reverse);

/// Ops of one operand at most, which is never larger than the result, and arithmetic of single integers: computing them again costs nothing, and
/// it does no harm to merge them with the op that computed them before.
bool isAlwaysCheap(Operation *op);

/// Bytes of a value. A dynamic dimension counts as 64.
int64_t estimateBytes(Type type);

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_RESIDUALPLAN_H
