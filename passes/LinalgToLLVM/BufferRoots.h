//===- BufferRoots.h - which allocation a memref value points into --------===//
#ifndef CELL_PASSES_LINALGTOLLVM_BUFFERROOTS_H
#define CELL_PASSES_LINALGTOLLVM_BUFFERROOTS_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallVector.h"

namespace mlir::cell {

/// The allocations, function arguments and globals that `memref` may point into, seen through views, scf results and loop-carried
/// values. A value that is not understood is its own root and makes the answer `unknown`.
struct BufferRoots {
  llvm::SmallSetVector<Value, 4> roots;
  bool unknown = false;

  static BufferRoots of(Value memref);
  bool mayAlias(const BufferRoots &other) const;
};

/// Appends the values that may point into the buffer because `use` hands it on: views, results of branches and loops, what loops carry.
void appendAliases(OpOperand &use, SmallVectorImpl<Value> &out);

/// True if `op` or an op nested in it has an operand that may point into one of `roots`.
bool touches(Operation *op, const BufferRoots &roots);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_BUFFERROOTS_H
