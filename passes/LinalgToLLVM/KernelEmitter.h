//===- KernelEmitter.h - loops of one planned linalg op -------------------===//
#ifndef CELL_PASSES_LINALGTOLLVM_KERNELEMITTER_H
#define CELL_PASSES_LINALGTOLLVM_KERNELEMITTER_H

#include "passes/LinalgToLLVM/LoopPlan.h"

#include "mlir/IR/IRMapping.h"

namespace mlir::cell {

/// Writes the loops of one op into a kernel body.
class KernelEmitter {
public:
  KernelEmitter(OpBuilder &builder, linalg::LinalgOp op, const LoopPlan &plan)
      : builder(builder), loc(op.getLoc()), op(op), plan(plan) {}

  /// Per operand of the op: its flat memref (or scalar) inside the kernel.
  SmallVector<Value> operands;
  /// Per output: the value that a running result starts from, or null to load it.
  SmallVector<Value> starts;
  /// Per operand: where its data starts in the flat memref; null means the offset of the plan.
  SmallVector<Value> bases;
  /// Values from outside the op's region, mapped to the kernel's own.
  IRMapping captures;

  /// Emits all loops; the loop `plan.chunk` runs over [begin, end).
  void emit(Value begin, Value end);

private:
  using Values = SmallVector<Value>;
  Values emitLevel(unsigned level, Values indices, Values ivs, Values accumulators);
  Values emitPoint(ArrayRef<Value> indices, ArrayRef<Value> ivs, Values accumulators);
  Values advance(unsigned level, ArrayRef<Value> indices, Value iv);
  Value constant(int64_t value);
  Value load(unsigned operand, Value index);
  void store(unsigned operand, Value value, Value index);

  OpBuilder &builder;
  Location loc;
  linalg::LinalgOp op;
  const LoopPlan &plan;
  Value begin, end;
};

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_KERNELEMITTER_H
