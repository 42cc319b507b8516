//===- Batch.cpp - functions that work on a batch of examples --------------===//
#include "passes/Vmap/Batch.h"

#include "passes/AutoDiff/FunctionBuilders.h"
#include "passes/Vmap/Emitter.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::cell;

static std::string keyText(func::FuncOp function, const BatchKey &key) {
  std::string text = function.getSymName().str() + '/' + std::to_string(key.size) + (key.ownRandom ? "!" : "") + (key.masked ? "m" : "");
  for (const auto *flags : {&key.arguments, &key.forced}) {
    text += '/';
    for (bool flag : *flags)
      text += flag ? '1' : '0';
  }
  return text;
}

bool BatchBuilder::hasEffects(func::FuncOp function) {
  auto [known, isNew] = effects.try_emplace(function.getSymName(), false);
  if (!isNew)
    return known->second;
  bool found = false;
  function.walk([&](Operation *op) {
    found |= isa<PrintOp, AssertOp>(op);
    for (NamedAttribute attribute : op->getAttrs())
      if (auto symbol = dyn_cast<FlatSymbolRefAttr>(attribute.getValue()))
        if (auto callee = lookup(symbol.getAttr()))
          found |= hasEffects(callee);
  });
  return effects[function.getSymName()] = found;
}

FailureOr<BatchedFunction> BatchBuilder::get(func::FuncOp function, const BatchKey &key, Location user) {
  std::string name = keyText(function, key);
  if (auto known = cache.find(name); known != cache.end())
    return known->second;
  if (function.isExternal() || !function.getBody().hasOneBlock())
    return emitError(user) << "@" << function.getSymName() << " has no body of one block, so it cannot be batched";
  if (!open.insert(function).second) {
    auto diagnostic = emitError(user) << "@" << function.getSymName() << " calls itself, so it cannot be batched";
    diagnostic.attachNote(function.getLoc()) << "the function is defined here";
    return diagnostic;
  }
  auto batched = build(function, key);
  open.erase(function);
  if (failed(batched))
    return failure();
  // In the cache before the rules are: they may call the function.
  cache[name] = *batched;
  if (failed(batchRules(function, *batched, key)))
    return failure();
  return batched;
}

static bool hasRule(func::FuncOp function) { return function->hasAttr("cell.custom_vjp") || function->hasAttr("cell.custom_jvp"); }

FailureOr<BatchedFunction> BatchBuilder::build(func::FuncOp function, const BatchKey &key) {
  WalkResult inner = function.walk([&](VmapOp request) { return failed(expand(request)) ? WalkResult::interrupt() : WalkResult::advance(); });
  if (inner.wasInterrupted())
    return failure();
  // Decompositions happen in a copy.
  OwningOpRef<func::FuncOp> source = function.clone();
  llvm::DenseSet<Value> varying = analysis.varying(*source, key.arguments, key.ownRandom, key.forced);
  Location loc = function.getLoc();
  func::FuncOp batched = createFunction(function, ".batched", symbols);
  for (StringRef name : {"cell.recompute", "cell.no_inline"})
    if (function->hasAttr(name))
      batched->setAttr(name, function->getAttr(name));
  Block *body = &batched.getBody().front();
  OpBuilder builder = OpBuilder::atBlockEnd(body);
  Emitter emitter(*this, key, varying, builder);
  for (auto [argument, flag] : llvm::zip(source->getArguments(), key.arguments)) {
    Type type = flag ? batchedType(argument.getType(), key.size) : argument.getType();
    emitter.bind(argument, {body->addArgument(type, argument.getLoc()), flag});
  }
  if (key.masked)
    emitter.mask = body->addArgument(RankedTensorType::get(key.size, builder.getI1Type()), loc);
  auto abandon = [&]() -> FailureOr<BatchedFunction> {
    body->dropAllReferences();
    symbols.erase(batched);
    return failure();
  };
  if (failed(emitter.block(source->getBody().front())))
    return abandon();

  BatchedFunction result{batched, {}};
  SmallVector<Value> values;
  ValueRange returned = source->getBody().front().getTerminator()->getOperands();
  bool differs = key.ownRandom || llvm::is_contained(key.arguments, true);
  for (auto [i, value] : llvm::enumerate(returned)) {
    bool flag = varying.contains(value) || (hasRule(function) && differs) || (i < key.forced.size() && key.forced[i]);
    result.results.push_back(flag);
    if (flag && isa<TapeType>(value.getType()) && !emitter.lane(value).batched) {
      function.emitError("gives a tape that is the same for all examples where one per example is wanted");
      return abandon();
    }
    values.push_back(flag ? emitter.scope(loc).spread(emitter.lane(value)) : emitter.lane(value).value);
  }
  finishFunction(batched, values);
  return result;
}

//===----------------------------------------------------------------------===//
// Derivatives given by hand
//===----------------------------------------------------------------------===//

/// The batched function keeps the meaning of its original's rules: the rules are batched with the same map.
LogicalResult BatchBuilder::batchRules(func::FuncOp function, BatchedFunction &batched, const BatchKey &key) {
  int64_t count = function.getNumArguments();
  for (StringRef kind : {"cell.custom_vjp", "cell.custom_jvp"}) {
    if (!function->hasAttr(kind))
      continue;
    if (key.masked)
      return function.emitError("has a derivative rule of its own and prints or asserts, where examples of a batch go different ways; this is not supported");
    std::string operandsName = (kind + "_operands").str(), gradientsName = (kind + "_gradients").str();
    auto operands = function->getAttrOfType<DenseI64ArrayAttr>(operandsName);
    auto gradients = function->getAttrOfType<DenseI64ArrayAttr>(gradientsName);
    // An argument, for forward mode also its tangent, is batched as the call says; results and cotangents are.
    SmallVector<bool> flags;
    for (int64_t k : operands.asArrayRef())
      flags.push_back(k < count ? key.arguments[k] : kind == "cell.custom_vjp" || key.arguments[k - count]);
    auto rule = batchRule(function, kind, flags, key, gradients ? gradients.asArrayRef() : ArrayRef<int64_t>());
    if (failed(rule))
      return failure();
    batched.function->setAttr(kind, FlatSymbolRefAttr::get(rule->getSymNameAttr()));
    batched.function->setAttr(operandsName, operands);
    if (gradients)
      batched.function->setAttr(gradientsName, gradients);
  }
  return success();
}

/// Calls the batched rule. Its tangents are one per example; the gradient of an argument that all examples share is the sum of theirs.
FailureOr<func::FuncOp> BatchBuilder::batchRule(func::FuncOp function, StringRef kind, ArrayRef<bool> operands, const BatchKey &key,
                                                ArrayRef<int64_t> gradients) {
  auto rule = lookup(function->getAttrOfType<FlatSymbolRefAttr>(kind).getAttr());
  if (!rule)
    return function.emitError("names a derivative rule that is not there");
  BatchKey ruleKey{SmallVector<bool>(operands), key.size, key.ownRandom};
  ruleKey.forced.assign(rule.getNumResults(), true);
  auto all = get(rule, ruleKey, function.getLoc());
  if (failed(all))
    return failure();
  Location loc = rule.getLoc();
  func::FuncOp wrapper = createFunction(all->function, ".summed", symbols);
  Block *body = &wrapper.getBody().front();
  for (Type type : all->function.getArgumentTypes())
    body->addArgument(type, loc);
  OpBuilder builder = OpBuilder::atBlockEnd(body);
  auto call = func::CallOp::create(builder, loc, all->function, body->getArguments());
  SmallVector<Value> values(call.getResults());
  for (auto [i, argument] : llvm::enumerate(gradients)) {
    if (key.arguments[argument])
      continue;
    if (getElementTypeOrSelf(values[i].getType()).isInteger(1))
      values[i] = ReduceAnyOp::create(builder, loc, values[i], builder.getDenseI64ArrayAttr(0), builder.getBoolAttr(false));
    else
      values[i] = createSum(builder, loc, values[i], 0, /*keepdims=*/false);
  }
  finishFunction(wrapper, values);
  return wrapper;
}

//===----------------------------------------------------------------------===//
// Requests
//===----------------------------------------------------------------------===//

/// Dimension `from` moved to place `to`.
static Value moveAxis(OpBuilder &builder, Location loc, Value value, int64_t from, int64_t to) {
  SmallVector<int64_t> order;
  for (int64_t i = 0, rank = shapeOf(value).size(); i < rank; ++i)
    if (i != from)
      order.push_back(i);
  order.insert(order.begin() + to, from);
  return BatchScope{builder, loc, 0}.permute(value, order);
}

static BatchKey keyOf(VmapOp request) {
  auto arguments = llvm::map_to_vector(request.getInAxes(), [](int64_t axis) { return axis >= 0; });
  return {arguments, static_cast<int64_t>(request.getSize()), request->hasAttr("own_random")};
}

/// Result i has a value per example, but is to have one for all.
static LogicalResult refuseSingle(VmapOp request, func::FuncOp callee, size_t i) {
  Location computed = callee.getBody().front().getTerminator()->getOperand(i).getLoc();
  auto written = request->getAttrOfType<ArrayAttr>("written");
  size_t plain = request.getNumResults() - (written ? written.size() : 0);
  if (i < plain) {
    auto diagnostic = request.emitError("vmap: result ") << i << " depends on a batched operand, so that it has no single value for all examples: give it "
                                                         << "an axis in out_axes, not None";
    diagnostic.attachNote(computed) << "it is computed here";
    return diagnostic;
  }
  auto diagnostic = request.emitError("vmap: ") << cast<StringAttr>(written[i - plain]).getValue()
                                                << " is assigned a value that differs between the examples of the batch";
  diagnostic.attachNote(computed) << "the value is computed here";
  diagnostic.attachNote() << "return the value and reduce it over the batch outside of vmap, or assign one that does not depend on the batched inputs";
  return diagnostic;
}

LogicalResult BatchBuilder::expand(VmapOp request) {
  auto callee = lookup(request.getCalleeAttr().getAttr());
  Location loc = request.getLoc();
  OpBuilder builder(request);
  BatchKey key = keyOf(request);
  auto batched = get(callee, key, loc);
  if (failed(batched))
    return failure();
  SmallVector<Value> operands;
  for (auto [value, axis] : llvm::zip(request.getInputs(), request.getInAxes()))
    operands.push_back(axis > 0 ? moveAxis(builder, loc, value, axis, 0) : value);
  auto call = func::CallOp::create(builder, loc, batched->function, operands);
  SmallVector<Value> results;
  for (auto [i, value, axis] : llvm::enumerate(call.getResults(), request.getOutAxes())) {
    bool flag = batched->results[i];
    if (axis < 0 && flag)
      return refuseSingle(request, callee, i);
    Value result = value;
    if (axis >= 0)
      result = moveAxis(builder, loc, BatchScope{builder, loc, key.size}.spread({value, flag}), 0, axis);
    results.push_back(result);
  }
  request.replaceAllUsesWith(results);
  request.erase();
  return success();
}

LogicalResult BatchBuilder::expandEarly(func::FuncOp function) {
  SmallVector<VmapOp> requests;
  function.walk([&](VmapOp request) {
    BatchKey key = keyOf(request);
    if (auto callee = lookup(request.getCalleeAttr().getAttr()))
      if (analysis.summarize(callee, key.arguments, key.ownRandom).divergentRequest)
        requests.push_back(request);
  });
  for (VmapOp request : requests)
    if (failed(expand(request)))
      return failure();
  return success();
}

void mlir::cell::dropCotangentGuards(ModuleOp module) {
  module.walk([](SelectOp select) {
    auto constant = select.getRhs().getDefiningOp<StopGradientOp>();
    if (!constant || constant.getX() != select.getLhs())
      return;
    select.replaceAllUsesWith(select.getLhs());
    select.erase();
    if (constant.use_empty())
      constant.erase();
  });
}
