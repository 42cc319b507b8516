//===- ElementwiseFolds.cpp - folds of elementwise ops --------------------===//
#include "dialect/Cell/Cell.h"

#include "mlir/Dialect/CommonFolders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::cell;

/// Whether every element of a constant is `number`.
static bool isSplat(Attribute attribute, double number) {
  auto elements = dyn_cast_if_present<SplatElementsAttr>(attribute);
  if (!elements)
    return false;
  if (auto floatType = dyn_cast<FloatType>(elements.getElementType()))
    return elements.getSplatValue<APFloat>() == FloatAttr::get(floatType, number).getValue();
  return elements.getSplatValue<APInt>() == APInt(64, static_cast<int64_t>(number), true).trunc(elements.getElementType().getIntOrFloatBitWidth());
}

/// Constants above this size stay what they are: folding would only move the work into the compiler.
static constexpr int64_t kMaxFoldedElements = 1024;

/// Elementwise folding of two constants, floats and integers by their own function.
static Attribute foldConstants(ArrayRef<Attribute> operands, function_ref<APFloat(APFloat, const APFloat &)> floats,
                               function_ref<APInt(const APInt &, const APInt &)> ints) {
  for (Attribute operand : operands) {
    auto elements = dyn_cast_if_present<ElementsAttr>(operand);
    if (!elements || (!elements.isSplat() && elements.getNumElements() > kMaxFoldedElements))
      return nullptr;
  }
  if (isa<FloatType>(cast<ElementsAttr>(operands[0]).getElementType()))
    return constFoldBinaryOp<FloatAttr, APFloat, void>(operands, floats);
  return ints ? constFoldBinaryOp<IntegerAttr, APInt, void>(operands, ints) : Attribute();
}

OpFoldResult AddOp::fold(FoldAdaptor adaptor) {
  if (isSplat(adaptor.getRhs(), 0))
    return getLhs();
  if (isSplat(adaptor.getLhs(), 0))
    return getRhs();
  return foldConstants(
      adaptor.getOperands(), [](APFloat a, const APFloat &b) { return a + b; }, [](const APInt &a, const APInt &b) { return a + b; });
}

OpFoldResult SubOp::fold(FoldAdaptor adaptor) {
  if (isSplat(adaptor.getRhs(), 0))
    return getLhs();
  return foldConstants(
      adaptor.getOperands(), [](APFloat a, const APFloat &b) { return a - b; }, [](const APInt &a, const APInt &b) { return a - b; });
}

OpFoldResult MulOp::fold(FoldAdaptor adaptor) {
  if (isSplat(adaptor.getRhs(), 1))
    return getLhs();
  if (isSplat(adaptor.getLhs(), 1))
    return getRhs();
  return foldConstants(
      adaptor.getOperands(), [](APFloat a, const APFloat &b) { return a * b; }, [](const APInt &a, const APInt &b) { return a * b; });
}

OpFoldResult DivOp::fold(FoldAdaptor adaptor) {
  if (isSplat(adaptor.getRhs(), 1))
    return getLhs();
  return foldConstants(adaptor.getOperands(), [](APFloat a, const APFloat &b) { return a / b; }, nullptr);
}

OpFoldResult PowOp::fold(FoldAdaptor adaptor) {
  return isSplat(adaptor.getRhs(), 1) ? OpFoldResult(getLhs()) : OpFoldResult();
}

/// Small integer powers are products. Their derivatives agree with those of pow; exponent 0 would not (NaN at 0) and stays.
void PowOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(+[](PowOp op, PatternRewriter &rewriter) -> LogicalResult {
    Attribute exponent;
    if (!matchPattern(op.getRhs(), m_Constant(&exponent)))
      return failure();
    bool isSquare = isSplat(exponent, 2);
    if (!isSquare && !isSplat(exponent, 3))
      return failure();
    Value square = rewriter.createOrFold<MulOp>(op.getLoc(), op.getLhs(), op.getLhs());
    rewriter.replaceOp(op, isSquare ? square : rewriter.createOrFold<MulOp>(op.getLoc(), square, op.getLhs()));
    return success();
  });
}

OpFoldResult NegOp::fold(FoldAdaptor adaptor) {
  if (auto inner = getX().getDefiningOp<NegOp>())
    return inner.getX();
  auto elements = dyn_cast_if_present<ElementsAttr>(adaptor.getX());
  if (!elements || !isa<FloatType>(elements.getElementType()) || (!elements.isSplat() && elements.getNumElements() > kMaxFoldedElements))
    return nullptr;
  return constFoldUnaryOp<FloatAttr, APFloat, void>(adaptor.getOperands(), [](const APFloat &x) { return -x; });
}

OpFoldResult SelectOp::fold(FoldAdaptor adaptor) {
  if (getLhs() == getRhs())
    return getLhs();
  if (auto condition = dyn_cast_if_present<SplatElementsAttr>(adaptor.getCondition())) {
    Value chosen = condition.getSplatValue<bool>() ? getLhs() : getRhs();
    return chosen.getType() == getType() ? OpFoldResult(chosen) : OpFoldResult();
  }
  return nullptr;
}

/// Whether every number of one float type is one of the other.
static bool isExact(Type from, Type to) {
  auto narrow = dyn_cast<FloatType>(from), wide = dyn_cast<FloatType>(to);
  return narrow && wide && APFloat::isRepresentableBy(narrow.getFloatSemantics(), wide.getFloatSemantics());
}

OpFoldResult CastOp::fold(FoldAdaptor adaptor) {
  if (getX().getType() == getType())
    return getX();
  // There and back, as mixed precision leaves it.
  if (auto inner = getX().getDefiningOp<CastOp>(); inner && inner.getX().getType() == getType() && isExact(getDtype(), inner.getDtype()))
    return inner.getX();
  auto elements = dyn_cast_if_present<SplatElementsAttr>(adaptor.getX());
  auto to = dyn_cast<FloatType>(getDtype());
  if (!elements || !to || !isa<FloatType>(elements.getElementType()))
    return nullptr;
  APFloat number = elements.getSplatValue<APFloat>();
  bool lost;
  number.convert(to.getFloatSemantics(), APFloat::rmNearestTiesToEven, &lost);
  return DenseElementsAttr::get(cast<RankedTensorType>(getType()), number);
}

OpFoldResult FullLikeOp::fold(FoldAdaptor) {
  auto type = cast<RankedTensorType>(getType());
  if (!type.hasStaticShape())
    return nullptr;
  double number = getValue().convertToDouble();
  if (auto floatType = dyn_cast<FloatType>(type.getElementType()))
    return DenseElementsAttr::get(type, FloatAttr::get(floatType, number).getValue());
  APInt integer(64, static_cast<uint64_t>(static_cast<int64_t>(number)), true);
  return DenseElementsAttr::get(type, integer.trunc(type.getElementType().getIntOrFloatBitWidth()));
}
