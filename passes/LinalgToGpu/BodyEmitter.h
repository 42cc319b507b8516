//===- BodyEmitter.h - points of a linalg op inside a kernel --------------===//
#ifndef CELL_PASSES_LINALGTOGPU_BODYEMITTER_H
#define CELL_PASSES_LINALGTOGPU_BODYEMITTER_H

#include "passes/Device/Access.h"
#include "passes/LinalgToGpu/KernelBuilder.h"
#include "passes/LinalgToLLVM/LoopPlan.h"

namespace mlir::cell {

/// Computes points of one planned linalg op: loads, body, stores of what is written point by point. Several neighbours along the innermost
/// loop are one call: what is contiguous there moves in one access.
class BodyEmitter {
public:
  using Values = SmallVector<Value>;

  BodyEmitter(KernelBuilder &kernel, linalg::LinalgOp op, const LoopPlan &plan) : k(kernel), op(op), plan(plan) {}

  /// The points at `positions` (one per planned loop), `width` of them along the innermost loop. `accumulators` has one value per output, null
  /// for those written point by point; the result has the new ones.
  Values emit(ValueRange positions, ArrayRef<Value> accumulators, int64_t width = 1);

  /// Values of operands that are not loaded from their buffers (null: loaded), or empty.
  Values given;
  /// If set, what is written point by point is put there, one value (a vector for `width` > 1) per output, and not stored.
  Values *made = nullptr;

  /// The operand's elements from `where` on; for `width` > 1 a vector, unless the innermost loop does not move the operand.
  Value load(unsigned operand, Value where, int64_t width);
  /// Stores what `made` got for the output.
  void store(unsigned output, ValueRange positions, Value value, int64_t width);

  /// Where the operand's element for `positions` lies in its flat buffer.
  Value address(unsigned operand, ValueRange positions);

  /// How many neighbours along the innermost loop may move in one access: the widest number that the alignment of all operands and the length of
  /// the loop allow, 1 if none.
  static int64_t chooseWidth(linalg::LinalgOp op, const LoopPlan &plan, const GpuTarget &target);

private:
  void emitBody(IRMapping &map, ValueRange positions, unsigned lane, int64_t width);

  KernelBuilder &k;
  linalg::LinalgOp op;
  const LoopPlan &plan;
};

/// Whether the body of `op` looks at the operand's elements.
bool isRead(linalg::LinalgOp op, OpOperand &operand);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_BODYEMITTER_H
