//===- WindowBuilders.h - linalg on windows over NCHW tensors --------------===//
#ifndef CELL_PASSES_WINDOWBUILDERS_H
#define CELL_PASSES_WINDOWBUILDERS_H

#include "dialect/Cell/Window.h"
#include "passes/CellToLinalg/LinalgBuilders.h"

namespace mlir::cell {

inline ArrayRef<int64_t> shapeOfTensor(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

/// `x` with the window's pads around its last two dimensions, or itself where there are none.
Value createPadded(OpBuilder &builder, Location loc, Value x, ArrayRef<int64_t> pads, Value scalar);

/// The element of the padded input under a tap of a window: window * stride + tap * dilation along dimension i.
AffineExpr windowExpr(const Window2D &window, unsigned i, AffineExpr position, AffineExpr tap);

/// A place, and whether it exists; where it does not the place is in range all the same.
struct Place {
  Value index, exists;
};
/// The place in the input, without padding, under a tap of a window.
Place inputPlace(OpBuilder &builder, Location loc, const Window2D &window, unsigned i, Value position, Value tap, int64_t inputSize);
/// The window that has the input's element `element` under `tap`.
Place windowPlace(OpBuilder &builder, Location loc, const Window2D &window, unsigned i, Value element, Value tap, int64_t windows);

/// A linalg.generic whose inputs are read at `maps`, with reduction dimensions last; `inits` cover the parallel dimensions.
SmallVector<Value> createWindowed(OpBuilder &builder, Location loc, unsigned parallel, unsigned reductions, ValueRange inputs,
                                  ArrayRef<AffineMap> maps, ValueRange inits,
                                  function_ref<SmallVector<Value>(OpBuilder &, Location, ValueRange)> body);

/// A window's contribution to an element: the window is at `place` (n, c, row, column) and has the element under `taps` (p, q).
using ScatterTerm = function_ref<Value(OpBuilder &, Location, ArrayRef<Value> place, ArrayRef<Value> taps)>;

/// What the transpose of a window operation does: to each element of `init` (NCHW) adds the terms of the windows that have it under one of
/// their taps. There are `windows` of them along height and width.
Value createScatterSum(OpBuilder &builder, Location loc, const Window2D &window, ArrayRef<int64_t> windows, Value init, ScatterTerm term);

/// One element extended to `element`.
Value extend(OpBuilder &builder, Location loc, Value x, Type element);

/// A call of the runtime routine that gives a tensor of `shape`: f32 and f64 as they are, f16 and bf16 by way of f32.
Value createRoutine(OpBuilder &builder, Location loc, StringRef routine, ValueRange inputs, ArrayRef<int64_t> shape, ArrayRef<int64_t> params);

} // namespace mlir::cell

#endif // CELL_PASSES_WINDOWBUILDERS_H
