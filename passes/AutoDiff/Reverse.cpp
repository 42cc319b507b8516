//===- Reverse.cpp - reverse mode over the ops of a block -----------------===//
#include "passes/AutoDiff/Reverse.h"

#include "dialect/Cell/Cell.h"
#include "passes/AutoDiff/External/External.h"
#include "passes/AutoDiff/Regions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::cell;

Value Cotangents::of(Value primal) const {
  auto found = map.find(primal);
  if (found != map.end())
    return found->second;
  return outer ? outer->of(primal) : Value();
}

/// A gradient that is zero outside of a block is added to that block of the sum only: the steps of a loop that reads a slice each would
/// otherwise each go through all of the sum.
static Value addToBlock(OpBuilder &builder, Location loc, Value sum, Value term) {
  auto update = term.getDefiningOp<DynamicUpdateOp>();
  if (!update || !(matchPattern(update.getX(), m_AnyZeroFloat()) || matchPattern(update.getX(), m_Zero())))
    return nullptr;
  auto block = cast<RankedTensorType>(update.getUpdate().getType());
  Value part = DynamicSliceOp::create(builder, loc, block, sum, update.getStarts(), block.getShape());
  part = AddOp::create(builder, loc, part, update.getUpdate());
  return DynamicUpdateOp::create(builder, loc, sum.getType(), sum, part, update.getStarts());
}

Value mlir::cell::createSum(OpBuilder &builder, Location loc, Value sum, Value term) {
  // A tape with two uses on one path has been refused (checkTapes), so there is nothing to add.
  if (isa<TapeType>(sum.getType()))
    return term;
  if (isa<FloatType, VectorType>(sum.getType()))
    return arith::AddFOp::create(builder, loc, sum, term);
  if (getElementTypeOrSelf(sum.getType()).isInteger(1))
    return LogicalOrOp::create(builder, loc, sum, term);
  Value inPlace = addToBlock(builder, loc, sum, term);
  if (!inPlace)
    inPlace = addToElements(builder, loc, sum, term);
  return inPlace ? inPlace : AddOp::create(builder, loc, sum, term).getResult();
}

void Cotangents::add(Value primal, Value cotangent, Location loc) {
  if (!cotangent)
    return;
  Value sum = of(primal);
  map[primal] = sum ? createSum(builder, loc, sum, cotangent) : cotangent;
}

SmallVector<Operation *> mlir::cell::opsOf(Block &block) {
  return llvm::map_to_vector(block.without_terminator(), [](Operation &op) { return &op; });
}

/// Emits the call of a callee's reverse function and adds the gradients of its operands.
static void reverseCall(OpBuilder &builder, func::CallOp call, const CallRecord &record, ReverseContext &context, Cotangents &cotangents) {
  const Derivative &derivative = record.derivative;
  SmallVector<Value> inputs;
  for (const Residual &residual : derivative.residuals)
    inputs.push_back(residual.source == Residual::Source::Argument ? call.getOperand(residual.index) : call.getResult(residual.index));
  for (auto [i, flag] : llvm::enumerate(record.key.results)) {
    if (!flag)
      continue;
    Value cotangent = cotangents.of(call.getResult(i));
    inputs.push_back(cotangent ? cotangent : createZero(builder, call.getLoc(), call.getResult(i)));
  }
  auto reverse = func::CallOp::create(builder, call.getLoc(), derivative.reverse, inputs);
  unsigned next = 0;
  for (auto [i, present] : llvm::enumerate(derivative.gradients))
    if (present)
      cotangents.add(call.getOperand(i), reverse.getResult(next++), call.getLoc());
  for (unsigned i : derivative.tapes)
    context.tapeRests[call.getResult(i)] = reverse.getResult(next++);
}

/// The cotangent of a tape is a tape, which is filled while the tape is emptied.
static void reversePush(OpBuilder &builder, TapePushOp push, Cotangents &cotangents) {
  auto pop = TapePopOp::create(builder, push.getLoc(), cotangents.of(push.getResult()));
  cotangents.add(push.getTape(), pop.getRest(), push.getLoc());
  cotangents.add(push.getValue(), pop.getValue(), push.getLoc());
}

static void reversePop(OpBuilder &builder, TapePopOp pop, Cotangents &cotangents) {
  Value rest = cotangents.of(pop.getRest()), value = cotangents.of(pop.getValue());
  if (!rest)
    rest = createZero(builder, pop.getLoc(), pop.getRest());
  if (!value)
    value = createZero(builder, pop.getLoc(), pop.getValue());
  cotangents.add(pop.getTape(), TapePushOp::create(builder, pop.getLoc(), rest, value), pop.getLoc());
}

LogicalResult mlir::cell::reportNoRule(Operation *op) {
  auto diagnostic = op->emitError("'") << op->getName() << "' has no derivative rule";
  diagnostic.attachNote() << "implement DifferentiableOpInterface for it, or stop the derivative before it with cell.stop_gradient";
  return diagnostic;
}

/// Emits the reverse rule of an op that has one.
static LogicalResult reverseByRule(OpBuilder &builder, Operation &op, const llvm::DenseSet<Value> &active, Cotangents &cotangents) {
  auto differentiable = dyn_cast<DifferentiableOpInterface>(op);
  if (!differentiable)
    return reportNoRule(&op);
  if (failed(checkCaptures(&op, [&](Value v) { return active.contains(v); })))
    return failure();
  auto results = llvm::map_to_vector(op.getResults(), [&](Value v) { return cotangents.of(v); });
  auto needed = llvm::map_to_vector(op.getOperands(), [&](Value v) { return active.contains(v); });
  SmallVector<Value> gradients(op.getNumOperands());
  if (failed(differentiable.buildVjp(builder, results, needed, gradients)))
    return failure();
  for (auto [operand, gradient, flag] : llvm::zip(op.getOperands(), gradients, needed)) {
    if (!flag || !gradient)
      continue;
    if (gradient.getType() != operand.getType()) {
      auto diagnostic = op.emitError("the derivative rule of '") << op.getName() << "' gives " << gradient.getType() << " for an operand of type "
                                                                << operand.getType();
      return diagnostic;
    }
    cotangents.add(operand, gradient, op.getLoc());
  }
  return success();
}

LogicalResult mlir::cell::reverseOps(OpBuilder &builder, ArrayRef<Operation *> ops, ReverseContext &context, Cotangents &cotangents) {
  for (Operation *op : llvm::reverse(ops)) {
    if (llvm::none_of(op->getResults(), [&](Value v) { return static_cast<bool>(cotangents.of(v)); }))
      continue;
    Block::iterator place = builder.getInsertionPoint();
    Operation *last = place == builder.getBlock()->begin() ? nullptr : &*std::prev(place);
    if (isa<scf::IfOp, scf::ForOp, scf::WhileOp>(op)) {
      if (failed(reverseRegionOp(builder, op, context, cotangents)))
        return failure();
    } else if (auto record = context.calls.find(op); record != context.calls.end()) {
      reverseCall(builder, cast<func::CallOp>(op), record->second, context, cotangents);
    } else if (auto push = dyn_cast<TapePushOp>(op)) {
      reversePush(builder, push, cotangents);
    } else if (auto pop = dyn_cast<TapePopOp>(op)) {
      reversePop(builder, pop, cotangents);
    } else if (!blocksDerivative(op) && failed(reverseByRule(builder, *op, context.active, cotangents))) {
      return failure();
    }
    Block::iterator first = last ? std::next(Block::iterator(last)) : builder.getBlock()->begin();
    for (Operation &emitted : llvm::make_range(first, builder.getInsertionPoint()))
      context.rules.try_emplace(&emitted, op->getName().getStringRef(), op->getLoc());
  }
  return success();
}
