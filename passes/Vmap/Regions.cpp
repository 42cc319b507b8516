//===- Regions.cpp - control flow for a batch of examples ------------------===//
#include "passes/Vmap/Emitter.h"

#include "dialect/Cell/Expr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::cell;

/// Examples that went different ways would have pushed different numbers of values.
LogicalResult Emitter::refuseTapes(Operation *op, TypeRange types) {
  if (llvm::none_of(types, [](Type type) { return isa<TapeType>(type); }))
    return success();
  return op->emitError("carries a tape, but examples of the batch go different ways here: let vmap be expanded before the derivative that made the tape");
}

Block *Emitter::openBlock(Region &region, ValueRange originals, Location loc) {
  SmallVector<Type> types = typesOf(originals);
  Block *block = builder.createBlock(&region, {}, types, SmallVector<Location>(types.size(), loc));
  bindLike(originals, block->getArguments());
  return block;
}

/// What the other examples compute is not taken, but where a derivative of theirs is infinite, 0 times it would be NaN: what enters the block
/// takes back no cotangent from them. Values that all examples share are left alone, because they would become one per example.
LogicalResult Emitter::maskedBlock(Block &block, Location loc, Value condition) {
  llvm::SetVector<Value> entering;
  getUsedValuesDefinedAbove(*block.getParent(), entering);
  entering.insert(block.args_begin(), block.args_end());
  SmallVector<std::pair<Value, Lane>> outside;
  for (Value original : entering) {
    Lane entered = mapping.contains(original) ? lane(original) : Lane();
    if (!entered.batched || !isa<FloatType>(getElementTypeOrSelf(entered.value.getType())))
      continue;
    outside.push_back({original, entered});
    Value constant = StopGradientOp::create(builder, loc, entered.value);
    bind(original, {scope(loc).choose(condition, entered.value, constant), true});
  }
  Value outer = mask;
  mask = outer ? LogicalAndOp::create(builder, loc, outer, condition).getResult() : condition;
  LogicalResult result = this->block(block);
  mask = outer;
  // What the block hands on as it is, too, is what entered; its own values stay bound.
  for (auto &[original, entered] : outside)
    bind(original, entered);
  return result;
}

//===----------------------------------------------------------------------===//
// if
//===----------------------------------------------------------------------===//

LogicalResult Emitter::branch(scf::IfOp op) {
  Lane condition = lane(op.getCondition());
  if (condition.batched)
    return chosenBranch(op, condition.value);
  Location loc = op.getLoc();
  auto result = scf::IfOp::create(builder, loc, typesOf(op.getResults()), condition.value, /*addThenBlock=*/true,
                                  /*addElseBlock=*/!op.getElseRegion().empty());
  for (auto [from, to] : llvm::zip(op->getRegions(), result->getRegions())) {
    if (from.empty())
      continue;
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&to.front());
    if (failed(block(from.front())))
      return failure();
    if (to.front().empty() || !to.front().back().hasTrait<OpTrait::IsTerminator>())
      scf::YieldOp::create(builder, loc, matching(from.front().getTerminator()->getOperands(), op.getResults(), loc));
  }
  bindLike(op.getResults(), result.getResults());
  return success();
}

/// Both branches for all examples, of which each keeps one.
LogicalResult Emitter::chosenBranch(scf::IfOp op, Value condition) {
  Location loc = op.getLoc();
  if (failed(refuseTapes(op, op.getResultTypes())))
    return failure();
  if (failed(maskedBlock(*op.thenBlock(), loc, condition)))
    return failure();
  if (!op.elseBlock())
    return success();
  if (failed(maskedBlock(*op.elseBlock(), loc, LogicalNotOp::create(builder, loc, condition))))
    return failure();
  for (auto [result, a, b] : llvm::zip(op.getResults(), op.thenYield().getOperands(), op.elseYield().getOperands())) {
    Lane first = lane(a), second = lane(b);
    if (first.value == second.value)
      bind(result, first);
    else
      bind(result, {scope(loc).choose(condition, scope(loc).spread(first), scope(loc).spread(second)), true});
  }
  return success();
}

//===----------------------------------------------------------------------===//
// for
//===----------------------------------------------------------------------===//

LogicalResult Emitter::loop(scf::ForOp op) {
  if (isBatched(op.getLowerBound()) || isBatched(op.getUpperBound()) || isBatched(op.getStep()))
    return loopOfEach(op);
  Location loc = op.getLoc();
  auto result = scf::ForOp::create(builder, loc, lane(op.getLowerBound()).value, lane(op.getUpperBound()).value, lane(op.getStep()).value,
                                   matching(op.getInitArgs(), op.getRegionIterArgs(), loc), nullptr, op.getUnsignedCmp());
  bind(op.getInductionVar(), {result.getInductionVar(), false});
  bindLike(op.getRegionIterArgs(), result.getRegionIterArgs());
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(result.getBody());
    if (failed(block(*op.getBody())))
      return failure();
    if (op.getNumResults())
      scf::YieldOp::create(builder, loc, matching(op.getBody()->getTerminator()->getOperands(), op.getRegionIterArgs(), loc));
  }
  bindLike(op.getResults(), result.getResults());
  return success();
}

/// Turns are counted up to the largest number of any example; those that have done theirs keep what they have.
LogicalResult Emitter::loopOfEach(scf::ForOp op) {
  Location loc = op.getLoc();
  if (failed(refuseTapes(op, op.getResultTypes())))
    return failure();
  if (!op.getInductionVar().getType().isIndex() || op.getUnsignedCmp())
    return op.emitError("with bounds that differ between examples of a batch counts in signed index only");
  BatchScope here = scope(loc);
  Value lower = here.spread(lane(op.getLowerBound())), upper = here.spread(lane(op.getUpperBound())), step = here.spread(lane(op.getStep()));
  // max(0, ceil((upper - lower) / step)) with a positive step
  Value zero = here.number(key.size, 0), one = here.number(key.size, 1);
  Value span = SubOp::create(builder, loc, AddOp::create(builder, loc, SubOp::create(builder, loc, upper, lower), step), one);
  Value turns = DivOp::create(builder, loc, MaximumOp::create(builder, loc, span, zero), step);
  auto index = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(builder, loc, value); };
  Value most = index(0);
  if (key.size > 0) {
    Value largest = ReduceMaxOp::create(builder, loc, turns, builder.getDenseI64ArrayAttr(0), builder.getBoolAttr(false));
    most = arith::IndexCastOp::create(builder, loc, builder.getIndexType(), tensor::ExtractOp::create(builder, loc, largest, ValueRange()));
  }
  auto result = scf::ForOp::create(builder, loc, index(0), most, index(1), matching(op.getInitArgs(), op.getRegionIterArgs(), loc));
  bindLike(op.getRegionIterArgs(), result.getRegionIterArgs());
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(result.getBody());
    Value turn = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), result.getInductionVar());
    turn = here.spread({tensor::FromElementsOp::create(builder, loc, RankedTensorType::get({}, builder.getI64Type()), turn), false});
    Value goesOn = LessOp::create(builder, loc, turn, turns);
    bind(op.getInductionVar(), {AddOp::create(builder, loc, lower, MulOp::create(builder, loc, turn, step)), true});
    if (failed(maskedBlock(*op.getBody(), loc, goesOn)))
      return failure();
    SmallVector<Value> values;
    for (auto [next, old] : llvm::zip(op.getBody()->getTerminator()->getOperands(), result.getRegionIterArgs()))
      values.push_back(here.choose(goesOn, here.spread(lane(next)), old));
    if (!values.empty())
      scf::YieldOp::create(builder, loc, values);
  }
  bindLike(op.getResults(), result.getResults());
  return success();
}

//===----------------------------------------------------------------------===//
// while
//===----------------------------------------------------------------------===//

LogicalResult Emitter::loop(scf::WhileOp op) {
  if (varying.contains(op.getConditionOp().getCondition()))
    return loopOfEach(op);
  Location loc = op.getLoc();
  auto result = scf::WhileOp::create(builder, loc, typesOf(op.getResults()), matching(op.getInits(), op.getBeforeArguments(), loc));
  OpBuilder::InsertionGuard guard(builder);
  openBlock(result.getBefore(), op.getBeforeArguments(), loc);
  if (failed(block(*op.getBeforeBody())))
    return failure();
  scf::ConditionOp::create(builder, loc, lane(op.getConditionOp().getCondition()).value,
                           matching(op.getConditionOp().getArgs(), op.getResults(), loc));
  openBlock(result.getAfter(), op.getAfterArguments(), loc);
  if (failed(block(*op.getAfterBody())))
    return failure();
  scf::YieldOp::create(builder, loc, matching(op.getYieldOp().getOperands(), op.getBeforeArguments(), loc));
  bindLike(op.getResults(), result.getResults());
  return success();
}

/// Goes on while any example does; the others keep what they have. The loop carries the examples that go on too, so that one
/// whose blocks pass on what the loop carries, as those of the frontend do, has the same types before and after.
LogicalResult Emitter::loopOfEach(scf::WhileOp op) {
  Location loc = op.getLoc();
  if (failed(refuseTapes(op, op.getInits().getTypes())) || failed(refuseTapes(op, op.getResultTypes())))
    return failure();
  BatchScope here = scope(loc);
  auto flags = RankedTensorType::get(key.size, builder.getI1Type());
  SmallVector<Type> types{flags};
  llvm::append_range(types, typesOf(op.getBeforeArguments()));
  size_t carried = types.size() - 1;
  // Where each value that the condition passes on is found among those of the new loop.
  SmallVector<size_t> places;
  SmallVector<Value> more, moreLike;
  for (auto [value, result] : llvm::zip(op.getConditionOp().getArgs(), op.getResults())) {
    auto argument = dyn_cast<BlockArgument>(value);
    if (argument && argument.getOwner() == op.getBeforeBody()) {
      places.push_back(1 + argument.getArgNumber());
      continue;
    }
    places.push_back(types.size());
    types.push_back(batchedType(value.getType(), key.size));
    more.push_back(value);
    moreLike.push_back(result);
  }
  auto pick = [&](ValueRange values) { return llvm::map_to_vector(places, [&](size_t i) -> Value { return values[i]; }); };
  SmallVector<Value> inits{createFull(builder, loc, flags, 1)};
  llvm::append_range(inits, matching(op.getInits(), op.getBeforeArguments(), loc));
  auto result = scf::WhileOp::create(builder, loc, types, inits);
  OpBuilder::InsertionGuard guard(builder);

  auto before = builder.createBlock(&result.getBefore(), {}, ArrayRef(types).take_front(1 + carried), SmallVector<Location>(1 + carried, loc))->getArguments();
  bindLike(op.getBeforeArguments(), before.drop_front());
  SmallVector<Value> values;
  if (failed(maskedBlock(*op.getBeforeBody(), loc, before[0])))
    return failure();
  values.push_back(LogicalAndOp::create(builder, loc, before[0], here.spread(lane(op.getConditionOp().getCondition()))));
  Value any = ReduceAnyOp::create(builder, loc, values[0], builder.getDenseI64ArrayAttr(0), builder.getBoolAttr(false));
  llvm::append_range(values, before.drop_front());
  llvm::append_range(values, matching(more, moreLike, loc));
  scf::ConditionOp::create(builder, loc, tensor::ExtractOp::create(builder, loc, any, ValueRange()), values);

  auto after = builder.createBlock(&result.getAfter(), {}, types, SmallVector<Location>(types.size(), loc))->getArguments();
  bindLike(op.getAfterArguments(), pick(ValueRange(after)));
  if (failed(maskedBlock(*op.getAfterBody(), loc, after[0])))
    return failure();
  SmallVector<Value> next{after[0]};
  for (auto [value, old] : llvm::zip(op.getYieldOp().getOperands(), after.slice(1, carried)))
    next.push_back(here.choose(after[0], here.spread(lane(value)), old));
  scf::YieldOp::create(builder, loc, next);
  bindLike(op.getResults(), pick(result.getResults()));
  return success();
}
