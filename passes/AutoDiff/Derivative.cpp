//===- Derivative.cpp - the derivative of one function --------------------===//
#include "passes/AutoDiff/Derivative.h"

#include "passes/AutoDiff/CustomRules.h"
#include "passes/AutoDiff/External/External.h"
#include "passes/AutoDiff/FunctionBuilders.h"
#include "passes/AutoDiff/Reverse.h"

using namespace mlir;
using namespace mlir::cell;

std::string mlir::cell::derivativeName(func::FuncOp function, const DerivativeKey &key) {
  std::string text = function.getSymName().str();
  for (const auto *flags : {&key.arguments, &key.results}) {
    text += '/';
    for (bool flag : *flags)
      text += flag ? '1' : '0';
  }
  return text;
}

FailureOr<Derivative> DerivativeBuilder::get(func::FuncOp function, const DerivativeKey &key, Location user) {
  std::string name = derivativeName(function, key);
  if (auto known = cache.find(name); known != cache.end())
    return known->second;
  if (!open.insert(function).second) {
    auto diagnostic = emitError(user) << "the derivative of @" << function.getSymName() << " needs itself: the function is recursive";
    diagnostic.attachNote(function.getLoc()) << "the function is defined here";
    return diagnostic;
  }
  FailureOr<Derivative> derivative = failure();
  if (auto custom = findCustomRule(function, symbols, CustomRule::Mode::Vjp))
    derivative = buildFromVjpRule(function, key, *custom);
  else if (auto custom = findCustomRule(function, symbols, CustomRule::Mode::Jvp))
    derivative = buildFromJvpRule(function, key, *custom, user);
  else if (function.isExternal() || !function.getBody().hasOneBlock())
    emitError(user) << "@" << function.getSymName() << " has no body of one block, so its derivative is unknown";
  else
    derivative = function->hasAttr("cell.recompute") ? buildRecomputing(function, key) : build(function, key);
  open.erase(function);
  if (succeeded(derivative))
    cache[name] = *derivative;
  return derivative;
}

FailureOr<Derivative> DerivativeBuilder::build(func::FuncOp function, const DerivativeKey &key) {
  Derivative derivative;
  derivative.forward = cloneFunction(function, ".forward", symbols);
  derivative.forward->removeAttr("cell.recompute");
  derivative.reverse = createFunction(function, ".reverse", symbols);
  derivative.reverse->moveAfter(derivative.forward);
  if (succeeded(buildHalves(derivative, key))) {
    saved.push_back({derivative.forward, derivative.saved});
    return derivative;
  }
  derivative.reverse.getBody().front().dropAllReferences();
  derivative.reverse.erase();
  derivative.forward.erase();
  return failure();
}

LogicalResult DerivativeBuilder::buildHalves(Derivative &derivative, const DerivativeKey &key) {
  func::FuncOp forward = derivative.forward;
  llvm::DenseSet<Value> active;
  ReverseContext context(active);
  if (failed(checkTapes(forward)) || failed(prepareForDerivative(forward)) || failed(decomposeActive(forward, key, activity)))
    return failure();
  normalizeLoops(forward, key);
  if (failed(augmentCalls(forward, key, context)))
    return failure();
  active = activity.activeValues(forward, key);
  if (failed(checkActiveTypes(forward, [&](Value v) { return active.contains(v); })))
    return failure();

  Block &forwardBody = forward.getBody().front(), &reverseBody = derivative.reverse.getBody().front();
  OpBuilder builder = OpBuilder::atBlockEnd(&reverseBody);
  Cotangents cotangents(builder);
  for (auto [result, flag] : llvm::zip(forwardBody.getTerminator()->getOperands(), key.results)) {
    if (!flag)
      continue;
    Value cotangent = reverseBody.addArgument(result.getType(), result.getLoc());
    if (active.contains(result))
      cotangents.add(result, cotangent, result.getLoc());
  }
  if (failed(reverseOps(builder, opsOf(forwardBody), context, cotangents)))
    return failure();
  SmallVector<Value> gradients;
  for (auto [argument, flag] : llvm::zip(forwardBody.getArguments(), key.arguments)) {
    Value gradient = flag ? cotangents.of(argument) : Value();
    derivative.gradients.push_back(static_cast<bool>(gradient));
    if (gradient)
      gradients.push_back(gradient);
  }
  func::ReturnOp::create(builder, forward.getLoc(), gradients);
  return moveResiduals(derivative, context, choice);
}

/// The operands of a call of a forward half: those of the function and an empty tape for each that the half writes on.
static SmallVector<Value> withTapes(OpBuilder &builder, Location loc, func::FuncOp forward, ValueRange operands, SmallVectorImpl<TapeCreateOp> &tapes) {
  SmallVector<Value> all(operands);
  for (Type type : forward.getArgumentTypes().drop_front(operands.size())) {
    tapes.push_back(TapeCreateOp::create(builder, loc, type));
    all.push_back(tapes.back());
  }
  return all;
}

LogicalResult DerivativeBuilder::augmentCalls(func::FuncOp forward, const DerivativeKey &key, ReverseContext &context) {
  llvm::DenseSet<Value> active = activity.activeValues(forward, key);
  auto isActive = [&](Value value) { return active.contains(value); };
  // All keys first: a call's results are replaced, and the new values are not in `active`.
  SmallVector<std::pair<func::CallOp, DerivativeKey>> work;
  forward.walk([&](func::CallOp call) {
    if (llvm::any_of(call.getResults(), isActive))
      work.push_back({call, {llvm::map_to_vector(call.getOperands(), isActive), llvm::map_to_vector(call.getResults(), isActive)}});
  });
  for (auto &[call, callKey] : work) {
    auto derivative = get(symbols.lookup<func::FuncOp>(call.getCallee()), callKey, call.getLoc());
    if (failed(derivative))
      return failure();
    OpBuilder builder(call);
    SmallVector<TapeCreateOp> tapes;
    SmallVector<Value> operands = withTapes(builder, call.getLoc(), derivative->forward, call.getOperands(), tapes);
    auto augmented = func::CallOp::create(builder, call.getLoc(), derivative->forward, operands);
    for (auto [root, i] : llvm::zip(tapes, derivative->tapes))
      context.tapeRoots[augmented.getResult(i)] = root;
    call.replaceAllUsesWith(augmented.getResults().take_front(call.getNumResults()));
    context.calls[augmented] = {*derivative, callKey};
    call.erase();
  }
  return success();
}

LogicalResult DerivativeBuilder::emit(OpBuilder &builder, Location loc, func::FuncOp function, const DerivativeKey &key, ValueRange operands,
                                      function_ref<SmallVector<Value>(ValueRange)> cotangents, SmallVectorImpl<Value> &outputs,
                                      SmallVectorImpl<Value> &gradients) {
  auto derivative = get(function, key, loc);
  if (succeeded(derivative))
    emitHalves(builder, loc, *derivative, key, operands, cotangents, outputs, gradients);
  return derivative;
}

void mlir::cell::emitHalves(OpBuilder &builder, Location loc, const Derivative &derivative, const DerivativeKey &key, ValueRange operands,
                            function_ref<SmallVector<Value>(ValueRange)> cotangents, SmallVectorImpl<Value> &outputs, SmallVectorImpl<Value> &gradients) {
  SmallVector<TapeCreateOp> tapes;
  auto forward = func::CallOp::create(builder, loc, derivative.forward, withTapes(builder, loc, derivative.forward, operands, tapes));
  outputs.append(forward.result_begin(), std::next(forward.result_begin(), key.results.size()));
  SmallVector<Value> inputs;
  for (const Residual &residual : derivative.residuals)
    inputs.push_back(residual.source == Residual::Source::Argument ? operands[residual.index] : forward.getResult(residual.index));
  inputs.append(cotangents(outputs));
  auto reverse = func::CallOp::create(builder, loc, derivative.reverse, inputs);
  unsigned next = 0;
  for (auto [flag, present] : llvm::zip(key.arguments, derivative.gradients))
    if (flag)
      gradients.push_back(present ? reverse.getResult(next++) : Value());
}
