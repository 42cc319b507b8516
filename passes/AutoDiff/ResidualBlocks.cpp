//===- ResidualBlocks.cpp - one reverse block and what it refers to -------===//
#include "passes/AutoDiff/ResidualBlocks.h"

#include "dialect/Cell/Cell.h"
#include "passes/AutoDiff/SavedForm.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::cell;

static bool isConstant(Value value) {
  Operation *op = value.getDefiningOp();
  return op && (op->hasTrait<OpTrait::ConstantLike>() || (isAlwaysCheap(op) && op->getNumOperands() == 1 && isConstant(op->getOperand(0))));
}

/// The largest tensor of some that is no constant, or null.
static Value largestOf(ValueRange values) {
  Value largest;
  for (Value value : values)
    if (isa<RankedTensorType>(value.getType()) && !isConstant(value) &&
        (!largest || estimateBytes(value.getType()) > estimateBytes(largest.getType())))
      largest = value;
  return largest;
}

ResidualPlan ResidualBlocks::planOf(const Mirror::Pair &pair, const llvm::DenseSet<Value> &free, SmallVectorImpl<Value> &tapes) {
  if (choice == ResidualChoice::MinCut)
    llvm::append_range(hoisted, hoistIntoForward(*pair.forward, *pair.reverse));
  llvm::MapVector<Value, Operation *> needed;
  for (Operation &op : *pair.reverse)
    op.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (operand.getParentBlock() == pair.forward)
          needed.try_emplace(operand, inner);
    });
  SmallVector<Value> plain;
  for (auto [value, reader] : needed)
    (isa<TapeType>(value.getType()) ? tapes : plain).push_back(value);
  ResidualPlan plan = planResiduals(*pair.forward, plain, free, choice);
  // What a branch hands out is reported where it is saved: outside.
  if (!isa<scf::IfOp>(pair.forward->getParentOp()) || isInLoop(pair.forward->getParentOp()))
    for (Value value : plan.saved)
      report(pair.forward, value, needed.lookup(plan.neededFor.lookup(value)));
  return plan;
}

bool ResidualBlocks::isInLoop(Operation *op) { return op->getParentOfType<scf::ForOp>() || op->getParentOfType<scf::WhileOp>(); }

void ResidualBlocks::report(Block *block, Value value, Operation *reader) {
  Operation *producer = value.getDefiningOp();
  if (auto call = context.calls.find(producer); call != context.calls.end())
    if (cast<OpResult>(value).getResultNumber() >= call->second.key.results.size())
      return;
  if (auto branch = dyn_cast_if_present<scf::IfOp>(producer))
    for (Region &region : branch->getRegions()) {
      Value inside = region.front().getTerminator()->getOperand(cast<OpResult>(value).getResultNumber());
      if (inside.getDefiningOp() && !isConstant(inside))
        return report(block, inside, reader);
    }
  auto origin = [&](Operation *op) { return context.rules.lookup_or(op, {op->getName().getStringRef(), op->getLoc()}); };
  auto trips = staticTrips(block);
  derivative.saved.push_back({producer ? origin(producer).first : StringRef("loop"), origin(reader).first, value.getLoc(), origin(reader).second,
                              savedType(value.getType()), estimateBytes(savedType(value.getType())), trips.value_or(1), !trips});
}

void ResidualBlocks::rewrite(const Mirror::Pair &pair, const ResidualPlan &plan, IRMapping &here, Fetch fetch) {
  DenseMap<Value, Value> behindBarrier;
  auto apart = [&](auto &apart, auto &provide, Value value) -> Value {
    Operation *op = value.getDefiningOp();
    if (op && op->getBlock() == pair.forward && plan.recomputed.contains(op) && op->getNumOperands() > 0) {
      IRMapping operands;
      for (Value operand : op->getOperands())
        operands.map(operand, isConstant(operand) ? provide(provide, operand) : apart(apart, provide, operand));
      return builder.clone(*op, operands)->getResult(0);
    }
    Value there = provide(provide, value);
    if (!isa<RankedTensorType>(there.getType()))
      return there;
    Value &barrier = behindBarrier[there];
    if (!barrier)
      barrier = BarrierOp::create(builder, value.getLoc(), there);
    return barrier;
  };
  auto provide = [&](auto &provide, Value value) -> Value {
    if (value.getParentBlock() != pair.forward)
      return value;
    if (Value known = here.lookupOrNull(value))
      return known;
    Operation *op = value.getDefiningOp();
    if (!op || !plan.recomputed.contains(op)) {
      Value fetched = fetch(value);
      here.map(value, fetched);
      return fetched;
    }
    for (Value operand : op->getOperands())
      provide(provide, operand);
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(op->getRegions(), captured);
    for (Value value : captured)
      provide(provide, value);
    IRMapping operands(here);
    // What comes from the reverse block was not computed before.
    if (!isAlwaysCheap(op) && !llvm::is_contained(hoisted, op) && llvm::none_of(op->getOperands(), [&](Value operand) { return plan.isApart(operand); }))
      if (Value largest = largestOf(op->getOperands()))
        operands.map(largest, apart(apart, provide, largest));
    here.map(value, builder.clone(*op, operands)->getResult(cast<OpResult>(value).getResultNumber()));
    return here.lookup(value);
  };
  for (Operation &op : *pair.reverse) {
    builder.setInsertionPoint(&op);
    op.walk([&](Operation *inner) {
      for (OpOperand &operand : inner->getOpOperands())
        operand.set(provide(provide, operand.get()));
    });
  }
}

void ResidualBlocks::eraseHoisted() {
  for (Operation *op : llvm::reverse(hoisted))
    if (op->use_empty())
      op->erase();
}
