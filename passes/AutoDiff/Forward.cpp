//===- Forward.cpp - forward mode -----------------------------------------===//
#include "passes/AutoDiff/Forward.h"

#include "dialect/Cell/Cell.h"
#include "passes/AutoDiff/CustomRules.h"
#include "passes/AutoDiff/External/External.h"
#include "passes/AutoDiff/ForwardRegions.h"
#include "passes/AutoDiff/FunctionBuilders.h"
#include "passes/AutoDiff/Regions.h"

using namespace mlir;
using namespace mlir::cell;

LogicalResult TangentPusher::pushBlock(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block.without_terminator()))
    if (llvm::any_of(op.getResults(), [&](Value v) { return active.contains(v); }) && failed(pushOp(&op)))
      return failure();
  return success();
}

LogicalResult TangentPusher::pushOp(Operation *op) {
  if (auto call = dyn_cast<func::CallOp>(op))
    return pushCall(call);
  if (isa<scf::IfOp, scf::ForOp, scf::WhileOp>(op))
    return pushRegionOp(op);
  if (failed(checkCaptures(op, [&](Value v) { return static_cast<bool>(tangents.lookup(v)); })))
    return failure();
  OpBuilder builder(op->getContext());
  builder.setInsertionPointAfter(op);
  auto operands = llvm::map_to_vector(op->getOperands(), [&](Value v) { return tangents.lookup(v); });
  SmallVector<Value> results;
  // The tangent of a tape is a tape next to it, with a zero for what has no tangent.
  if (isa<TapeCreateOp>(op)) {
    results = {createZero(builder, op->getLoc(), op->getResult(0))};
  } else if (auto push = dyn_cast<TapePushOp>(op)) {
    for (auto [tangent, operand] : llvm::zip(operands, op->getOperands()))
      if (!tangent)
        tangent = createZero(builder, op->getLoc(), operand);
    results = {TapePushOp::create(builder, op->getLoc(), operands[0], operands[1])};
  } else if (isa<TapePopOp>(op)) {
    if (operands[0])
      llvm::append_range(results, TapePopOp::create(builder, op->getLoc(), operands[0])->getResults());
  } else if (llvm::any_of(operands, [](Value tangent) { return static_cast<bool>(tangent); })) {
    auto wanted = llvm::map_to_vector(op->getResults(), [&](Value v) { return active.contains(v); });
    if (failed(pushForward(builder, *op, operands, wanted, results)))
      return failure();
  }
  for (auto [result, tangent] : llvm::zip(op->getResults(), results))
    if (tangent)
      tangents[result] = tangent;
  return success();
}

LogicalResult TangentPusher::pushCall(func::CallOp call) {
  DerivativeKey key{llvm::map_to_vector(call.getOperands(), [&](Value v) { return static_cast<bool>(tangents.lookup(v)); }),
                    llvm::map_to_vector(call.getResults(), [&](Value v) { return active.contains(v); })};
  if (llvm::none_of(key.arguments, [](bool flag) { return flag; }))
    return success();
  SmallVector<Value> given, outputs, results;
  for (Value operand : call.getOperands())
    if (Value tangent = tangents.lookup(operand))
      given.push_back(tangent);
  OpBuilder builder(call);
  if (failed(forward.emit(builder, call.getLoc(), call.getCallee(), key, call.getOperands(), given, outputs, results)))
    return failure();
  unsigned next = 0;
  for (auto [flag, output] : llvm::zip(key.results, outputs)) {
    if (!flag)
      continue;
    active.insert(output);
    if (Value tangent = results[next++])
      tangents[output] = tangent;
  }
  replace(call, outputs);
  return success();
}

void TangentPusher::replace(Operation *op, ValueRange values) {
  op->replaceAllUsesWith(values);
  // Values made later may get the memory of the old ones.
  for (Value result : op->getResults()) {
    active.erase(result);
    tangents.erase(result);
  }
  op->erase();
}

FailureOr<ForwardDerivative> ForwardBuilder::get(func::FuncOp function, const DerivativeKey &key, Location user) {
  std::string name = derivativeName(function, key);
  if (auto known = cache.find(name); known != cache.end())
    return known->second;
  if (!open.insert(function).second) {
    auto diagnostic = emitError(user) << "the derivative of @" << function.getSymName() << " needs itself: the function is recursive";
    diagnostic.attachNote(function.getLoc()) << "the function is defined here";
    return diagnostic;
  }
  FailureOr<ForwardDerivative> derivative = failure();
  if (findCustomRule(function, symbols, CustomRule::Mode::Jvp) || findCustomRule(function, symbols, CustomRule::Mode::Vjp))
    derivative = buildFromRule(function, key);
  else if (function.isExternal() || !function.getBody().hasOneBlock())
    emitError(user) << "@" << function.getSymName() << " has no body of one block, so its derivative is unknown";
  else
    derivative = build(function, key);
  open.erase(function);
  if (succeeded(derivative))
    cache[name] = *derivative;
  return derivative;
}

FailureOr<ForwardDerivative> ForwardBuilder::build(func::FuncOp function, const DerivativeKey &key) {
  ForwardDerivative derivative;
  derivative.function = cloneFunction(function, ".jvp", symbols);
  Block &body = derivative.function.getBody().front();
  if (failed(prepareForDerivative(derivative.function)) || failed(decomposeActive(derivative.function, key, activity)))
    return failure();
  TangentPusher pusher(*this, activity.activeValues(derivative.function, key));
  if (failed(checkActiveTypes(derivative.function, [&](Value v) { return pusher.active.contains(v); })))
    return failure();
  for (auto [i, flag] : llvm::enumerate(key.arguments))
    if (flag)
      pusher.tangents[body.getArgument(i)] = body.addArgument(body.getArgument(i).getType(), body.getArgument(i).getLoc());
  Operation *terminator = body.getTerminator();
  // A tape that is asked for has a tangent, if only of zeros: its reader counts on one.
  for (auto [value, flag] : llvm::zip(terminator->getOperands(), key.results))
    if (flag && isa<TapeType>(value.getType()))
      pusher.active.insert(value);
  pusher.activateTapes(derivative.function);
  if (failed(pusher.pushBlock(body)))
    return failure();

  SmallVector<Value> returned(terminator->getOperands());
  for (auto [value, flag] : llvm::zip(terminator->getOperands(), key.results)) {
    Value tangent = flag ? pusher.tangents.lookup(value) : Value();
    derivative.tangents.push_back(static_cast<bool>(tangent));
    if (tangent)
      returned.push_back(tangent);
  }
  terminator->setOperands(returned);
  updateType(derivative.function);
  return derivative;
}

LogicalResult ForwardBuilder::emit(OpBuilder &builder, Location loc, StringRef callee, const DerivativeKey &key, ValueRange operands, ValueRange tangents,
                                   SmallVectorImpl<Value> &outputs, SmallVectorImpl<Value> &results) {
  auto function = symbols.lookup<func::FuncOp>(callee);
  auto derivative = get(function, key, loc);
  if (failed(derivative))
    return failure();
  SmallVector<Value> inputs(operands);
  llvm::append_range(inputs, tangents);
  auto call = func::CallOp::create(builder, loc, derivative->function, inputs);
  outputs.append(call.result_begin(), std::next(call.result_begin(), function.getNumResults()));
  unsigned next = function.getNumResults();
  for (auto [flag, present] : llvm::zip(key.results, derivative->tangents))
    if (flag)
      results.push_back(present ? call.getResult(next++) : Value());
  return success();
}
