//===- Activity.cpp - which values take part in a derivative --------------===//
#include "passes/AutoDiff/Activity.h"

#include "dialect/Cell/Cell.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::cell;

bool mlir::cell::mayCarryDerivative(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return !tensor.getElementType().isIndex();
  // Of other types, too: what cannot be differentiated is then refused (checkActiveTypes), not taken for a constant.
  return !getElementTypeOrSelf(type).isIntOrIndex();
}

/// In arith and math only floats carry derivatives: comparisons and conversions to integers pass nothing on.
static bool isIntegerArithmetic(Operation *op) {
  return isa_and_nonnull<arith::ArithDialect, math::MathDialect>(op->getDialect()) &&
         llvm::none_of(op->getResultTypes(), [](Type type) { return isa<FloatType>(getElementTypeOrSelf(type)); });
}

bool mlir::cell::blocksDerivative(Operation *op) {
  return (op->hasTrait<NonDifferentiable>() && !isa<TapePushOp, TapePopOp>(op)) || isIntegerArithmetic(op);
}

/// The operands of an op and what its regions take from outside.
static SmallVector<Value> inputsOf(Operation *op) {
  SmallVector<Value> inputs(op->getOperands());
  if (op->getNumRegions() == 0)
    return inputs;
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  inputs.append(captured.begin(), captured.end());
  return inputs;
}

SmallVector<llvm::BitVector> ActivityAnalysis::callDependences(func::CallOp call) {
  if (auto callee = symbols.lookup<func::FuncOp>(call.getCallee()))
    return dependences(callee);
  return SmallVector<llvm::BitVector>(call.getNumResults(), llvm::BitVector(call.getNumOperands(), true));
}

const SmallVector<llvm::BitVector> &ActivityAnalysis::dependences(func::FuncOp function) {
  if (auto found = known.find(function); found != known.end())
    return found->second;
  // What holds for a function whose body says nothing, and for a recursive one while it is looked at.
  SmallVector<llvm::BitVector> all(function.getNumResults(), llvm::BitVector(function.getNumArguments(), true));
  known[function] = all;
  if (function.isExternal() || !function.getBody().hasOneBlock() || function->hasAttr("cell.custom_vjp") || function->hasAttr("cell.custom_jvp"))
    return known[function];
  Dependences values = flowForward(function);
  llvm::BitVector none(function.getNumArguments());
  for (auto [slot, result] : llvm::zip(all, function.getBody().front().getTerminator()->getOperands())) {
    auto found = values.find(result);
    slot = found == values.end() ? none : found->second;
  }
  return known[function] = std::move(all);
}

ActivityAnalysis::Dependences ActivityAnalysis::flowForward(func::FuncOp function) {
  Dependences values;
  for (BlockArgument argument : function.getArguments())
    if (carries(argument))
      values.try_emplace(argument, function.getNumArguments()).first->second.set(argument.getArgNumber());
  while (flowForward(function.getBody().front(), values)) {
  }
  return values;
}

bool ActivityAnalysis::flowForward(Block &block, Dependences &dependences) {
  bool changed = false;
  auto flow = [&](Value from, Value to) {
    auto source = dependences.find(from);
    if (source == dependences.end() || !carries(to))
      return;
    llvm::BitVector bits = source->second;
    llvm::BitVector &target = dependences.try_emplace(to, bits.size()).first->second;
    if (bits.test(target)) {
      target |= bits;
      changed = true;
    }
  };
  auto flowAll = [&](ValueRange from, ValueRange to) {
    for (auto [source, target] : llvm::zip(from, to))
      flow(source, target);
  };
  for (Operation &op : block.without_terminator()) {
    if (kind == Flow::Any && isa<scf::IfOp, scf::ForOp>(op))
      for (Value control : op.getOperands().take_front(isa<scf::IfOp>(op) ? 1 : 3))
        for (Value result : op.getResults())
          flow(control, result);
    if (auto branch = dyn_cast<scf::IfOp>(op)) {
      for (Region &region : branch->getRegions()) {
        if (region.empty())
          continue;
        changed |= flowForward(region.front(), dependences);
        flowAll(region.front().getTerminator()->getOperands(), branch.getResults());
      }
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      flowAll(loop.getInitArgs(), loop.getRegionIterArgs());
      changed |= flowForward(*loop.getBody(), dependences);
      flowAll(loop.getYieldedValues(), loop.getRegionIterArgs());
      flowAll(loop.getRegionIterArgs(), loop.getResults());
    } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      flowAll(loop.getInits(), loop.getBeforeArguments());
      changed |= flowForward(*loop.getBeforeBody(), dependences);
      flowAll(loop.getConditionOp().getArgs(), loop.getAfterArguments());
      flowAll(loop.getConditionOp().getArgs(), loop.getResults());
      if (kind == Flow::Any)
        for (Value result : loop.getResults())
          flow(loop.getConditionOp().getCondition(), result);
      changed |= flowForward(*loop.getAfterBody(), dependences);
      flowAll(loop.getYieldOp().getOperands(), loop.getBeforeArguments());
    } else if (auto call = dyn_cast<func::CallOp>(op)) {
      for (auto [result, inputs] : llvm::zip(call.getResults(), callDependences(call)))
        for (unsigned i : inputs.set_bits())
          flow(call.getOperand(i), result);
    } else if (!blocks(&op)) {
      for (Value input : inputsOf(&op))
        for (Value result : op.getResults())
          flow(input, result);
    }
  }
  return changed;
}

bool ActivityAnalysis::flowBackward(Block &block, llvm::DenseSet<Value> &useful) {
  bool changed = false;
  auto flow = [&](Value from, Value to) {
    if (useful.contains(from) && carries(to))
      changed |= useful.insert(to).second;
  };
  auto flowAll = [&](ValueRange from, ValueRange to) {
    for (auto [source, target] : llvm::zip(from, to))
      flow(source, target);
  };
  for (Operation &op : llvm::reverse(block.without_terminator())) {
    if (auto branch = dyn_cast<scf::IfOp>(op)) {
      for (Region &region : branch->getRegions()) {
        if (region.empty())
          continue;
        flowAll(branch.getResults(), region.front().getTerminator()->getOperands());
        changed |= flowBackward(region.front(), useful);
      }
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      flowAll(loop.getResults(), loop.getRegionIterArgs());
      flowAll(loop.getResults(), loop.getYieldedValues());
      flowAll(loop.getRegionIterArgs(), loop.getYieldedValues());
      changed |= flowBackward(*loop.getBody(), useful);
      flowAll(loop.getRegionIterArgs(), loop.getInitArgs());
      flowAll(loop.getResults(), loop.getInitArgs());
    } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      flowAll(loop.getBeforeArguments(), loop.getYieldOp().getOperands());
      changed |= flowBackward(*loop.getAfterBody(), useful);
      flowAll(loop.getResults(), loop.getConditionOp().getArgs());
      flowAll(loop.getAfterArguments(), loop.getConditionOp().getArgs());
      changed |= flowBackward(*loop.getBeforeBody(), useful);
      flowAll(loop.getBeforeArguments(), loop.getInits());
    } else if (auto call = dyn_cast<func::CallOp>(op)) {
      for (auto [result, inputs] : llvm::zip(call.getResults(), callDependences(call)))
        for (unsigned i : inputs.set_bits())
          flow(result, call.getOperand(i));
    } else if (!blocks(&op) && llvm::any_of(op.getResults(), [&](Value v) { return useful.contains(v); })) {
      for (Value input : inputsOf(&op))
        if (carries(input))
          changed |= useful.insert(input).second;
    }
  }
  return changed;
}

llvm::DenseSet<Value> ActivityAnalysis::activeValues(func::FuncOp function, const DerivativeKey &key) {
  llvm::BitVector wanted(function.getNumArguments());
  for (auto [i, flag] : llvm::enumerate(key.arguments))
    if (flag)
      wanted.set(i);
  Block &body = function.getBody().front();
  llvm::DenseSet<Value> useful;
  for (auto [result, flag] : llvm::zip(body.getTerminator()->getOperands(), key.results))
    if (flag)
      useful.insert(result);
  while (flowBackward(body, useful)) {
  }
  llvm::DenseSet<Value> active;
  for (auto &[value, arguments] : flowForward(function))
    if (arguments.anyCommon(wanted) && useful.contains(value))
      active.insert(value);
  return active;
}
