//===- Emitter.cpp - writes a block for a batch of examples ----------------===//
#include "passes/Vmap/Emitter.h"

#include "dialect/Cell/Expr.h"
#include "dialect/Cell/Infer.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::cell;

void Emitter::bind(Value original, Lane lane) {
  mapping.map(original, lane.value);
  if (lane.batched)
    batched.insert(original);
  else
    batched.erase(original);
}

SmallVector<Lane> Emitter::lanes(ValueRange originals) const {
  return llvm::map_to_vector(originals, [&](Value value) { return lane(value); });
}

void Emitter::bindLike(ValueRange originals, ValueRange values) {
  for (auto [original, value] : llvm::zip(originals, values))
    bind(original, {value, varying.contains(original)});
}

SmallVector<Type> Emitter::typesOf(ValueRange originals) const {
  return llvm::map_to_vector(originals, [&](Value v) { return varying.contains(v) ? batchedType(v.getType(), key.size) : v.getType(); });
}

SmallVector<Value> Emitter::matching(ValueRange originals, ValueRange like, Location loc) {
  SmallVector<Value> values;
  for (auto [original, other] : llvm::zip(originals, like))
    values.push_back(varying.contains(other) ? scope(loc).spread(lane(original)) : lane(original).value);
  return values;
}

bool Emitter::touchesBatched(Operation *op) const {
  bool found = false;
  op->walk([&](Operation *inner) { found |= llvm::any_of(inner->getOperands(), [&](Value v) { return isBatched(v); }); });
  return found;
}

void Emitter::copy(Operation *op) {
  Operation *clone = builder.clone(*op, mapping);
  for (auto [original, value] : llvm::zip(op->getResults(), clone->getResults()))
    bind(original, {value, false});
}

LogicalResult Emitter::block(Block &block) {
  // A decomposition puts its ops before the composite one.
  for (Operation &op : llvm::make_early_inc_range(block.without_terminator()))
    if (failed(operation(&op)))
      return failure();
  return success();
}

LogicalResult Emitter::operation(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<scf::IfOp>([&](scf::IfOp op) { return branch(op); })
      .Case<scf::ForOp, scf::WhileOp>([&](auto op) { return loop(op); })
      .Case<func::CallOp>([&](func::CallOp op) { return call(op); })
      .Case<ValueAndGradOp>([&](ValueAndGradOp op) { return request(op, {}); })
      .Case<VjpOp>([&](VjpOp op) { return request(op, op.getCotangents()); })
      .Case<JvpOp>([&](JvpOp op) { return request(op, op.getTangents()); })
      .Case<PrintOp, AssertOp>([&](Operation *op) { return effect(op); })
      .Case<TapeCreateOp, TapePushOp, TapePopOp>([&](Operation *op) { return tape(op); })
      .Default([&](Operation *op) {
        if (touchesBatched(op) || (key.ownRandom && isRandomOp(op)))
          return rule(op);
        copy(op);
        return success();
      });
}

/// Tensors of the dialect's dtypes with known sizes, and scalars of them.
static bool isSupported(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return tensor.hasStaticShape() && succeeded(checkDtype("", std::nullopt, tensor.getElementType()));
  return isa<TapeType>(type) || type.isIndex() || succeeded(checkDtype("", std::nullopt, type));
}

LogicalResult Emitter::rule(Operation *op) {
  for (Type type : llvm::concat<Type>(llvm::to_vector(op->getOperandTypes()), llvm::to_vector(op->getResultTypes())))
    if (!isSupported(type))
      return op->emitError("'") << op->getName() << "' cannot be batched: vmap needs tensors with known sizes and dtypes of cell, but " << type << " is none";
  SmallVector<Lane> operands = lanes(op->getOperands());
  BatchScope here = scope(op->getLoc());
  // Of a batch of no examples there is nothing to compute.
  if (key.size == 0 && isPure(op) && llvm::all_of(op->getResultTypes(), [](Type type) { return !isa<TapeType>(type); })) {
    for (Value result : op->getResults())
      bind(result, {createFull(builder, op->getLoc(), cast<RankedTensorType>(batchedType(result.getType(), 0)), 0), true});
    return success();
  }
  for (auto group : {batchElementwiseOp, batchTensorOp, batchAxisOp, batchContractionOp, batchIndexOp, batchRandomOp, batchScalarOp}) {
    RuleResult result = group(here, op, operands);
    if (!result)
      continue;
    if (failed(*result))
      return failure();
    for (auto [original, lane] : llvm::zip_equal(op->getResults(), **result))
      bind(original, lane);
    return success();
  }
  if (isa<CompositeOpInterface>(op))
    return decompose(op);
  auto diagnostic = op->emitError("'") << op->getName() << "' has no rule for vmap";
  diagnostic.attachNote() << "give it CompositeOpInterface or ElementwiseOpInterface, or compute what needs it outside of the mapped function";
  return diagnostic;
}

LogicalResult Emitter::decompose(Operation *op) {
  Operation *before = op->getPrevNode();
  OpBuilder pieces(op);
  auto values = cast<CompositeOpInterface>(op).decompose(pieces);
  if (failed(values))
    return failure();
  for (Operation *piece = before ? before->getNextNode() : &op->getBlock()->front(); piece != op; piece = piece->getNextNode())
    if (failed(operation(piece)))
      return failure();
  for (auto [original, value] : llvm::zip_equal(op->getResults(), *values))
    bind(original, lane(value));
  return success();
}

//===----------------------------------------------------------------------===//
// Calls and derivatives
//===----------------------------------------------------------------------===//

LogicalResult Emitter::call(func::CallOp op) {
  auto callee = functions.lookup(op.getCalleeAttr().getAttr());
  if (!callee)
    return op.emitError("calls a function that is not there: ") << op.getCallee();
  SmallVector<Lane> operands = lanes(op.getOperands());
  BatchKey inner{llvm::map_to_vector(operands, [](const Lane &lane) { return lane.batched; }), key.size, key.ownRandom, varyingTapes(op.getResults(), varying)};
  inner.masked = mask && functions.hasEffects(callee);
  bool varies = llvm::any_of(op.getResults(), [&](Value v) { return varying.contains(v); });
  if (!llvm::is_contained(inner.arguments, true) && !inner.masked && !varies) {
    copy(op);
    return success();
  }
  auto function = functions.get(callee, inner, op.getLoc());
  if (failed(function))
    return failure();
  auto values = llvm::map_to_vector(operands, [](const Lane &lane) { return lane.value; });
  if (inner.masked)
    values.push_back(mask);
  auto result = func::CallOp::create(builder, op.getLoc(), function->function, values);
  for (auto [original, value, flag] : llvm::zip(op.getResults(), result.getResults(), function->results))
    bind(original, {value, flag});
  return success();
}

/// The derivative of a batch is the batch of derivatives, where all that is differentiated has one value per example.
template <typename Request>
LogicalResult Emitter::request(Request op, ValueRange directions) {
  if (!touchesBatched(op) && !key.ownRandom) {
    copy(op);
    return success();
  }
  auto callee = functions.lookup(op.getCalleeAttr().getAttr());
  if (!callee)
    return op.emitError("derives a function that is not there: ") << op.getCallee();
  if (mask && functions.hasEffects(callee))
    return op.emitError("derives @") << callee.getSymName() << ", which prints or asserts, where examples of a batch go different ways; this is not supported";
  BatchScope here = scope(op.getLoc());
  SmallVector<Lane> inputs = lanes(op.getInputs());
  for (int64_t i : op.getWrt())
    inputs[i] = {here.spread(inputs[i]), true};
  BatchKey inner{llvm::map_to_vector(inputs, [](const Lane &lane) { return lane.batched; }), key.size, key.ownRandom};
  inner.forced.assign(callee.getNumResults(), false);
  for (int64_t i : op.getOutputs())
    inner.forced[i] = true;
  auto function = functions.get(callee, inner, op.getLoc());
  if (failed(function))
    return failure();
  SmallVector<Value> operands = llvm::map_to_vector(inputs, [](const Lane &lane) { return lane.value; });
  llvm::append_range(operands, here.spread(lanes(directions)));
  SmallVector<bool> flags = function->results;
  flags.resize(op->getNumResults(), true);
  Operation *copy = op->clone();
  copy->setOperands(operands);
  copy->setAttr("callee", FlatSymbolRefAttr::get(function->function.getSymNameAttr()));
  for (auto [original, value, flag] : llvm::zip(op->getResults(), copy->getResults(), flags)) {
    if (flag)
      value.setType(batchedType(value.getType(), key.size));
    bind(original, {value, flag});
  }
  builder.insert(copy);
  return success();
}

//===----------------------------------------------------------------------===//
// Effects and tapes
//===----------------------------------------------------------------------===//

LogicalResult Emitter::effect(Operation *op) {
  if (!touchesBatched(op) && !mask) {
    copy(op);
    return success();
  }
  Location loc = op->getLoc();
  BatchScope here = scope(loc);
  auto overExamples = [&](Value flags, bool all) -> Value {
    if (all)
      return ReduceAllOp::create(builder, loc, flags, builder.getDenseI64ArrayAttr(0), builder.getBoolAttr(false));
    return ReduceAnyOp::create(builder, loc, flags, builder.getDenseI64ArrayAttr(0), builder.getBoolAttr(false));
  };
  if (auto check = dyn_cast<AssertOp>(op)) {
    Value condition = here.spread(lane(check.getCondition()));
    if (mask)
      condition = LogicalOrOp::create(builder, loc, condition, LogicalNotOp::create(builder, loc, mask));
    AssertOp::create(builder, loc, overExamples(condition, true), check.getMessageAttr());
    return success();
  }
  // The whole batch is shown, where any of its examples gets here.
  OpBuilder::InsertionGuard guard(builder);
  if (mask) {
    Value any = tensor::ExtractOp::create(builder, loc, overExamples(mask, false), ValueRange());
    auto some = scf::IfOp::create(builder, loc, any, /*withElseRegion=*/false);
    builder.setInsertionPointToStart(some.thenBlock());
  }
  Operation *print = op->clone();
  print->setOperands(llvm::map_to_vector(lanes(op->getOperands()), [](const Lane &lane) { return lane.value; }));
  builder.insert(print);
  return success();
}

LogicalResult Emitter::tape(Operation *op) {
  bool varies = llvm::any_of(op->getOperands(), [&](Value v) { return isBatched(v); });
  if (isa<TapeCreateOp>(op))
    varies = varying.contains(op->getResult(0));
  if (auto push = dyn_cast<TapePushOp>(op); push && varies && !isBatched(push.getTape()))
    return op->emitError("a tape that is the same for all examples cannot take a value that differs between them");
  Operation *copy = op->clone();
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(varies ? scope(op->getLoc()).spread(lane(operand)) : lane(operand).value);
  copy->setOperands(operands);
  for (auto [original, value] : llvm::zip(op->getResults(), copy->getResults())) {
    if (varies)
      value.setType(batchedType(value.getType(), key.size));
    bind(original, {value, varies});
  }
  builder.insert(copy);
  return success();
}
