//===- IndexToLinalg.cpp - ops that compute with positions -----------------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Scalar.h"
#include "dialect/Rt/RtOps.h"
#include "passes/CellToLinalg/CellToLinalg.h"
#include "passes/CellToLinalg/LinalgBuilders.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Where an index points in a dimension of `size`: a negative one counts from the end. `at` is in range whatever the index is.
struct Position {
  Value inside, at;
  Position(OpBuilder &builder, Location loc, Value index, Type dtype, Value size) {
    Type indexType = builder.getIndexType();
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value position = dtype.isUnsignedInteger() ? arith::IndexCastUIOp::create(builder, loc, indexType, index).getResult()
                                               : arith::IndexCastOp::create(builder, loc, indexType, index).getResult();
    Value negative = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, position, zero);
    position = arith::SelectOp::create(builder, loc, negative, arith::AddIOp::create(builder, loc, position, size), position);
    inside = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult, position, size);
    at = arith::SelectOp::create(builder, loc, inside, position, zero);
  }
};

struct GatherToGeneric : OpConversionPattern<GatherOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(GatherOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value x = adaptor.getX(), indices = adaptor.getIndices();
    int64_t axis = op.getAxis(), taken = op.getIndices().getType().getRank();
    Type element = getElementTypeOrSelf(x.getType()), dtype = op.getIndices().getType().getElementType();
    SmallVector<OpFoldResult> from = sizesOf(rewriter, loc, x), sizes(from.begin(), from.begin() + axis);
    llvm::append_range(sizes, sizesOf(rewriter, loc, indices));
    llvm::append_range(sizes, llvm::drop_begin(from, axis + 1));
    if (isConstantIntValue(from[axis], 0)) {
      rewriter.replaceOp(op, createFilled(rewriter, loc, sizes, buildNumber(rewriter, loc, element, 0)));
      return success();
    }
    Value size = getValueOrCreateConstantIndexOp(rewriter, loc, from[axis]);
    SmallVector<AffineExpr> exprs;
    for (int64_t i : llvm::seq<int64_t>(taken))
      exprs.push_back(rewriter.getAffineDimExpr(axis + i));
    AffineMap map = AffineMap::get(sizes.size(), 0, exprs, rewriter.getContext());
    auto body = [&](OpBuilder &builder, Location loc, ValueRange args) -> Value {
      Position position(builder, loc, args[0], dtype, size);
      SmallVector<Value> where;
      for (int64_t i : llvm::seq<int64_t>(from.size()))
        where.push_back(i == axis ? position.at : linalg::IndexOp::create(builder, loc, i < axis ? i : i + taken - 1).getResult());
      Value value = tensor::ExtractOp::create(builder, loc, x, where);
      return arith::SelectOp::create(builder, loc, position.inside, value, buildNumber(builder, loc, element, 0));
    };
    rewriter.replaceOp(op, createMap(rewriter, loc, indices, map, sizes, element, body));
    return success();
  }
};

/// The runtime's routine; for dynamic shapes a loop over the indices, in order, that adds one slice at a time in place, where an index out of
/// range adds 0 to the first slice.
struct ScatterAdd : OpConversionPattern<ScatterAddOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ScatterAddOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t axis = op.getAxis();
    auto type = cast<RankedTensorType>(adaptor.getX().getType());
    Type element = type.getElementType(), wide = accumulatorType(element), dtype = op.getIndices().getType().getElementType();
    SmallVector<OpFoldResult> sizes = sizesOf(rewriter, loc, adaptor.getX());
    if (isConstantIntValue(sizes[axis], 0)) {
      rewriter.replaceOp(op, adaptor.getX());
      return success();
    }
    // One dimension of indices.
    ArrayRef<int64_t> indexShape = op.getIndices().getType().getShape();
    int64_t count = op.getIndices().getType().hasStaticShape() ? op.getIndices().getType().getNumElements() : ShapedType::kDynamic;
    SmallVector<int64_t> shape(type.getShape());
    shape[axis] = count;
    if (indexShape.size() != 1 && llvm::count_if(shape, ShapedType::isDynamic) > 1)
      return op.emitOpError("has no lowering to linalg with more than one dynamic dimension");
    Value indices = createShape(rewriter, loc, adaptor.getIndices(), {count});
    Value updates = indexShape.size() == 1 ? adaptor.getUpdates() : createShape(rewriter, loc, adaptor.getUpdates(), shape);

    if (type.hasStaticShape() && !ShapedType::isDynamic(count)) {
      if (type.getNumElements() == 0 || count == 0)
        rewriter.replaceOp(op, adaptor.getX());
      else
        rewriter.replaceOp(op, buildCall(rewriter, loc, adaptor.getX(), indices, updates, axis, wide, dtype));
      return success();
    }
    Value x = createPrecision(rewriter, loc, adaptor.getX(), wide);
    rewriter.replaceOp(op, createPrecision(rewriter, loc, buildLoop(rewriter, loc, x, indices, updates, axis, wide, dtype), element));
    return success();
  }

  /// The tensor in the type that sums are computed in: f32 for smaller floats; 32 bits for smaller integers, whose lowest bits are the sums in their own type.
  static Value widen(OpBuilder &builder, Location loc, Value x, Type wide) {
    if (isa<FloatType>(wide))
      return createPrecision(builder, loc, x, wide);
    return resize(builder, loc, x, wide);
  }
  static Value resize(OpBuilder &builder, Location loc, Value x, Type to) {
    if (getElementTypeOrSelf(x.getType()) == to)
      return x;
    bool narrower = to.getIntOrFloatBitWidth() < getElementTypeOrSelf(x.getType()).getIntOrFloatBitWidth();
    return createMap(builder, loc, x, sizesOf(builder, loc, x), to, [&](OpBuilder &builder, Location loc, ValueRange args) -> Value {
      return narrower ? arith::TruncIOp::create(builder, loc, to, args[0]).getResult() : arith::ExtSIOp::create(builder, loc, to, args[0]).getResult();
    });
  }

  static Value buildCall(OpBuilder &builder, Location loc, Value x, Value indices, Value updates, int64_t axis, Type wide, Type dtype) {
    auto type = cast<RankedTensorType>(x.getType());
    Type i64 = builder.getI64Type(), element = type.getElementType();
    if (wide.isInteger() && wide.getIntOrFloatBitWidth() < 32)
      wide = builder.getI32Type();
    // The routine takes i64, rows along the first axis, and skips negative indices; ours count from the end.
    int64_t size = type.getDimSize(axis), count = cast<RankedTensorType>(indices.getType()).getDimSize(0), outer = 1, inner = 1;
    for (int64_t extent : type.getShape().take_front(axis))
      outer *= extent;
    for (int64_t extent : type.getShape().drop_front(axis + 1))
      inner *= extent;
    // Computed in i32 where all rows have a number there: devices do that fast.
    bool isShort = outer * size < INT32_MAX && (dtype.getIntOrFloatBitWidth() < 32 || dtype.isSignlessInteger(32));
    Type narrow = isShort ? builder.getI32Type() : i64;
    Value end = buildNumber(builder, loc, narrow, size), zero = buildNumber(builder, loc, narrow, 0);
    auto compare = [](OpBuilder &builder, Location loc, arith::CmpIPredicate predicate, Value a, Value b) -> Value { return arith::CmpIOp::create(builder, loc, predicate, a, b); };
    auto fromEnd = [&](OpBuilder &builder, Location loc, Value index) -> Value {
      index = buildCast(builder, loc, index, dtype, narrow);
      Value negative = compare(builder, loc, arith::CmpIPredicate::slt, index, zero);
      return arith::SelectOp::create(builder, loc, negative, arith::AddIOp::create(builder, loc, index, end), index);
    };
    auto wide64 = [&](OpBuilder &builder, Location loc, Value index) { return buildCast(builder, loc, index, narrow, i64); };
    if (axis == 0) {
      indices = createMap(builder, loc, indices, sizesOf(builder, loc, indices), i64,
                          [&](OpBuilder &builder, Location loc, ValueRange args) -> Value { return wide64(builder, loc, fromEnd(builder, loc, args[0])); });
    } else { // rows of all the slices along the axes before: slice o has the rows from o * size on
      OpFoldResult sizes[] = {builder.getIndexAttr(outer), builder.getIndexAttr(count)};
      AffineMap map = AffineMap::get(2, 0, builder.getAffineDimExpr(1));
      indices = createMap(builder, loc, indices, map, sizes, i64, [&](OpBuilder &builder, Location loc, ValueRange args) -> Value {
        Value index = fromEnd(builder, loc, args[0]);
        Value inside = arith::AndIOp::create(builder, loc, compare(builder, loc, arith::CmpIPredicate::sge, index, zero), compare(builder, loc, arith::CmpIPredicate::slt, index, end));
        Value slice = arith::IndexCastOp::create(builder, loc, narrow, linalg::IndexOp::create(builder, loc, 0));
        Value row = arith::AddIOp::create(builder, loc, arith::MulIOp::create(builder, loc, slice, end), index);
        return wide64(builder, loc, arith::SelectOp::create(builder, loc, inside, row, buildNumber(builder, loc, narrow, -1)));
      });
      indices = createShape(builder, loc, indices, {outer * count});
      x = createShape(builder, loc, x, {outer * size, inner});
      updates = createShape(builder, loc, updates, {outer * count, inner});
    }
    x = widen(builder, loc, x, wide);
    updates = widen(builder, loc, updates, wide);
    Value result = cellrt::CallOp::create(builder, loc, "scatter_add", ValueRange{indices, updates}, x).getResult(0);
    result = isa<FloatType>(wide) ? createPrecision(builder, loc, result, element) : resize(builder, loc, result, element);
    return createShape(builder, loc, result, type.getShape());
  }

  static Value buildLoop(OpBuilder &rewriter, Location loc, Value x, Value indices, Value updates, int64_t axis, Type wide, Type dtype) {
    SmallVector<OpFoldResult> sizes = sizesOf(rewriter, loc, x), updateSizes = sizesOf(rewriter, loc, updates);
    Type element = getElementTypeOrSelf(updates.getType());
    Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0), one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    Value size = getValueOrCreateConstantIndexOp(rewriter, loc, sizes[axis]);
    Value end = getValueOrCreateConstantIndexOp(rewriter, loc, updateSizes[axis]);
    auto loop = scf::ForOp::create(rewriter, loc, zero, end, one, x, [&](OpBuilder &builder, Location loc, Value i, ValueRange carried) {
      Value index = tensor::ExtractOp::create(builder, loc, indices, i);
      Position position(builder, loc, index, dtype, size);
      Value update = takeAlong(builder, loc, updates, updateSizes, axis, i), slot = takeAlong(builder, loc, carried[0], sizes, axis, position.at);
      auto add = [&](OpBuilder &builder, Location loc, ValueRange args) -> Value {
        Value y = wide == element ? args[0] : arith::ExtFOp::create(builder, loc, wide, args[0]).getResult();
        y = arith::SelectOp::create(builder, loc, position.inside, y, buildNumber(builder, loc, wide, 0));
        return isa<FloatType>(wide) ? arith::AddFOp::create(builder, loc, args[1], y).getResult()
                                    : arith::AddIOp::create(builder, loc, args[1], y).getResult();
      };
      Value sum = createReduction(builder, loc, update, {}, slot, add);
      scf::YieldOp::create(builder, loc, putAlong(builder, loc, sum, carried[0], sizes, axis, position.at));
    });
    return loop.getResult(0);
  }
};

struct IotaToGeneric : OpConversionPattern<IotaOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(IotaOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> sizes;
    for (int64_t size : op.getShape())
      sizes.push_back(rewriter.getIndexAttr(size));
    auto body = [&](OpBuilder &builder, Location loc, ValueRange) {
      Type i64 = builder.getI64Type();
      Value at = arith::IndexCastOp::create(builder, loc, i64, linalg::IndexOp::create(builder, loc, op.getAxis()));
      return buildCast(builder, loc, at, i64, op.getDtype());
    };
    rewriter.replaceOp(op, createMap(rewriter, loc, {}, sizes, getStorageType(op.getDtype()), body));
    return success();
  }
};
} // namespace

void mlir::cell::populateIndexToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<GatherToGeneric, ScatterAdd, IotaToGeneric>(converter, patterns.getContext());
}
