//===- Recompute.cpp - functions that are computed again in reverse -------===//
#include "dialect/Cell/Cell.h"
#include "passes/AutoDiff/Derivative.h"
#include "passes/AutoDiff/FunctionBuilders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::cell;

static bool hasEffects(func::FuncOp function, SymbolTable &symbols, llvm::SmallPtrSetImpl<Operation *> &seen) {
  if (!seen.insert(function).second)
    return false;
  WalkResult walk = function.walk([&](Operation *op) {
    if (isa<PrintOp, AssertOp>(op))
      return WalkResult::interrupt();
    if (auto call = dyn_cast<func::CallOp>(op))
      if (auto callee = symbols.lookup<func::FuncOp>(call.getCallee()); callee && hasEffects(callee, symbols, seen))
        return WalkResult::interrupt();
    return WalkResult::advance();
  });
  return walk.wasInterrupted();
}

/// A function that does the same but for what it prints and asserts: itself where it does neither.
static func::FuncOp silence(func::FuncOp function, SymbolTable &symbols, DenseMap<Operation *, func::FuncOp> &silent) {
  if (func::FuncOp known = silent.lookup(function))
    return known;
  llvm::SmallPtrSet<Operation *, 8> seen;
  if (!hasEffects(function, symbols, seen))
    return silent[function] = function;
  func::FuncOp copy = cloneFunction(function, ".silent", symbols);
  silent[function] = copy;
  copy.walk([&](Operation *op) {
    if (isa<PrintOp, AssertOp>(op)) {
      op->erase();
    } else if (auto call = dyn_cast<func::CallOp>(op)) {
      if (auto callee = symbols.lookup<func::FuncOp>(call.getCallee()))
        call.setCallee(silence(callee, symbols, silent).getSymName());
    }
  });
  return copy;
}

FailureOr<Derivative> DerivativeBuilder::buildRecomputing(func::FuncOp function, const DerivativeKey &key) {
  auto inner = build(function, key);
  if (failed(inner))
    return failure();
  Derivative derivative;
  derivative.forward = function;
  derivative.gradients = inner->gradients;
  derivative.reverse = createFunction(function, ".recompute", symbols);
  // What was computed in the forward half must not be found again.
  derivative.reverse->setAttr("cell.no_inline", UnitAttr::get(function.getContext()));
  inner->forward = silence(inner->forward, symbols, silent);

  Location loc = function.getLoc();
  Block &body = derivative.reverse.getBody().front();
  OpBuilder builder = OpBuilder::atBlockEnd(&body);
  SmallVector<Value> operands;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    derivative.residuals.push_back({Residual::Source::Argument, static_cast<unsigned>(i)});
    operands.push_back(body.addArgument(type, loc));
  }
  SmallVector<Value> given, outputs, gradients;
  for (auto [type, flag] : llvm::zip(function.getResultTypes(), key.results))
    if (flag)
      given.push_back(body.addArgument(type, loc));
  emitHalves(builder, loc, *inner, key, operands, [&](ValueRange) { return given; }, outputs, gradients);
  llvm::erase_if(gradients, [](Value gradient) { return !gradient; });
  finishFunction(derivative.reverse, gradients);
  return derivative;
}
