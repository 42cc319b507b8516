//===- RandomRules.cpp - batches of random numbers and of scalar ops -------===//
#include "dialect/Cell/Expr.h"
#include "passes/Vmap/Analysis.h"
#include "passes/Vmap/Scope.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::cell;

/// Draws of one key after another: a draw has one key.
static FailureOr<SmallVector<Lane>> drawEach(const BatchScope &scope, Operation *op, Value keys) {
  OpBuilder &builder = scope.builder;
  Location loc = scope.loc;
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Value empty = createFull(builder, loc, cast<RankedTensorType>(batchedType(type, scope.size)), 0);
  auto index = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(builder, loc, value); };
  auto loop = scf::ForOp::create(builder, loc, index(0), index(scope.size), index(1), empty);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Value number = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), loop.getInductionVar());
  Value place = tensor::FromElementsOp::create(builder, loc, RankedTensorType::get({}, builder.getI64Type()), number);
  Value zero = scope.number({}, 0);
  Value key = DynamicSliceOp::create(builder, loc, keys, ValueRange{place, zero}, ArrayRef<int64_t>{1, 2});
  Operation *draw = scope.again(op, createReshape(builder, loc, key, {2}));
  if (!draw)
    return failure();
  SmallVector<int64_t> row{1};
  llvm::append_range(row, type.getShape());
  SmallVector<Value> starts(row.size(), zero);
  starts[0] = place;
  Value all = DynamicUpdateOp::create(builder, loc, loop.getRegionIterArgs()[0], createReshape(builder, loc, draw->getResult(0), row), starts);
  scf::YieldOp::create(builder, loc, all);
  return batchedResults(loop.getResult(0));
}

RuleResult mlir::cell::batchRandomOp(const BatchScope &scope, Operation *op, ArrayRef<Lane> operands) {
  if (!isRandomOp(op))
    return std::nullopt;
  auto dropout = dyn_cast<DropoutOp>(op);
  const Lane &key = operands[dropout ? 1 : 0];
  // A dropout with numbers other than those of one large draw is decomposed.
  if (dropout)
    return key.batched || !scope.ownRandom ? RuleResult() : RuleResult(batchedResults(scope.again(op, {scope.spread(operands[0]), key.value})));
  if (key.batched)
    return drawEach(scope, op, key.value);
  SmallVector<int64_t> shape{scope.size};
  llvm::append_range(shape, shapeOf(op->getResult(0)));
  return batchedResults(scope.again(op, key.value, scope.attribute("shape", shape)));
}

//===----------------------------------------------------------------------===//
// Scalars of other dialects: a tensor of one per example
//===----------------------------------------------------------------------===//

static FailureOr<SmallVector<Lane>> batchFromElements(const BatchScope &scope, tensor::FromElementsOp op, ArrayRef<Lane> operands) {
  SmallVector<Value> columns;
  for (const Lane &lane : operands)
    columns.push_back(createReshape(scope.builder, scope.loc, scope.spread(lane), {scope.size, 1}));
  SmallVector<int64_t> shape{scope.size};
  llvm::append_range(shape, op.getType().getShape());
  return batchedResults(createReshape(scope.builder, scope.loc, createConcat(scope.builder, scope.loc, columns, 1), shape));
}

RuleResult mlir::cell::batchScalarOp(const BatchScope &scope, Operation *op, ArrayRef<Lane> operands) {
  OpBuilder &builder = scope.builder;
  return llvm::TypeSwitch<Operation *, RuleResult>(op)
      .Case<tensor::ExtractOp>([&](tensor::ExtractOp op) -> RuleResult {
        if (!op.getIndices().empty())
          return std::nullopt;
        return batchedResults(operands[0].value);
      })
      .Case<tensor::FromElementsOp>([&](tensor::FromElementsOp op) { return batchFromElements(scope, op, operands); })
      .Case<arith::IndexCastOp>([&](arith::IndexCastOp op) -> RuleResult {
        Type target = getElementTypeOrSelf(batchedType(op.getType(), scope.size));
        return batchedResults(createCast(builder, scope.loc, operands[0].value, target));
      })
      .Case<arith::SelectOp>([&](arith::SelectOp op) -> RuleResult {
        Value a = scope.spread(operands[1]), b = scope.spread(operands[2]);
        if (!isa<ShapedType>(op.getCondition().getType()))
          return batchedResults(scope.choose(scope.spread(operands[0]), a, b));
        return batchedResults(SelectOp::create(builder, scope.loc, scope.spread(operands[0]), a, b).getResult());
      })
      .Default([&](Operation *op) -> RuleResult {
        if (!OpTrait::hasElementwiseMappableTraits(op) || op->getNumRegions() || isa<CellDialect>(op->getDialect()))
          return std::nullopt;
        Operation *copy = op->clone();
        copy->setOperands(scope.spread(operands));
        copy->setLoc(scope.loc);
        for (Value result : copy->getResults())
          result.setType(batchedType(result.getType(), scope.size));
        return batchedResults(builder.insert(copy));
      });
}
