//===- FuseLinalg.cpp - elementwise chains and reductions as one loop -----===//
#include "passes/LinalgToLLVM/Common.h"
#include "passes/LinalgToLLVM/FusionGroups.h"
#include "passes/Passes.h"

#include "dialect/Rt/RtOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SmallBitVector.h"

namespace mlir::cell {
#define GEN_PASS_DEF_FUSELINALG
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Builds the one generic that replaces a group.
class GroupBuilder {
public:
  explicit GroupBuilder(FusionGroup &group) : group(group), context(group.members.front().op->getContext()) {
    for (FusionMember &member : group.members)
      inGroup.insert(member.op);
  }

  void build() {
    collect();
    Operation *last = group.members.back().op;
    OpBuilder builder(last);
    SmallVector<Location> locations;
    for (FusionMember &member : group.members)
      locations.push_back(member.op.getLoc());
    Location loc = FusedLoc::get(context, locations);
    coverDomain(builder, loc);

    SmallVector<AffineMap> maps;
    SmallVector<Value> inputs, inits;
    for (auto &[value, map] : reads) {
      inputs.push_back(value);
      maps.push_back(map);
    }
    for (OpResult result : results) {
      inits.push_back(chooseInit(builder, loc, result));
      maps.push_back(resultMap(result));
    }
    auto fused = linalg::GenericOp::create(builder, loc, TypeRange(ValueRange(inits)), inputs, inits, maps, iterators(),
                                           [&](OpBuilder &body, Location, ValueRange arguments) { emitBody(body, arguments); });
    for (auto [old, value] : llvm::zip_equal(results, fused.getResults()))
      old.replaceUsesWithIf(value, [&](OpOperand &use) { return !inGroup.contains(use.getOwner()); });
    for (FusionMember &member : llvm::reverse(group.members))
      member.op->erase();
  }

private:
  FusionGroup &group;
  MLIRContext *context;
  llvm::SmallPtrSet<Operation *, 8> inGroup;
  SmallVector<std::pair<Value, AffineMap>> reads;
  SmallVector<OpResult> results; // those that somebody outside wants

  static Value fillValue(Value tensor) {
    auto fill = tensor.getDefiningOp<linalg::FillOp>();
    return fill ? fill.getInputs()[0] : Value();
  }

  bool isOwn(Value value) { return inGroup.contains(value.getDefiningOp()); }

  FusionMember &memberOf(OpResult result) {
    return *llvm::find_if(group.members, [&](FusionMember &m) { return m.op == result.getOwner(); });
  }

  AffineMap resultMap(OpResult result) {
    FusionMember &member = memberOf(result);
    return mapInGroup(member, *member.op.getDpsInitOperand(result.getResultNumber()));
  }

  /// An accumulator's old value comes through the output; everything else that a body reads is an input.
  bool isAccumulator(FusionMember &member, OpOperand &operand) {
    return member.op.isDpsInit(&operand) && !member.op.getMatchingIndexingMap(&operand).isPermutation();
  }

  void collect() {
    llvm::SmallDenseSet<std::pair<Value, AffineMap>> seen;
    for (FusionMember &member : group.members) {
      for (OpOperand &operand : member.op->getOpOperands()) {
        Value value = operand.get();
        if (member.op.getMatchingBlockArgument(&operand).use_empty() || isAccumulator(member, operand) || isOwn(value) || fillValue(value))
          continue;
        if (seen.insert({value, mapInGroup(member, operand)}).second)
          reads.push_back({value, mapInGroup(member, operand)});
      }
      for (OpResult result : member.op->getResults()) {
        OpOperand *init = member.op.getDpsInitOperand(result.getResultNumber());
        bool running = isAccumulator(member, *init) && !member.op.getMatchingBlockArgument(init).use_empty();
        if (running || llvm::any_of(result.getUsers(), [&](Operation *user) { return !inGroup.contains(user); }))
          results.push_back(result);
      }
    }
  }

  /// Every dimension must be one of some operand. Where only filled tensors had it, an empty one that nobody reads keeps it.
  void coverDomain(OpBuilder &builder, Location loc) {
    llvm::SmallBitVector covered(group.domain.size());
    auto dimensions = [&](AffineMap map) {
      llvm::SmallBitVector own(group.domain.size());
      for (AffineExpr expr : map.getResults())
        if (auto dim = dyn_cast<AffineDimExpr>(expr))
          own.set(dim.getPosition());
      return own;
    };
    auto cover = [&](AffineMap map) { covered |= dimensions(map); };
    for (auto &[value, map] : reads)
      cover(map);
    for (OpResult result : results)
      cover(resultMap(result));
    for (FusionMember &member : group.members)
      for (OpOperand &operand : member.op->getOpOperands()) {
        AffineMap map = mapInGroup(member, operand);
        auto type = dyn_cast<RankedTensorType>(operand.get().getType());
        if (!type || !dimensions(map).test(covered))
          continue; // it has no dimension that is missing
        reads.push_back({tensor::EmptyOp::create(builder, loc, type.getShape(), type.getElementType()), map});
        cover(map);
      }
  }

  SmallVector<utils::IteratorType> iterators() {
    SmallVector<utils::IteratorType> types(group.domain.size(), utils::IteratorType::parallel);
    for (FusionMember &member : group.members)
      for (auto [d, type] : llvm::enumerate(member.op.getIteratorTypesArray()))
        if (type == utils::IteratorType::reduction)
          types[member.toGroup[d]] = type;
    return types;
  }

  /// True if the function returns the value or another shape of it.
  static bool leaves(Value value) {
    return llvm::any_of(value.getUsers(), [](Operation *user) {
      return user->hasTrait<OpTrait::IsTerminator>() ||
             (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(user) && leaves(user->getResult(0)));
    });
  }

  /// Where a result is written: over an input that nobody needs afterwards, else into new memory.
  Value chooseInit(OpBuilder &builder, Location loc, OpResult result) {
    FusionMember &member = memberOf(result);
    OpOperand *init = member.op.getDpsInitOperand(result.getResultNumber());
    if (isAccumulator(member, *init))
      return init->get();
    auto type = cast<RankedTensorType>(result.getType());
    AffineMap map = resultMap(result);
    for (auto &[value, readMap] : reads) {
      if (leaves(result))
        break; // it has a destination of its own
      Operation *def = value.getDefiningOp();
      if (value.getType() != type || readMap != map || reused.contains(value) || !isa_and_nonnull<linalg::GenericOp>(def))
        continue;
      bool last = llvm::all_of(value.getUsers(), [&](Operation *user) { return inGroup.contains(user); }) &&
                  llvm::count_if(reads, [&](auto &read) { return read.first == value; }) == 1;
      if (last) {
        reused.insert(value);
        return value;
      }
    }
    return tensor::EmptyOp::create(builder, loc, type.getShape(), type.getElementType());
  }

  void emitBody(OpBuilder &body, ValueRange arguments) {
    llvm::DenseMap<std::pair<Value, AffineMap>, Value> loaded;
    for (auto [read, argument] : llvm::zip(reads, arguments))
      loaded[read] = argument;
    llvm::DenseMap<Value, Value> made;
    for (FusionMember &member : group.members) {
      IRMapping map;
      for (OpOperand &operand : member.op->getOpOperands()) {
        BlockArgument argument = member.op.getMatchingBlockArgument(&operand);
        if (argument.use_empty())
          continue;
        Value value = operand.get();
        if (isAccumulator(member, operand)) {
          OpResult result = member.op.getTiedOpResult(&operand);
          auto position = llvm::find(results, result) - results.begin();
          map.map(argument, arguments[reads.size() + position]);
        } else if (isOwn(value)) {
          map.map(argument, made.lookup(value));
        } else if (Value scalar = fillValue(value)) {
          map.map(argument, scalar);
        } else {
          map.map(argument, loaded.lookup({value, mapInGroup(member, operand)}));
        }
      }
      for (Operation &op : member.op.getBody()->without_terminator()) {
        Operation *clone = body.clone(op, map);
        clone->walk([&](linalg::IndexOp index) { index.setDim(member.toGroup[index.getDim()]); });
      }
      for (auto [result, value] : llvm::zip(member.op->getResults(), member.op.getBody()->getTerminator()->getOperands()))
        made[result] = map.lookupOrDefault(value);
    }
    SmallVector<Value> yielded;
    for (OpResult result : results)
      yielded.push_back(made.lookup(result));
    linalg::YieldOp::create(body, body.getUnknownLoc(), yielded);
  }

  llvm::SmallDenseSet<Value> reused;
};

struct FuseLinalg : cell::impl::FuseLinalgBase<FuseLinalg> {
  void getDependentDialects(DialectRegistry &registry) const override { registerLinalgToLLVMDialects(registry); }

  static bool readsFill(linalg::GenericOp op) {
    return llvm::any_of(op->getOpOperands(), [&](OpOperand &operand) {
      return !op.isDpsInit(&operand) && operand.get().getDefiningOp<linalg::FillOp>();
    });
  }

  void runOnOperation() override {
    SmallVector<Block *> blocks;
    getOperation().walk([&](Block *block) {
      if (llvm::any_of(*block, [](Operation &op) { return isa<linalg::GenericOp, tensor::InsertSliceOp, tensor::InsertOp>(op); }))
        blocks.push_back(block);
    });
    OrderedEffects effects(getOperation());
    for (Block *block : blocks) {
      eraseDead(block);
      ownFills(block);
      ownBroadcasts(block);
      FusionGroups groups(*block, effects);
      for (FusionGroup *group : groups.fusable())
        if (group->members.size() > 1 || readsFill(group->members.front().op))
          GroupBuilder(*group).build();
      scheduleBlock(*block, effects);
      eraseDead(block);
    }
    // From here on nothing merges equal computations.
    getOperation().walk([](cellrt::BarrierOp barrier) {
      barrier.replaceAllUsesWith(barrier.getX());
      barrier.erase();
    });
  }

  /// A fill that several reductions start from would be copied for each: give every one its own.
  static void ownFills(Block *block) {
    for (auto op : llvm::make_early_inc_range(block->getOps<linalg::GenericOp>()))
      for (OpOperand &init : op.getDpsInitsMutable()) {
        auto fill = init.get().getDefiningOp<linalg::FillOp>();
        if (!fill || fill->hasOneUse() || !fill.hasPureTensorSemantics())
          continue;
        OpBuilder builder(op);
        auto type = cast<RankedTensorType>(init.get().getType());
        Value empty = tensor::EmptyOp::create(builder, fill.getLoc(), type.getShape(), type.getElementType());
        init.set(linalg::FillOp::create(builder, fill.getLoc(), fill.getInputs()[0], empty).getResult(0));
      }
  }

  /// A broadcast is never stored where each of its readers has one of its own: readers far apart, as in the halves of a derivative, would
  /// keep the large tensor between them.
  static void ownBroadcasts(Block *block) {
    for (auto op : llvm::make_early_inc_range(block->getOps<linalg::GenericOp>())) {
      if (!op.hasPureTensorSemantics() || op.getNumDpsInputs() != 1 || op.getNumResults() != 1 || op->hasOneUse() || op->getBlock() != block ||
          op.getBody()->getOperations().size() != 1 || op.getBody()->getTerminator()->getOperand(0) != op.getBody()->getArgument(0))
        continue;
      auto from = dyn_cast<RankedTensorType>(op.getDpsInputOperand(0)->get().getType()), to = cast<RankedTensorType>(op.getResult(0).getType());
      if (!from || !from.hasStaticShape() || !to.hasStaticShape() || from.getNumElements() >= to.getNumElements())
        continue;
      SmallVector<OpOperand *> uses;
      for (OpOperand &use : op->getUses())
        if (isa<linalg::GenericOp>(use.getOwner()) && use.getOwner()->getBlock() == block)
          uses.push_back(&use);
      if (uses.size() == static_cast<size_t>(std::distance(op->use_begin(), op->use_end())))
        uses.pop_back();
      for (OpOperand *use : uses)
        use->set(OpBuilder(use->getOwner()).clone(*op)->getResult(0));
    }
  }

  static void eraseDead(Block *block) {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*block)))
      if (isOpTriviallyDead(&op))
        op.erase();
  }
};
} // namespace
