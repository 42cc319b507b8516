//===- TensorRules.cpp - derivative rules of the tensor dialect -----------===//
#include "dialect/Cell/Cell.h"
#include "passes/AutoDiff/External/External.h"
#include "passes/AutoDiff/External/Pull.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::cell;

Value mlir::cell::createZeros(OpBuilder &builder, Location loc, Value like) {
  Emitter emitter{builder, loc, /*fma=*/false};
  return Num{&emitter, like}.number(0).value;
}

Value mlir::cell::addToElements(OpBuilder &builder, Location loc, Value sum, Value term) {
  auto isZero = [](Value value) {
    if (auto splat = value.getDefiningOp<tensor::SplatOp>())
      value = splat.getInput();
    return matchPattern(value, m_AnyZeroFloat());
  };
  if (auto insert = term.getDefiningOp<tensor::InsertOp>(); insert && isZero(insert.getDest())) {
    Value part = tensor::ExtractOp::create(builder, loc, sum, insert.getIndices());
    part = arith::AddFOp::create(builder, loc, part, insert.getScalar());
    return tensor::InsertOp::create(builder, loc, part, sum, insert.getIndices());
  }
  if (auto insert = term.getDefiningOp<tensor::InsertSliceOp>(); insert && isZero(insert.getDest())) {
    Value part = tensor::ExtractSliceOp::create(builder, loc, insert.getSourceType(), sum, insert.getMixedOffsets(), insert.getMixedSizes(),
                                                insert.getMixedStrides());
    part = arith::AddFOp::create(builder, loc, part, insert.getSource());
    return tensor::InsertSliceOp::create(builder, loc, part, sum, insert.getMixedOffsets(), insert.getMixedSizes(), insert.getMixedStrides());
  }
  return nullptr;
}

namespace {
/// The sum of all elements, a scalar.
Value sumOfAll(OpBuilder &builder, Location loc, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Value start = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(RankedTensorType::get({}, type.getElementType()),
                                                                              Attribute(builder.getZeroAttr(type.getElementType()))));
  SmallVector<utils::IteratorType> loops(type.getRank(), utils::IteratorType::reduction);
  auto sum = linalg::GenericOp::create(builder, loc, start.getType(), tensor, start,
                                       {builder.getMultiDimIdentityMap(type.getRank()), AffineMap::get(type.getRank(), 0, builder.getContext())}, loops,
                                       [](OpBuilder &inner, Location loc, ValueRange args) {
                                         linalg::YieldOp::create(inner, loc, arith::AddFOp::create(inner, loc, args[0], args[1]).getResult());
                                       });
  return tensor::ExtractOp::create(builder, loc, sum.getResult(0), ValueRange{});
}

/// The rule of one op: `pullBack(op, builder, cotangent, needed, grads)`, called where the op has a cotangent of floats.
template <typename Op> struct TensorModel : DifferentiableOpInterface::ExternalModel<TensorModel<Op>, Op> {
  LogicalResult buildVjp(Operation *op, OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) const {
    if (!cotangents[0] || !hasFloatElements(op->getResult(0)))
      return success();
    return pullBack(cast<Op>(op), builder, cotangents[0], needed, grads);
  }
  static LogicalResult pullBack(Op op, OpBuilder &builder, Value g, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads);
};

template <>
LogicalResult TensorModel<tensor::ExtractOp>::pullBack(tensor::ExtractOp op, OpBuilder &builder, Value g, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = tensor::InsertOp::create(builder, op.getLoc(), g, createZeros(builder, op.getLoc(), op.getTensor()), op.getIndices());
  return success();
}

template <>
LogicalResult TensorModel<tensor::InsertOp>::pullBack(tensor::InsertOp op, OpBuilder &builder, Value g, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = tensor::ExtractOp::create(builder, op.getLoc(), g, op.getIndices());
  if (needed[1])
    grads[1] = tensor::InsertOp::create(builder, op.getLoc(), createZeros(builder, op.getLoc(), op.getScalar()), g, op.getIndices());
  return success();
}

template <>
LogicalResult TensorModel<tensor::ExtractSliceOp>::pullBack(tensor::ExtractSliceOp op, OpBuilder &builder, Value g, ArrayRef<bool> needed,
                                                            SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = tensor::InsertSliceOp::create(builder, op.getLoc(), g, createZeros(builder, op.getLoc(), op.getSource()), op.getMixedOffsets(),
                                             op.getMixedSizes(), op.getMixedStrides());
  return success();
}

template <>
LogicalResult TensorModel<tensor::InsertSliceOp>::pullBack(tensor::InsertSliceOp op, OpBuilder &builder, Value g, ArrayRef<bool> needed,
                                                           SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = tensor::ExtractSliceOp::create(builder, op.getLoc(), op.getSourceType(), g, op.getMixedOffsets(), op.getMixedSizes(), op.getMixedStrides());
  if (needed[1])
    grads[1] = tensor::InsertSliceOp::create(builder, op.getLoc(), createZeros(builder, op.getLoc(), op.getSource()), g, op.getMixedOffsets(),
                                             op.getMixedSizes(), op.getMixedStrides());
  return success();
}

template <>
LogicalResult TensorModel<tensor::FromElementsOp>::pullBack(tensor::FromElementsOp op, OpBuilder &builder, Value g, ArrayRef<bool> needed,
                                                            SmallVectorImpl<Value> &grads) {
  ArrayRef<int64_t> shape = op.getType().getShape();
  for (auto [position, flag] : llvm::enumerate(needed)) {
    if (!flag)
      continue;
    SmallVector<Value> indices(shape.size());
    int64_t rest = position;
    for (int64_t d = shape.size() - 1; d >= 0; rest /= shape[d--])
      indices[d] = arith::ConstantIndexOp::create(builder, op.getLoc(), rest % shape[d]);
    grads[position] = tensor::ExtractOp::create(builder, op.getLoc(), g, indices);
  }
  return success();
}

template <>
LogicalResult TensorModel<tensor::SplatOp>::pullBack(tensor::SplatOp op, OpBuilder &builder, Value g, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = sumOfAll(builder, op.getLoc(), g);
  return success();
}

template <>
LogicalResult TensorModel<tensor::ExpandShapeOp>::pullBack(tensor::ExpandShapeOp op, OpBuilder &builder, Value g, ArrayRef<bool> needed,
                                                           SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = tensor::CollapseShapeOp::create(builder, op.getLoc(), op.getSrcType(), g, op.getReassociationIndices());
  return success();
}

template <>
LogicalResult TensorModel<tensor::CollapseShapeOp>::pullBack(tensor::CollapseShapeOp op, OpBuilder &builder, Value g, ArrayRef<bool> needed,
                                                             SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = tensor::ExpandShapeOp::create(builder, op.getLoc(), op.getSrcType(), g, op.getReassociationIndices(),
                                             tensor::getMixedSizes(builder, op.getLoc(), op.getSrc()));
  return success();
}

template <>
LogicalResult TensorModel<tensor::CastOp>::pullBack(tensor::CastOp op, OpBuilder &builder, Value g, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = tensor::CastOp::create(builder, op.getLoc(), op.getSource().getType(), g);
  return success();
}

template <>
LogicalResult TensorModel<tensor::ConcatOp>::pullBack(tensor::ConcatOp op, OpBuilder &builder, Value g, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  Location loc = op.getLoc();
  unsigned rank = op.getResultType().getRank();
  SmallVector<OpFoldResult> offsets(rank, builder.getIndexAttr(0)), strides(rank, builder.getIndexAttr(1));
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, input);
    if (needed[i])
      grads[i] = tensor::ExtractSliceOp::create(builder, loc, cast<RankedTensorType>(input.getType()), g, offsets, sizes, strides);
    OpFoldResult &offset = offsets[op.getDim()], size = sizes[op.getDim()];
    auto known = getConstantIntValue(offset), step = getConstantIntValue(size);
    if (known && step) {
      offset = builder.getIndexAttr(*known + *step);
      continue;
    }
    Value a = getValueOrCreateConstantIndexOp(builder, loc, offset), b = getValueOrCreateConstantIndexOp(builder, loc, size);
    offset = arith::AddIOp::create(builder, loc, a, b).getResult();
  }
  return success();
}

/// What is padded with does not depend on an argument: `prepareForDerivative` sees to that.
template <>
LogicalResult TensorModel<tensor::PadOp>::pullBack(tensor::PadOp op, OpBuilder &builder, Value g, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (!needed[0])
    return success();
  if (llvm::any_of(op.getStaticLow(), [](int64_t low) { return low < 0 && !ShapedType::isDynamic(low); }) ||
      llvm::any_of(op.getStaticHigh(), [](int64_t high) { return high < 0 && !ShapedType::isDynamic(high); }))
    return op.emitOpError("has no derivative: its padding is negative; cut with tensor.extract_slice instead");
  SmallVector<OpFoldResult> strides(op.getSourceType().getRank(), builder.getIndexAttr(1));
  grads[0] = tensor::ExtractSliceOp::create(builder, op.getLoc(), op.getSourceType(), g, op.getMixedLowPad(),
                                            tensor::getMixedSizes(builder, op.getLoc(), op.getSource()), strides);
  return success();
}
} // namespace

void mlir::cell::registerTensorRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, tensor::TensorDialect *) {
    attach<TensorModel, tensor::ExtractOp, tensor::InsertOp, tensor::ExtractSliceOp, tensor::InsertSliceOp, tensor::FromElementsOp, tensor::SplatOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp, tensor::ConcatOp, tensor::PadOp>(context);
    // The rules emit these.
    context->loadDialect<arith::ArithDialect, linalg::LinalgDialect>();
  });
}
