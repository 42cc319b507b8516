//===- Schedule.h - the order of a block's operations ---------------------===//
#ifndef CELL_PASSES_LINALGTOLLVM_SCHEDULE_H
#define CELL_PASSES_LINALGTOLLVM_SCHEDULE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseSet.h"

namespace mlir::cell {

/// Which operations on tensors have effects whose order counts: tapes, print, assert, what contains them and calls of what does.
class OrderedEffects {
public:
  explicit OrderedEffects(ModuleOp module);
  bool contains(Operation *op) const;

private:
  llvm::DenseSet<Attribute> functions; // names of those with effects
};

/// The operations of `block` that `op`, or something inside it, needs values of.
SmallVector<Operation *> findDependencies(Operation *op, Block *block);

/// Puts values before their uses, keeps effects in order, and where nothing stands against it puts what reads a tensor before
/// what updates it, so that the update can be made in place. Otherwise the order stays.
void scheduleBlock(Block &block, const OrderedEffects &effects);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_SCHEDULE_H
