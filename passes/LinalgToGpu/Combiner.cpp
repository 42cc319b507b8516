//===- Combiner.cpp - how partial results of a reduction are joined -------===//
#include "passes/LinalgToGpu/Combiner.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Walks from the results of selections to the values that they select from. False if they depend on anything else.
struct SelectionSlice {
  linalg::LinalgOp op;
  const llvm::SmallDenseMap<Value, unsigned> &accumulators, &elements;
  llvm::SmallSetVector<Operation *, 16> operations;
  llvm::SmallSetVector<unsigned, 4> touched;

  bool visit(Value value) {
    if (auto it = accumulators.find(value); it != accumulators.end()) {
      touched.insert(it->second);
      return true;
    }
    if (auto it = elements.find(value); it != elements.end()) {
      touched.insert(it->second);
      return true;
    }
    Operation *def = value.getDefiningOp();
    if (!def || def->getBlock() != op.getBlock())
      return !isa<BlockArgument>(value) || cast<BlockArgument>(value).getOwner() != op.getBlock();
    if (!isa<arith::SelectOp, arith::CmpFOp, arith::CmpIOp, arith::AndIOp, arith::OrIOp, arith::XOrIOp, arith::ConstantOp>(def))
      return false;
    bool complete = true;
    for (Value operand : def->getOperands())
      complete &= visit(operand); // all of them: what they touch counts
    operations.insert(def);
    return complete;
  }
};

/// True if some value of the body that `value` is computed from is a running result.
bool readsRunning(linalg::LinalgOp op, Value value, ArrayRef<bool> reduced) {
  SmallVector<Value> work{value};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!work.empty()) {
    Value next = work.pop_back_val();
    for (unsigned o = 0; o < reduced.size(); ++o)
      if (reduced[o] && next == op.getMatchingBlockArgument(op.getDpsInitOperand(o)))
        return true;
    Operation *def = next.getDefiningOp();
    if (!def || !op->isAncestor(def) || !seen.insert(def).second)
      continue;
    def->walk([&](Operation *inner) { llvm::append_range(work, inner->getOperands()); });
  }
  return false;
}
} // namespace

std::optional<Combiner> Combiner::of(linalg::LinalgOp op, ArrayRef<bool> reduced) {
  Combiner result;
  result.op = op;
  Operation *yield = op.getBlock()->getTerminator();
  llvm::SmallDenseMap<Value, unsigned> accumulators, offered;
  SmallVector<unsigned> selections;
  for (unsigned o = 0; o < reduced.size(); ++o) {
    if (!reduced[o])
      continue;
    unsigned i = result.numbers.size();
    result.numbers.push_back(o);
    BlockArgument running = op.getMatchingBlockArgument(op.getDpsInitOperand(o));
    Operation *def = yield->getOperand(o).getDefiningOp();
    if (!def || def->getBlock() != op.getBlock())
      return std::nullopt;
    std::optional<TypedAttr> neutral;
    if (def->getNumOperands() == 2 && def->getNumResults() == 1 && running.hasOneUse() && llvm::is_contained(def->getOperands(), running))
      neutral = arith::getNeutralElement(def);
    if (neutral) {
      result.neutrals.push_back(*neutral);
      result.operations.push_back(def);
      result.elements.push_back(def->getOperand(def->getOperand(0) == running));
      continue;
    }
    auto select = dyn_cast<arith::SelectOp>(def);
    if (!select || (select.getTrueValue() == running) == (select.getFalseValue() == running))
      return std::nullopt;
    result.neutrals.push_back({});
    result.operations.push_back(nullptr);
    result.elements.push_back(select.getTrueValue() == running ? select.getFalseValue() : select.getTrueValue());
    selections.push_back(i);
    accumulators[running] = i;
  }
  if (llvm::any_of(result.elements, [&](Value element) { return readsRunning(op, element, reduced); }))
    return std::nullopt;
  // Nor what is stored at each point: lanes have sums of their own parts.
  for (unsigned o = 0; o < reduced.size(); ++o)
    if (!reduced[o] && readsRunning(op, yield->getOperand(o), reduced))
      return std::nullopt;
  // Selections that look at each other's values belong together; each group has its own elements.
  llvm::SmallDenseSet<unsigned> done;
  for (unsigned i : selections) {
    if (done.contains(i))
      continue;
    llvm::SmallSetVector<unsigned, 4> group;
    group.insert(i);
    SmallVector<Operation *> operations;
    for (bool grown = true; grown;) {
      offered.clear();
      for (unsigned member : group)
        if (!offered.try_emplace(result.elements[member], member).second)
          return std::nullopt;
      SelectionSlice slice{op, accumulators, offered, {}, {}};
      unsigned before = group.size();
      bool complete = true;
      for (unsigned member : llvm::to_vector(group))
        complete &= slice.visit(yield->getOperand(result.numbers[member]));
      group.insert(slice.touched.begin(), slice.touched.end());
      grown = group.size() != before;
      if (!grown && !complete)
        return std::nullopt;
      operations.assign(slice.operations.begin(), slice.operations.end());
    }
    for (unsigned member : group)
      if (!done.insert(member).second)
        return std::nullopt;
    result.groups.push_back(llvm::to_vector(group));
    result.slices.push_back(operations);
  }
  return result;
}

SmallVector<Value> Combiner::combine(KernelBuilder &k, ValueRange a, ValueRange b) const {
  SmallVector<Value> result(numbers.size());
  for (unsigned i = 0; i < numbers.size(); ++i)
    if (operations[i])
      result[i] = finish(k, i, a[i], b[i]);
  linalg::LinalgOp body = op;
  for (auto [group, slice] : llvm::zip_equal(groups, slices)) {
    IRMapping map;
    for (unsigned i : group) {
      map.map(body.getMatchingBlockArgument(body.getDpsInitOperand(numbers[i])), a[i]);
      map.map(elements[i], b[i]);
    }
    for (Operation *operation : slice)
      k.cloneInto(*operation, map);
    for (unsigned i : group)
      result[i] = map.lookup(body.getBlock()->getTerminator()->getOperand(numbers[i]));
  }
  return result;
}

Value Combiner::finish(KernelBuilder &k, unsigned i, Value start, Value partial) const {
  if (!operations[i])
    return partial; // a selection had the start among what it selected from
  IRMapping map;
  linalg::LinalgOp body = op;
  Operation *operation = operations[i];
  Value running = body.getMatchingBlockArgument(body.getDpsInitOperand(numbers[i]));
  Operation *clone = k.clone(*operation);
  for (OpOperand &operand : clone->getOpOperands())
    operand.set(operand.get() == running ? start : partial);
  return clone->getResult(0);
}
