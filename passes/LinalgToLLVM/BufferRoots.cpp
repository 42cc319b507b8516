//===- BufferRoots.cpp - which allocation a memref value points into ------===//
#include "passes/LinalgToLLVM/BufferRoots.h"

#include "dialect/Rt/RtOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Appends the values that `value` may be equal to or a view of; false if its origin is not understood.
bool origins(Value value, SmallVectorImpl<Value> &out) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *parent = argument.getOwner()->getParentOp();
    unsigned index = argument.getArgNumber();
    if (auto loop = dyn_cast<scf::ForOp>(parent)) {
      out.push_back(loop.getInitArgs()[index - 1]);
      out.push_back(loop.getYieldedValues()[index - 1]);
      return true;
    }
    if (auto loop = dyn_cast<scf::WhileOp>(parent)) {
      if (argument.getOwner() == loop.getBeforeBody()) {
        out.push_back(loop.getInits()[index]);
        out.push_back(loop.getYieldOp().getOperand(index));
      } else {
        out.push_back(loop.getConditionOp().getArgs()[index]);
      }
      return true;
    }
    return false;
  }
  Operation *op = value.getDefiningOp();
  unsigned index = cast<OpResult>(value).getResultNumber();
  if (auto view = dyn_cast<ViewLikeOpInterface>(op)) {
    out.push_back(view.getViewSource());
    return true;
  }
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    out.append({select.getTrueValue(), select.getFalseValue()});
    return true;
  }
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    out.push_back(branch.thenYield().getOperand(index));
    out.push_back(branch.elseYield().getOperand(index));
    return true;
  }
  if (auto branch = dyn_cast<scf::IndexSwitchOp>(op)) {
    for (Region &region : branch->getRegions())
      out.push_back(region.front().getTerminator()->getOperand(index));
    return true;
  }
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    out.append({loop.getInitArgs()[index], loop.getYieldedValues()[index]});
    return true;
  }
  if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    out.push_back(loop.getConditionOp().getArgs()[index]);
    return true;
  }
  return false;
}

bool isRoot(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return isa<func::FuncOp>(argument.getOwner()->getParentOp());
  return isa<memref::AllocOp, memref::AllocaOp, memref::GetGlobalOp, cellrt::TapeReserveOp, cellrt::TapePopOp>(value.getDefiningOp());
}
} // namespace

BufferRoots BufferRoots::of(Value memref) {
  BufferRoots result;
  llvm::SmallSetVector<Value, 8> work;
  work.insert(memref);
  for (unsigned i = 0; i < work.size(); ++i) {
    Value value = work[i];
    if (isRoot(value)) {
      result.roots.insert(value);
      continue;
    }
    SmallVector<Value> next;
    if (!origins(value, next)) {
      result.roots.insert(value);
      result.unknown = true;
    }
    work.insert(next.begin(), next.end());
  }
  return result;
}

void cell::appendAliases(OpOperand &use, SmallVectorImpl<Value> &out) {
  Operation *user = use.getOwner(), *parent = user->getParentOp();
  unsigned index = use.getOperandNumber();
  if (auto loop = dyn_cast<scf::ForOp>(user)) {
    if (index >= loop.getNumControlOperands())
      out.append({loop.getRegionIterArg(index - loop.getNumControlOperands()), loop.getResult(index - loop.getNumControlOperands())});
  } else if (auto loop = dyn_cast<scf::WhileOp>(user)) {
    out.push_back(loop.getBeforeArguments()[index]);
  } else if (isa<scf::ConditionOp>(user)) {
    if (index > 0)
      out.append({cast<scf::WhileOp>(parent).getAfterArguments()[index - 1], parent->getResult(index - 1)});
  } else if (isa<scf::YieldOp>(user)) {
    if (auto loop = dyn_cast<scf::ForOp>(parent))
      out.push_back(loop.getRegionIterArg(index));
    if (auto loop = dyn_cast<scf::WhileOp>(parent))
      out.push_back(loop.getBeforeArguments()[index]);
    else
      out.push_back(parent->getResult(index));
  } else {
    for (Value result : user->getResults())
      if (isa<BaseMemRefType>(result.getType()))
        out.push_back(result);
  }
}

bool BufferRoots::mayAlias(const BufferRoots &other) const {
  return unknown || other.unknown || llvm::any_of(roots, [&](Value root) { return other.roots.contains(root); });
}

bool cell::touches(Operation *op, const BufferRoots &roots) {
  return op->walk([&](Operation *inner) {
             for (Value operand : inner->getOperands())
               if (isa<BaseMemRefType>(operand.getType()) && BufferRoots::of(operand).mayAlias(roots))
                 return WalkResult::interrupt();
             return WalkResult::advance();
           })
      .wasInterrupted();
}
