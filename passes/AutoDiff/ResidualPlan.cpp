//===- ResidualPlan.cpp - save or compute again ---------------------------===//
#include "passes/AutoDiff/ResidualPlan.h"

#include "dialect/Cell/Cell.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::cell;

/// Ops of one operand at most, which is never larger than the result.
static bool isAlwaysCheap(Operation *op) {
  return op->hasTrait<OpTrait::ConstantLike>() || isa<BroadcastOp, ReshapeOp, FullLikeOp, StopGradientOp, tensor::FromElementsOp, tensor::EmptyOp, tensor::CastOp>(op) ||
         (isa<tensor::ExtractOp>(op) && op->getNumOperands() == 1) || isa<arith::IndexCastOp, arith::IndexCastUIOp>(op);
}

/// A single integer or bool.
static bool isSmallInteger(Value value) {
  auto shaped = dyn_cast<ShapedType>(value.getType());
  return getElementTypeOrSelf(value.getType()).isIntOrIndex() && (!shaped || (shaped.hasStaticShape() && shaped.getNumElements() == 1));
}

namespace {
class Planner {
public:
  Planner(Block &forward, const llvm::DenseSet<Value> &free) : forward(forward), free(free) {}

  void provide(Value value) {
    if (isAtHand(value) || !visited.insert(value).second)
      return;
    Operation *op = value.getDefiningOp();
    if (!op || !(isAlwaysCheap(op) || followsFromFree(op))) {
      plan.saved.push_back(value);
      return;
    }
    for (Value operand : op->getOperands())
      provide(operand);
    plan.recomputed.insert(op);
  }

  ResidualPlan plan;

private:
  bool isAtHand(Value value) { return value.getParentBlock() != &forward || free.contains(value); }

  /// Arithmetic of single integers: what is computed from the induction variable and values from outside. One of them as a
  /// number of another dtype ends such a chain.
  bool followsFromFree(Operation *op) {
    if (auto known = follows.find(op); known != follows.end())
      return known->second;
    bool result = isPure(op) && op->getNumRegions() == 0 && (isa<CastOp>(op) || llvm::all_of(op->getResults(), isSmallInteger)) &&
                  llvm::all_of(op->getOperands(), [&](Value operand) {
                    if (!isSmallInteger(operand))
                      return false;
                    return isAtHand(operand) || (operand.getDefiningOp() && followsFromFree(operand.getDefiningOp()));
                  });
    return follows[op] = result;
  }

  Block &forward;
  const llvm::DenseSet<Value> &free;
  llvm::DenseSet<Value> visited;
  DenseMap<Operation *, bool> follows;
};
} // namespace

ResidualPlan mlir::cell::planResiduals(Block &forward, ArrayRef<Value> needed, const llvm::DenseSet<Value> &free) {
  Planner planner(forward, free);
  for (Value value : needed)
    planner.provide(value);
  return std::move(planner.plan);
}
