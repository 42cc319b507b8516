//===- SliceOps.cpp - parts of tensors: slice, pad, concat ----------------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Expr.h"
#include "dialect/Cell/Infer.h"
#include "dialect/Cell/Shapes.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::cell;

Value mlir::cell::createSlice(OpBuilder &builder, Location loc, Value value, int64_t axis, int64_t start, int64_t limit) {
  SmallVector<int64_t> starts(shapeOf(value).size(), 0), limits(starts.size(), -1), strides(starts.size(), 1);
  starts[axis] = start;
  limits[axis] = limit;
  return SliceOp::create(builder, loc, value, starts, limits, strides);
}

Value mlir::cell::createConcat(OpBuilder &builder, Location loc, ValueRange values, int64_t axis) {
  return values.size() == 1 ? values[0] : ConcatOp::create(builder, loc, values, axis).getResult();
}

//===----------------------------------------------------------------------===//
// slice
//===----------------------------------------------------------------------===//

LogicalResult SliceOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                        OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  SliceOpAdaptor adaptor(operands, attributes, properties, regions);
  auto type = inferOperand(location, getOperationName(), operands, 0);
  if (!type)
    return failure();
  size_t rank = type.getRank();
  if (adaptor.getStarts().size() != rank || adaptor.getLimits().size() != rank || adaptor.getStrides().size() != rank)
    return inferError(location, getOperationName()) << "needs one start, limit and stride for each of the " << rank << " dimensions of " << type;
  SmallVector<int64_t> shape;
  for (auto [i, size] : llvm::enumerate(type.getShape())) {
    int64_t start = adaptor.getStarts()[i], limit = adaptor.getLimits()[i], stride = adaptor.getStrides()[i];
    if (stride < 1)
      return inferError(location, getOperationName()) << "has stride " << stride << " in dimension " << i << ", but strides are at least 1";
    bool isOpen = limit == -1, isDynamic = ShapedType::isDynamic(size);
    if (isOpen)
      limit = size;
    bool isKnown = !isOpen || !isDynamic;
    if (start < 0 || (isKnown && (limit < start || (!isDynamic && limit > size)))) {
      auto diagnostic = inferError(location, getOperationName()) << "takes elements " << start << " to " << limit << " of dimension " << i << " of " << type;
      diagnostic.attachNote() << "0 <= start <= limit <= size must hold";
      return diagnostic;
    }
    shape.push_back(isKnown ? static_cast<int64_t>(llvm::divideCeil(static_cast<uint64_t>(limit - start), static_cast<uint64_t>(stride)))
                            : ShapedType::kDynamic);
  }
  inferred.push_back(type.clone(shape));
  return success();
}

LogicalResult SliceOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (!needed[0])
    return success();
  ArrayRef<int64_t> shape = shapeOf(getX()), taken = shapeOf(getResult());
  SmallVector<int64_t> low, high, interior;
  for (auto [i, size] : llvm::enumerate(shape)) {
    int64_t start = getStarts()[i], stride = getStrides()[i];
    bool isWhole = start == 0 && getLimits()[i] == -1 && stride == 1;
    if (ShapedType::isDynamic(size) && !isWhole)
      return emitOpError("has no derivative along dimension ") << i << " of " << getX().getType() << ", whose size is not known";
    int64_t used = isWhole ? size : taken[i] ? (taken[i] - 1) * stride + 1 : 0;
    low.push_back(start);
    high.push_back(isWhole ? 0 : size - start - used);
    interior.push_back(stride - 1);
  }
  grads[0] = PadOp::create(builder, getLoc(), cotangents[0], low, high, interior, APFloat(0.0));
  return success();
}

OpFoldResult SliceOp::fold(FoldAdaptor adaptor) {
  auto type = cast<RankedTensorType>(getType());
  auto isWhole = [&](size_t i) { return !type.isDynamicDim(i) || (getStarts()[i] == 0 && getStrides()[i] == 1); };
  if (getX().getType() == type && llvm::all_of(llvm::seq<size_t>(type.getRank()), isWhole))
    return getX();
  auto elements = dyn_cast_if_present<SplatElementsAttr>(adaptor.getX());
  return elements && type.hasStaticShape() ? elements.resizeSplat(type) : nullptr;
}

//===----------------------------------------------------------------------===//
// pad
//===----------------------------------------------------------------------===//

LogicalResult PadOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                      OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  PadOpAdaptor adaptor(operands, attributes, properties, regions);
  auto type = inferOperand(location, getOperationName(), operands, 0);
  if (!type)
    return failure();
  size_t rank = type.getRank();
  if (adaptor.getLow().size() != rank || adaptor.getHigh().size() != rank || adaptor.getInterior().size() != rank)
    return inferError(location, getOperationName()) << "needs one low, high and interior count for each of the " << rank << " dimensions of " << type;
  SmallVector<int64_t> shape;
  for (auto [i, size] : llvm::enumerate(type.getShape())) {
    int64_t low = adaptor.getLow()[i], high = adaptor.getHigh()[i], interior = adaptor.getInterior()[i], total = size;
    if (low < 0 || high < 0 || interior < 0)
      return inferError(location, getOperationName()) << "adds " << low << ", " << high << " and " << interior << " elements in dimension " << i
                                                      << ", but the counts must not be negative; cut with cell.slice";
    bool overflow = false;
    if (!ShapedType::isDynamic(size)) {
      int64_t gaps = 0;
      overflow |= llvm::MulOverflow(std::max<int64_t>(size - 1, 0), interior, gaps);
      overflow |= llvm::AddOverflow(total, gaps, total);
      overflow |= llvm::AddOverflow(total, low, total);
      overflow |= llvm::AddOverflow(total, high, total);
    }
    if (overflow)
      return inferError(location, getOperationName()) << "makes dimension " << i << " of " << type << " larger than can be counted";
    shape.push_back(total);
  }
  return inferShape(getOperationName(), location, shape, type.getElementType(), inferred);
}

LogicalResult PadOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (!needed[0])
    return success();
  SmallVector<int64_t> limits, strides;
  for (auto [i, size] : llvm::enumerate(shapeOf(getX()))) {
    int64_t low = getLow()[i], step = getInterior()[i] + 1;
    if (ShapedType::isDynamic(size) && getHigh()[i] != 0)
      return emitOpError("has no derivative along dimension ") << i << " of " << getX().getType() << ", whose size is not known";
    limits.push_back(ShapedType::isDynamic(size) ? -1 : low + (size ? (size - 1) * step + 1 : 0));
    strides.push_back(step);
  }
  grads[0] = SliceOp::create(builder, getLoc(), cotangents[0], getLow(), limits, strides);
  return success();
}

OpFoldResult PadOp::fold(FoldAdaptor) {
  auto isZero = [](int64_t count) { return count == 0; };
  bool isNothing = llvm::all_of(getLow(), isZero) && llvm::all_of(getHigh(), isZero) && llvm::all_of(getInterior(), isZero);
  return isNothing ? OpFoldResult(getX()) : OpFoldResult();
}

//===----------------------------------------------------------------------===//
// concat
//===----------------------------------------------------------------------===//

LogicalResult ConcatOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                         OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  ConcatOpAdaptor adaptor(operands, attributes, properties, regions);
  auto type = inferOperand(location, getOperationName(), operands, 0);
  int64_t axis = adaptor.getAxis();
  if (!type || failed(checkAxis(getOperationName(), location, axis, type.getRank())))
    return failure();
  SmallVector<int64_t> shape(type.getShape());
  int64_t total = shape[axis];
  for (unsigned i = 1; i < operands.size(); ++i) {
    auto other = inferOperand(location, getOperationName(), operands, i);
    if (!other)
      return failure();
    SmallVector<int64_t> expected(shape);
    if (static_cast<int64_t>(expected.size()) == other.getRank())
      expected[axis] = other.getDimSize(axis);
    if (other.getElementType() != type.getElementType() || !compatibleShapes(expected, other.getShape())) {
      auto diagnostic = inferError(location, getOperationName()) << "cannot join " << type << " and " << other << " (operand " << i << ") along axis " << axis;
      diagnostic.attachNote() << "dtype, rank and all other dimensions must be equal";
      return diagnostic;
    }
    shape = mergeShapes(expected, other.getShape());
    bool isDynamic = ShapedType::isDynamic(total) || ShapedType::isDynamic(shape[axis]);
    if (isDynamic)
      total = ShapedType::kDynamic;
    else if (llvm::AddOverflow(total, shape[axis], total))
      return inferError(location, getOperationName()) << "makes dimension " << axis << " larger than can be counted";
  }
  shape[axis] = total;
  return inferShape(getOperationName(), location, shape, type.getElementType(), inferred);
}

LogicalResult ConcatOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  int64_t axis = getAxis(), start = 0;
  for (auto [i, input] : llvm::enumerate(getInputs())) {
    int64_t size = shapeOf(input)[axis];
    if (ShapedType::isDynamic(size))
      return emitOpError("has no derivative: operand ") << i << " is " << input.getType() << ", whose size along axis " << axis << " is not known";
    if (needed[i])
      grads[i] = createSlice(builder, getLoc(), cotangents[0], axis, start, start + size);
    start += size;
  }
  return success();
}

OpFoldResult ConcatOp::fold(FoldAdaptor) { return getInputs().size() == 1 ? OpFoldResult(getInputs()[0]) : OpFoldResult(); }
