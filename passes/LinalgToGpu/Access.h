//===- Access.h - where the operands of a product lie in memory -----------===//
#ifndef CELL_PASSES_LINALGTOGPU_ACCESS_H
#define CELL_PASSES_LINALGTOGPU_ACCESS_H

#include "passes/LinalgToGpu/KernelBuilder.h"

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

/// The part of an address that one group contributes, or the sum of several.
struct Place {
  Value offset;
  SmallVector<Value, 2> windows;
};

Place placeOf(KernelBuilder &k, const Access &access, Access::Group group, Value index);
Place join(KernelBuilder &k, const Place &a, const Place &b);

/// The element number of a place, and whether it exists (null: always). Where it does not, the number is 0.
struct Target {
  Value index, exists;
};
/// `inside` is a further condition, or null.
Target resolve(KernelBuilder &k, const Access &access, const Place &place, Value inside = {});

/// a and b, either of which may be null for "true".
Value both(KernelBuilder &k, Value a, Value b);

/// `width` elements from `target` on as a vector (a scalar for 1), zero where they do not exist.
Value loadFrom(KernelBuilder &k, Value memory, const Target &target, int64_t width);

/// The value, a vector or a scalar, in a wider element type.
Value widen(KernelBuilder &k, Value value, Type element);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_ACCESS_H
