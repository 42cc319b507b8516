//===- Activity.cpp - which values take part in a derivative --------------===//
#include "dialect/Cell/Cell.h"
#include "passes/AutoDiff/Derivative.h"

using namespace mlir;
using namespace mlir::cell;

llvm::DenseSet<Value> mlir::cell::findActiveValues(func::FuncOp function, const DerivativeKey &key) {
  Block &body = function.getBody().front();
  llvm::DenseSet<Value> varied, active;
  for (auto [argument, flag] : llvm::zip(body.getArguments(), key.arguments))
    if (flag)
      varied.insert(argument);
  for (Operation &op : body)
    if (!op.hasTrait<NonDifferentiable>() && llvm::any_of(op.getOperands(), [&](Value v) { return varied.contains(v); }))
      varied.insert(op.result_begin(), op.result_end());

  Operation *terminator = body.getTerminator();
  for (auto [result, flag] : llvm::zip(terminator->getOperands(), key.results))
    if (flag && varied.contains(result))
      active.insert(result);
  for (Operation &op : llvm::reverse(body.without_terminator())) {
    if (op.hasTrait<NonDifferentiable>() || llvm::none_of(op.getResults(), [&](Value v) { return active.contains(v); }))
      continue;
    for (Value operand : op.getOperands())
      if (varied.contains(operand))
        active.insert(operand);
  }
  return active;
}
