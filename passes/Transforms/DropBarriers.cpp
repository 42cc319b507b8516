//===- DropBarriers.cpp - recomputation that fits into the loop before ----===//
#include "dialect/Cell/Cell.h"
#include "passes/Passes.h"

#include "llvm/ADT/SetVector.h"

namespace mlir::cell {
#define GEN_PASS_DEF_CELLDROPBARRIERS
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {

/// Ops that compute element by element, or move elements: they join the loops of their neighbours.
bool joinsLoops(Operation *op) {
  return op->hasTrait<OpTrait::ConstantLike>() ||
         isa<ElementwiseOpInterface, BroadcastOp, ReshapeOp, TransposeOp, SliceOp, ReverseOp, FullLikeOp, IotaOp, StopGradientOp, BarrierOp>(op);
}

struct CellDropBarriers : cell::impl::CellDropBarriersBase<CellDropBarriers> {
  void runOnOperation() override {
    SmallVector<BarrierOp> barriers;
    getOperation()->walk([&](BarrierOp barrier) { barriers.push_back(barrier); });
    // All are judged before one is gone.
    auto dropped = llvm::filter_to_vector(barriers, [&](BarrierOp barrier) { return canDrop(barrier); });
    for (BarrierOp barrier : dropped) {
      barrier.replaceAllUsesWith(barrier.getX());
      barrier.erase();
    }
  }

  bool canDrop(BarrierOp barrier) {
    Value start = barrier.getX();
    // Nothing is there to be merged with.
    if (llvm::all_of(start.getUsers(), [](Operation *user) { return isa<BarrierOp>(user); }))
      return true;
    if (start.getParentBlock() != barrier->getBlock())
      return false;
    llvm::DenseSet<Operation *> late = findLate(start);
    llvm::SetVector<Operation *> users(barrier->user_begin(), barrier->user_end());
    for (unsigned i = 0; i < users.size(); ++i) {
      Operation *user = users[i];
      if (user->hasTrait<OpTrait::IsTerminator>())
        continue;
      if (user->getBlock() != barrier->getBlock() || late.contains(user))
        return false;
      if (joinsLoops(user))
        users.insert(user->user_begin(), user->user_end());
    }
    return true;
  }

  /// Ops of the block that cannot run in one loop with what made `start`: they come from it through an op that needs all of a tensor.
  llvm::DenseSet<Operation *> findLate(Value start) {
    llvm::DenseSet<Operation *> late;
    SmallVector<std::pair<Operation *, bool>> worklist;
    llvm::DenseSet<Operation *> early;
    auto visit = [&](Value value, bool isLate) {
      for (Operation *user : value.getUsers()) {
        Operation *inBlock = start.getParentBlock()->findAncestorOpInBlock(*user);
        if (inBlock && (isLate ? late : early).insert(inBlock).second)
          worklist.push_back({inBlock, isLate});
      }
    };
    visit(start, false);
    while (!worklist.empty()) {
      auto [op, isLate] = worklist.pop_back_val();
      for (Value result : op->getResults())
        visit(result, isLate || !joinsLoops(op));
    }
    return late;
  }
};

} // namespace
