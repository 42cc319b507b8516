//===- Touches.h - what an op of the host does to device memory -----------===//
#ifndef CELL_PASSES_LINALGTOGPU_TOUCHES_H
#define CELL_PASSES_LINALGTOGPU_TOUCHES_H

#include "passes/LinalgToLLVM/BufferRoots.h"

#include "mlir/IR/Operation.h"

namespace mlir::cell {

struct Touch {
  BufferRoots roots;
  bool writes;
};

/// The buffers that `op` and the ops inside it have as operands. What an op does with one counts as a write unless it is known to read only; a launch says so by
/// the attributes of its kernel.
SmallVector<Touch> touchesOf(Operation *op);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_TOUCHES_H
