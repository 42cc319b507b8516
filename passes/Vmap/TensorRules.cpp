//===- TensorRules.cpp - batches of elementwise, shape and axis ops --------===//
#include "dialect/Cell/Expr.h"
#include "passes/Vmap/Scope.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::cell;

static SmallVector<int64_t> prefixed(int64_t first, ArrayRef<int64_t> rest) {
  SmallVector<int64_t> all{first};
  llvm::append_range(all, rest);
  return all;
}

RuleResult mlir::cell::batchElementwiseOp(const BatchScope &scope, Operation *op, ArrayRef<Lane> operands) {
  if (!isa<ElementwiseOpInterface>(op))
    return std::nullopt;
  // Its operand gives the type only.
  if (auto full = dyn_cast<FullLikeOp>(op))
    return SmallVector<Lane>{{createFull(scope.builder, scope.loc, cast<RankedTensorType>(full.getType()), full.getValue().convertToDouble()), false}};
  if (!isa<InferTypeOpInterface>(op)) {
    op->emitError("'") << op->getName() << "' is elementwise, but does not infer its result type, which vmap needs (InferTypeOpInterface)";
    return failure();
  }
  return batchedResults(scope.again(op, scope.spread(operands)));
}

//===----------------------------------------------------------------------===//
// Ops that move elements
//===----------------------------------------------------------------------===//

RuleResult mlir::cell::batchTensorOp(const BatchScope &scope, Operation *op, ArrayRef<Lane> operands) {
  OpBuilder &builder = scope.builder;
  return llvm::TypeSwitch<Operation *, RuleResult>(op)
      .Case<BroadcastOp>([&](BroadcastOp op) {
        // New dimensions of the example come behind the batch.
        ArrayRef<int64_t> from = shapeOf(op.getX()), to = shapeOf(op.getResult());
        SmallVector<int64_t> shape = prefixed(scope.size, SmallVector<int64_t>(to.size() - from.size(), 1));
        llvm::append_range(shape, from);
        Value x = createReshape(builder, scope.loc, operands[0].value, shape);
        return batchedResults(createBroadcast(builder, scope.loc, x, prefixed(scope.size, to)));
      })
      .Case<ReshapeOp>([&](ReshapeOp op) {
        return batchedResults(createReshape(builder, scope.loc, operands[0].value, prefixed(scope.size, shapeOf(op.getResult()))));
      })
      .Case<TransposeOp>([&](TransposeOp op) {
        SmallVector<int64_t> permutation = prefixed(0, {});
        for (int64_t from : op.getPermutation())
          permutation.push_back(from + 1);
        return batchedResults(createTranspose(builder, scope.loc, operands[0].value, permutation));
      })
      .Case<SliceOp>([&](SliceOp op) {
        return batchedResults(scope.again(op, operands[0].value,
                                          {scope.attribute("starts", prefixed(0, op.getStarts())), scope.attribute("limits", prefixed(scope.size, op.getLimits())),
                                           scope.attribute("strides", prefixed(1, op.getStrides()))}));
      })
      .Case<PadOp>([&](PadOp op) {
        return batchedResults(scope.again(op, operands[0].value,
                                          {scope.attribute("low", prefixed(0, op.getLow())), scope.attribute("high", prefixed(0, op.getHigh())),
                                           scope.attribute("interior", prefixed(0, op.getInterior()))}));
      })
      .Case<StopGradientOp>([&](Operation *op) { return batchedResults(scope.again(op, operands[0].value)); })
      .Case<BarrierOp>([&](BarrierOp) { return batchedResults(BarrierOp::create(builder, scope.loc, operands[0].value.getType(), operands[0].value)); })
      .Default([](Operation *) -> RuleResult { return std::nullopt; });
}

//===----------------------------------------------------------------------===//
// Ops along axes: the axes move up by one
//===----------------------------------------------------------------------===//

RuleResult mlir::cell::batchAxisOp(const BatchScope &scope, Operation *op, ArrayRef<Lane> operands) {
  if (isa<ReduceSumOp, ReduceMaxOp, ReduceMinOp, ReduceProdOp, ReduceMeanOp, ReduceAnyOp, ReduceAllOp, ReverseOp>(op)) {
    SmallVector<int64_t> axes;
    for (int64_t axis : op->getAttrOfType<DenseI64ArrayAttr>("axes").asArrayRef())
      axes.push_back(axis + 1);
    return batchedResults(scope.again(op, operands[0].value, scope.attribute("axes", axes)));
  }
  // A layer norm with one scale for all examples; with several it is decomposed.
  if (isa<LayerNormOp>(op) && (operands[1].batched || operands[2].batched))
    return std::nullopt;
  if (!isa<ConcatOp, ArgmaxOp, ArgminOp, CumsumOp, OneHotOp, SoftmaxOp, LogSoftmaxOp, CrossEntropyOp, SoftmaxCrossEntropyOp, LayerNormOp>(op))
    return std::nullopt;
  SmallVector<Value> values = scope.spread(operands.take_front(isa<LayerNormOp>(op) ? 1 : operands.size()));
  for (const Lane &lane : operands.drop_front(values.size()))
    values.push_back(lane.value);
  return batchedResults(scope.again(op, values, scope.attribute("axis", op->getAttrOfType<IntegerAttr>("axis").getInt() + 1)));
}
