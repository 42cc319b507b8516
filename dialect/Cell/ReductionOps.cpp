//===- ReductionOps.cpp - ops that combine elements along axes ------------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Expr.h"
#include "dialect/Cell/Infer.h"
#include "dialect/Cell/Shapes.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::cell;

Value mlir::cell::createSum(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> axes, bool keepdims) {
  if (axes.empty())
    return value;
  return ReduceSumOp::create(builder, loc, value, builder.getDenseI64ArrayAttr(axes), builder.getBoolAttr(keepdims));
}

Type mlir::cell::accumulatorType(Type element) {
  return element.isF16() || element.isBF16() ? Float32Type::get(element.getContext()) : element;
}

Value mlir::cell::createCast(OpBuilder &builder, Location loc, Value value, Type element) {
  return getElementTypeOrSelf(value.getType()) == element ? value : CastOp::create(builder, loc, value, TypeAttr::get(element)).getResult();
}

SmallVector<int64_t> mlir::cell::reducedShape(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes, bool keepdims) {
  SmallVector<int64_t> reduced;
  for (auto [i, size] : llvm::enumerate(shape)) {
    bool gone = llvm::is_contained(axes, static_cast<int64_t>(i));
    if (!gone || keepdims)
      reduced.push_back(gone ? 1 : size);
  }
  return reduced;
}

Value mlir::cell::createUnreduce(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> axes, bool keepdims, ArrayRef<int64_t> shape) {
  if (!keepdims)
    value = createReshape(builder, loc, value, reducedShape(shape, axes, /*keepdims=*/true));
  return createBroadcast(builder, loc, value, shape);
}

/// Operand type with `axes` removed, or of size 1 with keepdims.
template <typename Adaptor>
static LogicalResult inferReduction(StringRef op, std::optional<Location> location, Adaptor adaptor, SmallVectorImpl<Type> &inferred) {
  auto type = inferOperand(location, op, adaptor.getOperands(), 0);
  if (!type || failed(checkAxes(op, location, adaptor.getAxes(), type.getRank())))
    return failure();
  inferred.push_back(type.clone(reducedShape(type.getShape(), adaptor.getAxes(), adaptor.getKeepdims())));
  return success();
}

//===----------------------------------------------------------------------===//
// reduce_sum
//===----------------------------------------------------------------------===//

LogicalResult ReduceSumOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                            OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  return inferReduction(getOperationName(), location, ReduceSumOpAdaptor(operands, attributes, properties, regions), inferred);
}

LogicalResult ReduceSumOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = createUnreduce(builder, getLoc(), cotangents[0], getAxes(), getKeepdims(), shapeOf(getX()));
  return success();
}

OpFoldResult ReduceSumOp::fold(FoldAdaptor) { return getAxes().empty() ? OpFoldResult(getX()) : OpFoldResult(); }

//===----------------------------------------------------------------------===//
// reduce_max, reduce_min, argmax, argmin
//===----------------------------------------------------------------------===//

/// There is no largest or smallest of nothing.
static LogicalResult checkNotEmpty(StringRef op, std::optional<Location> location, RankedTensorType type, ArrayRef<int64_t> axes) {
  for (int64_t axis : axes)
    if (type.getDimSize(axis) == 0)
      return inferError(location, op) << "of nothing is not defined: dimension " << axis << " of " << type << " has size 0";
  return success();
}

template <typename Adaptor>
static LogicalResult inferExtreme(StringRef op, std::optional<Location> location, Adaptor adaptor, SmallVectorImpl<Type> &inferred) {
  if (failed(inferReduction(op, location, adaptor, inferred)))
    return failure();
  return checkNotEmpty(op, location, cast<RankedTensorType>(adaptor.getOperands()[0].getType()), adaptor.getAxes());
}

template <typename Adaptor>
static LogicalResult inferPosition(StringRef op, std::optional<Location> location, Adaptor adaptor, SmallVectorImpl<Type> &inferred) {
  auto type = inferOperand(location, op, adaptor.getOperands(), 0);
  int64_t axis = adaptor.getAxis();
  if (!type || failed(checkAxis(op, location, axis, type.getRank())) || failed(checkNotEmpty(op, location, type, axis)))
    return failure();
  inferred.push_back(RankedTensorType::get(reducedShape(type.getShape(), axis, adaptor.getKeepdims()), IntegerType::get(type.getContext(), 64)));
  return success();
}

/// The cotangent goes to the elements equal to the extreme, in equal shares.
template <typename Op>
static Value pullExtreme(OpBuilder &builder, Op op, Value cotangent) {
  Location loc = op.getLoc();
  ArrayRef<int64_t> axes = op.getAxes(), shape = shapeOf(op.getX());
  bool keepdims = op.getKeepdims();
  Value hits = EqualOp::create(builder, loc, op.getX(), createUnreduce(builder, loc, op.getResult(), axes, keepdims, shape));
  Type element = getElementTypeOrSelf(cotangent.getType());
  Value count = createSum(builder, loc, CastOp::create(builder, loc, hits, TypeAttr::get(element)), axes, keepdims);
  Value share = createUnreduce(builder, loc, DivOp::create(builder, loc, cotangent, count), axes, keepdims, shape);
  return SelectOp::create(builder, loc, hits, share, createFull(builder, loc, op.getX(), 0));
}

LogicalResult ReduceMaxOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                            OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  return inferExtreme(getOperationName(), location, ReduceMaxOpAdaptor(operands, attributes, properties, regions), inferred);
}

LogicalResult ReduceMinOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                            OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  return inferExtreme(getOperationName(), location, ReduceMinOpAdaptor(operands, attributes, properties, regions), inferred);
}

LogicalResult ReduceMaxOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = pullExtreme(builder, *this, cotangents[0]);
  return success();
}

LogicalResult ReduceMinOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = pullExtreme(builder, *this, cotangents[0]);
  return success();
}

OpFoldResult ReduceMaxOp::fold(FoldAdaptor) { return getAxes().empty() ? OpFoldResult(getX()) : OpFoldResult(); }
OpFoldResult ReduceMinOp::fold(FoldAdaptor) { return getAxes().empty() ? OpFoldResult(getX()) : OpFoldResult(); }

LogicalResult ArgmaxOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                         OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  return inferPosition(getOperationName(), location, ArgmaxOpAdaptor(operands, attributes, properties, regions), inferred);
}

LogicalResult ArgminOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                         OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  return inferPosition(getOperationName(), location, ArgminOpAdaptor(operands, attributes, properties, regions), inferred);
}

//===----------------------------------------------------------------------===//
// reduce_prod
//===----------------------------------------------------------------------===//

LogicalResult ReduceProdOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                             OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  return inferReduction(getOperationName(), location, ReduceProdOpAdaptor(operands, attributes, properties, regions), inferred);
}

OpFoldResult ReduceProdOp::fold(FoldAdaptor) { return getAxes().empty() ? OpFoldResult(getX()) : OpFoldResult(); }

/// The product as a tree of pairwise products over the last axis, and back down: each element meets the product of all the others,
/// zeros or not. Its own derivative is as exact.
LogicalResult ReduceProdOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (!needed[0])
    return success();
  Location loc = getLoc();
  auto type = getX().getType();
  if (!type.hasStaticShape())
    return emitOpError("has no derivative: not all sizes of ") << type << " are known";
  // Kept dimensions first, the reduced ones joined at the end.
  SmallVector<int64_t> permutation, joined;
  int64_t count = 1;
  for (int64_t i : llvm::seq<int64_t>(type.getRank())) {
    if (llvm::is_contained(getAxes(), i)) {
      count *= type.getDimSize(i);
    } else {
      permutation.push_back(i);
      joined.push_back(type.getDimSize(i));
    }
  }
  llvm::append_range(permutation, getAxes());
  if (type.getNumElements() == 0) {
    grads[0] = createFull(builder, loc, type, 0);
    return success();
  }
  int64_t axis = joined.size();
  joined.push_back(count);
  Value level = createReshape(builder, loc, createTranspose(builder, loc, getX(), permutation), joined);
  SmallVector<std::pair<Value, Value>> halves;
  SmallVector<int64_t> sizes;
  for (int64_t size = count; size > 1; size = (size + 1) / 2) {
    int64_t half = size / 2;
    Value left = createSlice(builder, loc, level, axis, 0, half), right = createSlice(builder, loc, level, axis, half, 2 * half);
    halves.push_back({left, right});
    sizes.push_back(size);
    Value product = MulOp::create(builder, loc, left, right);
    // An odd one out waits for the next level.
    level = size % 2 ? createConcat(builder, loc, {product, createSlice(builder, loc, level, axis, size - 1, size)}, axis) : product;
  }
  joined[axis] = 1;
  Value down = createReshape(builder, loc, cotangents[0], joined);
  for (auto [pair, size] : llvm::reverse(llvm::zip(halves, sizes))) {
    Value inner = size % 2 ? createSlice(builder, loc, down, axis, 0, size / 2) : down;
    SmallVector<Value> parts = {MulOp::create(builder, loc, inner, pair.second), MulOp::create(builder, loc, inner, pair.first)};
    if (size % 2)
      parts.push_back(createSlice(builder, loc, down, axis, size / 2, size / 2 + 1));
    down = createConcat(builder, loc, parts, axis);
  }
  Value spread = createReshape(builder, loc, down, applyPermutation(type.getShape(), permutation));
  grads[0] = createTranspose(builder, loc, spread, invertPermutationVector(permutation));
  return success();
}

//===----------------------------------------------------------------------===//
// reduce_mean
//===----------------------------------------------------------------------===//

LogicalResult ReduceMeanOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                             OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  return inferReduction(getOperationName(), location, ReduceMeanOpAdaptor(operands, attributes, properties, regions), inferred);
}

/// `value` divided by the number of elements of `x` along `axes`; `value` has the reduced shape.
static Value divideByCount(OpBuilder &builder, Location loc, Value value, Value x, ArrayRef<int64_t> axes, bool keepdims) {
  int64_t count = 1;
  bool isStatic = true;
  for (int64_t axis : axes) {
    isStatic &= !ShapedType::isDynamic(shapeOf(x)[axis]);
    count *= shapeOf(x)[axis];
  }
  Value divisor = isStatic ? createFull(builder, loc, value, count)
                           : createSum(builder, loc, createFull(builder, loc, createCast(builder, loc, x, getElementTypeOrSelf(value.getType())), 1), axes, keepdims);
  return DivOp::create(builder, loc, value, divisor);
}

FailureOr<SmallVector<Value>> ReduceMeanOp::decompose(OpBuilder &builder) {
  Type element = getX().getType().getElementType();
  // The sum of halves may exceed their range where their mean does not.
  Value x = createCast(builder, getLoc(), getX(), accumulatorType(element));
  Value sum = createSum(builder, getLoc(), x, getAxes(), getKeepdims());
  Value mean = divideByCount(builder, getLoc(), sum, x, getAxes(), getKeepdims());
  return SmallVector<Value>{createCast(builder, getLoc(), mean, element)};
}

LogicalResult ReduceMeanOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0]) {
    // In f32 for halves, whose range may be smaller than the count.
    Type element = getX().getType().getElementType(), wide = accumulatorType(element);
    Value share = divideByCount(builder, getLoc(), createCast(builder, getLoc(), cotangents[0], wide), getX(), getAxes(), getKeepdims());
    grads[0] = createUnreduce(builder, getLoc(), createCast(builder, getLoc(), share, element), getAxes(), getKeepdims(), shapeOf(getX()));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// reduce_any, reduce_all
//===----------------------------------------------------------------------===//

LogicalResult ReduceAnyOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                            OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  return inferReduction(getOperationName(), location, ReduceAnyOpAdaptor(operands, attributes, properties, regions), inferred);
}

LogicalResult ReduceAllOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                            OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  return inferReduction(getOperationName(), location, ReduceAllOpAdaptor(operands, attributes, properties, regions), inferred);
}

//===----------------------------------------------------------------------===//
// cumsum
//===----------------------------------------------------------------------===//

LogicalResult CumsumOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                         OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  CumsumOpAdaptor adaptor(operands, attributes, properties, regions);
  auto type = inferOperand(location, getOperationName(), operands, 0);
  if (!type || failed(checkAxis(getOperationName(), location, adaptor.getAxis(), type.getRank())))
    return failure();
  inferred.push_back(type);
  return success();
}

LogicalResult CumsumOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = CumsumOp::create(builder, getLoc(), cotangents[0], getAxis(), getExclusive(), !getReverse());
  return success();
}

#define GET_OP_CLASSES
#include "dialect/Cell/ReductionOps.cpp.inc"
