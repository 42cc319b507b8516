//===- Split.h - a program in two halves ----------------------------------===//
#ifndef CELL_PASSES_TRANSFORMS_SPLIT_H
#define CELL_PASSES_TRANSFORMS_SPLIT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace mlir::cell {

/// What `splitProgram` made beside the first half.
struct Split {
  /// The second half: (residuals, late arguments) -> the late results, in their order.
  OwningOpRef<ModuleOp> late;
  /// Which results of the program were late.
  SmallVector<int64_t> lateResults;
  /// Types of the residuals, which the first half returns after its own results.
  SmallVector<Type> residuals;
};

/// Splits the only public function of a module, which has no derivatives left to write out: what depends on the arguments `lateArguments` is computed by a second
/// program, from them and from values that the first one returns in addition. A value that hangs on `cell.barrier` (computed again on purpose) and what
/// costs nothing (constants, broadcasts, reshapes) is computed in the second one. A diagnostic has been emitted where a value that must cross is no tensor.
FailureOr<Split> splitProgram(ModuleOp module, ArrayRef<int64_t> lateArguments);

} // namespace mlir::cell

#endif // CELL_PASSES_TRANSFORMS_SPLIT_H
