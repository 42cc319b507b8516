//===- IndexOps.cpp - ops that compute with positions ---------------------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Expr.h"
#include "dialect/Cell/Infer.h"
#include "dialect/Cell/Shapes.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::cell;

/// `x.shape[:axis] + indices.shape + x.shape[axis+1:]`.
static SmallVector<int64_t> takenShape(ArrayRef<int64_t> x, ArrayRef<int64_t> indices, int64_t axis) {
  SmallVector<int64_t> shape(x.take_front(axis));
  llvm::append_range(shape, indices);
  llvm::append_range(shape, x.drop_front(axis + 1));
  return shape;
}

static LogicalResult checkIndices(StringRef op, std::optional<Location> location, RankedTensorType type) {
  if (type.getElementType().isInteger(1) || !isa<IntegerType>(type.getElementType()))
    return inferError(location, op) << "takes integer indices, but they are " << type;
  return success();
}

//===----------------------------------------------------------------------===//
// gather
//===----------------------------------------------------------------------===//

LogicalResult GatherOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                         OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  GatherOpAdaptor adaptor(operands, attributes, properties, regions);
  auto type = inferOperand(location, getOperationName(), operands, 0);
  auto indices = type ? inferOperand(location, getOperationName(), operands, 1) : nullptr;
  int64_t axis = adaptor.getAxis();
  if (!indices || failed(checkIndices(getOperationName(), location, indices)) || failed(checkAxis(getOperationName(), location, axis, type.getRank())))
    return failure();
  return inferShape(getOperationName(), location, takenShape(type.getShape(), indices.getShape(), axis), type.getElementType(), inferred);
}

LogicalResult GatherOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = ScatterAddOp::create(builder, getLoc(), createFull(builder, getLoc(), getX(), 0), getIndices(), cotangents[0], getAxis());
  return success();
}

//===----------------------------------------------------------------------===//
// scatter_add
//===----------------------------------------------------------------------===//

LogicalResult ScatterAddOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                             OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  ScatterAddOpAdaptor adaptor(operands, attributes, properties, regions);
  auto type = inferOperand(location, getOperationName(), operands, 0);
  auto indices = type ? inferOperand(location, getOperationName(), operands, 1) : nullptr;
  auto updates = indices ? inferOperand(location, getOperationName(), operands, 2) : nullptr;
  int64_t axis = adaptor.getAxis();
  if (!updates || failed(checkIndices(getOperationName(), location, indices)) || failed(checkAxis(getOperationName(), location, axis, type.getRank())))
    return failure();
  auto expected = RankedTensorType::get(takenShape(type.getShape(), indices.getShape(), axis), type.getElementType());
  if (updates.getElementType() != type.getElementType() || !compatibleShapes(expected.getShape(), updates.getShape()))
    return inferError(location, getOperationName()) << "adds to " << type << " along axis " << axis << " at indices " << indices << ": updates must be "
                                                    << expected << ", but they are " << updates;
  inferred.push_back(type);
  return success();
}

LogicalResult ScatterAddOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = cotangents[0];
  if (needed[2])
    grads[2] = GatherOp::create(builder, getLoc(), cotangents[0], getIndices(), getAxis());
  return success();
}

//===----------------------------------------------------------------------===//
// iota, one_hot
//===----------------------------------------------------------------------===//

LogicalResult IotaOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                       OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  IotaOpAdaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> shape = adaptor.getShape();
  Type dtype = adaptor.getDtype();
  if (failed(checkDtype(getOperationName(), location, dtype)) || failed(checkAxis(getOperationName(), location, adaptor.getAxis(), shape.size())))
    return failure();
  if (dtype.isInteger(1))
    return inferError(location, getOperationName()) << "cannot count in bool";
  if (llvm::any_of(shape, [](int64_t size) { return size < 0; }))
    return inferError(location, getOperationName()) << "has a negative size in its shape";
  return inferShape(getOperationName(), location, shape, dtype, inferred);
}

LogicalResult OneHotOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                         OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  OneHotOpAdaptor adaptor(operands, attributes, properties, regions);
  auto type = inferOperand(location, getOperationName(), operands, 0);
  if (!type || failed(checkIndices(getOperationName(), location, type)) || failed(checkDtype(getOperationName(), location, adaptor.getDtype())) ||
      failed(checkAxis(getOperationName(), location, adaptor.getAxis(), type.getRank() + 1)))
    return failure();
  if (static_cast<int64_t>(adaptor.getDepth()) < 0)
    return inferError(location, getOperationName()) << "has the negative depth " << static_cast<int64_t>(adaptor.getDepth());
  SmallVector<int64_t> shape(type.getShape());
  shape.insert(shape.begin() + adaptor.getAxis(), adaptor.getDepth());
  return inferShape(getOperationName(), location, shape, adaptor.getDtype(), inferred);
}

FailureOr<SmallVector<Value>> OneHotOp::decompose(OpBuilder &builder) {
  Location loc = getLoc();
  auto type = cast<RankedTensorType>(getType());
  int64_t axis = getAxis();
  if (!type.hasStaticShape())
    return emitOpError("cannot be decomposed: not all sizes of ") << type << " are known";
  // Positions are compared in i32, which every device does fast. What does not fit there becomes a number that no position is: so does not wrap around to one.
  Value indices = getIndices();
  Type dtype = getElementTypeOrSelf(indices.getType()), wide = type.getDimSize(axis) < INT32_MAX ? builder.getI32Type() : builder.getI64Type();
  unsigned width = dtype.getIntOrFloatBitWidth();
  if (wide.isInteger(32) && (width > 32 || (width == 32 && dtype.isUnsignedInteger()))) {
    auto limit = [&](int64_t value) { return createFull(builder, loc, indices, value); };
    indices = MinimumOp::create(builder, loc, indices, limit(type.getDimSize(axis)));
    if (!dtype.isUnsignedInteger())
      indices = MaximumOp::create(builder, loc, indices, limit(-1));
  }
  if (dtype != wide)
    indices = CastOp::create(builder, loc, indices, TypeAttr::get(wide));
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] = 1;
  indices = createBroadcast(builder, loc, createReshape(builder, loc, indices, shape), type.getShape());
  SmallVector<int64_t> line(type.getRank(), 1);
  line[axis] = type.getDimSize(axis);
  Value positions = createBroadcast(builder, loc, IotaOp::create(builder, loc, line, axis, wide), type.getShape());
  Value hits = EqualOp::create(builder, loc, indices, positions);
  return SmallVector<Value>{CastOp::create(builder, loc, hits, TypeAttr::get(type.getElementType()))};
}

#define GET_OP_CLASSES
#include "dialect/Cell/IndexOps.cpp.inc"
