//===- WindowBuilders.cpp - linalg on windows over NCHW tensors ------------===//
#include "passes/CellToLinalg/WindowBuilders.h"

#include "dialect/Rt/RtOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::cell;

Value mlir::cell::createPadded(OpBuilder &builder, Location loc, Value x, ArrayRef<int64_t> pads, Value scalar) {
  if (llvm::all_of(pads, [](int64_t pad) { return pad == 0; }))
    return x;
  auto type = cast<RankedTensorType>(x.getType());
  SmallVector<OpFoldResult> low(2, builder.getIndexAttr(0)), high(2, builder.getIndexAttr(0));
  SmallVector<int64_t> shape(type.getShape());
  for (unsigned i : {0u, 1u}) {
    low.push_back(builder.getIndexAttr(pads[2 * i]));
    high.push_back(builder.getIndexAttr(pads[2 * i + 1]));
    shape[2 + i] += pads[2 * i] + pads[2 * i + 1];
  }
  return tensor::PadOp::create(builder, loc, type.clone(shape), x, low, high, scalar);
}

AffineExpr mlir::cell::windowExpr(const Window2D &window, unsigned i, AffineExpr position, AffineExpr tap) {
  return position * window.strides[i] + tap * window.dilations[i];
}

/// i - offset as an index.
static Value minus(OpBuilder &builder, Location loc, Value x, int64_t offset) {
  return offset ? arith::SubIOp::create(builder, loc, x, arith::ConstantIndexOp::create(builder, loc, offset)) : x;
}
static Value times(OpBuilder &builder, Location loc, Value x, int64_t factor) {
  return factor == 1 ? x : arith::MulIOp::create(builder, loc, x, arith::ConstantIndexOp::create(builder, loc, factor));
}

/// Whether 0 <= x < size, and x or 0.
static Place limited(OpBuilder &builder, Location loc, Value x, int64_t size, Value also = nullptr) {
  // A negative index is a large one when read without sign.
  Value exists = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult, x, arith::ConstantIndexOp::create(builder, loc, size));
  if (also)
    exists = arith::AndIOp::create(builder, loc, exists, also);
  return {arith::SelectOp::create(builder, loc, exists, x, arith::ConstantIndexOp::create(builder, loc, 0)), exists};
}

Place mlir::cell::inputPlace(OpBuilder &builder, Location loc, const Window2D &window, unsigned i, Value position, Value tap, int64_t inputSize) {
  Value start = times(builder, loc, position, window.strides[i]);
  Value padded = arith::AddIOp::create(builder, loc, start, times(builder, loc, tap, window.dilations[i]));
  return limited(builder, loc, minus(builder, loc, padded, window.padBefore(i)), inputSize);
}

Place mlir::cell::windowPlace(OpBuilder &builder, Location loc, const Window2D &window, unsigned i, Value element, Value tap, int64_t windows) {
  Value padded = minus(builder, loc, element, -window.padBefore(i));
  Value start = arith::SubIOp::create(builder, loc, padded, times(builder, loc, tap, window.dilations[i]));
  if (window.strides[i] == 1)
    return limited(builder, loc, start, windows);
  Value stride = arith::ConstantIndexOp::create(builder, loc, window.strides[i]), zero = arith::ConstantIndexOp::create(builder, loc, 0);
  // Towards zero: where start is negative the remainder or the quotient (0 only with a remainder) gives it away.
  Value quotient = arith::DivSIOp::create(builder, loc, start, stride), remainder = arith::RemSIOp::create(builder, loc, start, stride);
  return limited(builder, loc, quotient, windows, arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, remainder, zero));
}

SmallVector<Value> mlir::cell::createWindowed(OpBuilder &builder, Location loc, unsigned parallel, unsigned reductions, ValueRange inputs,
                                              ArrayRef<AffineMap> maps, ValueRange inits,
                                              function_ref<SmallVector<Value>(OpBuilder &, Location, ValueRange)> body) {
  SmallVector<AffineMap> all(maps);
  AffineMap outer = AffineMap::getMultiDimIdentityMap(parallel + reductions, builder.getContext()).getMajorSubMap(parallel);
  all.append(inits.size(), outer);
  SmallVector<utils::IteratorType> iterators(parallel, utils::IteratorType::parallel);
  iterators.append(reductions, utils::IteratorType::reduction);
  auto generic = linalg::GenericOp::create(builder, loc, TypeRange(inits), inputs, inits, all, iterators,
                                           [&](OpBuilder &nested, Location loc, ValueRange args) {
                                             linalg::YieldOp::create(nested, loc, body(nested, loc, args));
                                           });
  return llvm::to_vector(ValueRange(generic.getResults()));
}

Value mlir::cell::extend(OpBuilder &builder, Location loc, Value x, Type element) {
  return x.getType() == element ? x : arith::ExtFOp::create(builder, loc, element, x).getResult();
}

Value mlir::cell::createScatterSum(OpBuilder &builder, Location loc, const Window2D &window, ArrayRef<int64_t> windows, Value init,
                                   ScatterTerm term) {
  // The generic's reduction loops take their sizes from an operand that nobody reads.
  Type wide = cast<RankedTensorType>(init.getType()).getElementType();
  Value taps = tensor::EmptyOp::create(builder, loc, window.kernel, wide);
  AffineMap map = AffineMap::getMultiDimIdentityMap(6, builder.getContext()).getMinorSubMap(2);
  return createWindowed(builder, loc, 4, 2, taps, map, init, [&](OpBuilder &nested, Location loc, ValueRange args) -> SmallVector<Value> {
    SmallVector<Value> index;
    for (unsigned d = 0; d < 6; ++d)
      index.push_back(linalg::IndexOp::create(nested, loc, d));
    Place row = windowPlace(nested, loc, window, 0, index[2], index[4], windows[0]);
    Place column = windowPlace(nested, loc, window, 1, index[3], index[5], windows[1]);
    Value place[] = {index[0], index[1], row.index, column.index};
    Value value = term(nested, loc, place, ArrayRef<Value>(index).drop_front(4));
    bool isFloat = isa<FloatType>(wide);
    Value zero = arith::ConstantOp::create(nested, loc, nested.getZeroAttr(wide));
    Value exists = arith::AndIOp::create(nested, loc, row.exists, column.exists);
    Value taken = arith::SelectOp::create(nested, loc, exists, value, zero);
    return {isFloat ? arith::AddFOp::create(nested, loc, args[1], taken).getResult() : arith::AddIOp::create(nested, loc, args[1], taken).getResult()};
  })[0];
}

Value mlir::cell::createRoutine(OpBuilder &builder, Location loc, StringRef routine, ValueRange inputs, ArrayRef<int64_t> shape,
                                ArrayRef<int64_t> params) {
  Type element = cast<RankedTensorType>(inputs[0].getType()).getElementType(), wide = accumulatorType(element);
  SmallVector<Value> ins;
  for (Value input : inputs)
    ins.push_back(createPrecision(builder, loc, input, wide));
  Value init = tensor::EmptyOp::create(builder, loc, shape, wide);
  auto call = cellrt::CallOp::create(builder, loc, routine, ins, ValueRange{init}, params);
  return createPrecision(builder, loc, call->getResult(0), element);
}
