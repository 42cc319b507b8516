//===- Analysis.cpp - which values differ between the examples of a batch --===//
#include "passes/Vmap/Analysis.h"

#include "dialect/Cell/Cell.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::cell;

// Values flow from operands to results. A tape is one thing from where it is made to where it is emptied, whatever loops and functions hand it on, so
// for tapes the flow goes both ways: one push of a value that differs makes all of its values ones that differ, those before it too.

bool mlir::cell::isRandomOp(Operation *op) { return isa<RandomBitsOp, RandomUniformOp, RandomNormalOp, BernoulliOp, DropoutOp>(op); }

namespace mlir::cell {
struct BatchAnalysis::Walk {
  BatchAnalysis &analysis;
  bool ownRandom;
  Summary summary = {};
  llvm::DenseSet<Value> varying = {};

  bool has(Value value) const { return varying.contains(value); }
  template <typename Range>
  bool any(Range &&values) const {
    return llvm::any_of(values, [&](Value value) { return has(value); });
  }
  template <typename Range>
  SmallVector<bool> flags(Range &&values) const {
    return llvm::map_to_vector(values, [&](Value value) { return has(value); });
  }
  /// Adds `to[i]` where `from[i]` varies, or all of them, and tapes `from[i]` where `to[i]` does; tells whether anything is new.
  template <typename From, typename To>
  bool flow(From &&from, To &&to, bool all = false) {
    bool changed = false;
    for (auto [source, target] : llvm::zip(from, to))
      if (all || has(source))
        changed |= varying.insert(target).second;
      else if (isTape(source) && has(target))
        changed |= varying.insert(source).second;
    return changed;
  }
  static bool isTape(Value value) { return isa<TapeType>(value.getType()); }

  /// The body of a function. What comes later may say how a tape is that came before.
  void function(func::FuncOp function, ArrayRef<bool> arguments, ArrayRef<bool> tapes) {
    Block &body = function.getBody().front();
    for (auto [argument, flag] : llvm::zip(function.getArguments(), arguments))
      if (flag)
        varying.insert(argument);
    for (auto [returned, flag] : llvm::zip(body.getTerminator()->getOperands(), tapes))
      if (flag && isTape(returned))
        varying.insert(returned);
    size_t known;
    do {
      known = varying.size();
      block(body);
    } while (varying.size() != known);
    summary.arguments = flags(function.getArguments());
    summary.results = flags(body.getTerminator()->getOperands());
  }

  void block(Block &block) {
    for (Operation &op : block.without_terminator())
      operation(&op);
  }

  void operation(Operation *op) {
    llvm::TypeSwitch<Operation *>(op)
        .Case<scf::IfOp, scf::ForOp, scf::WhileOp>([&](auto op) { region(op); })
        .Case<func::CallOp>([&](func::CallOp op) { call(op); })
        .Case<TapePushOp>([&](TapePushOp push) {
          if (has(push.getValue()))
            varying.insert(push.getTape());
          flow(ValueRange(push.getTape()), push->getResults());
        })
        .Case<TapePopOp>([&](TapePopOp pop) {
          flow(ValueRange(pop.getTape()), pop->getResults().take_front());
          if (has(pop.getTape()))
            varying.insert(pop->result_begin(), pop->result_end());
        })
        .Case<ValueAndGradOp, VjpOp, JvpOp>([&](auto op) { request(op); })
        .Case<VmapOp>([&](VmapOp vmap) {
          SmallVector<bool> arguments = flags(vmap.getInputs());
          for (auto [flag, axis] : llvm::zip(arguments, vmap.getInAxes()))
            flag |= axis >= 0;
          calleeResults(vmap.getCalleeAttr(), arguments, false);
          mark(vmap, SmallVector<bool>(vmap.getNumResults(), any(vmap.getInputs())));
        })
        .Case<FullLikeOp, TapeCreateOp>([](Operation *) {})
        .Default([&](Operation *op) {
          bool varies = any(op->getOperands()) || (ownRandom && isRandomOp(op));
          if (op->getNumRegions())
            op->walk([&](Operation *inner) { varies |= any(inner->getOperands()); });
          if (varies)
            varying.insert(op->result_begin(), op->result_end());
        });
  }

  void mark(Operation *op, ArrayRef<bool> results) {
    for (auto [value, flag] : llvm::zip(op->getResults(), results))
      if (flag)
        varying.insert(value);
  }

  Summary callee(FlatSymbolRefAttr callee, ArrayRef<bool> arguments, bool derivative, ArrayRef<bool> tapes = {}) {
    auto function = analysis.symbols.lookup<func::FuncOp>(callee.getAttr());
    if (!function)
      return {};
    Summary inner = analysis.summarize(function, arguments, ownRandom, tapes);
    summary.divergent |= inner.divergent;
    summary.divergentRequest |= inner.divergentRequest || (derivative && inner.divergent);
    return inner;
  }
  SmallVector<bool> calleeResults(FlatSymbolRefAttr name, ArrayRef<bool> arguments, bool derivative) { return callee(name, arguments, derivative).results; }

  void call(func::CallOp op) {
    Summary inner = callee(op.getCalleeAttr(), flags(op.getOperands()), false, varyingTapes(op.getResults(), varying));
    for (auto [operand, flag] : llvm::zip(op.getOperands(), inner.arguments))
      if (flag && isTape(operand))
        varying.insert(operand);
    mark(op, inner.results);
  }

  /// Values, and derivatives with respect to what is batched for them.
  template <typename Request>
  void request(Request op) {
    SmallVector<bool> arguments = flags(op.getInputs());
    calleeResults(op.getCalleeAttr(), arguments, true);
    if (!any(op->getOperands()) && !ownRandom)
      return;
    for (int64_t i : op.getWrt())
      arguments[i] = true;
    SmallVector<bool> results = calleeResults(op.getCalleeAttr(), arguments, false);
    for (int64_t i : op.getOutputs())
      if (i < static_cast<int64_t>(results.size()))
        results[i] = true;
    results.resize(op->getNumResults(), true);
    mark(op, results);
  }

  void region(scf::IfOp op) {
    bool differs = has(op.getCondition());
    summary.divergent |= differs;
    for (Region *region : op.getRegions()) {
      if (region->empty())
        continue;
      block(region->front());
      flow(region->front().getTerminator()->getOperands(), op.getResults(), differs);
    }
  }

  void region(scf::ForOp op) {
    bool differs = has(op.getLowerBound()) || has(op.getUpperBound()) || has(op.getStep());
    summary.divergent |= differs;
    flow(op.getInitArgs(), op.getRegionIterArgs(), differs);
    if (differs)
      varying.insert(op.getInductionVar());
    do {
      block(*op.getBody());
    } while (flow(op.getBody()->getTerminator()->getOperands(), op.getRegionIterArgs()));
    flow(op.getRegionIterArgs(), op.getResults());
  }

  void region(scf::WhileOp op) {
    flow(op.getInits(), op.getBeforeArguments());
    bool changed = true;
    while (changed) {
      block(*op.getBeforeBody());
      bool differs = has(op.getConditionOp().getCondition());
      summary.divergent |= differs;
      flow(op.getConditionOp().getArgs(), op.getAfterArguments(), differs);
      flow(op.getConditionOp().getArgs(), op.getResults(), differs);
      block(*op.getAfterBody());
      changed = flow(op.getYieldOp().getOperands(), op.getBeforeArguments(), differs);
    }
  }
};
} // namespace mlir::cell

SmallVector<bool> mlir::cell::varyingTapes(ValueRange values, const llvm::DenseSet<Value> &varying) {
  SmallVector<bool> flags = llvm::map_to_vector(values, [&](Value value) { return isa<TapeType>(value.getType()) && varying.contains(value); });
  return llvm::is_contained(flags, true) ? flags : SmallVector<bool>();
}

static bool isUniform(ArrayRef<bool> arguments, bool ownRandom, ArrayRef<bool> tapes) {
  return !ownRandom && !llvm::is_contained(arguments, true) && !llvm::is_contained(tapes, true);
}

llvm::DenseSet<Value> BatchAnalysis::varying(func::FuncOp function, ArrayRef<bool> arguments, bool ownRandom, ArrayRef<bool> tapes) {
  Walk walk{*this, ownRandom};
  if (!isUniform(arguments, ownRandom, tapes))
    walk.function(function, arguments, tapes);
  return walk.varying;
}

BatchAnalysis::Summary BatchAnalysis::summarize(func::FuncOp function, ArrayRef<bool> arguments, bool ownRandom, ArrayRef<bool> tapes) {
  Summary all;
  all.results.assign(function.getNumResults(), true);
  if (isUniform(arguments, ownRandom, tapes)) {
    all.results.assign(function.getNumResults(), false);
    return all;
  }
  std::string name = function.getSymName().str() + (ownRandom ? "!" : "/");
  for (ArrayRef<bool> flags : {arguments, tapes}) {
    for (bool flag : flags)
      name += flag ? '1' : '0';
    name += '/';
  }
  if (auto known = cache.find(name); known != cache.end())
    return known->second;
  // What cannot be looked into, and recursion, is an error when it is batched.
  if (function.isExternal() || !function.getBody().hasOneBlock() || arguments.size() != function.getNumArguments() || !open.insert(function).second)
    return all;
  Walk walk{*this, ownRandom};
  walk.function(function, arguments, tapes);
  // A derivative given by hand gets cotangents and gives tangents one per example.
  if (function->hasAttr("cell.custom_vjp") || function->hasAttr("cell.custom_jvp"))
    walk.summary.results = all.results;
  open.erase(function);
  cache[name] = walk.summary;
  return walk.summary;
}
