//===- ReductionOps.cpp - ops that combine elements along axes ------------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Infer.h"
#include "dialect/Cell/Shapes.h"

using namespace mlir;
using namespace mlir::cell;

Value mlir::cell::createSum(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> axes, bool keepdims) {
  if (axes.empty())
    return value;
  return ReduceSumOp::create(builder, loc, value, builder.getDenseI64ArrayAttr(axes), builder.getBoolAttr(keepdims));
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

#define GET_OP_CLASSES
#include "dialect/Cell/ReductionOps.cpp.inc"
