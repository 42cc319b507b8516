//===- CautiousCopies.cpp - copies where nothing better can be proved -----===//
#include "passes/LinalgToLLVM/CarriedBuffers.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using cell::copyOf;

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

void cell::copyAllCarriedValues(Operation *scope) {
  scope->walk([](Operation *op) {
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

/// Whether something that `func` gives back may lie in more than one of its arguments.
static bool mergesArguments(func::FuncOp func) {
  bufferization::AnalysisState state{bufferization::BufferizationOptions()};
  llvm::EquivalenceClasses<void *> buffers;
  auto join = [&](Value value) {
    if (!isa<TensorType>(value.getType()))
      return;
    for (const bufferization::AliasingOpOperand &alias : state.getAliasingOpOperands(value))
      buffers.unionSets(value.getAsOpaquePointer(), alias.opOperand->get().getAsOpaquePointer());
  };
  func.walk([&](Operation *op) {
    if (isa<func::FuncOp, func::CallOp>(op))
      return;
    llvm::for_each(op->getResults(), join);
    for (Region &region : op->getRegions())
      for (Block &block : region)
        llvm::for_each(block.getArguments(), join);
  });
  for (Value result : func.getBody().front().getTerminator()->getOperands()) {
    auto together = [&](Value argument) { return isa<TensorType>(argument.getType()) && buffers.isEquivalent(argument.getAsOpaquePointer(), result.getAsOpaquePointer()); };
    if (isa<TensorType>(result.getType()) && llvm::count_if(func.getArguments(), together) > 1)
      return true;
  }
  return false;
}

void cell::separateMergedArguments(ModuleOp module) {
  llvm::SmallPtrSet<Operation *, 4> seen;
  module.walk([&](func::CallOp call) {
    auto func = module.lookupSymbol<func::FuncOp>(call.getCallee());
    if (func && !func.isExternal() && seen.insert(func).second && mergesArguments(func))
      copyAllCarriedValues(func);
  });
}
