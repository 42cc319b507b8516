//===- Derivative.cpp - the derivative of one function --------------------===//
#include "passes/AutoDiff/Derivative.h"

#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Expr.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::cell;

/// A call in the forward function whose callee has a derivative.
struct DerivativeBuilder::CallRecord {
  Derivative derivative;
  DerivativeKey key;
};

static std::string cacheKey(func::FuncOp function, const DerivativeKey &key) {
  std::string text = function.getSymName().str();
  for (const auto *flags : {&key.arguments, &key.results}) {
    text += '/';
    for (bool flag : *flags)
      text += flag ? '1' : '0';
  }
  return text;
}

FailureOr<Derivative> DerivativeBuilder::get(func::FuncOp function, const DerivativeKey &key, Location user) {
  std::string name = cacheKey(function, key);
  if (auto known = cache.find(name); known != cache.end())
    return known->second;
  if (!open.insert(function).second) {
    auto diagnostic = emitError(user) << "the derivative of @" << function.getSymName() << " needs itself: the function is recursive";
    diagnostic.attachNote(function.getLoc()) << "the function is defined here";
    return diagnostic;
  }
  if (function.isExternal() || !function.getBody().hasOneBlock()) {
    open.erase(function);
    return emitError(user) << "@" << function.getSymName() << " has no body of one block, so its derivative is unknown";
  }
  auto derivative = build(function, key);
  open.erase(function);
  if (succeeded(derivative))
    cache[name] = *derivative;
  return derivative;
}

/// Composite ops on the way of a derivative that have no rule of their own are replaced by their pieces.
static LogicalResult decomposeActive(func::FuncOp forward, const DerivativeKey &key) {
  while (true) {
    llvm::DenseSet<Value> active = findActiveValues(forward, key);
    SmallVector<CompositeOpInterface> composites;
    for (Operation &op : forward.getBody().front())
      if (auto composite = dyn_cast<CompositeOpInterface>(op))
        if (!isa<DifferentiableOpInterface>(op) && llvm::any_of(op.getResults(), [&](Value v) { return active.contains(v); }))
          composites.push_back(composite);
    if (composites.empty())
      return success();
    for (CompositeOpInterface composite : composites) {
      OpBuilder builder(composite);
      auto values = composite.decompose(builder);
      if (failed(values))
        return failure();
      composite->replaceAllUsesWith(*values);
      composite->erase();
    }
  }
}

LogicalResult DerivativeBuilder::augmentCalls(func::FuncOp forward, const llvm::DenseSet<Value> &active,
                                              DenseMap<Operation *, CallRecord> &calls) {
  auto isActive = [&](Value value) { return active.contains(value); };
  // All keys first: a call's results are replaced, and the new values are not in `active`.
  SmallVector<std::pair<func::CallOp, DerivativeKey>> work;
  for (auto call : forward.getBody().front().getOps<func::CallOp>())
    if (llvm::any_of(call.getResults(), isActive))
      work.push_back({call, {llvm::map_to_vector(call.getOperands(), isActive), llvm::map_to_vector(call.getResults(), isActive)}});
  for (auto &[call, key] : work) {
    auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
    CallRecord record;
    record.key = key;
    auto derivative = get(callee, record.key, call.getLoc());
    if (failed(derivative))
      return failure();
    record.derivative = *derivative;
    OpBuilder builder(call);
    auto augmented = func::CallOp::create(builder, call.getLoc(), record.derivative.forward, call.getOperands());
    call.replaceAllUsesWith(augmented.getResults().take_front(call.getNumResults()));
    calls[augmented] = record;
    call.erase();
  }
  return success();
}

namespace {
/// Cotangents of the values of a forward function, summed where they meet.
class Cotangents {
public:
  Cotangents(OpBuilder &builder) : builder(builder) {}
  Value of(Value primal) const { return map.lookup(primal); }
  void add(Value primal, Value cotangent, Location loc) {
    if (!cotangent)
      return;
    Value &slot = map[primal];
    if (!slot)
      slot = cotangent;
    else if (getElementTypeOrSelf(slot.getType()).isInteger(1))
      slot = LogicalOrOp::create(builder, loc, slot, cotangent);
    else
      slot = AddOp::create(builder, loc, slot, cotangent);
  }

private:
  OpBuilder &builder;
  DenseMap<Value, Value> map;
};
} // namespace

/// Emits the call of a callee's reverse function and adds the gradients of its operands.
static void reverseCall(OpBuilder &builder, func::CallOp call, const Derivative &derivative, const DerivativeKey &key, Cotangents &cotangents) {
  SmallVector<Value> inputs;
  for (const Residual &residual : derivative.residuals)
    inputs.push_back(residual.source == Residual::Source::Argument ? call.getOperand(residual.index) : call.getResult(residual.index));
  for (auto [i, flag] : llvm::enumerate(key.results)) {
    if (!flag)
      continue;
    Value cotangent = cotangents.of(call.getResult(i));
    inputs.push_back(cotangent ? cotangent : createFull(builder, call.getLoc(), call.getResult(i), 0));
  }
  auto reverse = func::CallOp::create(builder, call.getLoc(), derivative.reverse, inputs);
  unsigned next = 0;
  for (auto [i, present] : llvm::enumerate(derivative.gradients))
    if (present)
      cotangents.add(call.getOperand(i), reverse.getResult(next++), call.getLoc());
}

/// Emits the reverse rule of one op.
static LogicalResult reverseOp(OpBuilder &builder, Operation &op, const llvm::DenseSet<Value> &active, Cotangents &cotangents) {
  auto results = llvm::map_to_vector(op.getResults(), [&](Value v) { return cotangents.of(v); });
  if (llvm::none_of(results, [](Value v) { return static_cast<bool>(v); }))
    return success();
  auto differentiable = dyn_cast<DifferentiableOpInterface>(op);
  if (!differentiable) {
    auto diagnostic = op.emitError("'") << op.getName() << "' has no derivative rule";
    diagnostic.attachNote() << "implement DifferentiableOpInterface for it, or stop the derivative before it with cell.stop_gradient";
    return diagnostic;
  }
  auto needed = llvm::map_to_vector(op.getOperands(), [&](Value v) { return active.contains(v); });
  SmallVector<Value> gradients(op.getNumOperands());
  if (failed(differentiable.buildVjp(builder, results, needed, gradients)))
    return failure();
  for (auto [operand, gradient, flag] : llvm::zip(op.getOperands(), gradients, needed)) {
    if (!flag || !gradient)
      continue;
    if (gradient.getType() != operand.getType()) {
      auto diagnostic = op.emitError("the derivative rule of '") << op.getName() << "' gives " << gradient.getType() << " for an operand of type "
                                                                << operand.getType();
      return diagnostic;
    }
    cotangents.add(operand, gradient, op.getLoc());
  }
  return success();
}

FailureOr<Derivative> DerivativeBuilder::build(func::FuncOp function, const DerivativeKey &key) {
  MLIRContext *context = function.getContext();
  Derivative derivative;
  derivative.forward = function.clone();
  derivative.forward.setSymName((function.getSymName() + ".forward").str());
  derivative.forward.setPrivate();
  derivative.forward.removeArgAttrsAttr();
  derivative.forward.removeResAttrsAttr();
  symbols.insert(derivative.forward, std::next(function->getIterator()));
  derivative.reverse = func::FuncOp::create(function.getLoc(), (function.getSymName() + ".reverse").str(), FunctionType::get(context, {}, {}));
  derivative.reverse.setPrivate();
  symbols.insert(derivative.reverse, std::next(derivative.forward->getIterator()));

  Block &forwardBody = derivative.forward.getBody().front();
  Block *reverseBody = derivative.reverse.addEntryBlock();
  OpBuilder builder = OpBuilder::atBlockEnd(reverseBody);
  auto abandon = [&]() -> FailureOr<Derivative> {
    reverseBody->dropAllReferences();
    derivative.reverse.erase();
    derivative.forward.erase();
    return failure();
  };
  if (failed(decomposeActive(derivative.forward, key)))
    return abandon();
  DenseMap<Operation *, CallRecord> calls;
  if (failed(augmentCalls(derivative.forward, findActiveValues(derivative.forward, key), calls)))
    return abandon();
  llvm::DenseSet<Value> active = findActiveValues(derivative.forward, key);

  Cotangents cotangents(builder);
  Operation *forwardReturn = forwardBody.getTerminator();
  for (auto [result, flag] : llvm::zip(forwardReturn->getOperands(), key.results)) {
    if (!flag)
      continue;
    Value cotangent = reverseBody->addArgument(result.getType(), result.getLoc());
    if (active.contains(result))
      cotangents.add(result, cotangent, result.getLoc());
  }
  for (Operation &op : llvm::reverse(forwardBody.without_terminator())) {
    if (auto record = calls.find(&op); record != calls.end()) {
      if (llvm::any_of(op.getResults(), [&](Value v) { return static_cast<bool>(cotangents.of(v)); }))
        reverseCall(builder, cast<func::CallOp>(op), record->second.derivative, record->second.key, cotangents);
    } else if (failed(reverseOp(builder, op, active, cotangents))) {
      return abandon();
    }
  }
  SmallVector<Value> gradients;
  for (auto [argument, flag] : llvm::zip(forwardBody.getArguments(), key.arguments)) {
    Value gradient = flag ? cotangents.of(argument) : Value();
    derivative.gradients.push_back(static_cast<bool>(gradient));
    if (gradient)
      gradients.push_back(gradient);
  }
  func::ReturnOp::create(builder, function.getLoc(), gradients);
  saveResiduals(derivative, function.getNumResults());
  return derivative;
}

LogicalResult DerivativeBuilder::emit(OpBuilder &builder, Location loc, func::FuncOp function, const DerivativeKey &key, ValueRange operands,
                                      function_ref<SmallVector<Value>(ValueRange)> cotangents, SmallVectorImpl<Value> &outputs,
                                      SmallVectorImpl<Value> &gradients) {
  auto derivative = get(function, key, loc);
  if (failed(derivative))
    return failure();
  auto forward = func::CallOp::create(builder, loc, derivative->forward, operands);
  outputs.append(forward.result_begin(), std::next(forward.result_begin(), function.getNumResults()));
  SmallVector<Value> inputs;
  for (const Residual &residual : derivative->residuals)
    inputs.push_back(residual.source == Residual::Source::Argument ? operands[residual.index] : forward.getResult(residual.index));
  inputs.append(cotangents(outputs));
  auto reverse = func::CallOp::create(builder, loc, derivative->reverse, inputs);
  unsigned next = 0;
  for (auto [flag, present] : llvm::zip(key.arguments, derivative->gradients))
    if (flag)
      gradients.push_back(present ? reverse.getResult(next++) : Value());
  return success();
}
