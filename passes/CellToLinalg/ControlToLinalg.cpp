//===- ControlToLinalg.cpp - tapes, dynamic positions, effects -------------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Scalar.h"
#include "dialect/Rt/RtOps.h"
#include "passes/CellToLinalg/CellToLinalg.h"
#include "passes/CellToLinalg/LinalgBuilders.h"
#include "passes/UserPlace.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
//===----------------------------------------------------------------------===//
// Tapes: a value becomes a handle, the order of the program the order of the stack
//===----------------------------------------------------------------------===//

struct TapeCreate : OpConversionPattern<TapeCreateOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(TapeCreateOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = op.getType().getElementType();
    if (!type.hasStaticShape())
      return op.emitOpError("has no lowering to linalg for tensors of dynamic shape; specialise the program on its input shapes first");
    int64_t bytes = type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    rewriter.replaceOpWithNewOp<cellrt::TapeCreateOp>(op, rewriter.getI64Type(), cellrt::tapeStride(bytes));
    return success();
  }
};

struct TapePush : OpConversionPattern<TapePushOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(TapePushOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    cellrt::TapePushOp::create(rewriter, op.getLoc(), adaptor.getTape(), adaptor.getValue());
    rewriter.replaceOp(op, adaptor.getTape());
    return success();
  }
};

struct TapePop : OpConversionPattern<TapePopOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(TapePopOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Type type = getTypeConverter()->convertType(op.getValue().getType());
    Value item = cellrt::TapePopOp::create(rewriter, op.getLoc(), type, adaptor.getTape());
    rewriter.replaceOp(op, {adaptor.getTape(), item});
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Blocks at places known at run time
//===----------------------------------------------------------------------===//

/// The starts as indices, brought into [0, dimension - size].
SmallVector<OpFoldResult> clampStarts(OpBuilder &builder, Location loc, Value x, ValueRange converted, ValueRange starts, ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> whole = sizesOf(builder, loc, x), offsets;
  Type indexType = builder.getIndexType();
  for (auto [start, original, dimension, size] : llvm::zip_equal(converted, starts, whole, sizes)) {
    std::optional<int64_t> all = getConstantIntValue(dimension), taken = getConstantIntValue(size);
    if (all && taken && *all == *taken) {
      offsets.push_back(builder.getIndexAttr(0));
      continue;
    }
    Value scalar = tensor::ExtractOp::create(builder, loc, start, ValueRange());
    Value last = all && taken ? arith::ConstantIndexOp::create(builder, loc, *all - *taken).getResult()
                              : arith::SubIOp::create(builder, loc, getValueOrCreateConstantIndexOp(builder, loc, dimension),
                                                      getValueOrCreateConstantIndexOp(builder, loc, size)).getResult();
    if (getElementTypeOrSelf(original.getType()).isUnsignedInteger()) {
      offsets.push_back(arith::MinUIOp::create(builder, loc, arith::IndexCastUIOp::create(builder, loc, indexType, scalar), last).getResult());
      continue;
    }
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value position = arith::IndexCastOp::create(builder, loc, indexType, scalar);
    offsets.push_back(arith::MaxSIOp::create(builder, loc, arith::MinSIOp::create(builder, loc, position, last), zero).getResult());
  }
  return offsets;
}

struct DynamicSlice : OpConversionPattern<DynamicSliceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(DynamicSliceOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> sizes = getAsIndexOpFoldResult(getContext(), op.getSizes()), strides(sizes.size(), rewriter.getIndexAttr(1));
    auto offsets = clampStarts(rewriter, loc, adaptor.getX(), adaptor.getStarts(), op.getStarts(), sizes);
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    rewriter.replaceOpWithNewOp<tensor::ExtractSliceOp>(op, type, adaptor.getX(), offsets, sizes, strides);
    return success();
  }
};

struct DynamicUpdate : OpConversionPattern<DynamicUpdateOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(DynamicUpdateOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> sizes = sizesOf(rewriter, loc, adaptor.getUpdate()), strides(sizes.size(), rewriter.getIndexAttr(1));
    auto offsets = clampStarts(rewriter, loc, adaptor.getX(), adaptor.getStarts(), op.getStarts(), sizes);
    rewriter.replaceOpWithNewOp<tensor::InsertSliceOp>(op, adaptor.getUpdate(), adaptor.getX(), offsets, sizes, strides);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Effects
//===----------------------------------------------------------------------===//

struct Barrier : OpConversionPattern<BarrierOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(BarrierOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<cellrt::BarrierOp>(op, adaptor.getX().getType(), adaptor.getX());
    return success();
  }
};

struct Print : OpConversionPattern<PrintOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(PrintOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    SmallVector<Attribute> dtypes;
    for (Value value : op.getValues())
      dtypes.push_back(TypeAttr::get(getElementTypeOrSelf(value.getType())));
    rewriter.replaceOpWithNewOp<cellrt::PrintOp>(op, op.getFormat(), adaptor.getValues(), rewriter.getArrayAttr(dtypes));
    return success();
  }
};

struct Assert : OpConversionPattern<AssertOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(AssertOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    std::string text = op.getMessage().str();
    if (FileLineColLoc place = userPlace(op.getLoc()))
      text += (text.empty() ? "(" : " (") + place.getFilename().str() + ":" + std::to_string(place.getLine()) + ")";
    Value condition = tensor::ExtractOp::create(rewriter, op.getLoc(), adaptor.getCondition(), ValueRange());
    rewriter.replaceOpWithNewOp<cellrt::AssertOp>(op, condition, text);
    return success();
  }
};
} // namespace

void mlir::cell::populateControlToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<TapeCreate, TapePush, TapePop, DynamicSlice, DynamicUpdate, Barrier, Print, Assert>(converter, patterns.getContext());
}
