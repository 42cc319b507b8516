//===- CarriedBuffers.cpp - one buffer for what a loop carries ------------===//
#include "passes/LinalgToLLVM/CarriedBuffers.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace {
bool isView(Operation *op) {
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ExtractSliceOp, tensor::CastOp>(op);
}

Value copyOf(OpBuilder &builder, Value value) {
  return bufferization::AllocTensorOp::create(builder, value.getLoc(), cast<RankedTensorType>(value.getType()), ValueRange(), value);
}

/// Whether `value` is `dest` after writes to parts of it and loops that carry it, with nothing that reads an old state later. Bufferisation
/// then works in place on its own, and a copy to `dest` would only stand in its way.
bool isUpdateOf(Value value, Value dest) {
  while (value != dest) {
    Operation *op = value.getDefiningOp();
    Value old;
    if (auto insert = dyn_cast_if_present<tensor::InsertOp>(op))
      old = insert.getDest();
    else if (auto insert = dyn_cast_if_present<tensor::InsertSliceOp>(op))
      old = insert.getDest();
    else if (auto loop = dyn_cast_if_present<scf::ForOp>(op))
      old = loop.getInitArgs()[cast<OpResult>(value).getResultNumber()];
    else
      return false;
    for (Operation *user : old.getUsers()) {
      Operation *place = op->getBlock()->findAncestorOpInBlock(*user);
      if (user != op && (!place || !place->isBeforeInBlock(op)))
        return false;
    }
    value = old;
  }
  return true;
}

/// True if something inside `loop` or after it reads `value` or a view of it.
bool isNeededBeside(Value value, Operation *loop) {
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (user == loop)
      continue;
    Operation *place = loop->getBlock()->findAncestorOpInBlock(*user);
    if (!place || place == loop || !place->isBeforeInBlock(loop))
      return true;
    if (isView(user) && isNeededBeside(user->getResult(0), loop))
      return true;
  }
  return false;
}

/// Gives a loop starts of its own.
void copySharedInits(Operation *loop, MutableOperandRange inits) {
  OpBuilder builder(loop);
  llvm::SmallDenseSet<Value> bases;
  for (OpOperand &init : inits) {
    if (!isa<RankedTensorType>(init.get().getType()))
      continue;
    Value base = cell::baseOfView(init.get());
    if (!bases.insert(base).second || isNeededBeside(base, loop))
      init.set(copyOf(builder, init.get()));
  }
}

/// Writes what `terminator` hands on (`values`) to the buffers that carry it (`dests`).
void writeBack(Operation *terminator, MutableOperandRange values, ValueRange dests) {
  OpBuilder builder(terminator);
  llvm::SmallDenseSet<Value> carried(dests.begin(), dests.end()), bases;
  SmallVector<bool> inPlace;
  for (auto [value, dest] : llvm::zip_equal(values, dests))
    inPlace.push_back(!isa<RankedTensorType>(dest.getType()) || isUpdateOf(value.get(), dest));
  // First the copies of values that a write below would change, then the writes.
  for (auto [value, dest, done] : llvm::zip_equal(values, dests, inPlace)) {
    if (done)
      continue;
    Value base = cell::baseOfView(value.get());
    bool outside = base.getParentRegion() != terminator->getParentRegion();
    if (!bases.insert(base).second || (carried.contains(base) && base != value.get()) || (carried.contains(base) && base != dest) || outside)
      value.set(copyOf(builder, value.get()));
  }
  for (auto [value, dest, done] : llvm::zip_equal(values, dests, inPlace))
    if (!done)
      value.set(bufferization::MaterializeInDestinationOp::create(builder, value.get().getLoc(), value.get(), dest)->getResult(0));
}

/// A branch that hands on a value from outside hands on a copy: the result of the branch is then a buffer of its own.
void copyOutsideValues(Operation *branch) {
  for (Region &region : branch->getRegions()) {
    if (region.empty())
      continue;
    Operation *yield = region.front().getTerminator();
    OpBuilder builder(yield);
    for (OpOperand &operand : yield->getOpOperands())
      if (isa<RankedTensorType>(operand.get().getType()) && cell::baseOfView(operand.get()).getParentRegion() != &region)
        operand.set(copyOf(builder, operand.get()));
  }
}

Value emptyLike(OpBuilder &builder, Location loc, Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return tensor::EmptyOp::create(builder, loc, tensor.getShape(), tensor.getElementType());
  return arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
}

/// A while loop whose halves carry different values becomes one that carries both sets through both halves.
scf::WhileOp makeSymmetric(scf::WhileOp loop) {
  OpBuilder builder(loop);
  Location loc = loop.getLoc();
  TypeRange first = loop.getInits().getTypes(), second = loop.getResultTypes();
  SmallVector<Type> types(first);
  types.append(second.begin(), second.end());
  SmallVector<Value> inits(loop.getInits());
  for (Type type : second)
    inits.push_back(emptyLike(builder, loc, type));
  auto wide = scf::WhileOp::create(
      builder, loc, types, inits,
      [&](OpBuilder &body, Location, ValueRange arguments) {
        IRMapping map;
        map.map(loop.getBeforeArguments(), arguments.take_front(first.size()));
        for (Operation &op : loop.getBeforeBody()->without_terminator())
          body.clone(op, map);
        SmallVector<Value> forwarded(arguments.take_front(first.size()));
        for (Value value : loop.getConditionOp().getArgs())
          forwarded.push_back(map.lookupOrDefault(value));
        scf::ConditionOp::create(body, loop.getConditionOp().getLoc(), map.lookupOrDefault(loop.getConditionOp().getCondition()), forwarded);
      },
      [&](OpBuilder &body, Location, ValueRange arguments) {
        IRMapping map;
        map.map(loop.getAfterArguments(), arguments.drop_front(first.size()));
        for (Operation &op : loop.getAfterBody()->without_terminator())
          body.clone(op, map);
        SmallVector<Value> yielded;
        for (Value value : loop.getYieldOp().getOperands())
          yielded.push_back(map.lookupOrDefault(value));
        llvm::append_range(yielded, arguments.drop_front(first.size()));
        scf::YieldOp::create(body, loop.getYieldOp().getLoc(), yielded);
      });
  loop.replaceAllUsesWith(wide.getResults().drop_front(first.size()));
  loop.erase();
  return wide;
}
} // namespace

Value cell::baseOfView(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isView(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

void cell::keepCarriedBuffers(ModuleOp module) {
  // Inner regions first: their results are then buffers of their own when the outer ones are rewritten.
  module.walk<WalkOrder::PostOrder>([](Operation *op) {
    if (isa<scf::IfOp, scf::IndexSwitchOp>(op))
      return copyOutsideValues(op);
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      writeBack(loop.getBody()->getTerminator(), cast<scf::YieldOp>(loop.getBody()->getTerminator()).getResultsMutable(), loop.getRegionIterArgs());
      return copySharedInits(loop, loop.getInitArgsMutable());
    }
    if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      if (TypeRange(loop.getBeforeArguments()) != TypeRange(loop.getAfterArguments()))
        loop = makeSymmetric(loop);
      writeBack(loop.getConditionOp(), loop.getConditionOp().getArgsMutable(), loop.getBeforeArguments());
      writeBack(loop.getYieldOp(), loop.getYieldOp().getResultsMutable(), loop.getAfterArguments());
      copySharedInits(loop, loop.getInitsMutable());
    }
  });
}
