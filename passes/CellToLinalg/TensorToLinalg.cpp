//===- TensorToLinalg.cpp - ops that move elements -------------------------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Scalar.h"
#include "passes/CellToLinalg/CellToLinalg.h"
#include "passes/CellToLinalg/LinalgBuilders.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/TypeUtilities.h"

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
/// A generic that reads through the permutation, which elementwise fusion folds into the readers; moving only dimensions of size 1 is
/// a reshape.
struct TransposeToGeneric : OpConversionPattern<TransposeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(TransposeOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    ArrayRef<int64_t> permutation = op.getPermutation();
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    SmallVector<int64_t> moving;
    for (int64_t i : permutation)
      if (op.getX().getType().getDimSize(i) != 1)
        moving.push_back(i);
    if (type.hasStaticShape() && llvm::is_sorted(moving)) {
      rewriter.replaceOp(op, createShape(rewriter, loc, adaptor.getX(), type.getShape()));
      return success();
    }
    SmallVector<OpFoldResult> sizes = applyPermutation(sizesOf(rewriter, loc, adaptor.getX()), permutation);
    AffineMap map = inversePermutation(AffineMap::getPermutationMap(permutation, rewriter.getContext()));
    rewriter.replaceOp(op, createMap(rewriter, loc, adaptor.getX(), map, sizes, type.getElementType(),
                                     [](OpBuilder &, Location, ValueRange args) { return args[0]; }));
    return success();
  }
};

/// Reads x at the mirrored position: an indexing map with a negative factor would be tiled wrongly.
struct ReverseToGeneric : OpConversionPattern<ReverseOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ReverseOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value x = adaptor.getX();
    SmallVector<OpFoldResult> sizes = sizesOf(rewriter, loc, x);
    SmallVector<Value> last(sizes.size());
    for (int64_t axis : op.getAxes())
      last[axis] = arith::SubIOp::create(rewriter, loc, getValueOrCreateConstantIndexOp(rewriter, loc, sizes[axis]),
                                         arith::ConstantIndexOp::create(rewriter, loc, 1));
    auto body = [&](OpBuilder &builder, Location loc, ValueRange) -> Value {
      SmallVector<Value> position;
      for (size_t i : llvm::seq<size_t>(sizes.size())) {
        Value at = linalg::IndexOp::create(builder, loc, i);
        position.push_back(last[i] ? arith::SubIOp::create(builder, loc, last[i], at).getResult() : at);
      }
      return tensor::ExtractOp::create(builder, loc, x, position);
    };
    rewriter.replaceOp(op, createMap(rewriter, loc, {}, sizes, getElementTypeOrSelf(x.getType()), body));
    return success();
  }
};

SmallVector<OpFoldResult> indexAttrs(OpBuilder &builder, ArrayRef<int64_t> numbers) {
  return llvm::map_to_vector(numbers, [&](int64_t number) -> OpFoldResult { return builder.getIndexAttr(number); });
}

struct SliceToTensor : OpConversionPattern<SliceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(SliceOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    SmallVector<OpFoldResult> sizes;
    for (int64_t i : llvm::seq<int64_t>(type.getRank())) {
      if (!type.isDynamicDim(i)) {
        sizes.push_back(rewriter.getIndexAttr(type.getDimSize(i)));
        continue;
      }
      // Up to the end of a dynamic dimension; a start beyond it gives nothing.
      Value size = tensor::DimOp::create(rewriter, loc, adaptor.getX(), i);
      Value start = arith::ConstantIndexOp::create(rewriter, loc, op.getStarts()[i]);
      Value rest = arith::SubIOp::create(rewriter, loc, arith::MaxSIOp::create(rewriter, loc, size, start), start);
      sizes.push_back(arith::CeilDivUIOp::create(rewriter, loc, rest, arith::ConstantIndexOp::create(rewriter, loc, op.getStrides()[i])).getResult());
    }
    rewriter.replaceOpWithNewOp<tensor::ExtractSliceOp>(op, type, adaptor.getX(), indexAttrs(rewriter, op.getStarts()), sizes,
                                                        indexAttrs(rewriter, op.getStrides()));
    return success();
  }
};

/// A filled tensor into which x is written, with strides where there are elements between its own.
struct PadToTensor : OpConversionPattern<PadOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(PadOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    SmallVector<OpFoldResult> inner = sizesOf(rewriter, loc, adaptor.getX()), sizes;
    SmallVector<int64_t> strides;
    for (int64_t i : llvm::seq<int64_t>(type.getRank())) {
      strides.push_back(op.getInterior()[i] + 1);
      if (!type.isDynamicDim(i)) {
        sizes.push_back(rewriter.getIndexAttr(type.getDimSize(i)));
        continue;
      }
      auto constant = [&](int64_t number) -> Value { return arith::ConstantIndexOp::create(rewriter, loc, number); };
      Value size = getValueOrCreateConstantIndexOp(rewriter, loc, inner[i]);
      Value gaps = arith::SubIOp::create(rewriter, loc, arith::MaxSIOp::create(rewriter, loc, size, constant(1)), constant(1));
      Value between = arith::MulIOp::create(rewriter, loc, gaps, constant(op.getInterior()[i]));
      Value around = constant(op.getLow()[i] + op.getHigh()[i]);
      sizes.push_back(arith::AddIOp::create(rewriter, loc, arith::AddIOp::create(rewriter, loc, size, between), around).getResult());
    }
    Value filled = createFilled(rewriter, loc, sizes, buildNumber(rewriter, loc, type.getElementType(), op.getValue().convertToDouble()));
    rewriter.replaceOpWithNewOp<tensor::InsertSliceOp>(op, adaptor.getX(), filled, indexAttrs(rewriter, op.getLow()), inner, indexAttrs(rewriter, strides));
    return success();
  }
};

OpFoldResult addSizes(OpBuilder &builder, Location loc, OpFoldResult a, OpFoldResult b) {
  std::optional<int64_t> x = getConstantIntValue(a), y = getConstantIntValue(b);
  if (x && y)
    return builder.getIndexAttr(*x + *y);
  Value left = getValueOrCreateConstantIndexOp(builder, loc, a), right = getValueOrCreateConstantIndexOp(builder, loc, b);
  return arith::AddIOp::create(builder, loc, left, right).getResult();
}

/// Each operand is written into its part of one new tensor.
struct ConcatToTensor : OpConversionPattern<ConcatOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ConcatOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t axis = op.getAxis();
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    SmallVector<SmallVector<OpFoldResult>> parts;
    for (Value input : adaptor.getInputs())
      parts.push_back(sizesOf(rewriter, loc, input));
    SmallVector<OpFoldResult> sizes = parts[0];
    for (auto [i, known] : llvm::enumerate(type.getShape()))
      if (!ShapedType::isDynamic(known))
        sizes[i] = rewriter.getIndexAttr(known);
    if (type.isDynamicDim(axis))
      for (auto &part : llvm::drop_begin(parts))
        sizes[axis] = addSizes(rewriter, loc, sizes[axis], part[axis]);
    Value result = createEmpty(rewriter, loc, sizes, type.getElementType());
    SmallVector<OpFoldResult> offsets(sizes.size(), rewriter.getIndexAttr(0)), strides(sizes.size(), rewriter.getIndexAttr(1));
    for (auto [input, part] : llvm::zip(adaptor.getInputs(), parts)) {
      result = tensor::InsertSliceOp::create(rewriter, loc, input, result, offsets, part, strides);
      offsets[axis] = addSizes(rewriter, loc, offsets[axis], part[axis]);
    }
    rewriter.replaceOp(op, result);
    return success();
  }
};
} // namespace

void mlir::cell::populateTensorToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ConstantToArith, StopGradientToOperand, BroadcastToGeneric, ReshapeToTensor, TransposeToGeneric, ReverseToGeneric, SliceToTensor,
               PadToTensor, ConcatToTensor>(converter, patterns.getContext());
}
