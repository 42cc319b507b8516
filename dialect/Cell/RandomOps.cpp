//===- RandomOps.cpp - counter-based random numbers -----------------------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Expr.h"
#include "dialect/Cell/Infer.h"
#include "dialect/Cell/Shapes.h"
#include "dialect/Cell/Window.h"

using namespace mlir;
using namespace mlir::cell;

/// Operand `key` is a pair of i64, and the stream fits into its word of the counter.
static LogicalResult checkKey(StringRef op, std::optional<Location> location, ValueRange operands, unsigned key, int64_t stream) {
  auto type = inferOperand(location, op, operands, key);
  if (!type)
    return failure();
  if (type.getRank() != 1 || (type.getDimSize(0) != 2 && !type.isDynamicDim(0)) || !type.getElementType().isSignlessInteger(64))
    return inferError(location, op) << "takes a key (seed, counter) of type tensor<2xi64>, but got " << type;
  if (stream < 0 || stream > UINT32_MAX)
    return inferError(location, op) << "'stream' is " << stream << ", but must be between 0 and 4294967295";
  return success();
}

/// `shape` is static and small enough for the 32-bit block counter of the generator.
template <typename Adaptor>
static LogicalResult inferDraw(StringRef op, std::optional<Location> location, Adaptor adaptor, Type element, SmallVectorImpl<Type> &inferred) {
  if (failed(checkKey(op, location, adaptor.getOperands(), 0, adaptor.getStream())))
    return failure();
  DenseI64ArrayAttr shape = adaptor.getShapeAttr();
  if (!shape)
    return inferError(location, op) << "needs the attribute 'shape'";
  int64_t room = int64_t(1) << (element.getIntOrFloatBitWidth() == 64 ? 33 : 34);
  bool empty = llvm::is_contained(shape.asArrayRef(), 0);
  for (int64_t size : shape.asArrayRef()) {
    if (size < 0)
      return inferError(location, op) << "cannot give a result of shape [" << shapeText(shape) << "]: a dimension is negative";
    if (!empty && (room /= size) == 0)
      return inferError(location, op) << "cannot give a result of shape [" << shapeText(shape) << "]: one draw has at most 2^34 words";
  }
  inferred.push_back(RankedTensorType::get(shape, element));
  return success();
}

template <typename Adaptor>
static LogicalResult inferFloatDraw(StringRef op, std::optional<Location> location, Adaptor adaptor, SmallVectorImpl<Type> &inferred) {
  TypeAttr dtype = adaptor.getDtypeAttr();
  if (!dtype || !isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(dtype.getValue()))
    return inferError(location, op) << "needs a 'dtype' of f16, bf16, f32 or f64, but got " << dtype;
  return inferDraw(op, location, adaptor, dtype.getValue(), inferred);
}

static LogicalResult checkProbability(StringRef op, std::optional<Location> location, FloatAttr p) {
  if (!p)
    return inferError(location, op) << "needs the attribute 'p'";
  double value = p.getValueAsDouble();
  if (!(value >= 0 && value <= 1))
    return inferError(location, op) << "'p' is " << value << ", but a probability is between 0 and 1";
  return success();
}

LogicalResult RandomBitsOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location, ValueRange operands,
                                             DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
                                             SmallVectorImpl<Type> &inferred) {
  RandomBitsOpAdaptor adaptor(operands, attributes, properties, regions);
  return inferDraw(getOperationName(), location, adaptor, IntegerType::get(context, 32), inferred);
}

LogicalResult RandomUniformOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                                OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  return inferFloatDraw(getOperationName(), location, RandomUniformOpAdaptor(operands, attributes, properties, regions), inferred);
}

LogicalResult RandomNormalOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                               OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  return inferFloatDraw(getOperationName(), location, RandomNormalOpAdaptor(operands, attributes, properties, regions), inferred);
}

LogicalResult BernoulliOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                            OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  BernoulliOpAdaptor adaptor(operands, attributes, properties, regions);
  if (failed(checkProbability(getOperationName(), location, adaptor.getPAttr())))
    return failure();
  return inferDraw(getOperationName(), location, adaptor, IntegerType::get(context, 1), inferred);
}

OpFoldResult BernoulliOp::fold(FoldAdaptor) {
  double p = getP().convertToDouble();
  if (p != 0 && p != 1)
    return {};
  return DenseElementsAttr::get(cast<RankedTensorType>(getType()), p == 1);
}

//===----------------------------------------------------------------------===//
// dropout
//===----------------------------------------------------------------------===//

LogicalResult DropoutOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                          OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  DropoutOpAdaptor adaptor(operands, attributes, properties, regions);
  StringRef op = getOperationName();
  auto x = inferOperand(location, op, operands, 0);
  if (!x || failed(checkKey(op, location, operands, 1, adaptor.getStream())) || failed(checkProbability(op, location, adaptor.getPAttr())))
    return failure();
  inferred.push_back(x);
  return success();
}

LogicalResult DropoutOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = DropoutOp::create(builder, getLoc(), cotangents[0], getKey(), getPAttr(), getStreamAttr());
  return success();
}

FailureOr<SmallVector<Value>> DropoutOp::decompose(OpBuilder &builder) {
  if (ShapedType::isDynamicShape(shapeOf(getX())))
    return emitOpError("needs a known shape, but x is ") << getX().getType();
  double keep = 1 - getP().convertToDouble();
  Value zero = createFull(builder, getLoc(), getX(), 0);
  if (keep == 0)
    return SmallVector<Value>{zero};
  Value mask = BernoulliOp::create(builder, getLoc(), getKey(), builder.getF64FloatAttr(keep), builder.getDenseI64ArrayAttr(shapeOf(getX())),
                                   getStreamAttr());
  Value scaled = MulOp::create(builder, getLoc(), getX(), createFull(builder, getLoc(), getX(), 1 / keep));
  return SmallVector<Value>{SelectOp::create(builder, getLoc(), mask, scaled, zero).getResult()};
}

OpFoldResult DropoutOp::fold(FoldAdaptor) { return getP().isZero() ? OpFoldResult(getX()) : OpFoldResult(); }

#define GET_OP_CLASSES
#include "dialect/Cell/RandomOps.cpp.inc"
