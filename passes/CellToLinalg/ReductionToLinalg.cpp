//===- ReductionToLinalg.cpp - ops that combine elements along axes --------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Scalar.h"
#include "passes/CellToLinalg/CellToLinalg.h"
#include "passes/CellToLinalg/LinalgBuilders.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
struct ReduceSumToGeneric : OpConversionPattern<ReduceSumOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ReduceSumOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type element = getElementTypeOrSelf(adaptor.getX().getType()), wide = accumulatorType(element);
    SmallVector<OpFoldResult> sizes;
    for (auto [i, size] : llvm::enumerate(sizesOf(rewriter, loc, adaptor.getX())))
      if (!llvm::is_contained(op.getAxes(), static_cast<int64_t>(i)))
        sizes.push_back(size);
    Value init = createFilled(rewriter, loc, sizes, buildNumber(rewriter, loc, wide, 0));
    Value result = createReduction(rewriter, loc, adaptor.getX(), op.getAxes(), init, [&](OpBuilder &builder, Location loc, ValueRange args) -> Value {
      Value x = args[0];
      if (wide != element)
        x = arith::ExtFOp::create(builder, loc, wide, x);
      if (isa<FloatType>(wide))
        return arith::AddFOp::create(builder, loc, args[1], x);
      return arith::AddIOp::create(builder, loc, args[1], x);
    });
    if (wide != element)
      result = createMap(rewriter, loc, result, sizes, element, [&](OpBuilder &builder, Location loc, ValueRange args) -> Value {
        return arith::TruncFOp::create(builder, loc, element, args[0]);
      });
    rewriter.replaceOp(op, createShape(rewriter, loc, result, cast<RankedTensorType>(op.getType()).getShape()));
    return success();
  }
};
} // namespace

void mlir::cell::populateReductionToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ReduceSumToGeneric>(converter, patterns.getContext());
}
