//===- PoolOps.cpp - pooling over windows and its derivatives -------------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Infer.h"
#include "dialect/Cell/Shapes.h"
#include "dialect/Cell/Window.h"

using namespace mlir;
using namespace mlir::cell;

static constexpr int64_t noDilation[] = {1, 1};

template <typename OpOrAdaptor>
static ArrayRef<int64_t> dilationsOf(OpOrAdaptor op) {
  if constexpr (std::is_base_of_v<AvgPool2DOp::Adaptor, OpOrAdaptor> || std::is_base_of_v<AvgPool2DGradOp::Adaptor, OpOrAdaptor> ||
                std::is_same_v<OpOrAdaptor, AvgPool2DOp> || std::is_same_v<OpOrAdaptor, AvgPool2DGradOp>)
    return noDilation;
  else
    return op.getDilations();
}

/// The op's window after all checks that do not need an operand.
template <typename Adaptor>
static FailureOr<Window2D> inferWindow(StringRef op, std::optional<Location> location, Adaptor adaptor) {
  if (failed(checkSizes(op, location, "kernel", adaptor.getKernelAttr(), 2, 1)))
    return failure();
  Window2D window{adaptor.getKernel(), adaptor.getStrides(), adaptor.getPads(), dilationsOf(adaptor)};
  if (failed(checkWindow(op, location, window)))
    return failure();
  for (unsigned i : {0u, 1u})
    if (window.padBefore(i) >= window.extent(i) || window.padAfter(i) >= window.extent(i)) {
      auto diagnostic = inferError(location, op) << "pads the " << (i ? "width" : "height") << " by " << window.padBefore(i) << " and "
                                                 << window.padAfter(i) << ", but a window spans " << window.extent(i) << " elements";
      diagnostic.attachNote() << "a window would lie in the padding alone: each pad must be smaller than the span";
      return failure();
    }
  return window;
}

/// The type after pooling operand 0.
template <typename Adaptor>
static LogicalResult inferPooled(StringRef op, std::optional<Location> location, ValueRange operands, Adaptor adaptor,
                                 SmallVectorImpl<Type> &inferred) {
  auto x = inferOperandOfRank(location, op, operands, 0, 4, "an NCHW tensor x");
  if (!x)
    return failure();
  auto window = inferWindow(op, location, adaptor);
  if (failed(window))
    return failure();
  auto shape = inferWindowed(op, location, x, *window, x.getDimSize(1));
  if (failed(shape))
    return failure();
  inferred.push_back(x.clone(*shape));
  return success();
}

/// Fails where `type` is not what pooling an input of `inputShape` gives.
static LogicalResult checkPooled(StringRef op, std::optional<Location> location, StringRef name, RankedTensorType type, RankedTensorType pooled,
                                 ArrayRef<int64_t> inputShape) {
  if (type.getElementType() == pooled.getElementType() && compatibleShapes(type.getShape(), pooled.getShape()))
    return success();
  return inferError(location, op) << name << " is " << type << ", but pooling an x of " << shapeText(inputShape) << " gives " << pooled;
}

//===----------------------------------------------------------------------===//
// Maximum
//===----------------------------------------------------------------------===//

LogicalResult MaxPool2DOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                            OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  return inferPooled(getOperationName(), location, operands, MaxPool2DOpAdaptor(operands, attributes, properties, regions), inferred);
}

LogicalResult MaxPool2DGradOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                                OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  StringRef op = getOperationName();
  SmallVector<Type> pooled;
  if (failed(inferPooled(op, location, operands, MaxPool2DGradOpAdaptor(operands, attributes, properties, regions), pooled)))
    return failure();
  auto dy = inferOperandOfRank(location, op, operands, 1, 4, "an NCHW cotangent dy");
  auto x = cast<RankedTensorType>(operands[0].getType());
  if (!dy || failed(checkPooled(op, location, "dy", dy, cast<RankedTensorType>(pooled[0]), x.getShape())))
    return failure();
  inferred.push_back(x);
  return success();
}

LogicalResult MaxPool2DGatherOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                                  OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  StringRef op = getOperationName();
  if (failed(inferPooled(op, location, operands, MaxPool2DGatherOpAdaptor(operands, attributes, properties, regions), inferred)))
    return failure();
  SmallVector<Type> common;
  return inferSameType(op, location, operands, common);
}

LogicalResult MaxPool2DOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = MaxPool2DGradOp::create(builder, getLoc(), getX(), cotangents[0], getKernelAttr(), getStridesAttr(), getPadsAttr(), getDilationsAttr());
  return success();
}

// Where the maxima are does not change under small changes of x, so the derivatives by x of the next two ops are 0.

LogicalResult MaxPool2DGradOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[1])
    grads[1] =
        MaxPool2DGatherOp::create(builder, getLoc(), getX(), cotangents[0], getKernelAttr(), getStridesAttr(), getPadsAttr(), getDilationsAttr());
  return success();
}

LogicalResult MaxPool2DGatherOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[1])
    grads[1] = MaxPool2DGradOp::create(builder, getLoc(), getX(), cotangents[0], getKernelAttr(), getStridesAttr(), getPadsAttr(), getDilationsAttr());
  return success();
}

OpFoldResult MaxPool2DOp::fold(FoldAdaptor) {
  Window2D window{getKernel(), getStrides(), getPads(), getDilations()};
  return window.isTiling() && window.taps() == 1 ? OpFoldResult(getX()) : OpFoldResult();
}

//===----------------------------------------------------------------------===//
// Mean
//===----------------------------------------------------------------------===//

LogicalResult AvgPool2DOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                            OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  return inferPooled(getOperationName(), location, operands, AvgPool2DOpAdaptor(operands, attributes, properties, regions), inferred);
}

LogicalResult AvgPool2DGradOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                                OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  AvgPool2DGradOpAdaptor adaptor(operands, attributes, properties, regions);
  StringRef op = getOperationName();
  auto dy = inferOperandOfRank(location, op, operands, 0, 4, "an NCHW cotangent dy");
  if (!dy || failed(checkSizes(op, location, "input_size", adaptor.getInputSizeAttr(), 2, 1)))
    return failure();
  auto window = inferWindow(op, location, adaptor);
  if (failed(window))
    return failure();
  auto x = dy.clone({dy.getDimSize(0), dy.getDimSize(1), adaptor.getInputSize()[0], adaptor.getInputSize()[1]});
  auto shape = inferWindowed(op, location, x, *window, x.getDimSize(1));
  if (failed(shape) || failed(checkPooled(op, location, "dy", dy, dy.clone(*shape), x.getShape())))
    return failure();
  inferred.push_back(x);
  return success();
}

LogicalResult AvgPool2DOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (!needed[0])
    return success();
  ArrayRef<int64_t> size = shapeOf(getX()).drop_front(2);
  if (ShapedType::isDynamicShape(size))
    return emitOpError("has no derivative here: it needs a known height and width, but x is ") << getX().getType();
  grads[0] = AvgPool2DGradOp::create(builder, getLoc(), cotangents[0], builder.getDenseI64ArrayAttr(size), getKernelAttr(), getStridesAttr(),
                                     getPadsAttr(), getCountIncludePadAttr());
  return success();
}

LogicalResult AvgPool2DGradOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = AvgPool2DOp::create(builder, getLoc(), cotangents[0], getKernelAttr(), getStridesAttr(), getPadsAttr(), getCountIncludePadAttr());
  return success();
}

OpFoldResult AvgPool2DOp::fold(FoldAdaptor) {
  Window2D window{getKernel(), getStrides(), getPads(), noDilation};
  return window.isTiling() && window.taps() == 1 ? OpFoldResult(getX()) : OpFoldResult();
}

OpFoldResult AvgPool2DGradOp::fold(FoldAdaptor) {
  Window2D window{getKernel(), getStrides(), getPads(), noDilation};
  return window.isTiling() && window.taps() == 1 && getDy().getType() == getType() ? OpFoldResult(getDy()) : OpFoldResult();
}

#define GET_OP_CLASSES
#include "dialect/Cell/PoolOps.cpp.inc"
