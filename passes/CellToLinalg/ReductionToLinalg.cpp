//===- ReductionToLinalg.cpp - ops that combine elements along axes --------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Scalar.h"
#include "passes/CellToLinalg/CellToLinalg.h"
#include "passes/CellToLinalg/LinalgBuilders.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

#include <limits>

using namespace mlir;
using namespace mlir::cell;

namespace {
/// What a reduction starts with and how it takes an element in; `type` is the accumulator's, `kind` that of the tensor.
struct Combiner {
  Value (*identity)(OpBuilder &, Location, Type type, ElementKind kind);
  Value (*combine)(OpBuilder &, Location, Value accumulator, Value element, ElementKind kind);
};

template <typename FloatOp, typename SignedOp, typename UnsignedOp>
Value combineWith(OpBuilder &builder, Location loc, Value accumulator, Value element, ElementKind kind) {
  if (kind == ElementKind::Float)
    return FloatOp::create(builder, loc, accumulator, element);
  if (kind == ElementKind::Signed)
    return SignedOp::create(builder, loc, accumulator, element);
  return UnsignedOp::create(builder, loc, accumulator, element);
}

template <int number>
Value constantIdentity(OpBuilder &builder, Location loc, Type type, ElementKind) {
  return buildNumber(builder, loc, type, number);
}

/// The element that loses against every other: -inf or the smallest integer for a maximum.
template <bool isMax>
Value extremeIdentity(OpBuilder &builder, Location loc, Type type, ElementKind kind) {
  if (auto floatType = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(builder, loc, FloatAttr::get(type, APFloat::getInf(floatType.getFloatSemantics(), isMax)));
  unsigned bits = type.getIntOrFloatBitWidth();
  APInt limit = kind == ElementKind::Signed ? (isMax ? APInt::getSignedMinValue(bits) : APInt::getSignedMaxValue(bits))
                                            : (isMax ? APInt::getMinValue(bits) : APInt::getMaxValue(bits));
  return arith::ConstantOp::create(builder, loc, IntegerAttr::get(type, limit));
}

Combiner combinerOf(ReduceSumOp) { return {constantIdentity<0>, combineWith<arith::AddFOp, arith::AddIOp, arith::AddIOp>}; }
Combiner combinerOf(ReduceProdOp) { return {constantIdentity<1>, combineWith<arith::MulFOp, arith::MulIOp, arith::MulIOp>}; }
Combiner combinerOf(ReduceMaxOp) { return {extremeIdentity<true>, combineWith<arith::MaximumFOp, arith::MaxSIOp, arith::MaxUIOp>}; }
Combiner combinerOf(ReduceMinOp) { return {extremeIdentity<false>, combineWith<arith::MinimumFOp, arith::MinSIOp, arith::MinUIOp>}; }
Combiner combinerOf(ReduceAnyOp) { return {constantIdentity<0>, combineWith<arith::MaximumFOp, arith::OrIOp, arith::OrIOp>}; }
Combiner combinerOf(ReduceAllOp) { return {constantIdentity<1>, combineWith<arith::MinimumFOp, arith::AndIOp, arith::AndIOp>}; }

SmallVector<OpFoldResult> keptSizes(OpBuilder &builder, Location loc, Value x, ArrayRef<int64_t> axes) {
  SmallVector<OpFoldResult> sizes;
  for (auto [i, size] : llvm::enumerate(sizesOf(builder, loc, x)))
    if (!llvm::is_contained(axes, static_cast<int64_t>(i)))
      sizes.push_back(size);
  return sizes;
}

template <typename Op>
struct ReduceToGeneric : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    ElementKind kind = getElementKind(getElementTypeOrSelf(op.getX().getType()));
    Type element = getElementTypeOrSelf(adaptor.getX().getType());
    // The extremes are exact in any precision.
    bool isExact = isa<ReduceMaxOp, ReduceMinOp>(op.getOperation());
    Type wide = isExact ? element : accumulatorType(element);
    Combiner combiner = combinerOf(op);
    SmallVector<OpFoldResult> sizes = keptSizes(rewriter, loc, adaptor.getX(), op.getAxes());
    Value init = createFilled(rewriter, loc, sizes, combiner.identity(rewriter, loc, wide, kind));
    Value result = createReduction(rewriter, loc, adaptor.getX(), op.getAxes(), init, [&](OpBuilder &builder, Location loc, ValueRange args) {
      Value x = wide == element ? args[0] : arith::ExtFOp::create(builder, loc, wide, args[0]).getResult();
      return combiner.combine(builder, loc, args[1], x, kind);
    });
    result = createPrecision(rewriter, loc, result, element);
    rewriter.replaceOp(op, createShape(rewriter, loc, result, cast<RankedTensorType>(op.getType()).getShape()));
    return success();
  }
};

/// A generic that reduces to the extreme and its position. Which element wins does not depend on the order of the loop.
template <typename Op>
struct ArgToGeneric : OpConversionPattern<Op> {
  static constexpr bool isMax = std::is_same_v<Op, ArgmaxOp>;
  using OpConversionPattern<Op>::OpConversionPattern;

  static Value wins(OpBuilder &builder, Location loc, Value x, Value at, Value best, Value bestAt, ElementKind kind) {
    Value earlier = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, at, bestAt);
    if (kind != ElementKind::Float) {
      using P = arith::CmpIPredicate;
      P predicate = kind == ElementKind::Signed ? (isMax ? P::sgt : P::slt) : (isMax ? P::ugt : P::ult);
      Value better = arith::CmpIOp::create(builder, loc, predicate, x, best);
      Value tied = arith::CmpIOp::create(builder, loc, P::eq, x, best);
      return arith::OrIOp::create(builder, loc, better, arith::AndIOp::create(builder, loc, tied, earlier));
    }
    using P = arith::CmpFPredicate;
    auto compare = [&](P predicate, Value a, Value b) -> Value { return arith::CmpFOp::create(builder, loc, predicate, a, b); };
    Value isNaN = compare(P::UNO, x, x), bestIsNaN = compare(P::UNO, best, best);
    // Not ordered against a NaN: then only another NaN, earlier, wins.
    Value better = compare(isMax ? P::OGT : P::OLT, x, best), tied = compare(P::OEQ, x, best);
    Value firstNaN = arith::AndIOp::create(builder, loc, isNaN, arith::XOrIOp::create(builder, loc, bestIsNaN, buildNumber(builder, loc, isNaN.getType(), 1)));
    tied = arith::OrIOp::create(builder, loc, tied, arith::AndIOp::create(builder, loc, isNaN, bestIsNaN));
    better = arith::OrIOp::create(builder, loc, better, firstNaN);
    return arith::OrIOp::create(builder, loc, better, arith::AndIOp::create(builder, loc, tied, earlier));
  }

  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t axis = op.getAxis();
    Value x = adaptor.getX();
    auto type = cast<RankedTensorType>(x.getType());
    ElementKind kind = getElementKind(getElementTypeOrSelf(op.getX().getType()));
    SmallVector<OpFoldResult> sizes = keptSizes(rewriter, loc, x, axis);
    Value best = createFilled(rewriter, loc, sizes, extremeIdentity<isMax>(rewriter, loc, type.getElementType(), kind));
    Value bestAt = createFilled(rewriter, loc, sizes, arith::ConstantIntOp::create(rewriter, loc, std::numeric_limits<int64_t>::max(), 64));
    SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
    iterators[axis] = utils::IteratorType::reduction;
    SmallVector<AffineExpr> kept;
    for (int64_t i : llvm::seq<int64_t>(type.getRank()))
      if (i != axis)
        kept.push_back(rewriter.getAffineDimExpr(i));
    AffineMap out = AffineMap::get(type.getRank(), 0, kept, rewriter.getContext());
    AffineMap maps[] = {rewriter.getMultiDimIdentityMap(type.getRank()), out, out};
    auto generic = linalg::GenericOp::create(
        rewriter, loc, TypeRange{best.getType(), bestAt.getType()}, x, ValueRange{best, bestAt}, maps, iterators,
        [&](OpBuilder &builder, Location loc, ValueRange args) {
          Value at = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), linalg::IndexOp::create(builder, loc, axis));
          Value win = wins(builder, loc, args[0], at, args[1], args[2], kind);
          Value values[] = {arith::SelectOp::create(builder, loc, win, args[0], args[1]), arith::SelectOp::create(builder, loc, win, at, args[2])};
          linalg::YieldOp::create(builder, loc, values);
        });
    rewriter.replaceOp(op, createShape(rewriter, loc, generic.getResult(1), cast<RankedTensorType>(op.getType()).getShape()));
    return success();
  }
};

/// For each line along the axis, a loop with the running sum in a register.
struct CumsumToLoops : OpConversionPattern<CumsumOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(CumsumOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    size_t axis = op.getAxis();
    Value x = adaptor.getX();
    Type element = getElementTypeOrSelf(x.getType()), wide = accumulatorType(element);
    SmallVector<OpFoldResult> sizes = sizesOf(rewriter, loc, x);
    Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0), one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    SmallVector<Value> lower(sizes.size() - 1, zero), step(sizes.size() - 1, one), upper;
    for (auto [i, size] : llvm::enumerate(sizes))
      if (i != axis)
        upper.push_back(getValueOrCreateConstantIndexOp(rewriter, loc, size));
    Value count = getValueOrCreateConstantIndexOp(rewriter, loc, sizes[axis]), start = buildNumber(rewriter, loc, wide, 0);
    Value last = arith::SubIOp::create(rewriter, loc, count, one);

    auto line = [&](OpBuilder &builder, Location loc, ValueRange outer, ValueRange carried) -> scf::ValueVector {
      auto visit = [&](OpBuilder &builder, Location loc, Value k, ValueRange carried) {
        SmallVector<Value> position(outer);
        position.insert(position.begin() + axis, op.getReverse() ? arith::SubIOp::create(builder, loc, last, k).getResult() : k);
        Value y = tensor::ExtractOp::create(builder, loc, x, position);
        if (wide != element)
          y = arith::ExtFOp::create(builder, loc, wide, y);
        Value sum = isa<FloatType>(wide) ? arith::AddFOp::create(builder, loc, carried[1], y).getResult()
                                         : arith::AddIOp::create(builder, loc, carried[1], y).getResult();
        Value stored = op.getExclusive() ? carried[1] : sum;
        if (wide != element)
          stored = arith::TruncFOp::create(builder, loc, element, stored);
        Value result = tensor::InsertOp::create(builder, loc, stored, carried[0], position);
        scf::YieldOp::create(builder, loc, ValueRange{result, sum});
      };
      return {scf::ForOp::create(builder, loc, zero, count, one, ValueRange{carried[0], start}, visit).getResult(0)};
    };
    // Zeros, not an empty tensor: bufferisation takes what a loop carries for read before it is written.
    Value init = createFilled(rewriter, loc, sizes, buildNumber(rewriter, loc, element, 0));
    rewriter.replaceOp(op, scf::buildLoopNest(rewriter, loc, lower, upper, step, init, line).results);
    return success();
  }
};
} // namespace

void mlir::cell::populateReductionToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ReduceToGeneric<ReduceSumOp>, ReduceToGeneric<ReduceProdOp>, ReduceToGeneric<ReduceMaxOp>, ReduceToGeneric<ReduceMinOp>,
               ReduceToGeneric<ReduceAnyOp>, ReduceToGeneric<ReduceAllOp>, ArgToGeneric<ArgmaxOp>, ArgToGeneric<ArgminOp>, CumsumToLoops>(
      converter, patterns.getContext());
}
