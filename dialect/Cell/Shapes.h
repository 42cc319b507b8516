//===- Shapes.h - building shape-changing ops -----------------------------===//
#ifndef CELL_DIALECT_SHAPES_H
#define CELL_DIALECT_SHAPES_H

#include "dialect/Cell/Cell.h"

namespace mlir::cell {

inline ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

/// `value` reshaped, or itself where it has the shape. At most one dimension of `shape` may be dynamic.
Value createReshape(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> shape);
/// `value` broadcast, or itself where it has the shape.
Value createBroadcast(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> shape);
/// The sum over `axes` (sorted), or `value` itself where there are none.
Value createSum(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> axes, bool keepdims);
/// Undoes a reduction: `value` (of the reduced shape) brought back to the rank of `shape` and repeated along `axes`.
Value createUnreduce(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> axes, bool keepdims, ArrayRef<int64_t> shape);
/// The shape after a reduction.
SmallVector<int64_t> reducedShape(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes, bool keepdims);

} // namespace mlir::cell

#endif // CELL_DIALECT_SHAPES_H
