//===- CustomDerivative.cpp - derivatives of functions with rules of their own -===//
#include "dialect/Cell/Expr.h"
#include "passes/AutoDiff/Activity.h"
#include "passes/AutoDiff/CustomRules.h"
#include "passes/AutoDiff/Forward.h"
#include "passes/AutoDiff/FunctionBuilders.h"
#include "passes/AutoDiff/Regions.h"
#include "passes/AutoDiff/Reverse.h"

using namespace mlir;
using namespace mlir::cell;

/// A rule that reads its cotangents or tangents other than linearly has no transpose.
static LogicalResult verifyLinear(func::FuncOp rule, const Derivative &transpose, const DerivativeKey &key, SymbolTable &symbols) {
  ActivityAnalysis uses(symbols, ActivityAnalysis::Flow::Any);
  for (const Residual &residual : transpose.residuals) {
    bool depends = false;
    for (auto [i, flag] : llvm::enumerate(key.arguments))
      depends |= flag && (residual.source == Residual::Source::Argument ? residual.index == i
                                                                        : uses.dependences(transpose.forward)[residual.index].test(i));
    if (depends)
      return rule.emitError("@") << rule.getSymName() << " is used as a derivative rule in the other direction, but it is not linear in its cotangents or tangents";
  }
  return success();
}

FailureOr<Derivative> DerivativeBuilder::getTranspose(CustomRule custom, const DerivativeKey &key, Location user) {
  auto transpose = get(custom.rule, key, user);
  if (succeeded(transpose) && failed(verifyLinear(custom.rule, *transpose, key, symbols)))
    return failure();
  return transpose;
}

static bool isStatic(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.hasStaticShape();
}

FailureOr<Derivative> DerivativeBuilder::buildFromVjpRule(func::FuncOp function, const DerivativeKey &key, CustomRule custom) {
  Location loc = custom.rule.getLoc();
  Derivative derivative;
  derivative.forward = function;
  derivative.reverse = createFunction(function, ".reverse", symbols);
  Block &body = derivative.reverse.getBody().front();
  OpBuilder builder = OpBuilder::atBlockEnd(&body);
  DenseMap<unsigned, Value> arguments, results, cotangents;
  auto residual = [&](Residual::Source source, unsigned i) {
    bool isArgument = source == Residual::Source::Argument;
    Value &slot = (isArgument ? arguments : results)[i];
    if (!slot) {
      derivative.residuals.push_back({source, i});
      slot = body.addArgument(isArgument ? function.getArgumentTypes()[i] : function.getResultTypes()[i], loc);
    }
    return slot;
  };
  for (auto operand : custom.operands) {
    if (operand.kind == CustomRule::Operand::Kind::Argument)
      residual(Residual::Source::Argument, operand.index);
    // A zero is made like the result, unless its type says all.
    else if (operand.kind == CustomRule::Operand::Kind::Result || !(key.results[operand.index] || isStatic(function.getResultTypes()[operand.index])))
      residual(Residual::Source::Result, operand.index);
  }
  for (auto [i, flag] : llvm::enumerate(key.results))
    if (flag)
      cotangents[i] = body.addArgument(function.getResultTypes()[i], loc);
  SmallVector<Value> operands;
  for (auto [operand, type] : llvm::zip(custom.operands, custom.rule.getArgumentTypes())) {
    if (operand.kind == CustomRule::Operand::Kind::Argument)
      operands.push_back(arguments[operand.index]);
    else if (operand.kind == CustomRule::Operand::Kind::Result)
      operands.push_back(results[operand.index]);
    else if (Value cotangent = cotangents.lookup(operand.index))
      operands.push_back(cotangent);
    else if (isStatic(type))
      operands.push_back(createFull(builder, loc, cast<RankedTensorType>(type), 0));
    else
      operands.push_back(createZero(builder, loc, results[operand.index]));
  }
  auto call = func::CallOp::create(builder, loc, custom.rule, operands);
  SmallVector<Value> gradients;
  for (auto [i, flag] : llvm::enumerate(key.arguments)) {
    auto *place = llvm::find(custom.results, i);
    bool present = flag && place != custom.results.end();
    derivative.gradients.push_back(present);
    if (present)
      gradients.push_back(call.getResult(place - custom.results.begin()));
  }
  finishFunction(derivative.reverse, gradients);
  return derivative;
}

FailureOr<Derivative> DerivativeBuilder::buildFromJvpRule(func::FuncOp function, const DerivativeKey &key, CustomRule custom, Location user) {
  // The rule is linear in the tangents: its gradients by them are the gradients of the function.
  DerivativeKey ruleKey{{}, key.results};
  for (auto operand : custom.operands)
    ruleKey.arguments.push_back(operand.kind == CustomRule::Operand::Kind::Linear && key.arguments[operand.index]);
  auto transpose = getTranspose(custom, ruleKey, user);
  if (failed(transpose))
    return failure();

  Location loc = custom.rule.getLoc();
  Derivative derivative;
  derivative.forward = createFunction(function, ".forward", symbols);
  Block &body = derivative.forward.getBody().front();
  body.addArguments(function.getArgumentTypes(), SmallVector<Location>(function.getNumArguments(), loc));
  OpBuilder builder = OpBuilder::atBlockEnd(&body);
  auto primal = func::CallOp::create(builder, function.getLoc(), function, body.getArguments());
  SmallVector<Value> operands;
  for (auto operand : custom.operands) {
    Value argument = body.getArgument(operand.index);
    operands.push_back(operand.kind == CustomRule::Operand::Kind::Linear ? createZero(builder, loc, argument) : argument);
  }
  // Tapes of the rule's loops come from the caller.
  for (Type type : transpose->forward.getArgumentTypes().drop_front(operands.size()))
    operands.push_back(body.addArgument(type, loc));
  auto linear = func::CallOp::create(builder, loc, transpose->forward, operands);
  SmallVector<Value> returned(primal.getResults());
  for (const Residual &residual : transpose->residuals) {
    if (residual.source == Residual::Source::Argument) {
      derivative.residuals.push_back({Residual::Source::Argument, custom.operands[residual.index].index});
      continue;
    }
    derivative.residuals.push_back({Residual::Source::Result, static_cast<unsigned>(returned.size())});
    if (llvm::is_contained(transpose->tapes, residual.index))
      derivative.tapes.push_back(returned.size());
    returned.push_back(linear.getResult(residual.index));
  }
  finishFunction(derivative.forward, returned);

  // The reverse half of the rule, with its gradients in the order of the function's arguments.
  derivative.reverse = createFunction(function, ".reverse", symbols);
  Block &reverseBody = derivative.reverse.getBody().front();
  for (BlockArgument argument : transpose->reverse.getArguments())
    reverseBody.addArgument(argument.getType(), argument.getLoc());
  builder.setInsertionPointToEnd(&reverseBody);
  auto call = func::CallOp::create(builder, loc, transpose->reverse, reverseBody.getArguments());
  Cotangents sums(builder);
  unsigned next = 0;
  for (auto [operand, present] : llvm::zip(custom.operands, transpose->gradients))
    if (present)
      sums.add(body.getArgument(operand.index), call.getResult(next++), loc);
  SmallVector<Value> gradients;
  for (BlockArgument argument : body.getArguments().take_front(function.getNumArguments())) {
    Value gradient = sums.of(argument);
    derivative.gradients.push_back(static_cast<bool>(gradient));
    if (gradient)
      gradients.push_back(gradient);
  }
  // What is left of tapes that the forward half returned.
  for (; next < call.getNumResults(); ++next)
    gradients.push_back(call.getResult(next));
  finishFunction(derivative.reverse, gradients);
  return derivative;
}

FailureOr<ForwardDerivative> ForwardBuilder::buildFromRule(func::FuncOp function, const DerivativeKey &key) {
  auto jvp = findCustomRule(function, symbols, CustomRule::Mode::Jvp);
  CustomRule custom = jvp ? *jvp : *findCustomRule(function, symbols, CustomRule::Mode::Vjp);
  Location loc = custom.rule.getLoc();
  ForwardDerivative derivative;
  derivative.function = createFunction(function, ".jvp", symbols);
  Block &body = derivative.function.getBody().front();
  body.addArguments(function.getArgumentTypes(), SmallVector<Location>(function.getNumArguments(), loc));
  SmallVector<Value> arguments(body.getArguments());
  DenseMap<unsigned, Value> tangents;
  for (auto [i, flag] : llvm::enumerate(key.arguments))
    if (flag)
      tangents[i] = body.addArgument(function.getArgumentTypes()[i], loc);
  OpBuilder builder = OpBuilder::atBlockEnd(&body);
  auto primal = func::CallOp::create(builder, function.getLoc(), function, arguments);
  SmallVector<Value> operands;
  for (auto operand : custom.operands) {
    bool ofResult = operand.kind == CustomRule::Operand::Kind::Result || (operand.kind == CustomRule::Operand::Kind::Linear && !jvp);
    Value like = ofResult ? primal.getResult(operand.index) : arguments[operand.index];
    Value given = operand.kind == CustomRule::Operand::Kind::Linear ? (jvp ? tangents.lookup(operand.index) : Value()) : like;
    operands.push_back(given ? given : createZero(builder, loc, like));
  }

  SmallVector<Value> results(function.getNumResults());
  if (jvp) {
    auto call = func::CallOp::create(builder, loc, custom.rule, operands);
    results.assign(call.result_begin(), call.result_end());
  } else if (failed(transposeVjpRule(builder, custom, key, operands, tangents, primal.getResults(), results))) {
    return failure();
  }
  SmallVector<Value> returned(primal.getResults());
  for (auto [flag, tangent] : llvm::zip(key.results, results)) {
    derivative.tangents.push_back(flag && tangent);
    if (flag && tangent)
      returned.push_back(tangent);
  }
  finishFunction(derivative.function, returned);
  return derivative;
}

LogicalResult ForwardBuilder::transposeVjpRule(OpBuilder &builder, CustomRule custom, const DerivativeKey &key, ValueRange operands,
                                               const DenseMap<unsigned, Value> &tangents, ValueRange primal, MutableArrayRef<Value> results) {
  Location loc = custom.rule.getLoc();
  DerivativeKey ruleKey;
  for (auto operand : custom.operands)
    ruleKey.arguments.push_back(operand.kind == CustomRule::Operand::Kind::Linear && key.results[operand.index]);
  SmallVector<Value> given;
  for (unsigned argument : custom.results) {
    Value tangent = tangents.lookup(argument);
    ruleKey.results.push_back(static_cast<bool>(tangent));
    if (tangent)
      given.push_back(tangent);
  }
  // No gradient of an argument with a tangent: the tangents of the results are 0.
  if (given.empty())
    return success();
  if (failed(reverse.getTranspose(custom, ruleKey, loc)))
    return failure();
  SmallVector<Value> outputs, gradients;
  if (failed(reverse.emit(builder, loc, custom.rule, ruleKey, operands, [&](ValueRange) { return given; }, outputs, gradients)))
    return failure();
  Cotangents sums(builder);
  unsigned next = 0;
  for (auto [i, operand] : llvm::enumerate(custom.operands))
    if (ruleKey.arguments[i])
      sums.add(primal[operand.index], gradients[next++], loc);
  for (auto [result, tangent] : llvm::zip(primal, results))
    tangent = sums.of(result);
  return success();
}
