//===- FusionGroups.h - which generics run as one loop --------------------===//
#ifndef CELL_PASSES_LINALGTOLLVM_FUSIONGROUPS_H
#define CELL_PASSES_LINALGTOLLVM_FUSIONGROUPS_H

#include "passes/LinalgToLLVM/Schedule.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::cell {

/// One generic of a group. `toGroup[d]` is the group's dimension that the op's dimension d is.
struct FusionMember {
  linalg::GenericOp op;
  SmallVector<unsigned> toGroup;
};

/// Generics of one iteration domain that run as one loop nest: each point computes all of them, in order. A group with no
/// members stands for an operation that is not fused.
struct FusionGroup {
  SmallVector<FusionMember> members;
  SmallVector<int64_t> domain;
  SmallVector<Operation *> ops; // all operations of the group, also if they are not fused
  unsigned bodySize = 0;
  bool afterBarrier = false; // something of it depends on a barrier
};

/// Partitions the operations of a block. Producer and consumer share a group if the consumer reads at each point exactly what the producer
/// made there; siblings share one if they read the same large tensor alike. No group depends on itself through another one.
class FusionGroups {
public:
  FusionGroups(Block &block, const OrderedEffects &effects);
  /// Groups of at least one generic.
  SmallVector<FusionGroup *> fusable();

private:
  using Alignment = SmallVector<unsigned>;
  void add(Operation *op);
  void join(linalg::GenericOp op);
  std::optional<Alignment> alignToProducers(linalg::GenericOp op, FusionGroup &group);
  std::optional<Alignment> alignToSiblings(linalg::GenericOp op, FusionGroup &group);
  bool staysPointwise(FusionGroup &into, FusionGroup &from, ArrayRef<unsigned> fromToInto);
  bool merge(FusionGroup &into, FusionGroup &from, ArrayRef<unsigned> fromToInto);
  bool hasIndirectPath(FusionGroup *from, FusionGroup *to);
  FusionGroup *groupOf(Value value);

  Block &block;
  SmallVector<std::unique_ptr<FusionGroup>> groups;
  llvm::DenseMap<Operation *, FusionGroup *> where;
  llvm::DenseMap<Operation *, SmallVector<Operation *>> dependencies;
};

/// The map of `operand` over the group's dimensions.
AffineMap mapInGroup(const FusionMember &member, OpOperand &operand);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_FUSIONGROUPS_H
