//===- LoopPlan.h - loop order of one linalg op on memrefs ----------------===//
#ifndef CELL_PASSES_LINALGTOLLVM_LOOPPLAN_H
#define CELL_PASSES_LINALGTOLLVM_LOOPPLAN_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::cell {

/// One loop of a kernel. `strides[i]` says by how many elements operand i moves per iteration.
struct PlannedLoop {
  int64_t size;
  bool reduction;
  SmallVector<unsigned> dims; // iteration dimensions that were collapsed into this loop, outermost first
  SmallVector<int64_t> strides;
  SmallVector<bool> covers; // per output: the output has an element of its own for each iteration
};

/// Loops of a kernel, outermost first, and how each output is accumulated.
struct LoopPlan {
  SmallVector<PlannedLoop> loops;
  SmallVector<int64_t> offsets; // per operand, in elements from the memref's own start
  /// Per output: the loop level at which its running value is loaded and after which it is stored; loops from this level on
  /// carry the value in a register. Equals the number of loops for outputs that are written point by point.
  SmallVector<unsigned> depths;
  SmallVector<bool> reduced; // per output: some loop does not cover it
  unsigned unrollFrom = 0;   // loops from this level on are tiny and written out
  std::optional<unsigned> chunk; // the loop whose range the launch may cut into pieces
  int64_t points = 1;
  double nanoseconds = 0; // estimated time on one core
};

/// Chooses the loops for `op`. Fails, with an error of `stage` at the op (none for an empty name), if an indexing map is not a linear one.
FailureOr<LoopPlan> planLoops(linalg::LinalgOp op, StringRef stage = "linalg-to-kernels");

/// The fill that gives `buffer`, an output of `op`, its first value and that nothing else sees, or null.
linalg::FillOp findFill(linalg::LinalgOp op, Value buffer);

/// Elements from the start of `type` to the end of its last one.
int64_t spanOf(MemRefType type);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_LOOPPLAN_H
