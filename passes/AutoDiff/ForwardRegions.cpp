//===- ForwardRegions.cpp - forward mode through control flow -------------===//
#include "passes/AutoDiff/ForwardRegions.h"

#include "dialect/Cell/Cell.h"
#include "passes/AutoDiff/Regions.h"

#include "llvm/ADT/EquivalenceClasses.h"

using namespace mlir;
using namespace mlir::cell;

LogicalResult TangentPusher::pushRegionOp(Operation *op) {
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return pushIf(branch);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return pushFor(loop);
  return pushWhile(cast<scf::WhileOp>(op));
}

SmallVector<unsigned> TangentPusher::addTangentArguments(Block &block, unsigned skip, ValueRange results) {
  SmallVector<unsigned> numbers;
  for (unsigned i = 0, count = block.getNumArguments() - skip; i < count; ++i) {
    BlockArgument argument = block.getArgument(i + skip);
    if (!active.contains(argument) && (results.empty() || !active.contains(results[i])))
      continue;
    numbers.push_back(i);
    tangents[argument] = block.addArgument(argument.getType(), argument.getLoc());
  }
  return numbers;
}

Value TangentPusher::tangentOrZero(OpBuilder &builder, Value value) {
  Value tangent = tangents.lookup(value);
  return tangent ? tangent : createZero(builder, value.getLoc(), value);
}

void TangentPusher::appendTangents(Block &block, unsigned skip, ArrayRef<unsigned> numbers) {
  Operation *terminator = block.getTerminator();
  OpBuilder builder(terminator);
  SmallVector<Value> values;
  for (unsigned i : numbers)
    values.push_back(tangentOrZero(builder, terminator->getOperand(i + skip)));
  appendYields(block, values);
}

void TangentPusher::takeResults(Operation *op, ValueRange operands, ArrayRef<unsigned> numbers) {
  unsigned count = op->getNumResults();
  SmallVector<Type> types(op->getResultTypes());
  for (unsigned i : numbers)
    types.push_back(op->getResult(i).getType());
  Operation *next = rebuild(op, operands, types);
  for (unsigned i = 0; i < count; ++i)
    if (active.contains(op->getResult(i)))
      active.insert(next->getResult(i));
  for (auto [place, i] : llvm::enumerate(numbers))
    tangents[next->getResult(i)] = next->getResult(count + place);
  replace(op, next->getResults().take_front(count));
}

LogicalResult TangentPusher::pushIf(scf::IfOp branch) {
  for (Region &region : branch->getRegions())
    if (!region.empty() && failed(pushBlock(region.front())))
      return failure();
  auto hasTangent = [&](unsigned i) {
    return llvm::any_of(branch->getRegions(), [&](Region &region) { return static_cast<bool>(tangents.lookup(region.front().getTerminator()->getOperand(i))); });
  };
  SmallVector<unsigned> numbers;
  for (unsigned i = 0; i < branch.getNumResults(); ++i)
    if (active.contains(branch.getResult(i)) && hasTangent(i))
      numbers.push_back(i);
  for (Region &region : branch->getRegions())
    appendTangents(region.front(), 0, numbers);
  takeResults(branch, branch->getOperands(), numbers);
  return success();
}

LogicalResult TangentPusher::pushFor(scf::ForOp loop) {
  SmallVector<Value> operands(loop->getOperands());
  OpBuilder builder(loop);
  SmallVector<unsigned> numbers = addTangentArguments(*loop.getBody(), 1, loop.getResults());
  for (unsigned i : numbers)
    operands.push_back(tangentOrZero(builder, loop.getInitArgs()[i]));
  if (failed(pushBlock(*loop.getBody())))
    return failure();
  appendTangents(*loop.getBody(), 0, numbers);
  takeResults(loop, operands, numbers);
  return success();
}

LogicalResult TangentPusher::pushWhile(scf::WhileOp loop) {
  SmallVector<Value> operands(loop->getOperands());
  OpBuilder builder(loop);
  SmallVector<unsigned> carried = addTangentArguments(*loop.getBeforeBody(), 0, {});
  for (unsigned i : carried)
    operands.push_back(tangentOrZero(builder, loop.getInits()[i]));
  if (failed(pushBlock(*loop.getBeforeBody())))
    return failure();
  SmallVector<unsigned> handed = addTangentArguments(*loop.getAfterBody(), 0, loop.getResults());
  appendTangents(*loop.getBeforeBody(), 1, handed);
  if (failed(pushBlock(*loop.getAfterBody())))
    return failure();
  appendTangents(*loop.getAfterBody(), 0, carried);
  takeResults(loop, operands, handed);
  return success();
}

void TangentPusher::activateTapes(func::FuncOp function) {
  llvm::EquivalenceClasses<void *> tapes;
  auto join = [&](Value a, Value b) {
    if (isa<TapeType>(a.getType()) && a.getType() == b.getType())
      tapes.unionSets(a.getAsOpaquePointer(), b.getAsOpaquePointer());
  };
  auto joinAll = [&](ValueRange a, ValueRange b) {
    for (auto [x, y] : llvm::zip(a, b))
      join(x, y);
  };
  function.walk([&](Operation *op) {
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      joinAll(loop.getInitArgs(), loop.getRegionIterArgs());
      joinAll(loop.getYieldedValues(), loop.getRegionIterArgs());
      joinAll(loop.getResults(), loop.getRegionIterArgs());
    } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      joinAll(loop.getInits(), loop.getBeforeArguments());
      joinAll(loop.getYieldOp().getOperands(), loop.getBeforeArguments());
      joinAll(loop.getConditionOp().getArgs(), loop.getAfterArguments());
      joinAll(loop.getResults(), loop.getAfterArguments());
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      for (Region &region : branch->getRegions())
        if (!region.empty())
          joinAll(branch.getResults(), region.front().getTerminator()->getOperands());
    } else {
      // Push, pop, and a call, which may hand any of its tapes on.
      for (Value operand : op->getOperands())
        for (Value result : op->getResults())
          join(operand, result);
    }
  });
  for (const auto *set : tapes) {
    if (!set->isLeader())
      continue;
    SmallVector<Value> members;
    for (void *tape : tapes.members(*set))
      members.push_back(Value::getFromOpaquePointer(tape));
    if (llvm::any_of(members, [&](Value tape) { return active.contains(tape); }))
      active.insert(members.begin(), members.end());
  }
}
