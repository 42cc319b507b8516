//===- CautiousCopies.cpp - copies where nothing better can be proved -----===//
#include "passes/LinalgToLLVM/CarriedBuffers.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

static Value copyOf(OpBuilder &builder, Value value) {
  return bufferization::AllocTensorOp::create(builder, value.getLoc(), cast<RankedTensorType>(value.getType()), ValueRange(), value);
}

/// Starts of a loop in buffers of their own.
static void copyStarts(Operation *loop, MutableOperandRange inits) {
  OpBuilder builder(loop);
  for (OpOperand &init : inits)
    if (isa<RankedTensorType>(init.get().getType()))
      init.set(copyOf(builder, init.get()));
}

/// The carried value that an operand of a loop's terminator becomes, as it is called in the terminator's block.
static Value carriedArgument(Operation *terminator, OpOperand &operand) {
  unsigned index = operand.getOperandNumber();
  if (isa<scf::ForOp>(terminator->getParentOp()))
    ++index; // the first argument is the counter
  if (isa<scf::ConditionOp>(terminator))
    --index; // the first operand is the condition
  Block *block = terminator->getBlock();
  bool fits = index < block->getNumArguments() && block->getArgument(index).getType() == operand.get().getType();
  return fits ? block->getArgument(index) : Value();
}

/// What `terminator` hands on, copied before the first write to a carried buffer.
static void copyHandedOn(Operation *terminator, MutableOperandRange operands) {
  Operation *first = terminator;
  while (isa_and_nonnull<bufferization::MaterializeInDestinationOp>(first->getPrevNode()))
    first = first->getPrevNode();
  OpBuilder builder(first);
  for (OpOperand &operand : operands) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    auto write = operand.get().getDefiningOp<bufferization::MaterializeInDestinationOp>();
    if (write && write->getBlock() == terminator->getBlock() && !write->isBeforeInBlock(first))
      write.getSourceMutable().set(copyOf(builder, write.getSource()));
    else if (isa<scf::IfOp>(terminator->getParentOp()))
      operand.set(copyOf(builder, operand.get()));
    else if (Value carried = carriedArgument(terminator, operand); carried && carried != operand.get()) {
      Value copy = copyOf(builder, operand.get());
      OpBuilder last(terminator);
      operand.set(bufferization::MaterializeInDestinationOp::create(last, copy.getLoc(), copy, carried)->getResult(0));
    }
  }
}

void cell::copyAllCarriedValues(ModuleOp module) {
  module.walk([](Operation *op) {
    if (auto loop = dyn_cast<scf::ForOp>(op))
      copyStarts(loop, loop.getInitArgsMutable());
    else if (auto loop = dyn_cast<scf::WhileOp>(op))
      copyStarts(loop, loop.getInitsMutable());
    else if (auto yield = dyn_cast<scf::YieldOp>(op))
      copyHandedOn(yield, yield.getResultsMutable());
    else if (auto condition = dyn_cast<scf::ConditionOp>(op))
      copyHandedOn(condition, condition.getArgsMutable());
  });
}
