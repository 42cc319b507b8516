//===- Prepare.cpp - a forward half in the form that reverse mode asks for -===//
#include "dialect/Cell/Cell.h"
#include "passes/AutoDiff/Derivative.h"
#include "passes/AutoDiff/Regions.h"

using namespace mlir;
using namespace mlir::cell;

/// True where at most one of two ops runs: they are in different branches of an scf.if.
static bool areAlternatives(Operation *a, Operation *b) {
  for (Operation *op = a->getParentOp(); op; op = op->getParentOp())
    if (auto branch = dyn_cast<scf::IfOp>(op))
      if (branch->isProperAncestor(b))
        return branch.getThenRegion().isAncestor(a->getParentRegion()) != branch.getThenRegion().isAncestor(b->getParentRegion());
  return false;
}

LogicalResult DerivativeBuilder::checkTapes(func::FuncOp forward) {
  auto check = [](Value tape) -> LogicalResult {
    if (!isa<TapeType>(tape.getType()))
      return success();
    SmallVector<Operation *> users(tape.getUsers());
    for (unsigned i = 0; i < users.size(); ++i)
      for (unsigned k = 0; k < i; ++k)
        if (!areAlternatives(users[i], users[k])) {
          auto diagnostic = users[k]->emitError("a tape is used twice on one path, so it cannot be differentiated");
          diagnostic.attachNote(users[i]->getLoc()) << "the other use is here";
          return diagnostic;
        }
    return success();
  };
  WalkResult walk = forward.walk([&](Operation *op) {
    for (Value result : op->getResults())
      if (failed(check(result)))
        return WalkResult::interrupt();
    for (Region &region : op->getRegions())
      for (BlockArgument argument : region.getArguments())
        if (failed(check(argument)))
          return WalkResult::interrupt();
    return WalkResult::advance();
  });
  return failure(walk.wasInterrupted());
}

LogicalResult mlir::cell::decomposeActive(func::FuncOp forward, const DerivativeKey &key, ActivityAnalysis &activity) {
  while (true) {
    llvm::DenseSet<Value> active = activity.activeValues(forward, key);
    SmallVector<CompositeOpInterface> composites;
    forward.walk([&](CompositeOpInterface composite) {
      if (!isa<DifferentiableOpInterface>(*composite) && llvm::any_of(composite->getResults(), [&](Value v) { return active.contains(v); }))
        composites.push_back(composite);
    });
    if (composites.empty())
      return success();
    for (CompositeOpInterface composite : composites) {
      OpBuilder builder(composite);
      auto values = composite.decompose(builder);
      if (failed(values))
        return failure();
      composite->replaceAllUsesWith(*values);
      composite->erase();
    }
  }
}

void DerivativeBuilder::normalizeLoops(func::FuncOp forward, const DerivativeKey &key) {
  llvm::DenseSet<Value> active = activity.activeValues(forward, key);
  auto isActive = [&](Value value) { return active.contains(value); };
  SmallVector<scf::WhileOp> rotated, counted;
  forward.walk([&](scf::WhileOp loop) {
    if (llvm::none_of(loop.getResults(), isActive) && llvm::none_of(loop.getBeforeArguments(), isActive))
      return;
    bool computes = llvm::any_of(loop.getBeforeBody()->without_terminator(), [&](Operation &op) { return llvm::any_of(op.getResults(), isActive); });
    (computes ? rotated : counted).push_back(loop);
  });
  // A walk is post-order: loops within a first region are copied by the rotation of the outer one in the form that they have by then.
  for (scf::WhileOp loop : counted)
    countTrips(loop);
  for (scf::WhileOp loop : rotated)
    rotateLoop(loop);
  if (!rotated.empty())
    normalizeLoops(forward, key);
}
