//===- ResidualPlan.cpp - save or compute again ---------------------------===//
#include "passes/AutoDiff/ResidualPlan.h"

#include "dialect/Cell/Cell.h"
#include "passes/AutoDiff/MinCut.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::cell;

/// Chains computed again do not grow beyond this weight: what is saved in memory must not be lost in time.
static constexpr int weightLimit = 24;
/// What a saved value costs besides its bytes.
static constexpr int64_t costOfSaving = 64;

int64_t mlir::cell::estimateBytes(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return type.isIntOrFloat() ? std::max<int64_t>(1, type.getIntOrFloatBitWidth() / 8) : 8;
  int64_t bytes = tensor.getElementType().isIntOrFloat() ? std::max<int64_t>(1, tensor.getElementTypeBitWidth() / 8) : 8;
  for (int64_t size : tensor.getShape())
    bytes = std::min(bytes * (ShapedType::isDynamic(size) ? 64 : size), int64_t(1) << 44);
  return bytes;
}

/// A single integer or bool.
static bool isSmallInteger(Value value) {
  auto shaped = dyn_cast<ShapedType>(value.getType());
  return getElementTypeOrSelf(value.getType()).isIntOrIndex() && (!shaped || (shaped.hasStaticShape() && shaped.getNumElements() == 1));
}

static bool isSmallIntegerArithmetic(Operation *op) {
  return isPure(op) && op->getNumRegions() == 0 && op->getNumResults() == 1 && isSmallInteger(op->getResult(0)) &&
         llvm::all_of(op->getOperands(), isSmallInteger);
}

bool mlir::cell::isAlwaysCheap(Operation *op) {
  return op->hasTrait<OpTrait::ConstantLike>() || isa<BroadcastOp, ReshapeOp, FullLikeOp, StopGradientOp, tensor::FromElementsOp, tensor::EmptyOp, tensor::CastOp>(op) ||
         (isa<tensor::ExtractOp>(op) && op->getNumOperands() == 1) || isa<arith::IndexCastOp, arith::IndexCastUIOp>(op) || isSmallIntegerArithmetic(op);
}

/// What it costs to compute an op again, or -1 where that must not be.
static int recomputationWeight(Operation *op) {
  if (op->getNumResults() != 1 || op->getNumRegions() != 0)
    return -1;
  if (isAlwaysCheap(op) || isa<BarrierOp>(op))
    return 0;
  if (!isPure(op))
    return -1;
  if (isa<ExpOp, Expm1Op, LogOp, Log1pOp, SinOp, CosOp, TanOp, SinhOp, CoshOp, TanhOp, AsinOp, AcosOp, AtanOp, Atan2Op, ErfOp, SigmoidOp, GeluOp, PowOp>(op))
    return 4;
  if (isa<TransposeOp, SliceOp, ReverseOp, PadOp, DynamicSliceOp>(op))
    return 2;
  if (isa<ElementwiseOpInterface, IotaOp, OneHotOp>(op) || op->hasTrait<OpTrait::Elementwise>())
    return 1;
  return -1;
}

/// Reductions that are worth a saved value: it is small.
static bool isSmallReduction(Operation *op) {
  return isa<ReduceSumOp, ReduceMaxOp, ReduceMinOp, ReduceMeanOp>(op) &&
         8 * estimateBytes(op->getResult(0).getType()) <= estimateBytes(op->getOperand(0).getType());
}

bool ResidualPlan::isApart(Value value) const {
  Operation *op = value.getDefiningOp();
  return op && recomputed.contains(op) && (!isAlwaysCheap(op) || llvm::any_of(op->getOperands(), [&](Value operand) { return isApart(operand); }));
}

namespace {
class Planner {
public:
  Planner(Block &forward, const llvm::DenseSet<Value> &free, ResidualChoice choice) : forward(forward), free(free), choice(choice) { findWeights(); }

  void plan(ArrayRef<Value> needed) {
    if (choice == ResidualChoice::MinCut)
      cut(needed);
    for (Value value : needed)
      provide(value, value);
  }

  ResidualPlan result;

private:
  bool isAtHand(Value value) { return value.getParentBlock() != &forward || free.contains(value); }
  bool isRecomputable(Value value) { return value.getDefiningOp() && recomputable.contains(value.getDefiningOp()); }

  void findWeights() {
    DenseMap<Operation *, int> weights;
    for (Operation &op : forward) {
      int weight = choice == ResidualChoice::All ? (isAlwaysCheap(&op) ? 0 : -1) : recomputationWeight(&op);
      if (weight < 0)
        continue;
      int longest = 0;
      for (Value operand : op.getOperands())
        if (!isAtHand(operand) && isRecomputable(operand))
          longest = std::max(longest, weights.lookup(operand.getDefiningOp()));
      if (longest + weight > weightLimit)
        continue;
      weights[&op] = longest + weight;
      recomputable.insert(&op);
    }
  }

  /// A value that is in memory anyway, because it is made or read by an op that works on whole tensors, is saved before one that is not.
  int64_t costOf(Value value) {
    bool inMemory = !isRecomputable(value) || llvm::any_of(value.getUsers(), [&](Operation *user) {
      return forward.getParent()->isAncestor(user->getParentRegion()) && (user->getBlock() != &forward || recomputationWeight(user) < 0);
    });
    return estimateBytes(value.getType()) * (inMemory ? 4 : 5) + costOfSaving;
  }

  /// Each value is an edge from its way in to its way out that costs what saving it costs. The source is all that must not be computed
  /// again, the sink all that is needed: the cheapest cut between them is what is saved.
  void cut(ArrayRef<Value> needed) {
    FlowNetwork network;
    unsigned source = network.addNode(), sink = network.addNode();
    llvm::MapVector<Value, unsigned> nodes;
    SmallVector<Value> worklist;
    auto wayIn = [&](Value value) {
      auto [place, isNew] = nodes.try_emplace(value, 0);
      if (isNew) {
        place->second = network.addNode();
        network.addEdge(place->second, network.addNode(), costOf(value));
        worklist.push_back(value);
      }
      return place->second;
    };
    for (Value value : needed)
      if (!isAtHand(value))
        network.addEdge(wayIn(value) + 1, sink, FlowNetwork::unbounded);
    while (!worklist.empty()) {
      Value value = worklist.pop_back_val();
      unsigned in = nodes[value];
      if (!isRecomputable(value)) {
        network.addEdge(source, in, FlowNetwork::unbounded);
        continue;
      }
      for (Value operand : value.getDefiningOp()->getOperands())
        if (!isAtHand(operand))
          network.addEdge(wayIn(operand) + 1, in, FlowNetwork::unbounded);
    }
    llvm::BitVector near = network.cutNearSink(source, sink);
    for (auto [value, in] : nodes)
      if (!near.test(in) && near.test(in + 1))
        chosen.insert(value);
  }

  /// Goes back from what is needed to what is saved or at hand.
  void provide(Value value, Value needed) {
    if (isAtHand(value) || !visited.insert(value).second)
      return;
    if (chosen.contains(value) || !isRecomputable(value)) {
      result.saved.push_back(value);
      result.neededFor[value] = needed;
      return;
    }
    for (Value operand : value.getDefiningOp()->getOperands())
      provide(operand, needed);
    result.recomputed.insert(value.getDefiningOp());
  }

  Block &forward;
  const llvm::DenseSet<Value> &free;
  ResidualChoice choice;
  llvm::DenseSet<Operation *> recomputable;
  llvm::DenseSet<Value> visited, chosen;
};
} // namespace

ResidualPlan mlir::cell::planResiduals(Block &forward, ArrayRef<Value> needed, const llvm::DenseSet<Value> &free, ResidualChoice choice) {
  Planner planner(forward, free, choice);
  planner.plan(needed);
  return std::move(planner.result);
}

SmallVector<Operation *> mlir::cell::hoistIntoForward(Block &forward, Block &reverse) {
  SmallVector<Operation *> hoisted;
  llvm::DenseSet<Value> known;
  Operation *end = forward.getTerminator();
  OpBuilder builder(end);
  auto isThere = [&](Value value) {
    Operation *op = value.getDefiningOp();
    return known.contains(value) || (op && op->hasTrait<OpTrait::ConstantLike>()) || value.getParentRegion()->isAncestor(forward.getParent());
  };
  auto dependsOnForward = [&](Value value) { return known.contains(value) || value.getParentBlock() == &forward; };
  for (Operation &op : llvm::make_early_inc_range(reverse.without_terminator())) {
    if ((recomputationWeight(&op) < 0 && !isSmallReduction(&op)) || isa<BarrierOp>(op) || !llvm::all_of(op.getOperands(), isThere) ||
        llvm::none_of(op.getOperands(), dependsOnForward))
      continue;
    for (OpOperand &operand : op.getOpOperands())
      if (Operation *constant = operand.get().getDefiningOp(); constant && constant->hasTrait<OpTrait::ConstantLike>() && constant->getBlock() == &reverse) {
        hoisted.push_back(builder.clone(*constant));
        operand.set(hoisted.back()->getResult(cast<OpResult>(operand.get()).getResultNumber()));
      }
    op.moveBefore(end);
    hoisted.push_back(&op);
    known.insert(op.result_begin(), op.result_end());
  }
  return hoisted;
}
