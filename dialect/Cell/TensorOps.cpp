//===- TensorOps.cpp - ops that move elements -----------------------------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Infer.h"
#include "dialect/Cell/Shapes.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::cell;

Value mlir::cell::createReshape(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> shape) {
  if (shapeOf(value) == shape)
    return value;
  auto target = llvm::map_to_vector(shape, [](int64_t size) { return ShapedType::isDynamic(size) ? int64_t(-1) : size; });
  return ReshapeOp::create(builder, loc, value, builder.getDenseI64ArrayAttr(target));
}

Value mlir::cell::createBroadcast(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> shape) {
  if (shapeOf(value) == shape)
    return value;
  auto target = llvm::map_to_vector(shape, [](int64_t size) { return ShapedType::isDynamic(size) ? int64_t(-1) : size; });
  return BroadcastOp::create(builder, loc, value, builder.getDenseI64ArrayAttr(target));
}

Value mlir::cell::createTranspose(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> permutation) {
  return llvm::is_sorted(permutation) ? value : TransposeOp::create(builder, loc, value, permutation).getResult();
}

//===----------------------------------------------------------------------===//
// broadcast
//===----------------------------------------------------------------------===//

LogicalResult BroadcastOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                            OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  BroadcastOpAdaptor adaptor(operands, attributes, properties, regions);
  auto type = inferOperand(location, getOperationName(), operands, 0);
  if (!type)
    return failure();
  SmallVector<int64_t> shape(adaptor.getShape());
  int64_t lead = static_cast<int64_t>(shape.size()) - type.getRank();
  auto fail = [&]() -> LogicalResult {
    auto diagnostic = inferError(location, getOperationName()) << "cannot bring " << type << " to shape [";
    llvm::interleaveComma(shape, diagnostic);
    return diagnostic << "]: dimensions are compared from the last one, and each must be equal or 1 in the operand";
  };
  if (lead < 0)
    return fail();
  for (auto [i, size] : llvm::enumerate(shape)) {
    int64_t from = static_cast<int64_t>(i) < lead ? 1 : type.getDimSize(i - lead);
    if (size == -1 && static_cast<int64_t>(i) >= lead)
      size = from;
    else if (size < 0 || (from != size && from != 1 && !ShapedType::isDynamic(from)))
      return fail();
  }
  return inferShape(getOperationName(), location, shape, type.getElementType(), inferred);
}

LogicalResult BroadcastOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (!needed[0])
    return success();
  ArrayRef<int64_t> from = shapeOf(getX()), to = shapeOf(getResult());
  int64_t lead = to.size() - from.size();
  SmallVector<int64_t> axes;
  for (auto [i, size] : llvm::enumerate(to))
    if (static_cast<int64_t>(i) < lead || (from[i - lead] == 1 && size != 1))
      axes.push_back(i);
  // Only new leading dimensions: the sum has the operand's shape already.
  bool onlyLead = axes.empty() || axes.back() < lead;
  Value sum = createSum(builder, getLoc(), cotangents[0], axes, /*keepdims=*/!onlyLead);
  grads[0] = createReshape(builder, getLoc(), sum, from);
  return success();
}

OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  if (getX().getType() == getType())
    return getX();
  auto elements = dyn_cast_if_present<SplatElementsAttr>(adaptor.getX());
  auto type = cast<RankedTensorType>(getType());
  return elements && type.hasStaticShape() ? elements.resizeSplat(type) : nullptr;
}

//===----------------------------------------------------------------------===//
// reshape
//===----------------------------------------------------------------------===//

LogicalResult ReshapeOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                          OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  ReshapeOpAdaptor adaptor(operands, attributes, properties, regions);
  auto type = inferOperand(location, getOperationName(), operands, 0);
  if (!type)
    return failure();
  SmallVector<int64_t> shape(adaptor.getShape());
  auto fail = [&](const Twine &why) -> LogicalResult {
    auto diagnostic = inferError(location, getOperationName()) << "cannot give " << type << " the shape [";
    llvm::interleaveComma(shape, diagnostic);
    return diagnostic << "]: " << why.str();
  };
  int64_t known = 1;
  bool overflow = false;
  int64_t *open = nullptr;
  for (int64_t &size : shape) {
    if (size == -1 && open)
      return fail("at most one dimension may be -1");
    if (size < -1)
      return fail("a dimension is negative");
    if (size == -1)
      open = &size;
    else
      overflow |= llvm::MulOverflow(known, size, known);
  }
  if (overflow)
    return fail("that is too many elements");
  if (type.hasStaticShape()) {
    int64_t count = type.getNumElements();
    if (open ? (known == 0 || count % known != 0) : count != known)
      return fail("the number of elements differs: " + Twine(count));
    if (open)
      *open = count / known;
  } else if (open) {
    *open = ShapedType::kDynamic;
  }
  inferred.push_back(type.clone(shape));
  return success();
}

LogicalResult ReshapeOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = createReshape(builder, getLoc(), cotangents[0], shapeOf(getX()));
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  auto type = cast<RankedTensorType>(getType());
  if (getX().getType() == type && type.hasStaticShape())
    return getX();
  if (auto inner = getX().getDefiningOp<ReshapeOp>()) {
    getXMutable().assign(inner.getX());
    return getResult();
  }
  auto elements = dyn_cast_if_present<DenseElementsAttr>(adaptor.getX());
  return elements && type.hasStaticShape() ? elements.reshape(type) : nullptr;
}

//===----------------------------------------------------------------------===//
// transpose
//===----------------------------------------------------------------------===//

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                            OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  TransposeOpAdaptor adaptor(operands, attributes, properties, regions);
  auto type = inferOperand(location, getOperationName(), operands, 0);
  if (!type)
    return failure();
  ArrayRef<int64_t> permutation = adaptor.getPermutation();
  if (static_cast<int64_t>(permutation.size()) != type.getRank() || !isPermutationVector(permutation)) {
    auto diagnostic = inferError(location, getOperationName()) << "permutation [";
    llvm::interleaveComma(permutation, diagnostic);
    return diagnostic << "] must name each of the " << type.getRank() << " dimensions of " << type << " once";
  }
  inferred.push_back(type.clone(applyPermutation(type.getShape(), permutation)));
  return success();
}

LogicalResult TransposeOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = createTranspose(builder, getLoc(), cotangents[0], invertPermutationVector(getPermutation()));
  return success();
}

OpFoldResult TransposeOp::fold(FoldAdaptor adaptor) {
  if (llvm::is_sorted(getPermutation()))
    return getX();
  if (auto inner = getX().getDefiningOp<TransposeOp>()) {
    setPermutation(applyPermutation(inner.getPermutation(), getPermutation()));
    getXMutable().assign(inner.getX());
    return getResult();
  }
  auto elements = dyn_cast_if_present<SplatElementsAttr>(adaptor.getX());
  return elements ? elements.resizeSplat(cast<ShapedType>(getType())) : nullptr;
}

//===----------------------------------------------------------------------===//
// reverse
//===----------------------------------------------------------------------===//

LogicalResult ReverseOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                          OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  ReverseOpAdaptor adaptor(operands, attributes, properties, regions);
  auto type = inferOperand(location, getOperationName(), operands, 0);
  if (!type || failed(checkAxes(getOperationName(), location, adaptor.getAxes(), type.getRank())))
    return failure();
  inferred.push_back(type);
  return success();
}

LogicalResult ReverseOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = ReverseOp::create(builder, getLoc(), cotangents[0], getAxes());
  return success();
}

OpFoldResult ReverseOp::fold(FoldAdaptor adaptor) {
  if (llvm::all_of(getAxes(), [&](int64_t axis) { return shapeOf(getX())[axis] == 1; }))
    return getX();
  if (auto inner = getX().getDefiningOp<ReverseOp>(); inner && inner.getAxes() == getAxes())
    return inner.getX();
  return dyn_cast_if_present<SplatElementsAttr>(adaptor.getX());
}

#define GET_OP_CLASSES
#include "dialect/Cell/TensorOps.cpp.inc"
