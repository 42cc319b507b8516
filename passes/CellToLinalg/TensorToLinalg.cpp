//===- TensorToLinalg.cpp - ops that move elements -------------------------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Scalar.h"
#include "passes/CellToLinalg/CellToLinalg.h"
#include "passes/CellToLinalg/LinalgBuilders.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
struct ConstantToArith : OpConversionPattern<ConstantOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ConstantOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    TypedAttr value;
    if (auto dense = dyn_cast<DenseElementsAttr>(op.getValue()))
      value = type == op.getType() ? dense : cast<DenseElementsAttr>(dense.bitcast(type.getElementType()));
    else if (auto resource = dyn_cast<DenseResourceElementsAttr>(op.getValue()))
      value = DenseResourceElementsAttr::get(type, resource.getRawHandle());
    else
      return op.emitOpError("takes dense<...> or dense_resource<...>, but its value is of another kind");
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, value);
    return success();
  }
};

struct StopGradientToOperand : OpConversionPattern<StopGradientOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(StopGradientOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, adaptor.getX());
    return success();
  }
};

/// Whether two shapes differ in dimensions of size 1 only.
bool sameUpToUnits(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  auto isReal = [](int64_t size) { return size != 1; };
  auto left = llvm::make_filter_range(a, isReal), right = llvm::make_filter_range(b, isReal);
  return !llvm::is_contained(a, ShapedType::kDynamic) && llvm::to_vector(left) == llvm::to_vector(right);
}

/// A generic with a projected map, which elementwise fusion folds into the readers.
struct BroadcastToGeneric : OpConversionPattern<BroadcastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(BroadcastOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto to = cast<RankedTensorType>(op.getType());
    auto from = cast<RankedTensorType>(op.getX().getType());
    Value x = adaptor.getX();
    // A reshape that only adds dimensions of size 1 goes into the map.
    SmallVector<int64_t> position = llvm::to_vector(llvm::seq<int64_t>(from.getRank()));
    auto reshape = op.getX().getDefiningOp<ReshapeOp>();
    if (reshape && sameUpToUnits(reshape.getX().getType().getShape(), from.getShape())) {
      if (Value source = rewriter.getRemappedValue(reshape.getX())) {
        SmallVector<int64_t> real;
        for (int64_t i : llvm::seq<int64_t>(from.getRank()))
          if (from.getDimSize(i) != 1)
            real.push_back(i);
        position.clear();
        size_t next = 0;
        for (int64_t size : reshape.getX().getType().getShape())
          position.push_back(size == 1 ? -1 : real[next++]);
        x = source;
      }
    }
    int64_t lead = to.getRank() - from.getRank();
    SmallVector<AffineExpr> exprs;
    for (int64_t i : position) {
      bool repeats = i < 0 || (from.getDimSize(i) == 1 && to.getDimSize(i + lead) != 1);
      exprs.push_back(repeats ? rewriter.getAffineConstantExpr(0) : rewriter.getAffineDimExpr(i + lead));
    }
    SmallVector<OpFoldResult> sizes;
    for (int64_t i : llvm::seq<int64_t>(to.getRank())) {
      if (to.isDynamicDim(i))
        sizes.push_back(tensor::getMixedSize(rewriter, loc, adaptor.getX(), i - lead));
      else
        sizes.push_back(rewriter.getIndexAttr(to.getDimSize(i)));
    }
    AffineMap map = AffineMap::get(to.getRank(), 0, exprs, rewriter.getContext());
    rewriter.replaceOp(op, createMap(rewriter, loc, x, map, sizes, getStorageType(to.getElementType()),
                                     [](OpBuilder &, Location, ValueRange args) { return args[0]; }));
    return success();
  }
};

struct ReshapeToTensor : OpConversionPattern<ReshapeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ReshapeOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, createShape(rewriter, op.getLoc(), adaptor.getX(), op.getType().getShape()));
    return success();
  }
};
} // namespace

void mlir::cell::populateTensorToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ConstantToArith, StopGradientToOperand, BroadcastToGeneric, ReshapeToTensor>(converter, patterns.getContext());
}
