//===- ContractionOps.cpp - matrix products and convolutions --------------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Infer.h"
#include "dialect/Cell/Shapes.h"
#include "dialect/Cell/Window.h"

using namespace mlir;
using namespace mlir::cell;

static bool sameSize(int64_t a, int64_t b) { return a == b || ShapedType::isDynamic(a) || ShapedType::isDynamic(b); }

//===----------------------------------------------------------------------===//
// matmul
//===----------------------------------------------------------------------===//

LogicalResult MatmulOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                         OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  MatmulOpAdaptor adaptor(operands, attributes, properties, regions);
  StringRef op = getOperationName();
  auto lhs = inferOperand(location, op, operands, 0);
  auto rhs = lhs ? inferOperand(location, op, operands, 1) : nullptr;
  if (!rhs || failed(checkSameDtype(location, op, lhs, rhs)))
    return failure();
  int64_t rank = lhs.getRank();
  if (rank < 2 || rhs.getRank() < 2)
    return inferError(location, op) << "takes operands of rank 2 and more, but got " << lhs << " and " << rhs;
  ArrayRef<int64_t> a = lhs.getShape(), b = rhs.getShape();
  if (rank != rhs.getRank() || !compatibleShapes(a.drop_back(2), b.drop_back(2))) {
    auto diagnostic = inferError(location, op) << "takes operands with equal leading dimensions, but got " << lhs << " and " << rhs;
    diagnostic.attachNote() << "bring them to one shape with cell.broadcast";
    return failure();
  }
  bool flipA = adaptor.getTransposeA(), flipB = adaptor.getTransposeB();
  int64_t m = a[rank - 2 + flipA], k = a[rank - 1 - flipA], otherK = b[rank - 2 + flipB], n = b[rank - 1 - flipB];
  if (!sameSize(k, otherK))
    return inferError(location, op) << "multiplies " << m << "x" << k << " by " << otherK << "x" << n << " matrices, but the inner sizes " << k << " and "
                                    << otherK << " differ: operands are " << lhs << (flipA ? " transposed" : "") << " and " << rhs
                                    << (flipB ? " transposed" : "");
  SmallVector<int64_t> shape = mergeShapes(a.drop_back(2), b.drop_back(2));
  shape.append({m, n});
  inferred.push_back(lhs.clone(shape));
  return success();
}

LogicalResult MatmulOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  Value a = getLhs(), b = getRhs(), ct = cotangents[0];
  bool flipA = getTransposeA(), flipB = getTransposeB();
  auto product = [&](Value x, Value y, bool flipX, bool flipY) -> Value { return MatmulOp::create(builder, getLoc(), x, y, flipX, flipY); };
  // With A' and B' the matrices as they enter the product: dA' = ct B'^T and dB' = A'^T ct, transposed back where the operand is.
  if (needed[0])
    grads[0] = flipA ? product(b, ct, flipB, true) : product(ct, b, false, !flipB);
  if (needed[1])
    grads[1] = flipB ? product(ct, a, true, flipA) : product(a, ct, !flipA, false);
  return success();
}

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

/// The shape of conv2d(x, w) for a window whose kernel is w's; diagnostics name both.
static FailureOr<SmallVector<int64_t>> inferConvolution(StringRef op, std::optional<Location> location, RankedTensorType x, RankedTensorType w,
                                                        const Window2D &window, int64_t groups) {
  if (failed(checkWindow(op, location, window)))
    return failure();
  int64_t channels = x.getDimSize(1), filters = w.getDimSize(0), perGroup = w.getDimSize(1);
  if (groups < 1)
    return LogicalResult(inferError(location, op) << "'groups' is " << groups << ", but must be at least 1");
  if (!ShapedType::isDynamic(channels) && !ShapedType::isDynamic(perGroup) && (perGroup > channels || channels != perGroup * groups))
    return LogicalResult(inferError(location, op) << "x has " << channels << " channels, but the filter takes " << perGroup << " in each of "
                                                  << groups << " groups: x is " << x << ", w is " << w);
  if (!ShapedType::isDynamic(filters) && filters % groups != 0)
    return LogicalResult(inferError(location, op) << "cannot divide " << filters << " filters into " << groups << " groups: w is " << w);
  return inferWindowed(op, location, x, window, filters);
}

/// dy must have the shape that conv2d(x, w) has.
static LogicalResult checkCotangent(StringRef op, std::optional<Location> location, RankedTensorType x, RankedTensorType w, RankedTensorType dy,
                                    const Window2D &window, int64_t groups) {
  auto shape = inferConvolution(op, location, x, w, window, groups);
  if (failed(shape))
    return failure();
  if (compatibleShapes(*shape, dy.getShape()))
    return success();
  return inferError(location, op) << "dy is " << dy << ", but the convolution of an x of " << shapeText(x.getShape()) << " with a w of "
                                  << shapeText(w.getShape()) << " gives " << shapeText(*shape);
}

/// Both operands of rank 4 and of one dtype.
static LogicalResult inferPair(StringRef op, std::optional<Location> location, ValueRange operands, std::pair<StringRef, StringRef> roles,
                               RankedTensorType &first, RankedTensorType &second) {
  first = inferOperandOfRank(location, op, operands, 0, 4, roles.first);
  second = first ? inferOperandOfRank(location, op, operands, 1, 4, roles.second) : nullptr;
  return second ? checkSameDtype(location, op, first, second) : failure();
}

LogicalResult Conv2DOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                         OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  Conv2DOpAdaptor adaptor(operands, attributes, properties, regions);
  RankedTensorType x, w;
  if (failed(inferPair(getOperationName(), location, operands, {"an NCHW tensor x", "an OIHW filter w"}, x, w)))
    return failure();
  if (ShapedType::isDynamic(w.getDimSize(2)) || ShapedType::isDynamic(w.getDimSize(3)))
    return inferError(location, getOperationName()) << "needs a filter of known height and width, but w is " << w;
  Window2D window{w.getShape().drop_front(2), adaptor.getStrides(), adaptor.getPads(), adaptor.getDilations()};
  auto shape = inferConvolution(getOperationName(), location, x, w, window, adaptor.getGroups());
  if (failed(shape))
    return failure();
  inferred.push_back(x.clone(*shape));
  return success();
}

LogicalResult Conv2DInputGradOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                                  OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  Conv2DInputGradOpAdaptor adaptor(operands, attributes, properties, regions);
  StringRef op = getOperationName();
  RankedTensorType dy, w;
  if (failed(inferPair(op, location, operands, {"an NCHW cotangent dy", "an OIHW filter w"}, dy, w)) ||
      failed(checkSizes(op, location, "input_size", adaptor.getInputSizeAttr(), 2, 1)))
    return failure();
  if (ShapedType::isDynamic(w.getDimSize(2)) || ShapedType::isDynamic(w.getDimSize(3)))
    return inferError(location, op) << "needs a filter of known height and width, but w is " << w;
  int64_t groups = adaptor.getGroups(), perGroup = w.getDimSize(1);
  if (failed(checkSizes(op, location, "groups", ArrayRef<int64_t>(groups), 1, 1)))
    return failure();
  int64_t channels = ShapedType::isDynamic(perGroup) ? ShapedType::kDynamic : perGroup * groups;
  auto x = dy.clone({dy.getDimSize(0), channels, adaptor.getInputSize()[0], adaptor.getInputSize()[1]});
  Window2D window{w.getShape().drop_front(2), adaptor.getStrides(), adaptor.getPads(), adaptor.getDilations()};
  if (failed(checkCotangent(op, location, x, w, dy, window, groups)))
    return failure();
  inferred.push_back(x);
  return success();
}

LogicalResult Conv2DWeightGradOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands,
                                                   DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
                                                   SmallVectorImpl<Type> &inferred) {
  Conv2DWeightGradOpAdaptor adaptor(operands, attributes, properties, regions);
  StringRef op = getOperationName();
  RankedTensorType x, dy;
  if (failed(inferPair(op, location, operands, {"an NCHW tensor x", "an NCHW cotangent dy"}, x, dy)) ||
      failed(checkSizes(op, location, "kernel_size", adaptor.getKernelSizeAttr(), 2, 1)))
    return failure();
  int64_t groups = adaptor.getGroups(), channels = x.getDimSize(1);
  if (failed(checkSizes(op, location, "groups", ArrayRef<int64_t>(groups), 1, 1)))
    return failure();
  if (!ShapedType::isDynamic(channels) && channels % groups != 0)
    return inferError(location, op) << "cannot divide " << channels << " channels into " << groups << " groups: x is " << x;
  auto w = x.clone({dy.getDimSize(1), ShapedType::isDynamic(channels) ? channels : channels / groups, adaptor.getKernelSize()[0],
                    adaptor.getKernelSize()[1]});
  Window2D window{adaptor.getKernelSize(), adaptor.getStrides(), adaptor.getPads(), adaptor.getDilations()};
  if (failed(checkCotangent(op, location, x, w, dy, window, groups)))
    return failure();
  inferred.push_back(w);
  return success();
}

/// The three convolutions are bilinear, and each is the transpose of the others: with c = <y, conv(x, w)>, the gradient of c by each of x, w, y is
/// one of them applied to the other two. This builds that one; null after a diagnostic.
template <typename OpTy, typename Source>
static Value createConvolution(OpBuilder &builder, Source source, Value a, Value b, Value like = nullptr) {
  Location loc = source.getLoc();
  auto strides = source.getStridesAttr(), pads = source.getPadsAttr(), dilations = source.getDilationsAttr();
  auto groups = source.getGroupsAttr();
  if constexpr (std::is_same_v<OpTy, Conv2DOp>) {
    return Conv2DOp::create(builder, loc, a, b, strides, pads, dilations, groups);
  } else {
    ArrayRef<int64_t> size = shapeOf(like).drop_front(2);
    if (ShapedType::isDynamicShape(size)) {
      source.emitOpError("has no derivative here: it needs a known height and width, but an operand is ") << like.getType();
      return nullptr;
    }
    return OpTy::create(builder, loc, a, b, builder.getDenseI64ArrayAttr(size), strides, pads, dilations, groups);
  }
}

LogicalResult Conv2DOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  Value x = getX(), w = getW(), ct = cotangents[0];
  if (needed[0] && !(grads[0] = createConvolution<Conv2DInputGradOp>(builder, *this, ct, w, x)))
    return failure();
  return success(!needed[1] || (grads[1] = createConvolution<Conv2DWeightGradOp>(builder, *this, x, ct, w)));
}

LogicalResult Conv2DInputGradOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  Value dy = getDy(), w = getW(), ct = cotangents[0];
  if (needed[0])
    grads[0] = createConvolution<Conv2DOp>(builder, *this, ct, w);
  return success(!needed[1] || (grads[1] = createConvolution<Conv2DWeightGradOp>(builder, *this, ct, dy, w)));
}

LogicalResult Conv2DWeightGradOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  Value x = getX(), dy = getDy(), ct = cotangents[0];
  if (needed[0] && !(grads[0] = createConvolution<Conv2DInputGradOp>(builder, *this, dy, ct, x)))
    return failure();
  if (needed[1])
    grads[1] = createConvolution<Conv2DOp>(builder, *this, x, ct);
  return success();
}

#define GET_OP_CLASSES
#include "dialect/Cell/ContractionOps.cpp.inc"
