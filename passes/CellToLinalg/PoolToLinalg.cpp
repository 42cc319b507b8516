//===- PoolToLinalg.cpp - pooling over windows -----------------------------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Scalar.h"
#include "passes/CellToLinalg/CellToLinalg.h"
#include "passes/CellToLinalg/WindowBuilders.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace mlir::cell;

namespace {
/// The runtime's parameters that all its pooling routines share.
SmallVector<int64_t> routineParams(const Window2D &window) {
  return llvm::to_vector(llvm::concat<const int64_t>(window.kernel, window.strides, window.pads));
}

/// Windows of 2 x 2 that tile the input: the runtime has vector code for them that beats generated loops (64x6x28x28 f32 on one core: forward
/// 0.06 against 0.15 ms, gradient 0.07 against 0.45 ms), because rows are short and neighbours are shuffled apart.
bool isPairwise(const Window2D &window, RankedTensorType input) {
  return window.isTiling() && window.kernel[0] == 2 && window.kernel[1] == 2 && input.getDimSize(2) % 2 == 0 && input.getDimSize(3) % 2 == 0 &&
         (input.getElementType().isF32() || input.getElementType().isF64());
}

/// More taps than this are not written out one by one.
constexpr int64_t maxUnrolledTaps = 16;

template <typename OpTy>
Window2D windowOf(OpTy op) {
  static constexpr int64_t noDilation[] = {1, 1};
  if constexpr (std::is_same_v<OpTy, AvgPool2DOp> || std::is_same_v<OpTy, AvgPool2DGradOp>)
    return {op.getKernel(), op.getStrides(), op.getPads(), noDilation};
  else
    return {op.getKernel(), op.getStrides(), op.getPads(), op.getDilations()};
}

LogicalResult checkStatic(Operation *op) {
  for (Type type : {op->getOperand(0).getType(), op->getResult(0).getType()})
    if (!cast<RankedTensorType>(type).hasStaticShape())
      return op->emitOpError("needs known shapes when it is lowered, but has ") << type;
  return success();
}

SmallVector<OpFoldResult> attributeSizes(OpBuilder &builder, ArrayRef<int64_t> shape) {
  return llvm::map_to_vector(shape, [&](int64_t size) -> OpFoldResult { return builder.getIndexAttr(size); });
}

/// n, c, row, column of windows and p, q of taps to the padded input.
AffineMap inputMap(MLIRContext *context, const Window2D &window) {
  AffineExpr n, c, i, j, p, q;
  bindDims(context, n, c, i, j, p, q);
  return AffineMap::get(6, 0, {n, c, windowExpr(window, 0, i, p), windowExpr(window, 1, j, q)}, context);
}
AffineMap tapMap(MLIRContext *context) { return AffineMap::getMultiDimIdentityMap(6, context).getMinorSubMap(2); }

/// How elements of one type compare.
struct Order {
  ElementKind kind;
  Type wide; // what comparisons happen in

  explicit Order(RankedTensorType type) : kind(getElementKind(type.getElementType())), wide(accumulatorType(getStorageType(type.getElementType()))) {}

  TypedAttr lowest() const {
    if (auto type = dyn_cast<FloatType>(wide))
      return FloatAttr::get(type, -INFINITY);
    unsigned bits = wide.getIntOrFloatBitWidth();
    return IntegerAttr::get(wide, kind == ElementKind::Signed ? APInt::getSignedMinValue(bits) : APInt::getMinValue(bits));
  }
  Value maximum(OpBuilder &builder, Location loc, Value a, Value b) const {
    if (kind == ElementKind::Float)
      return arith::MaximumFOp::create(builder, loc, a, b);
    if (kind == ElementKind::Signed)
      return arith::MaxSIOp::create(builder, loc, a, b);
    return arith::MaxUIOp::create(builder, loc, a, b);
  }
  /// Whether `x` takes the place of the maximum so far: it is larger, or the first NaN.
  Value exceeds(OpBuilder &builder, Location loc, Value x, Value maximum) const {
    if (kind != ElementKind::Float) {
      auto predicate = kind == ElementKind::Signed ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::ugt;
      return arith::CmpIOp::create(builder, loc, predicate, x, maximum);
    }
    Value notBelow = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UGT, x, maximum);
    Value isNumber = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::ORD, maximum, maximum);
    return arith::AndIOp::create(builder, loc, notBelow, isNumber);
  }
};

/// x padded with the lowest value.
Value createLowPadded(OpBuilder &builder, Location loc, Value x, const Order &order, const Window2D &window) {
  if (!window.isPadded())
    return x;
  Value low = buildCast(builder, loc, arith::ConstantOp::create(builder, loc, order.lowest()), order.wide,
                        cast<RankedTensorType>(x.getType()).getElementType());
  return createPadded(builder, loc, x, window.pads, low);
}

/// The number of a tap, row-major, as i32.
Value tapNumber(OpBuilder &builder, Location loc, const Window2D &window, Value p, Value q) {
  Value width = arith::ConstantIndexOp::create(builder, loc, window.kernel[1]);
  Value flat = arith::AddIOp::create(builder, loc, arith::MulIOp::create(builder, loc, p, width), q);
  return arith::IndexCastOp::create(builder, loc, builder.getI32Type(), flat);
}

/// For each window the number of its first maximum, row-major, as i32; -1 where all its taps fall between or beyond the elements of the input.
Value createFirstMaximum(OpBuilder &builder, Location loc, Value x, const Order &order, const Window2D &window, ArrayRef<int64_t> pooled) {
  ArrayRef<int64_t> inputShape = shapeOfTensor(x);
  Value padded = createLowPadded(builder, loc, x, order, window);
  Value taps = tensor::EmptyOp::create(builder, loc, window.kernel, order.wide);
  SmallVector<OpFoldResult> sizes = attributeSizes(builder, pooled);
  Value low = arith::ConstantOp::create(builder, loc, order.lowest());
  Value none = arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(-1));
  Value inits[] = {createFilled(builder, loc, sizes, low), createFilled(builder, loc, sizes, none)};
  AffineMap maps[] = {inputMap(builder.getContext(), window), tapMap(builder.getContext())};
  return createWindowed(builder, loc, 4, 2, {padded, taps}, maps, inits, [&](OpBuilder &builder, Location loc, ValueRange args) -> SmallVector<Value> {
    auto index = [&](unsigned d) -> Value { return linalg::IndexOp::create(builder, loc, d); };
    Value element = extend(builder, loc, args[0], order.wide), best = args[2], number = args[3];
    Value tap = tapNumber(builder, loc, window, index(4), index(5));
    Value isFirst = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, number, none);
    Value better = arith::OrIOp::create(builder, loc, isFirst, order.exceeds(builder, loc, element, best));
    if (window.isPadded())
      for (unsigned i : {0u, 1u})
        better = arith::AndIOp::create(builder, loc, better, inputPlace(builder, loc, window, i, index(2 + i), index(4 + i), inputShape[2 + i]).exists);
    return {arith::SelectOp::create(builder, loc, better, element, best).getResult(), arith::SelectOp::create(builder, loc, better, tap, number).getResult()};
  })[1];
}

/// Windows that tile the input: one parallel generic over n, c, row, p, column, q, reshaped; what the tiles leave over at the end is 0.
/// `body` gets the elements of the inputs, p and q.
Value createTiled(OpBuilder &builder, Location loc, ValueRange inputs, ArrayRef<AffineMap> maps, const Window2D &window, ArrayRef<int64_t> pooled,
                  RankedTensorType result, function_ref<Value(OpBuilder &, Location, ValueRange, Value, Value)> body) {
  int64_t tiled[] = {pooled[0], pooled[1], pooled[2], window.kernel[0], pooled[3], window.kernel[1]};
  Value tiles = createMap(builder, loc, inputs, maps, attributeSizes(builder, tiled), result.getElementType(),
                          [&](OpBuilder &nested, Location loc, ValueRange args) {
                            Value p = linalg::IndexOp::create(nested, loc, 3), q = linalg::IndexOp::create(nested, loc, 5);
                            return body(nested, loc, args, p, q);
                          });
  int64_t covered[] = {pooled[0], pooled[1], pooled[2] * window.kernel[0], pooled[3] * window.kernel[1]};
  Value flat = createShape(builder, loc, tiles, covered);
  int64_t pads[] = {0, result.getDimSize(2) - covered[2], 0, result.getDimSize(3) - covered[3]};
  return createPadded(builder, loc, flat, pads, arith::ConstantOp::create(builder, loc, builder.getZeroAttr(result.getElementType())));
}

/// n, c, row, p, column, q of a tiling to windows.
AffineMap tiledWindowMap(MLIRContext *context) {
  AffineExpr n, c, i, p, j, q;
  bindDims(context, n, c, i, p, j, q);
  return AffineMap::get(6, 0, {n, c, i, j}, context);
}

//===----------------------------------------------------------------------===//
// Maximum
//===----------------------------------------------------------------------===//

struct MaxPoolLowering : OpConversionPattern<MaxPool2DOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(MaxPool2DOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    if (failed(checkStatic(op)))
      return failure();
    Location loc = op.getLoc();
    Window2D window = windowOf(op);
    Order order(op.getType());
    if (isPairwise(window, op.getX().getType())) {
      SmallVector<int64_t> params = routineParams(window);
      llvm::append_range(params, window.dilations);
      rewriter.replaceOp(op, createRoutine(rewriter, loc, "maxpool2d", adaptor.getX(), op.getType().getShape(), params));
      return success();
    }
    Value padded = createLowPadded(rewriter, loc, adaptor.getX(), order, window);
    Value taps = tensor::EmptyOp::create(rewriter, loc, window.kernel, order.wide);
    Value init = createFilled(rewriter, loc, attributeSizes(rewriter, op.getType().getShape()), arith::ConstantOp::create(rewriter, loc, order.lowest()));
    AffineMap maps[] = {inputMap(rewriter.getContext(), window), tapMap(rewriter.getContext())};
    Value y = createWindowed(rewriter, loc, 4, 2, {padded, taps}, maps, init, [&](OpBuilder &builder, Location loc, ValueRange args) -> SmallVector<Value> {
      return {order.maximum(builder, loc, args[2], extend(builder, loc, args[0], order.wide))};
    })[0];
    rewriter.replaceOp(op, createPrecision(rewriter, loc, y, getStorageType(op.getType().getElementType())));
    return success();
  }
};

struct MaxPoolGradLowering : OpConversionPattern<MaxPool2DGradOp> {
  using OpConversionPattern::OpConversionPattern;

  /// Each element compares itself with the others of its tile.
  static Value lowerTiled(OpBuilder &builder, Location loc, Value x, Value dy, const Order &order, const Window2D &window, RankedTensorType result) {
    MLIRContext *context = builder.getContext();
    AffineExpr n, c, i, p, j, q;
    bindDims(context, n, c, i, p, j, q);
    SmallVector<AffineMap> maps{tiledWindowMap(context)};
    SmallVector<Value> inputs{dy};
    for (int64_t a = 0; a < window.kernel[0]; ++a)
      for (int64_t b = 0; b < window.kernel[1]; ++b) {
        maps.push_back(AffineMap::get(6, 0, {n, c, i * window.kernel[0] + a, j * window.kernel[1] + b}, context));
        inputs.push_back(x);
      }
    return createTiled(builder, loc, inputs, maps, window, shapeOfTensor(dy), result,
                       [&](OpBuilder &builder, Location loc, ValueRange args, Value p, Value q) -> Value {
                         auto constant = [&](int64_t value) -> Value { return arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(value)); };
                         Value best = extend(builder, loc, args[1], order.wide), first = constant(0);
                         for (int64_t tap = 1; tap < window.taps(); ++tap) {
                           Value element = extend(builder, loc, args[1 + tap], order.wide);
                           Value better = order.exceeds(builder, loc, element, best);
                           best = arith::SelectOp::create(builder, loc, better, element, best);
                           first = arith::SelectOp::create(builder, loc, better, constant(tap), first);
                         }
                         Value isFirst = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, first, tapNumber(builder, loc, window, p, q));
                         Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(args[0].getType()));
                         return arith::SelectOp::create(builder, loc, isFirst, args[0], zero);
                       });
  }

  LogicalResult matchAndRewrite(MaxPool2DGradOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    if (failed(checkStatic(op)))
      return failure();
    Location loc = op.getLoc();
    Window2D window = windowOf(op);
    Order order(op.getType());
    Value x = adaptor.getX(), dy = adaptor.getDy();
    auto type = cast<RankedTensorType>(x.getType());
    ArrayRef<int64_t> pooled = shapeOfTensor(dy);
    if (window.isTiling() && window.taps() <= maxUnrolledTaps && !isPairwise(window, type)) {
      rewriter.replaceOp(op, lowerTiled(rewriter, loc, x, dy, order, window, type));
      return success();
    }
    if (isa<FloatType>(order.wide)) {
      SmallVector<int64_t> params = routineParams(window);
      llvm::append_range(params, window.dilations);
      rewriter.replaceOp(op, createRoutine(rewriter, loc, "maxpool2d_dx", {x, dy}, type.getShape(), params));
      return success();
    }
    Value first = createFirstMaximum(rewriter, loc, x, order, window, pooled);
    Value zero = arith::ConstantOp::create(rewriter, loc, rewriter.getZeroAttr(order.wide));
    Value init = createFilled(rewriter, loc, attributeSizes(rewriter, type.getShape()), zero);
    Value dx = createScatterSum(rewriter, loc, window, pooled.drop_front(2), init,
                                [&](OpBuilder &builder, Location loc, ArrayRef<Value> place, ArrayRef<Value> taps) -> Value {
                                  Value tap = tapNumber(builder, loc, window, taps[0], taps[1]);
                                  Value taken = tensor::ExtractOp::create(builder, loc, first, place);
                                  Value isTaken = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, taken, tap);
                                  Value element = tensor::ExtractOp::create(builder, loc, dy, place);
                                  return arith::SelectOp::create(builder, loc, isTaken, extend(builder, loc, element, order.wide), zero);
                                });
    rewriter.replaceOp(op, createPrecision(rewriter, loc, dx, type.getElementType()));
    return success();
  }
};

struct MaxPoolGatherLowering : OpConversionPattern<MaxPool2DGatherOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(MaxPool2DGatherOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    if (failed(checkStatic(op)))
      return failure();
    Location loc = op.getLoc();
    Window2D window = windowOf(op);
    Value t = adaptor.getT();
    ArrayRef<int64_t> pooled = op.getType().getShape(), inputShape = shapeOfTensor(t);
    Type element = cast<RankedTensorType>(t.getType()).getElementType();
    Value first = createFirstMaximum(rewriter, loc, adaptor.getX(), Order(op.getType()), window, pooled);
    Value zero = arith::ConstantOp::create(rewriter, loc, rewriter.getZeroAttr(element));
    Value y = createMap(rewriter, loc, first, attributeSizes(rewriter, pooled), element, [&](OpBuilder &builder, Location loc, ValueRange args) -> Value {
      auto index = [&](unsigned d) -> Value { return linalg::IndexOp::create(builder, loc, d); };
      Value none = arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(0));
      Value found = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge, args[0], none);
      Value tap = arith::IndexCastOp::create(builder, loc, builder.getIndexType(), arith::MaxSIOp::create(builder, loc, args[0], none));
      Value width = arith::ConstantIndexOp::create(builder, loc, window.kernel[1]);
      Value p = arith::DivUIOp::create(builder, loc, tap, width), q = arith::RemUIOp::create(builder, loc, tap, width);
      Value row = inputPlace(builder, loc, window, 0, index(2), p, inputShape[2]).index;
      Value column = inputPlace(builder, loc, window, 1, index(3), q, inputShape[3]).index;
      Value picked = tensor::ExtractOp::create(builder, loc, t, ValueRange{index(0), index(1), row, column});
      return arith::SelectOp::create(builder, loc, found, picked, zero);
    });
    rewriter.replaceOp(op, y);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Mean
//===----------------------------------------------------------------------===//

/// `x` divided by the number of elements of the window at (row, column) that count.
Value divideByCount(OpBuilder &builder, Location loc, Value x, Value row, Value column, const Window2D &window, bool countPad,
                    ArrayRef<int64_t> inputSize) {
  Type type = x.getType();
  if (countPad || !window.isPadded())
    return arith::DivFOp::create(builder, loc, x, buildNumber(builder, loc, type, window.taps()));
  auto inside = [&](unsigned i, Value position) -> Value {
    auto constant = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(builder, loc, value); };
    Value start = arith::SubIOp::create(builder, loc, arith::MulIOp::create(builder, loc, position, constant(window.strides[i])),
                                        constant(window.padBefore(i)));
    Value stop = arith::AddIOp::create(builder, loc, start, constant(window.kernel[i]));
    return arith::SubIOp::create(builder, loc, arith::MinSIOp::create(builder, loc, stop, constant(inputSize[i])),
                                 arith::MaxSIOp::create(builder, loc, start, constant(0)));
  };
  Value count = arith::MulIOp::create(builder, loc, inside(0, row), inside(1, column));
  Value word = arith::IndexCastOp::create(builder, loc, builder.getI32Type(), count);
  return arith::DivFOp::create(builder, loc, x, arith::SIToFPOp::create(builder, loc, type, word));
}

struct AvgPoolLowering : OpConversionPattern<AvgPool2DOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(AvgPool2DOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    if (failed(checkStatic(op)))
      return failure();
    Location loc = op.getLoc();
    Window2D window = windowOf(op);
    Type element = op.getType().getElementType(), wide = accumulatorType(element);
    ArrayRef<int64_t> inputSize = shapeOfTensor(adaptor.getX()).drop_front(2);
    SmallVector<OpFoldResult> sizes = attributeSizes(rewriter, op.getType().getShape());
    Value padded = createPadded(rewriter, loc, adaptor.getX(), window.pads, buildNumber(rewriter, loc, element, 0));
    Value taps = tensor::EmptyOp::create(rewriter, loc, window.kernel, wide);
    Value init = createFilled(rewriter, loc, sizes, buildNumber(rewriter, loc, wide, 0));
    AffineMap maps[] = {inputMap(rewriter.getContext(), window), tapMap(rewriter.getContext())};
    Value sum = createWindowed(rewriter, loc, 4, 2, {padded, taps}, maps, init, [&](OpBuilder &builder, Location loc, ValueRange args) -> SmallVector<Value> {
      return {arith::AddFOp::create(builder, loc, args[2], extend(builder, loc, args[0], wide)).getResult()};
    })[0];
    Value mean = createMap(rewriter, loc, sum, sizes, element, [&](OpBuilder &builder, Location loc, ValueRange args) -> Value {
      Value row = linalg::IndexOp::create(builder, loc, 2), column = linalg::IndexOp::create(builder, loc, 3);
      return buildCast(builder, loc, divideByCount(builder, loc, args[0], row, column, window, op.getCountIncludePad(), inputSize), wide, element);
    });
    rewriter.replaceOp(op, mean);
    return success();
  }
};

struct AvgPoolGradLowering : OpConversionPattern<AvgPool2DGradOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(AvgPool2DGradOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    if (failed(checkStatic(op)))
      return failure();
    Location loc = op.getLoc();
    Window2D window = windowOf(op);
    Value dy = adaptor.getDy();
    Type element = op.getType().getElementType(), wide = accumulatorType(element);
    if (window.isTiling()) {
      Value dx = createTiled(rewriter, loc, dy, tiledWindowMap(rewriter.getContext()), window, shapeOfTensor(dy), op.getType(),
                             [&](OpBuilder &builder, Location loc, ValueRange args, Value, Value) {
                               Value count = buildNumber(builder, loc, wide, window.taps());
                               return buildCast(builder, loc, arith::DivFOp::create(builder, loc, extend(builder, loc, args[0], wide), count), wide, element);
                             });
      rewriter.replaceOp(op, dx);
      return success();
    }
    SmallVector<int64_t> params = routineParams(window);
    params.push_back(op.getCountIncludePad());
    rewriter.replaceOp(op, createRoutine(rewriter, loc, "avgpool2d_dx", dy, op.getType().getShape(), params));
    return success();
  }
};
} // namespace

void mlir::cell::populatePoolToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<MaxPoolLowering, MaxPoolGradLowering, MaxPoolGatherLowering, AvgPoolLowering, AvgPoolGradLowering>(converter, patterns.getContext());
}
