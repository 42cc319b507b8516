//===- SimplifyLoops.cpp - dead carried values, invariant computations -----===//
#include "dialect/Cell/Cell.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/BitVector.h"

namespace mlir::cell {
#define GEN_PASS_DEF_CELLSIMPLIFYLOOPS
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
bool isStructured(Operation *op) { return isa<scf::ForOp, scf::WhileOp, scf::IfOp>(op); }

//===----------------------------------------------------------------------===//
// What nobody needs
//===----------------------------------------------------------------------===//

/// The values and operations of a function that its results and effects need. A value that a loop carries is needed where somebody besides its own
/// successor needs it.
class Needs {
public:
  /// `pure` tells which functions have no effects: a call of one is needed for its results only.
  Needs(func::FuncOp function, const llvm::DenseSet<Attribute> &pure) {
    function.getBody().walk([&](Operation *op) {
      if (isStructured(op) || isa<scf::YieldOp, scf::ConditionOp>(op))
        return;
      auto call = dyn_cast<func::CallOp>(op);
      if (call ? !pure.contains(call.getCalleeAttr().getAttr()) : op->hasTrait<OpTrait::IsTerminator>() || !wouldOpBeTriviallyDead(op))
        need(op);
    });
    while (!work.empty())
      trace(work.pop_back_val());
  }

  bool contains(Value value) const { return values.contains(value); }
  bool contains(Operation *op) const { return ops.contains(op); }

private:
  void need(Value value) {
    if (values.insert(value).second)
      work.push_back(value);
  }

  void need(Operation *op) {
    if (!ops.insert(op).second)
      return;
    if (Operation *parent = op->getParentOp(); parent && !isa<func::FuncOp>(parent))
      need(parent);
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      need(loop.getLowerBound());
      need(loop.getUpperBound());
      need(loop.getStep());
    } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      need(loop.getConditionOp().getCondition());
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      need(branch.getCondition());
    } else {
      for (Value operand : op->getOperands())
        need(operand);
      for (Region &region : op->getRegions())
        region.walk([&](Operation *inner) { need(inner); });
    }
  }

  void trace(Value value) {
    if (auto result = dyn_cast<OpResult>(value)) {
      Operation *op = result.getOwner();
      unsigned number = result.getResultNumber();
      need(op);
      if (auto loop = dyn_cast<scf::ForOp>(op)) {
        need(loop.getRegionIterArg(number));
      } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
        need(loop.getConditionOp().getArgs()[number]);
      } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
        need(branch.thenYield().getOperand(number));
        need(branch.elseYield().getOperand(number));
      }
      return;
    }
    auto argument = cast<BlockArgument>(value);
    Operation *parent = argument.getOwner()->getParentOp();
    if (isa<func::FuncOp>(parent))
      return;
    need(parent);
    unsigned number = argument.getArgNumber();
    if (auto loop = dyn_cast<scf::ForOp>(parent)) {
      if (number) {
        need(loop.getInitArgs()[number - 1]);
        need(loop.getYieldedValues()[number - 1]);
      }
    } else if (auto loop = dyn_cast<scf::WhileOp>(parent)) {
      if (argument.getOwner() == loop.getBeforeBody()) {
        need(loop.getInits()[number]);
        need(loop.getYieldOp().getOperand(number));
      } else {
        need(loop.getConditionOp().getArgs()[number]);
      }
    }
  }

  llvm::DenseSet<Value> values;
  llvm::DenseSet<Operation *> ops;
  SmallVector<Value> work;
};

/// Replaces `op` by `fresh`, which has the results that are not `dropped`.
void replaceKept(Operation *op, Operation *fresh, const llvm::BitVector &dropped) {
  unsigned next = 0;
  for (auto [i, result] : llvm::enumerate(op->getResults()))
    if (!dropped.test(i))
      result.replaceAllUsesWith(fresh->getResult(next++));
    else
      result.dropAllUses(); // in places around it that go as well
  fresh->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  op->erase();
}

SmallVector<Value> keep(ValueRange values, const llvm::BitVector &dropped) {
  SmallVector<Value> kept;
  for (auto [i, value] : llvm::enumerate(values))
    if (!dropped.test(i))
      kept.push_back(value);
  return kept;
}

SmallVector<Type> keptTypes(Operation *op, const llvm::BitVector &dropped) {
  SmallVector<Type> types;
  for (auto [i, type] : llvm::enumerate(op->getResultTypes()))
    if (!dropped.test(i))
      types.push_back(type);
  return types;
}

/// Takes the values out of a loop or branch that are not needed.
void narrow(Operation *op, const Needs &needs) {
  OpBuilder builder(op);
  llvm::BitVector dropped(op->getNumResults());
  for (auto [i, result] : llvm::enumerate(op->getResults()))
    if (!needs.contains(result))
      dropped.set(i);
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    for (auto [i, argument] : llvm::enumerate(loop.getRegionIterArgs()))
      if (needs.contains(argument))
        dropped.reset(i);
    if (dropped.none())
      return;
    auto fresh = scf::ForOp::create(builder, loop.getLoc(), loop.getLowerBound(), loop.getUpperBound(), loop.getStep(), keep(loop.getInitArgs(), dropped),
                                    nullptr, loop.getUnsignedCmp());
    fresh.getRegion().takeBody(loop.getRegion());
    fresh.getBody()->getTerminator()->eraseOperands(dropped);
    for (int i = dropped.find_last(); i >= 0; i = dropped.find_prev(i))
      fresh.getBody()->eraseArgument(i + 1);
    replaceKept(op, fresh, dropped);
  } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    for (auto [i, argument] : llvm::enumerate(loop.getAfterArguments()))
      if (needs.contains(argument))
        dropped.reset(i);
    llvm::BitVector before(loop.getBeforeArguments().size());
    for (auto [i, argument] : llvm::enumerate(loop.getBeforeArguments()))
      if (!needs.contains(argument))
        before.set(i);
    if (dropped.none() && before.none())
      return;
    auto fresh = scf::WhileOp::create(builder, loop.getLoc(), keptTypes(op, dropped), keep(loop.getInits(), before));
    fresh.getBefore().takeBody(loop.getBefore());
    fresh.getAfter().takeBody(loop.getAfter());
    fresh.getYieldOp()->eraseOperands(before);
    llvm::BitVector handed(1); // the condition itself stays
    handed.resize(dropped.size() + 1);
    for (unsigned i : dropped.set_bits())
      handed.set(i + 1);
    fresh.getConditionOp()->eraseOperands(handed);
    fresh.getBeforeBody()->eraseArguments(before);
    fresh.getAfterBody()->eraseArguments(dropped);
    replaceKept(op, fresh, dropped);
  } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
    if (dropped.none())
      return;
    auto fresh = scf::IfOp::create(builder, branch.getLoc(), keptTypes(op, dropped), branch.getCondition(), /*addThenBlock=*/false, /*addElseBlock=*/false);
    for (auto [to, from] : llvm::zip_equal(fresh->getRegions(), branch->getRegions())) {
      to.takeBody(from);
      to.front().getTerminator()->eraseOperands(dropped);
    }
    replaceKept(op, fresh, dropped);
  }
}

void removeUnneeded(func::FuncOp function, const llvm::DenseSet<Attribute> &pure) {
  Needs needs(function, pure);
  SmallVector<Operation *> dead, structured;
  function.getBody().walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<scf::YieldOp, scf::ConditionOp>(op))
      return WalkResult::advance();
    if (!needs.contains(op)) {
      dead.push_back(op);
      return WalkResult::skip();
    }
    if (isStructured(op))
      structured.push_back(op);
    return WalkResult::advance();
  });
  for (Operation *op : dead) {
    op->dropAllUses();
    op->dropAllReferences();
  }
  for (Operation *op : dead)
    op->erase();
  // Inner ones first; what still names a value that goes is a place that goes as well.
  for (Operation *op : llvm::reverse(structured))
    narrow(op, needs);
}

//===----------------------------------------------------------------------===//
// What does not change
//===----------------------------------------------------------------------===//

/// Ops that cost nothing where they are: loops over their readers take them in.
bool isFree(Operation *op) {
  return op->hasTrait<OpTrait::ConstantLike>() || isa<BroadcastOp, ReshapeOp, TransposeOp, SliceOp, DynamicSliceOp, IotaOp, CastOp>(op) ||
         isa_and_present<arith::ArithDialect, tensor::TensorDialect>(op->getDialect());
}

/// Moves what is the same in each iteration in front of the loop, and with it copies of the free ops that it needs.
void hoistInvariants(Operation *loop) {
  for (Region &region : loop->getRegions()) {
    llvm::SetVector<Operation *> invariant;
    for (Operation &op : region.front().without_terminator()) {
      bool fixed = llvm::all_of(op.getOperands(), [&](Value operand) {
        Operation *def = operand.getDefiningOp();
        return !loop->isAncestor(operand.getParentRegion()->getParentOp()) || (def && invariant.contains(def));
      });
      if (fixed && op.getNumRegions() == 0 && isPure(&op) && op.getNumResults())
        invariant.insert(&op);
    }
    llvm::DenseSet<Operation *> wanted;
    for (Operation *op : llvm::reverse(invariant)) {
      if (!isFree(op) || wanted.contains(op)) {
        wanted.insert(op);
        for (Value operand : op->getOperands())
          if (Operation *def = operand.getDefiningOp(); def && invariant.contains(def))
            wanted.insert(def);
      }
    }
    OpBuilder builder(loop);
    IRMapping copies;
    for (Operation *op : invariant) {
      if (!wanted.contains(op))
        continue;
      if (!isFree(op)) {
        for (OpOperand &operand : op->getOpOperands())
          operand.set(copies.lookupOrDefault(operand.get()));
        op->moveBefore(loop);
      } else {
        builder.clone(*op, copies);
      }
    }
  }
}

struct CellSimplifyLoops : cell::impl::CellSimplifyLoopsBase<CellSimplifyLoops> {
  /// Names of the functions that neither print nor assert nor call one that does.
  static llvm::DenseSet<Attribute> findPure(ModuleOp module) {
    llvm::DenseSet<Attribute> pure;
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isExternal())
        pure.insert(function.getSymNameAttr());
    for (bool changed = true; changed;) {
      changed = false;
      for (auto function : module.getOps<func::FuncOp>()) {
        if (!pure.contains(function.getSymNameAttr()))
          continue;
        bool effect = function.getBody()
                          .walk([&](Operation *op) {
                            if (auto call = dyn_cast<func::CallOp>(op))
                              return pure.contains(call.getCalleeAttr().getAttr()) ? WalkResult::advance() : WalkResult::interrupt();
                            bool harmless = isStructured(op) || op->hasTrait<OpTrait::IsTerminator>() || wouldOpBeTriviallyDead(op);
                            return harmless ? WalkResult::advance() : WalkResult::interrupt();
                          })
                          .wasInterrupted();
        if (effect)
          changed = pure.erase(function.getSymNameAttr());
      }
    }
    return pure;
  }

  void runOnOperation() override {
    llvm::DenseSet<Attribute> pure = findPure(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal())
        continue;
      removeUnneeded(function, pure);
      function.walk([](Operation *op) {
        if (isa<scf::ForOp, scf::WhileOp>(op))
          hoistInvariants(op);
      });
    }
  }
};
} // namespace
