//===- Access.h - where the operands of a product lie in memory -----------===//
#ifndef CELL_PASSES_DEVICE_ACCESS_H
#define CELL_PASSES_DEVICE_ACCESS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::cell {

/// One dimension of a group of iteration dimensions: a step along it moves `stride` elements in memory, and each window position by its own step.
struct Axis {
  int64_t size = 1, stride = 0;
  int64_t steps[2] = {0, 0};
};

/// A coordinate that is the sum of steps of several axes: at position t = start + steps the element t / divisor of an axis of `limit` elements,
/// `stride` apart in memory. There is no element where t is negative, not a multiple of the divisor, or beyond the limit.
struct Window {
  int64_t start = 0, divisor = 1, limit = 1, stride = 0;
};

/// What a point of the iteration space of a product reads or writes in one buffer. The space has three groups of dimensions, each of them numbered
/// row-major: batch, rows, columns (of this operand: the rows of a right factor are the dimension of the sum).
struct Access {
  enum Group { Batch, Row, Column };

  Value buffer; // the host's
  SmallVector<Axis> groups[3];
  SmallVector<Window, 2> windows;
  int64_t offset = 0;

  Type element() const { return cast<MemRefType>(buffer.getType()).getElementType(); }
  int64_t size(Group group) const;
  /// Joins axes that follow each other in memory, and makes offsets of windows that hold everywhere.
  void simplify();
  /// Whether each `width` neighbours along `group`, counted from a multiple of it, lie side by side in memory and aligned as one vector.
  bool isVector(Group group, int64_t width) const;
  /// How many neighbours along `group` lie close to each other in memory.
  int64_t run(Group group) const;
  /// Whether neighbours along `group` share one element.
  bool isUniform(Group group) const;
};

/// Bytes that the address of `buffer` is known to be a multiple of, at most 16. Whole buffers are: the arena's, tapes' and those of the program's arguments.
int64_t alignmentOf(Value buffer);

/// A name from the operations of the body: `add_mul`.
std::string nameOf(linalg::LinalgOp op);

} // namespace mlir::cell

#endif // CELL_PASSES_DEVICE_ACCESS_H
