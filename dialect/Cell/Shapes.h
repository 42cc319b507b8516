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
/// `value` with its dimensions permuted, or itself where nothing moves.
Value createTranspose(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> permutation);
/// The elements of `value` from `start` up to `limit` along `axis`, all of them along the other dimensions.
Value createSlice(OpBuilder &builder, Location loc, Value value, int64_t axis, int64_t start, int64_t limit);
/// Tensors one after another along `axis`, or the only one itself.
Value createConcat(OpBuilder &builder, Location loc, ValueRange values, int64_t axis);
/// `value` converted to another element type, or itself where it has it.
Value createCast(OpBuilder &builder, Location loc, Value value, Type element);
/// f32 for f16 and bf16, else the type itself: what sums and products accumulate in.
Type accumulatorType(Type element);
/// The sum over `axes` (sorted), or `value` itself where there are none.
Value createSum(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> axes, bool keepdims);
/// Undoes a reduction: `value` (of the reduced shape) brought back to the rank of `shape` and repeated along `axes`.
Value createUnreduce(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> axes, bool keepdims, ArrayRef<int64_t> shape);
/// The shape after a reduction.
SmallVector<int64_t> reducedShape(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes, bool keepdims);

} // namespace mlir::cell

#endif // CELL_DIALECT_SHAPES_H
