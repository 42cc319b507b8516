//===- Schedule.cpp - the order of a block's operations -------------------===//
#include "passes/LinalgToLLVM/Schedule.h"

#include "passes/LinalgToLLVM/CarriedBuffers.h"

#include "dialect/Rt/RtOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/RegionUtils.h"

#include <queue>

using namespace mlir;
using namespace mlir::cell;

namespace {
bool writes(Operation *op) {
  auto effects = dyn_cast<MemoryEffectOpInterface>(op);
  return effects && effects.hasEffect<MemoryEffects::Write>();
}

/// The tensors that `op` may overwrite if nobody needs them afterwards.
SmallVector<Value> updated(Operation *op) {
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return {insert.getDest()};
  if (auto insert = dyn_cast<tensor::InsertOp>(op))
    return {insert.getDest()};
  if (auto call = dyn_cast<cellrt::CallOp>(op); call && call.accumulates())
    return SmallVector<Value>(call.getOuts());
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return SmallVector<Value>(loop.getInitArgs());
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return SmallVector<Value>(loop.getInits());
  SmallVector<Value> found;
  if (!isa<scf::IfOp>(op))
    return found;
  // A branch updates what its operations update.
  op->walk([&](Operation *inner) {
    if (inner != op && !isa<scf::IfOp>(inner))
      for (Value value : updated(inner))
        if (!op->isAncestor(value.getParentRegion()->getParentOp()))
          found.push_back(value);
  });
  return found;
}

/// The operations of `block` that read `value` or a view of it.
void findReaders(Value value, Block &block, llvm::SetVector<Operation *> &readers) {
  for (Operation *user : value.getUsers()) {
    if (isView(user) && user->getBlock() == &block)
      findReaders(user->getResult(0), block, readers);
    if (Operation *place = block.findAncestorOpInBlock(*user))
      readers.insert(place);
  }
}

struct Node {
  Operation *op;
  SmallVector<unsigned, 4> needed, before; // successors by value or effect; successors that had better come later
  unsigned hard = 0, soft = 0;
  bool done = false;
};
} // namespace

OrderedEffects::OrderedEffects(ModuleOp module) {
  bool changed = true;
  while (changed) {
    changed = false;
    for (auto func : module.getOps<func::FuncOp>())
      if (!functions.contains(func.getSymNameAttr()) && contains(func))
        changed = functions.insert(func.getSymNameAttr()).second;
  }
}

bool OrderedEffects::contains(Operation *op) const {
  return op
      ->walk([&](Operation *inner) {
        auto call = dyn_cast<func::CallOp>(inner);
        return writes(inner) || (call && functions.contains(call.getCalleeAttr().getAttr())) ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

SmallVector<Operation *> cell::findDependencies(Operation *op, Block *block) {
  llvm::SetVector<Value> values(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), values);
  SmallVector<Operation *> result;
  for (Value value : values)
    if (Operation *def = value.getDefiningOp(); def && def->getBlock() == block)
      result.push_back(def);
  return result;
}

void cell::scheduleBlock(Block &block, const OrderedEffects &effects) {
  SmallVector<Node> nodes;
  llvm::DenseMap<Operation *, unsigned> numbers;
  for (Operation &op : block.without_terminator()) {
    numbers[&op] = nodes.size();
    nodes.push_back({&op, {}, {}});
  }
  std::optional<unsigned> last; // with an effect
  for (auto [i, node] : llvm::enumerate(nodes)) {
    auto need = [&](unsigned from) {
      nodes[from].needed.push_back(i);
      ++nodes[i].hard;
    };
    for (Operation *dependency : findDependencies(node.op, &block))
      need(numbers.lookup(dependency));
    if (!effects.contains(node.op))
      continue;
    if (last)
      need(*last);
    last = i;
  }
  for (auto [i, node] : llvm::enumerate(nodes)) {
    llvm::SetVector<Operation *> readers;
    for (Value old : updated(node.op))
      if (isa<RankedTensorType>(old.getType()))
        findReaders(baseOfView(old), block, readers);
    if (readers.empty())
      continue;
    // What needs the update cannot come before it.
    llvm::BitVector after(nodes.size());
    SmallVector<unsigned> work{static_cast<unsigned>(i)};
    while (!work.empty()) {
      unsigned at = work.pop_back_val();
      for (unsigned next : nodes[at].needed)
        if (!after.test(next)) {
          after.set(next);
          work.push_back(next);
        }
    }
    for (Operation *reader : readers) {
      auto known = numbers.find(reader);
      if (known == numbers.end() || reader == node.op || after.test(known->second))
        continue;
      nodes[known->second].before.push_back(i);
      ++node.soft;
    }
  }

  std::priority_queue<unsigned, std::vector<unsigned>, std::greater<>> ready;
  for (auto [i, node] : llvm::enumerate(nodes))
    if (!node.hard && !node.soft)
      ready.push(i);
  for (unsigned placed = 0; placed < nodes.size(); ++placed) {
    unsigned next;
    if (!ready.empty()) {
      next = ready.top();
      ready.pop();
    } else { // wishes that contradict each other
      auto free = llvm::find_if(nodes, [](const Node &node) { return !node.done && !node.hard; });
      if (free == nodes.end())
        return; // not an order at all: the verifier reports it
      next = free - nodes.begin();
    }
    Node &node = nodes[next];
    node.done = true;
    node.op->moveBefore(&block, block.back().hasTrait<OpTrait::IsTerminator>() ? Block::iterator(block.back()) : block.end());
    for (unsigned other : node.needed)
      if (--nodes[other].hard == 0 && nodes[other].soft == 0)
        ready.push(other);
    for (unsigned other : node.before)
      if (--nodes[other].soft == 0 && nodes[other].hard == 0 && !nodes[other].done)
        ready.push(other);
  }
}
