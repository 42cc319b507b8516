//===- Access.h - loads and addresses of the operands of a product --------===//
#ifndef CELL_PASSES_LINALGTOGPU_ACCESS_H
#define CELL_PASSES_LINALGTOGPU_ACCESS_H

#include "passes/Device/Access.h"
#include "passes/LinalgToGpu/KernelBuilder.h"

namespace mlir::cell {

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

/// `width` elements from `target` on as a vector (a scalar for 1), zero where they do not exist.
Value loadFrom(KernelBuilder &k, Value memory, const Target &target, int64_t width);

/// The value, a vector or a scalar, in a wider element type.
Value widen(KernelBuilder &k, Value value, Type element);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_ACCESS_H
