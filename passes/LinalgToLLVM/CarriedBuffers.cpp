//===- CarriedBuffers.cpp - one buffer for what a loop carries ------------===//
#include "passes/LinalgToLLVM/CarriedBuffers.h"

#include "dialect/Rt/RtOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

bool cell::isView(Operation *op) { return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ExtractSliceOp, tensor::CastOp>(op); }

Value cell::copyOf(OpBuilder &builder, Value value) {
  return bufferization::AllocTensorOp::create(builder, value.getLoc(), cast<RankedTensorType>(value.getType()), ValueRange(), value);
}

namespace {
using cell::copyOf;
using cell::isView;

/// True for a part of a larger buffer: its strides are not those of a buffer of its own.
bool isPart(Value value) {
  for (Operation *op = value.getDefiningOp(); op && isView(op); op = op->getOperand(0).getDefiningOp())
    if (isa<tensor::ExtractSliceOp>(op))
      return true;
  return false;
}

/// Results of branches that hand on an updated value from outside in its own buffer: indices in an attribute, which clones keep.
constexpr llvm::StringLiteral kInPlace = "cellrt.in_place";

bool isInPlace(scf::IfOp branch, unsigned result) {
  auto marks = branch->getAttrOfType<DenseI64ArrayAttr>(kInPlace);
  return marks && llvm::is_contained(marks.asArrayRef(), result);
}

/// True if something that runs after `op`, or inside it, reads `old`. A block that was taken out of it before does not count: it is copied then.
bool isReadLater(Value old, Operation *op) {
  return llvm::any_of(old.getUsers(), [&](Operation *user) {
    if (user == op)
      return false;
    Operation *at = op, *place = nullptr;
    while (at && !(place = at->getBlock()->findAncestorOpInBlock(*user)))
      at = at->getParentOp();
    if (!at)
      return true;
    // In the other branch, or in this one, where its own updates are looked at.
    if (place == at)
      return !isa<scf::IfOp>(at);
    return !place->isBeforeInBlock(at);
  });
}

/// The value that `value` is an update of: the same buffer, if nothing reads the old state later. Null if it is none, or something does.
/// Results of branches on the way are added to `branches`.
Value oldValue(Value value, SmallVectorImpl<OpResult> &branches) {
  Operation *op = value.getDefiningOp();
  auto result = dyn_cast<OpResult>(value);
  Value old;
  if (auto insert = dyn_cast_if_present<tensor::InsertOp>(op)) {
    old = insert.getDest();
  } else if (auto insert = dyn_cast_if_present<tensor::InsertSliceOp>(op)) {
    old = insert.getDest();
  } else if (auto call = dyn_cast_if_present<cellrt::CallOp>(op); call && call.accumulates()) {
    old = call.getOuts()[result.getResultNumber()];
  } else if (auto loop = dyn_cast_if_present<scf::ForOp>(op)) {
    old = loop.getInitArgs()[result.getResultNumber()];
  } else if (auto loop = dyn_cast_if_present<scf::WhileOp>(op); loop && loop.getInits().getTypes() == loop.getResultTypes()) {
    old = loop.getInits()[result.getResultNumber()];
  } else if (auto branch = dyn_cast_if_present<scf::IfOp>(op)) {
    auto origin = [&](Region &region) {
      Value inner = region.front().getTerminator()->getOperand(result.getResultNumber());
      while (inner && region.isAncestor(inner.getParentRegion()))
        inner = oldValue(inner, branches);
      return inner;
    };
    old = origin(branch.getThenRegion());
    if (!old || old != origin(branch.getElseRegion()))
      return nullptr;
    branches.push_back(result);
  }
  return old && !isReadLater(old, op) ? old : nullptr;
}

/// Whether `value` is `dest` after writes to parts of it and loops that carry it, with nothing that reads an old state later. Bufferisation
/// then works in place on its own, and a copy to `dest` would only stand in its way.
bool isUpdateOf(Value value, Value dest, SmallVectorImpl<OpResult> &branches) {
  while (value && value != dest)
    value = oldValue(value, branches);
  return value == dest;
}

/// Marks the branches through which the values that a loop hands on reach it in place.
void markBranches(ValueRange values, ValueRange dests) {
  for (auto [value, dest] : llvm::zip_equal(values, dests)) {
    SmallVector<OpResult> branches;
    if (!isa<RankedTensorType>(dest.getType()) || !isUpdateOf(value, dest, branches))
      continue;
    for (OpResult result : branches) {
      SmallVector<int64_t> marks{result.getResultNumber()};
      if (auto known = result.getOwner()->getAttrOfType<DenseI64ArrayAttr>(kInPlace))
        llvm::append_range(marks, known.asArrayRef());
      result.getOwner()->setAttr(kInPlace, DenseI64ArrayAttr::get(dest.getContext(), marks));
    }
  }
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
    if (!bases.insert(base).second || isPart(init.get()) || isNeededBeside(base, loop))
      init.set(copyOf(builder, init.get()));
  }
}

/// Writes what `terminator` hands on (`values`) to the buffers that carry it (`dests`).
void writeBack(Operation *terminator, MutableOperandRange values, ValueRange dests) {
  OpBuilder builder(terminator);
  llvm::SmallDenseSet<Value> carried(dests.begin(), dests.end()), bases;
  SmallVector<bool> inPlace;
  SmallVector<OpResult> branches;
  for (auto [value, dest] : llvm::zip_equal(values, dests))
    inPlace.push_back(!isa<RankedTensorType>(dest.getType()) || isUpdateOf(value.get(), dest, branches));
  // First the copies of values that a write below would change, then the writes.
  for (auto [value, dest, done] : llvm::zip_equal(values, dests, inPlace)) {
    if (done)
      continue;
    Value whole = cell::baseOfView(value.get());
    bool taken = carried.contains(whole) && whole != value.get();
    for (Value buffer : cell::possibleBuffers(value.get())) {
      bool outside = !terminator->getParentRegion()->isAncestor(buffer.getParentRegion());
      taken |= !bases.insert(buffer).second || (carried.contains(buffer) && buffer != dest) || outside;
    }
    if (taken)
      value.set(copyOf(builder, value.get()));
  }
  for (auto [value, dest, done] : llvm::zip_equal(values, dests, inPlace))
    if (!done)
      value.set(bufferization::MaterializeInDestinationOp::create(builder, value.get().getLoc(), value.get(), dest)->getResult(0));
}

/// A branch that hands on a value from outside, or a part of one, hands on a copy: the result of the branch is then a buffer of its own.
void copyOutsideValues(Operation *branch) {
  for (Region &region : branch->getRegions()) {
    if (region.empty())
      continue;
    Operation *yield = region.front().getTerminator();
    OpBuilder builder(yield);
    for (OpOperand &operand : yield->getOpOperands())
      if (auto conditional = dyn_cast<scf::IfOp>(branch); conditional && isInPlace(conditional, operand.getOperandNumber()))
        continue;
      else if (isa<RankedTensorType>(operand.get().getType()) &&
               (isPart(operand.get()) || cell::baseOfView(operand.get()).getParentRegion() != &region))
        operand.set(copyOf(builder, operand.get()));
  }
}

/// True if `value` is computed into a part of a larger buffer.
bool liesInPart(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (isPart(value))
      return true;
    auto result = cast<OpResult>(value);
    if (isView(op))
      value = op->getOperand(0);
    else if (auto insert = dyn_cast<tensor::InsertOp>(op))
      value = insert.getDest();
    else if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
      value = insert.getDest();
    else if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
      value = destination.getTiedOpOperand(result)->get();
    else
      return isa<scf::IfOp>(op) && llvm::any_of(op->getRegions(), [&](Region &region) { return liesInPart(region.front().getTerminator()->getOperand(result.getResultNumber())); });
  }
  return false;
}

/// A start that the loop overwrites. (An empty tensor could be taken for the program's own result, which must not be written twice.)
Value emptyLike(OpBuilder &builder, Location loc, Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return bufferization::AllocTensorOp::create(builder, loc, tensor, ValueRange());
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

SmallVector<Value> cell::possibleBuffers(Value value) {
  SmallVector<Value> found;
  llvm::SmallSetVector<Value, 8> work;
  work.insert(value);
  for (unsigned i = 0; i < work.size(); ++i) {
    Value at = baseOfView(work[i]);
    auto result = dyn_cast<OpResult>(at);
    Operation *op = at.getDefiningOp();
    if (auto insert = dyn_cast_if_present<tensor::InsertOp>(op)) {
      work.insert(insert.getDest());
    } else if (auto insert = dyn_cast_if_present<tensor::InsertSliceOp>(op)) {
      work.insert(insert.getDest());
    } else if (auto destination = dyn_cast_if_present<DestinationStyleOpInterface>(op)) {
      Value init = destination.getTiedOpOperand(result)->get();
      if (init.getDefiningOp<tensor::EmptyOp>()) // a buffer of its own for each use
        found.push_back(at);
      else
        work.insert(init);
    } else if (auto loop = dyn_cast_if_present<scf::ForOp>(op)) {
      work.insert(loop.getInitArgs()[result.getResultNumber()]);
    } else if (auto loop = dyn_cast_if_present<scf::WhileOp>(op); loop && loop.getInits().getTypes() == loop.getResultTypes()) {
      work.insert(loop.getInits()[result.getResultNumber()]);
    } else if (isa_and_present<scf::IfOp, scf::IndexSwitchOp>(op)) {
      for (Region &region : op->getRegions())
        work.insert(region.front().getTerminator()->getOperand(result.getResultNumber()));
    } else {
      found.push_back(at);
    }
  }
  return found;
}

void cell::copyPartsInBranches(ModuleOp module) {
  module.walk([](scf::IfOp branch) {
    for (Region &region : branch->getRegions()) {
      if (region.empty())
        continue;
      Operation *yield = region.front().getTerminator();
      OpBuilder builder(yield);
      for (OpOperand &operand : yield->getOpOperands())
        if (isa<RankedTensorType>(operand.get().getType()) && !isInPlace(branch, operand.getOperandNumber()) && liesInPart(operand.get()))
          operand.set(copyOf(builder, operand.get()));
    }
  });
}

void cell::keepCarriedBuffers(ModuleOp module) {
  module.walk([](Operation *op) {
    if (auto loop = dyn_cast<scf::ForOp>(op))
      markBranches(loop.getYieldedValues(), loop.getRegionIterArgs());
    if (auto loop = dyn_cast<scf::WhileOp>(op); loop && loop.getInits().getTypes() == loop.getResultTypes()) {
      markBranches(loop.getConditionOp().getArgs(), loop.getBeforeArguments());
      markBranches(loop.getYieldOp().getOperands(), loop.getAfterArguments());
    }
  });
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
  module.walk([](scf::IfOp branch) { branch->removeAttr(kInPlace); });
}
