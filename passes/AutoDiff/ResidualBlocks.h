//===- ResidualBlocks.h - one reverse block and what it refers to ---------===//
#ifndef CELL_PASSES_AUTODIFF_RESIDUALBLOCKS_H
#define CELL_PASSES_AUTODIFF_RESIDUALBLOCKS_H

#include "passes/AutoDiff/ResidualPlan.h"
#include "passes/AutoDiff/Reverse.h"

#include "mlir/IR/IRMapping.h"

namespace mlir::cell {

/// What moving residuals does for one pair of blocks, whatever the way from the one to the other.
class ResidualBlocks {
protected:
  using Fetch = function_ref<Value(Value)>;

  ResidualBlocks(Derivative &derivative, ReverseContext &context, ResidualChoice choice)
      : derivative(derivative), context(context), choice(choice), builder(derivative.forward.getContext()) {}

  /// Decides on the values of the forward block that the reverse block refers to; tapes apart.
  ResidualPlan planOf(const Mirror::Pair &pair, const llvm::DenseSet<Value> &free, SmallVectorImpl<Value> &tapes);

  /// Replaces what the reverse block refers to in the forward block: `fetch` brings what was saved, at the builder's place; `here` has what is there
  /// and is filled. What is computed again starts from a barrier, so that it is not merged with what was computed before.
  void rewrite(const Mirror::Pair &pair, const ResidualPlan &plan, IRMapping &here, Fetch fetch);

  /// Erases ops that were put into forward blocks to be planned with them and that nothing uses there.
  void eraseHoisted();

  static bool isInLoop(Operation *op);

  Derivative &derivative;
  ReverseContext &context;
  ResidualChoice choice;
  OpBuilder builder;

private:
  /// Notes a saved value for the list that a person may ask for. What a callee or a branch saved is noted there.
  void report(Block *block, Value value, Operation *reader);

  SmallVector<Operation *> hoisted;
};

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_RESIDUALBLOCKS_H
