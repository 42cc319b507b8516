//===- Rules.cpp - zeros, sums and the reverse rules of single ops --------===//
#include "passes/AutoDiff/Rules.h"

#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Expr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::cell;

Value mlir::cell::createZero(OpBuilder &builder, Location loc, Value like) {
  Type type = like.getType();
  if (isa<RankedTensorType>(type))
    return createFull(builder, loc, like, 0);
  if (isa<TapeType>(type))
    return TapeCreateOp::create(builder, loc, type);
  return arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
}

Value mlir::cell::createSumOfTwo(OpBuilder &builder, Location loc, Value a, Value b) {
  Type type = a.getType();
  if (!isa<RankedTensorType>(type))
    return isa<FloatType>(type) ? Value(arith::AddFOp::create(builder, loc, a, b)) : Value(arith::AddIOp::create(builder, loc, a, b));
  if (getElementTypeOrSelf(type).isInteger(1))
    return LogicalOrOp::create(builder, loc, a, b);
  return AddOp::create(builder, loc, a, b);
}

LogicalResult mlir::cell::reportNoRule(Operation &op) {
  auto diagnostic = op.emitError("'") << op.getName() << "' has no derivative rule";
  diagnostic.attachNote() << "implement DifferentiableOpInterface for it, or stop the derivative before it with cell.stop_gradient";
  return diagnostic;
}

LogicalResult mlir::cell::reverseOp(OpBuilder &builder, Operation &op, const llvm::DenseSet<Value> &active, Cotangents &cotangents) {
  auto results = llvm::map_to_vector(op.getResults(), [&](Value v) { return cotangents.of(v); });
  if (llvm::none_of(results, [](Value v) { return static_cast<bool>(v); }))
    return success();
  auto differentiable = dyn_cast<DifferentiableOpInterface>(op);
  if (!differentiable)
    return reportNoRule(op);
  auto needed = llvm::map_to_vector(op.getOperands(), [&](Value v) { return active.contains(v); });
  SmallVector<Value> gradients(op.getNumOperands());
  if (failed(differentiable.buildVjp(builder, results, needed, gradients)))
    return failure();
  for (auto [operand, gradient, flag] : llvm::zip(op.getOperands(), gradients, needed)) {
    if (!flag || !gradient)
      continue;
    if (gradient.getType() != operand.getType())
      return op.emitError("the derivative rule of '") << op.getName() << "' gives " << gradient.getType() << " for an operand of type "
                                                      << operand.getType();
    cotangents.add(operand, gradient, op.getLoc());
  }
  return success();
}
