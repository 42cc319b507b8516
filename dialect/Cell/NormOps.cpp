//===- NormOps.cpp - normalisation over a sample or a batch ---------------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Expr.h"
#include "dialect/Cell/Infer.h"
#include "dialect/Cell/Shapes.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::cell;
using namespace mlir::cell::expr;

namespace {
/// x brought to mean 0 and variance 1 along `axes`, in the accumulator's type.
struct Normalized {
  ExprScope scope;
  Type element;
  SmallVector<int64_t> axes, shape;
  Expr mean, variance, centred, scale, result;

  Normalized(OpBuilder &builder, Location loc, Value x, ArrayRef<int64_t> axes, double epsilon)
      : scope(builder, loc), element(getElementTypeOrSelf(x.getType())), axes(axes), shape(shapeOf(x)) {
    Expr wideX = wide(x);
    mean = average(wideX);
    centred = wideX - spread(mean);
    variance = average(centred * centred);
    scale = rsqrt(variance + epsilon);
    result = centred * spread(scale);
  }
  Expr wide(Value value) { return scope(createCast(scope.builder, scope.loc, value, accumulatorType(element))); }
  Value narrow(Expr e) { return createCast(scope.builder, scope.loc, e.value, element); }
  Expr average(Expr e) {
    return scope(ReduceMeanOp::create(scope.builder, scope.loc, e.value, scope.builder.getDenseI64ArrayAttr(axes), scope.builder.getBoolAttr(false)));
  }
  Expr spread(Expr e) { return scope(createUnreduce(scope.builder, scope.loc, e.value, axes, /*keepdims=*/false, shape)); }
  /// The cotangent of x for the cotangent `g` of `result`, mean and variance moving with x.
  Expr pull(Expr g) { return spread(scale) * (g - spread(average(g)) - result * spread(average(g * result))); }
  /// The sum of the elements that belong to one element of a parameter that has the dimensions `kept`.
  Value parameterGradient(Expr e, ArrayRef<int64_t> summed) { return narrow(scope(createSum(scope.builder, scope.loc, e.value, summed, false))); }
};

/// Checks gamma and beta: x's element type and `shape`.
LogicalResult checkParameters(StringRef op, std::optional<Location> location, ValueRange operands, RankedTensorType x, ArrayRef<int64_t> shape) {
  for (unsigned i : {1, 2}) {
    auto type = inferOperand(location, op, operands, i);
    if (!type)
      return failure();
    if (type.getElementType() != x.getElementType() || !compatibleShapes(type.getShape(), shape))
      return inferError(location, op) << "of " << x << " needs " << (i == 1 ? "gamma" : "beta") << " of type " << x.clone(shape) << ", but it is " << type;
  }
  return success();
}

SmallVector<int64_t> axesFrom(int64_t first, int64_t rank) { return llvm::to_vector(llvm::seq<int64_t>(first, rank)); }
} // namespace

//===----------------------------------------------------------------------===//
// layer_norm
//===----------------------------------------------------------------------===//

LogicalResult LayerNormOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                            OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  LayerNormOpAdaptor adaptor(operands, attributes, properties, regions);
  auto type = inferOperand(location, getOperationName(), operands, 0);
  if (!type || failed(checkAxis(getOperationName(), location, adaptor.getAxis(), type.getRank())) ||
      failed(checkParameters(getOperationName(), location, operands, type, type.getShape().drop_front(adaptor.getAxis()))))
    return failure();
  inferred.push_back(type);
  return success();
}

FailureOr<SmallVector<Value>> LayerNormOp::decompose(OpBuilder &builder) {
  ArrayRef<int64_t> shape = shapeOf(getX());
  Normalized x(builder, getLoc(), getX(), axesFrom(getAxis(), shape.size()), getEpsilon().convertToDouble());
  auto parameter = [&](Value value) { return x.scope(createBroadcast(builder, getLoc(), x.wide(value).value, shape)); };
  return SmallVector<Value>{x.narrow(x.result * parameter(getGamma()) + parameter(getBeta()))};
}

LogicalResult LayerNormOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  ArrayRef<int64_t> shape = shapeOf(getX());
  Normalized x(builder, getLoc(), getX(), axesFrom(getAxis(), shape.size()), getEpsilon().convertToDouble());
  Expr ct = x.wide(cotangents[0]);
  SmallVector<int64_t> samples = axesFrom(0, getAxis());
  if (needed[0])
    grads[0] = x.narrow(x.pull(ct * x.scope(createBroadcast(builder, getLoc(), x.wide(getGamma()).value, shape))));
  if (needed[1])
    grads[1] = x.parameterGradient(ct * x.result, samples);
  if (needed[2])
    grads[2] = x.parameterGradient(ct, samples);
  return success();
}

//===----------------------------------------------------------------------===//
// batch_norm
//===----------------------------------------------------------------------===//

LogicalResult BatchNormOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                            OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  BatchNormOpAdaptor adaptor(operands, attributes, properties, regions);
  auto type = inferOperand(location, getOperationName(), operands, 0);
  if (!type || failed(checkAxis(getOperationName(), location, adaptor.getAxis(), type.getRank())))
    return failure();
  int64_t channels = type.getDimSize(adaptor.getAxis());
  if (failed(checkParameters(getOperationName(), location, operands, type, channels)))
    return failure();
  inferred.push_back(type);
  inferred.append(2, type.clone(channels));
  return success();
}

static SmallVector<int64_t> axesWithout(int64_t axis, int64_t rank) {
  SmallVector<int64_t> axes = axesFrom(0, rank);
  axes.erase(axes.begin() + axis);
  return axes;
}

FailureOr<SmallVector<Value>> BatchNormOp::decompose(OpBuilder &builder) {
  Normalized x(builder, getLoc(), getX(), axesWithout(getAxis(), shapeOf(getX()).size()), getEpsilon().convertToDouble());
  Expr y = x.result * x.spread(x.wide(getGamma())) + x.spread(x.wide(getBeta()));
  return SmallVector<Value>{x.narrow(y), x.narrow(x.mean), x.narrow(x.variance)};
}

LogicalResult BatchNormOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  Normalized x(builder, getLoc(), getX(), axesWithout(getAxis(), shapeOf(getX()).size()), getEpsilon().convertToDouble());
  Expr ct = cotangents[0] ? x.wide(cotangents[0]) : Expr();
  if (needed[0]) {
    // 0 until a cotangent arrives. A mean moves by 1/n of an element, a variance by 2/n of the distance from the mean.
    Expr total = cotangents[0] ? x.pull(ct * x.spread(x.wide(getGamma()))) : Expr();
    auto share = [&](Value cotangent) {
      Expr spread = x.spread(x.wide(cotangent));
      Value ones = createFull(builder, getLoc(), spread.value, 1);
      return spread / x.spread(x.scope(createSum(builder, getLoc(), ones, x.axes, false)));
    };
    if (cotangents[1])
      total = total + share(cotangents[1]);
    if (cotangents[2])
      total = total + share(cotangents[2]) * x.centred * 2.0;
    grads[0] = total.isNumber() ? Value() : x.narrow(total);
  }
  if (needed[1] && cotangents[0])
    grads[1] = x.parameterGradient(ct * x.result, x.axes);
  if (needed[2] && cotangents[0])
    grads[2] = x.parameterGradient(ct, x.axes);
  return success();
}
