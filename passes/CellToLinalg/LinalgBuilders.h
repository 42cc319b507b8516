//===- LinalgBuilders.h - linalg on tensors, the recurring pieces ----------===//
#ifndef CELL_PASSES_LINALGBUILDERS_H
#define CELL_PASSES_LINALGBUILDERS_H

#include "dialect/Cell/Shapes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::cell {

/// The size of each dimension: attributes where static, tensor.dim where not.
SmallVector<OpFoldResult> sizesOf(OpBuilder &builder, Location loc, Value tensor);

Value createEmpty(OpBuilder &builder, Location loc, ArrayRef<OpFoldResult> sizes, Type element);
/// A tensor of `sizes` filled with `scalar`.
Value createFilled(OpBuilder &builder, Location loc, ArrayRef<OpFoldResult> sizes, Value scalar);

using ElementBody = function_ref<Value(OpBuilder &, Location, ValueRange)>;

/// One parallel linalg.generic whose result element is `body(elements of inputs)`. Null where `body` gave null.
Value createMap(OpBuilder &builder, Location loc, ValueRange inputs, ArrayRef<AffineMap> inputMaps, ArrayRef<OpFoldResult> sizes, Type element,
                ElementBody body);
/// As above with identity maps: inputs of the result's shape.
Value createMap(OpBuilder &builder, Location loc, ValueRange inputs, ArrayRef<OpFoldResult> sizes, Type element, ElementBody body);

/// A linalg.generic that combines the elements of `x` along `axes` into `init`: `body(element, accumulator)`. The axes disappear; without axes
/// it updates `init` element by element.
Value createReduction(OpBuilder &builder, Location loc, Value x, ArrayRef<int64_t> axes, Value init, ElementBody body);

/// `x` under another shape with as many elements, by tensor.collapse_shape and tensor.expand_shape. At most one dimension of `shape`
/// is dynamic.
Value createShape(OpBuilder &builder, Location loc, Value x, ArrayRef<int64_t> shape);

/// A float tensor with another precision, or `x` itself where it has it.
Value createPrecision(OpBuilder &builder, Location loc, Value x, Type element);

/// The slice of `tensor` (of `sizes`) at `position` along `axis`, which disappears.
Value takeAlong(OpBuilder &builder, Location loc, Value tensor, ArrayRef<OpFoldResult> sizes, int64_t axis, Value position);
/// The inverse: `tensor` with that slice replaced.
Value putAlong(OpBuilder &builder, Location loc, Value slice, Value tensor, ArrayRef<OpFoldResult> sizes, int64_t axis, Value position);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGBUILDERS_H
