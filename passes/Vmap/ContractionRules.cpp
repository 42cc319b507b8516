//===- ContractionRules.cpp - batches of products, convolutions, pooling ---===//
#include "passes/Vmap/Scope.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::cell;

/// One operand is batched: its rows (dimension M of the product) of all examples are the rows of one large product.
static FailureOr<SmallVector<Lane>> foldRows(const BatchScope &scope, MatmulOp op, Value rows, bool transposeRows, Value other, bool transposeOther) {
  int64_t rank = shapeOf(other).size();
  ArrayRef<int64_t> shape = shapeOf(rows);
  // One row per example needs no transpose.
  if (transposeRows && shape.back() == 1) {
    SmallVector<int64_t> swapped(shape);
    std::swap(swapped[rank - 1], swapped[rank]);
    rows = createReshape(scope.builder, scope.loc, rows, swapped);
    transposeRows = false;
  }
  rows = scope.fold(rows, transposeRows ? rank - 1 : rank - 2);
  Operation *product = scope.again(op, {rows, other}, {scope.attribute("transpose_a", transposeRows), scope.attribute("transpose_b", transposeOther)});
  if (!product)
    return failure();
  return batchedResults(scope.unfold(product->getResult(0), rank - 2));
}

static FailureOr<SmallVector<Lane>> batchMatmul(const BatchScope &scope, MatmulOp op, ArrayRef<Lane> operands) {
  const Lane &lhs = operands[0], &rhs = operands[1];
  if (lhs.batched && rhs.batched)
    return batchedResults(scope.again(op, {lhs.value, rhs.value}));
  if (lhs.batched)
    return foldRows(scope, op, lhs.value, op.getTransposeA(), rhs.value, op.getTransposeB());
  // (A B)^T = B^T A^T: the columns of rhs become rows.
  auto result = foldRows(scope, op, rhs.value, !op.getTransposeB(), lhs.value, !op.getTransposeA());
  if (failed(result))
    return failure();
  Value transposed = result->front().value;
  auto order = llvm::to_vector(llvm::seq<int64_t>(0, shapeOf(transposed).size()));
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return batchedResults(scope.permute(transposed, order));
}

namespace {
/// Where the batch goes in a convolution and its transposes: into dimension `place` of an operand or the result, with the groups of channels
/// outside of it where `grouped`.
struct Place {
  int64_t place;
  bool grouped;
};
/// For an op with only its first operand batched, and for one with only its second: where the batch goes in that operand, and in the result.
struct Convolution {
  Place first, firstResult, second, secondResult;
  /// With both batched, every example is a group of its own: dimensions that hold its channels.
  int64_t bothFirst, bothSecond, bothResult;
};
} // namespace

static FailureOr<SmallVector<Lane>> batchConvolution(const BatchScope &scope, Operation *op, ArrayRef<Lane> operands, const Convolution &where) {
  int64_t groups = 1;
  if (auto attribute = op->getAttrOfType<IntegerAttr>("groups"))
    groups = attribute.getInt();
  auto fold = [&](Value value, Place place) { return scope.fold(value, place.place, place.grouped ? groups : 1); };
  if (operands[0].batched && operands[1].batched) {
    Operation *all = scope.again(op, {scope.fold(operands[0].value, where.bothFirst), scope.fold(operands[1].value, where.bothSecond)},
                                 scope.attribute("groups", groups * scope.size));
    if (!all)
      return failure();
    return batchedResults(scope.unfold(all->getResult(0), where.bothResult));
  }
  bool first = operands[0].batched;
  Value x = first ? fold(operands[0].value, where.first) : operands[0].value;
  Value y = first ? operands[1].value : fold(operands[1].value, where.second);
  Operation *all = scope.again(op, {x, y});
  if (!all)
    return failure();
  Place result = first ? where.firstResult : where.secondResult;
  return batchedResults(scope.unfold(all->getResult(0), result.place, result.grouped ? groups : 1));
}

/// Images of all examples are the images of one batch.
static FailureOr<SmallVector<Lane>> batchPool(const BatchScope &scope, Operation *op, ArrayRef<Lane> operands) {
  SmallVector<Value> images;
  for (Value value : scope.spread(operands))
    images.push_back(scope.fold(value, 0));
  Operation *all = scope.again(op, images);
  if (!all)
    return failure();
  return batchedResults(scope.unfold(all->getResult(0), 0));
}

RuleResult mlir::cell::batchContractionOp(const BatchScope &scope, Operation *op, ArrayRef<Lane> operands) {
  constexpr Place images{0, false}, channels{1, true};
  return llvm::TypeSwitch<Operation *, RuleResult>(op)
      .Case<MatmulOp>([&](MatmulOp op) { return batchMatmul(scope, op, operands); })
      // (x, w) -> y: filters of one input are more output channels of each group.
      .Case<Conv2DOp>([&](Operation *op) { return batchConvolution(scope, op, operands, {images, images, {0, true}, channels, 1, 0, 1}); })
      // (dy, w) -> dx: filters of one cotangent are more input channels of each group.
      .Case<Conv2DInputGradOp>([&](Operation *op) { return batchConvolution(scope, op, operands, {images, images, {1, false}, channels, 1, 0, 1}); })
      // (x, dy) -> dw
      .Case<Conv2DWeightGradOp>([&](Operation *op) { return batchConvolution(scope, op, operands, {channels, {1, false}, channels, {0, true}, 1, 1, 0}); })
      .Case<MaxPool2DOp, MaxPool2DGradOp, MaxPool2DGatherOp, AvgPool2DOp, AvgPool2DGradOp>([&](Operation *op) { return batchPool(scope, op, operands); })
      .Default([](Operation *) -> RuleResult { return std::nullopt; });
}
