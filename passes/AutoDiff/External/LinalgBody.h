//===- LinalgBody.h - a linalg.generic made from the body of another op ---===//
#ifndef CELL_PASSES_AUTODIFF_EXTERNAL_LINALGBODY_H
#define CELL_PASSES_AUTODIFF_EXTERNAL_LINALGBODY_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OwningOpRef.h"

namespace mlir::cell {

/// A body under construction over the iteration space of `op`. Operands that the finished body does not read are not taken, so they
/// are not saved for it.
class LinalgBody {
public:
  explicit LinalgBody(linalg::LinalgOp op) : op(op), holder(ModuleOp::create(op.getLoc())) {}

  Block *block() { return holder->getBody(); }
  OpBuilder builder() { return OpBuilder::atBlockEnd(block()); }
  /// Clones all but the yield of the op's body; its arguments come first.
  void cloneFrom(Block *body, ArrayRef<OpOperand *> operands);
  /// What a value of the op's body is here.
  Value lookup(Value original) { return mapping.lookupOrDefault(original); }
  /// The element of a further tensor at each point.
  Value addInput(Value tensor, AffineMap map);

  /// The sum of `element`, from `start` on.
  Value emitSum(OpBuilder &builder, Value element, Value start, AffineMap map);
  /// The sum of `element` in the form of `operand`, a tensor or a scalar that the op reads through `map`.
  Value emitGradient(OpBuilder &builder, Value element, Value operand, AffineMap map);

private:
  Value emit(OpBuilder &builder, Value element, Value init, AffineMap map, bool sum);

  linalg::LinalgOp op;
  /// Holds the body until its op can be made: MLIR wants every region to have an op around it.
  OwningOpRef<ModuleOp> holder;
  IRMapping mapping;
  /// Of the block's arguments.
  SmallVector<Value> tensors;
  SmallVector<AffineMap> maps;
};

/// Reverse mode through the straight-line scalar code of a block: the derivative by `wanted` of what `seeds` gives cotangents for; null
/// where there is none.
FailureOr<Value> pullThroughBody(OpBuilder &builder, Block *block, DenseMap<Value, Value> seeds, Value wanted);

LogicalResult buildLinalgVjp(linalg::LinalgOp op, OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed,
                             SmallVectorImpl<Value> &grads);

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_EXTERNAL_LINALGBODY_H
