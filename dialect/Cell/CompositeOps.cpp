//===- CompositeOps.cpp - softmax and the losses on it --------------------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Expr.h"
#include "dialect/Cell/Infer.h"
#include "dialect/Cell/Shapes.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::cell;
using namespace mlir::cell::expr;

namespace {
/// Rows along one axis, in the accumulator's type: what the ops of this file compute with.
struct Rows {
  ExprScope scope;
  Type element;
  int64_t axis;

  Rows(OpBuilder &builder, Location loc, Value like, int64_t axis)
      : scope(builder, loc), element(getElementTypeOrSelf(like.getType())), axis(axis) {}
  Expr wide(Value value) { return scope(createCast(scope.builder, scope.loc, value, accumulatorType(element))); }
  Value narrow(Expr e) { return createCast(scope.builder, scope.loc, e.value, element); }
  Expr sum(Expr e) { return scope(createSum(scope.builder, scope.loc, e.value, axis, /*keepdims=*/false)); }
  Expr spread(Expr row, Expr like) {
    return scope(createUnreduce(scope.builder, scope.loc, row.value, axis, /*keepdims=*/false, shapeOf(like.value)));
  }
  /// The largest element of each row. It moves the numbers into range and cancels out, so no derivative goes through it.
  Expr max(Expr x) {
    Value largest = ReduceMaxOp::create(scope.builder, scope.loc, x.value, scope.builder.getDenseI64ArrayAttr(axis), scope.builder.getBoolAttr(false));
    return scope(StopGradientOp::create(scope.builder, scope.loc, largest));
  }
  /// The definitions; derivatives use the ops themselves, which carry derivatives of their own.
  Expr softmax(Expr x) {
    Expr e = exp(x - spread(max(x), x));
    return e / spread(sum(e), x);
  }
  Expr logSoftmax(Expr x) {
    Expr centred = x - spread(max(x), x);
    return centred - spread(log(sum(exp(centred))), x);
  }
  Expr softmaxOp(Expr x) { return scope(SoftmaxOp::create(scope.builder, scope.loc, x.value, axis)); }
  Expr logSoftmaxOp(Expr x) { return scope(LogSoftmaxOp::create(scope.builder, scope.loc, x.value, axis)); }
};

bool isEmptyAlong(Value x, int64_t axis) { return shapeOf(x)[axis] == 0; }
} // namespace

//===----------------------------------------------------------------------===//
// softmax, log_softmax
//===----------------------------------------------------------------------===//

template <typename Adaptor>
static LogicalResult inferAlongAxis(StringRef op, std::optional<Location> location, Adaptor adaptor, SmallVectorImpl<Type> &inferred) {
  auto type = inferOperand(location, op, adaptor.getOperands(), 0);
  if (!type || failed(checkAxis(op, location, adaptor.getAxis(), type.getRank())))
    return failure();
  inferred.push_back(type);
  return success();
}

LogicalResult SoftmaxOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                          OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  return inferAlongAxis(getOperationName(), location, SoftmaxOpAdaptor(operands, attributes, properties, regions), inferred);
}

FailureOr<SmallVector<Value>> SoftmaxOp::decompose(OpBuilder &builder) {
  if (isEmptyAlong(getX(), getAxis()))
    return SmallVector<Value>{getX()};
  Rows rows(builder, getLoc(), getX(), getAxis());
  return SmallVector<Value>{rows.narrow(rows.softmax(rows.wide(getX())))};
}

LogicalResult SoftmaxOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (!needed[0])
    return success();
  Rows rows(builder, getLoc(), getX(), getAxis());
  Expr y = rows.wide(getResult()), ct = rows.wide(cotangents[0]);
  grads[0] = rows.narrow(y * (ct - rows.spread(rows.sum(ct * y), y)));
  return success();
}

LogicalResult LogSoftmaxOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                             OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  return inferAlongAxis(getOperationName(), location, LogSoftmaxOpAdaptor(operands, attributes, properties, regions), inferred);
}

FailureOr<SmallVector<Value>> LogSoftmaxOp::decompose(OpBuilder &builder) {
  if (isEmptyAlong(getX(), getAxis()))
    return SmallVector<Value>{getX()};
  Rows rows(builder, getLoc(), getX(), getAxis());
  return SmallVector<Value>{rows.narrow(rows.logSoftmax(rows.wide(getX())))};
}

LogicalResult LogSoftmaxOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (!needed[0])
    return success();
  Rows rows(builder, getLoc(), getX(), getAxis());
  Expr y = rows.wide(getResult()), ct = rows.wide(cotangents[0]);
  grads[0] = rows.narrow(ct - exp(y) * rows.spread(rows.sum(ct), y));
  return success();
}

//===----------------------------------------------------------------------===//
// cross_entropy
//===----------------------------------------------------------------------===//

/// Logits and the axis of classes; a sample without classes has no label either.
template <typename Adaptor>
static RankedTensorType inferLogits(StringRef op, std::optional<Location> location, Adaptor adaptor) {
  auto type = inferOperand(location, op, adaptor.getOperands(), 0);
  if (!type || failed(checkAxis(op, location, adaptor.getAxis(), type.getRank())))
    return nullptr;
  if (type.getDimSize(adaptor.getAxis()) == 0) {
    inferError(location, op) << "needs classes, but dimension " << static_cast<int64_t>(adaptor.getAxis()) << " of the logits " << type << " has size 0";
    return nullptr;
  }
  return type;
}

LogicalResult CrossEntropyOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                               OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  CrossEntropyOpAdaptor adaptor(operands, attributes, properties, regions);
  auto type = inferLogits(getOperationName(), location, adaptor);
  auto labels = type ? inferOperand(location, getOperationName(), operands, 1) : nullptr;
  if (!labels)
    return failure();
  SmallVector<int64_t> shape = reducedShape(type.getShape(), adaptor.getAxis(), false);
  if (!compatibleShapes(shape, labels.getShape()) || !isa<IntegerType>(labels.getElementType()) || labels.getElementType().isInteger(1))
    return inferError(location, getOperationName()) << "of logits " << type << " with classes along axis " << static_cast<int64_t>(adaptor.getAxis())
                                                    << " takes integer labels of shape " << RankedTensorType::get(shape, labels.getElementType())
                                                    << ", but they are " << labels;
  inferred.push_back(type.clone(mergeShapes(shape, labels.getShape())));
  return success();
}

/// True at the class of each sample; `isClass` per sample where the label names one.
static std::pair<Expr, Expr> buildHits(Rows &rows, CrossEntropyOp op) {
  OpBuilder &builder = rows.scope.builder;
  Location loc = rows.scope.loc;
  Value hits = OneHotOp::create(builder, loc, op.getLabels(), shapeOf(op.getLogits())[rows.axis], rows.axis, builder.getI1Type());
  Value isClass = ReduceAnyOp::create(builder, loc, hits, builder.getDenseI64ArrayAttr(rows.axis), builder.getBoolAttr(false));
  return {rows.scope(hits), rows.scope(isClass)};
}

static LogicalResult checkClasses(CrossEntropyOp op) {
  if (op.getLogits().getType().hasStaticShape())
    return success();
  return op.emitOpError("cannot be decomposed: not all sizes of ") << op.getLogits().getType() << " are known";
}

FailureOr<SmallVector<Value>> CrossEntropyOp::decompose(OpBuilder &builder) {
  if (failed(checkClasses(*this)))
    return failure();
  Rows rows(builder, getLoc(), getLogits(), getAxis());
  Expr x = rows.wide(getLogits());
  auto [hits, isClass] = buildHits(rows, *this);
  Expr largest = rows.max(x), centred = x - rows.spread(largest, x);
  Expr loss = log(rows.sum(exp(centred))) - rows.sum(select(hits, centred, rows.scope(createFull(builder, getLoc(), x.value, 0))));
  return SmallVector<Value>{rows.narrow(select(isClass, loss, rows.scope(createFull(builder, getLoc(), loss.value, 0))))};
}

LogicalResult CrossEntropyOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (!needed[0])
    return success();
  if (failed(checkClasses(*this)))
    return failure();
  Rows rows(builder, getLoc(), getLogits(), getAxis());
  Expr x = rows.wide(getLogits()), ct = rows.wide(cotangents[0]);
  auto [hits, isClass] = buildHits(rows, *this);
  Expr share = rows.spread(select(isClass, ct, rows.scope(createFull(builder, getLoc(), ct.value, 0))), x);
  Expr oneHot = rows.scope(createCast(builder, getLoc(), hits.value, getElementTypeOrSelf(x.value.getType())));
  grads[0] = rows.narrow((rows.softmaxOp(x) - oneHot) * share);
  return success();
}

LogicalResult SoftmaxCrossEntropyOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                                      OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  SoftmaxCrossEntropyOpAdaptor adaptor(operands, attributes, properties, regions);
  SmallVector<Type> common;
  auto type = inferLogits(getOperationName(), location, adaptor);
  if (!type || failed(inferSameType(getOperationName(), location, operands, common)))
    return failure();
  inferred.push_back(type.clone(reducedShape(cast<RankedTensorType>(common[0]).getShape(), adaptor.getAxis(), false)));
  return success();
}

FailureOr<SmallVector<Value>> SoftmaxCrossEntropyOp::decompose(OpBuilder &builder) {
  Rows rows(builder, getLoc(), getLogits(), getAxis());
  Expr x = rows.wide(getLogits()), p = rows.wide(getLabels());
  return SmallVector<Value>{rows.narrow(-rows.sum(p * rows.logSoftmax(x)))};
}

LogicalResult SoftmaxCrossEntropyOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  Rows rows(builder, getLoc(), getLogits(), getAxis());
  Expr x = rows.wide(getLogits()), p = rows.wide(getLabels());
  Expr ct = rows.spread(rows.wide(cotangents[0]), x);
  if (needed[0])
    grads[0] = rows.narrow((rows.softmaxOp(x) * rows.spread(rows.sum(p), x) - p) * ct);
  if (needed[1])
    grads[1] = rows.narrow(-(rows.logSoftmaxOp(x) * ct));
  return success();
}

#define GET_OP_CLASSES
#include "dialect/Cell/CompositeOps.cpp.inc"
