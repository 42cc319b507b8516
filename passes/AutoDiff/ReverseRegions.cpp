//===- ReverseRegions.cpp - reverse mode of scf.if, scf.for, scf.while ----===//
#include "dialect/Cell/Cell.h"
#include "passes/AutoDiff/Regions.h"
#include "passes/AutoDiff/Reverse.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::cell;

/// Values of each branch that come from outside get their cotangents as results of the mirrored scf.if.
static LogicalResult reverseIf(OpBuilder &builder, scf::IfOp branch, ReverseContext &context, Cotangents &cotangents) {
  Location loc = branch.getLoc();
  OpBuilder::InsertionGuard guard(builder);
  auto mirror = scf::IfOp::create(builder, loc, TypeRange(), branch.getCondition(), /*addThenBlock=*/true, /*addElseBlock=*/true);
  SmallVector<Cotangents, 2> scopes;
  Mirror blocks;
  llvm::SetVector<Value> outside;
  for (auto [from, to] : llvm::zip(branch->getRegions(), mirror->getRegions())) {
    Block &forward = from.front();
    Cotangents &scope = scopes.emplace_back(builder, &cotangents);
    builder.setInsertionPointToEnd(&to.front());
    for (auto [result, yielded] : llvm::zip(branch.getResults(), forward.getTerminator()->getOperands()))
      if (context.active.contains(yielded))
        scope.add(yielded, cotangents.of(result), loc);
    if (failed(reverseOps(builder, opsOf(forward), context, scope)))
      return failure();
    for (auto [primal, cotangent] : scope.changed())
      if (!from.isAncestor(primal.getParentRegion()))
        outside.insert(primal);
    blocks.blocks.push_back({&forward, &to.front()});
  }
  for (auto [region, scope] : llvm::zip(mirror->getRegions(), scopes)) {
    builder.setInsertionPointToEnd(&region.front());
    SmallVector<Value> yielded;
    for (Value primal : outside) {
      Value cotangent = scope.of(primal);
      yielded.push_back(cotangent ? cotangent : createZero(builder, loc, primal));
    }
    scf::YieldOp::create(builder, loc, yielded);
  }
  Operation *done = rebuild(mirror, mirror->getOperands(), ValueRange(outside.getArrayRef()).getTypes());
  mirror.erase();
  for (auto [primal, result] : llvm::zip(outside, done->getResults()))
    cotangents.set(primal, result);
  context.mirrors.push_back(std::move(blocks));
  return success();
}

namespace {
/// A loop as reverse mode sees it: `heads` are the carried values at the head of a trip, `yields` those at its end.
struct LoopForm {
  Operation *op;
  Block *body;
  SmallVector<Value> inits, heads, yields;
  /// (value of the body or result of the loop, value at the head that it is): two names of one value.
  SmallVector<std::pair<Value, Value>> arguments, results;
};
} // namespace

static LoopForm formOf(scf::ForOp loop) {
  LoopForm form{loop, loop.getBody(), {}, {}, {}, {}, {}};
  llvm::append_range(form.inits, loop.getInitArgs());
  llvm::append_range(form.heads, loop.getRegionIterArgs());
  llvm::append_range(form.yields, loop.getYieldedValues());
  for (auto [result, head] : llvm::zip(loop.getResults(), loop.getRegionIterArgs()))
    form.results.push_back({result, head});
  return form;
}

static LoopForm formOf(scf::WhileOp loop) {
  LoopForm form{loop, loop.getAfterBody(), {}, {}, {}, {}, {}};
  llvm::append_range(form.inits, loop.getInits());
  llvm::append_range(form.heads, loop.getBeforeArguments());
  llvm::append_range(form.yields, loop.getYieldOp().getOperands());
  for (auto [result, argument, handed] : llvm::zip(loop.getResults(), loop.getAfterArguments(), loop.getConditionOp().getArgs())) {
    form.results.push_back({result, handed});
    form.arguments.push_back({argument, handed});
  }
  return form;
}

/// Emits the scf.for that undoes a loop of `trips` trips. Carried: the cotangents of the loop's carried values, and sums of those
/// of values from outside. `known` fills in what the body has by itself.
static LogicalResult reverseLoop(OpBuilder &builder, const LoopForm &form, Value trips, bool isUnsigned, ReverseContext &context,
                                 Cotangents &cotangents, function_ref<void(scf::ForOp, Mirror &)> known) {
  Location loc = form.op->getLoc();
  OpBuilder::InsertionGuard guard(builder);
  for (auto [result, head] : form.results)
    if (context.active.contains(head))
      cotangents.add(head, cotangents.of(result), loc);

  SmallVector<unsigned> carried;
  SmallVector<Value> inits, zeros;
  auto carry = [&](Value cotangent, Value like) {
    if (!cotangent)
      zeros.push_back(cotangent = createZero(builder, loc, like));
    inits.push_back(cotangent);
  };
  for (auto [i, head, init] : llvm::enumerate(form.heads, form.inits))
    if (cotangents.of(head) || context.active.contains(head)) {
      carried.push_back(i);
      // A zero is made like what is visible outside of the loop.
      carry(cotangents.of(head), init);
    }
  llvm::SetVector<Value> captured, outside;
  getUsedValuesDefinedAbove(form.op->getRegions(), captured);
  for (Value value : captured)
    if (context.active.contains(value)) {
      outside.insert(value);
      carry(cotangents.of(value), value);
    }

  auto constant = [&](int64_t value) {
    return arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(trips.getType(), value)).getResult();
  };
  auto mirror = scf::ForOp::create(
      builder, loc, constant(0), trips, constant(1), inits, [](OpBuilder &, Location, Value, ValueRange) {}, isUnsigned);
  Mirror blocks;
  blocks.blocks.push_back({form.body, mirror.getBody()});
  builder.setInsertionPointToEnd(mirror.getBody());
  known(mirror, blocks);

  Cotangents scope(builder);
  auto arguments = mirror.getRegionIterArgs();
  for (auto [primal, sum] : llvm::zip(outside, arguments.drop_front(carried.size())))
    scope.set(primal, sum);
  for (auto [i, argument] : llvm::zip(carried, arguments))
    if (context.active.contains(form.yields[i]))
      scope.add(form.yields[i], argument, loc);
  if (failed(reverseOps(builder, opsOf(*form.body), context, scope)))
    return failure();
  for (auto [argument, head] : form.arguments)
    if (context.active.contains(head))
      scope.add(head, scope.of(argument), loc);
  SmallVector<Value> yielded;
  for (unsigned i : carried) {
    Value cotangent = scope.of(form.heads[i]);
    yielded.push_back(cotangent ? cotangent : createZero(builder, loc, form.inits[i]));
  }
  // Sums to which nothing was added are not carried.
  llvm::BitVector dropped(inits.size());
  SmallVector<Value> summed;
  for (auto [k, primal] : llvm::enumerate(outside)) {
    unsigned place = carried.size() + k;
    yielded.push_back(scope.of(primal));
    if (yielded.back() == arguments[place])
      dropped.set(place);
    else
      summed.push_back(primal);
  }
  scf::YieldOp::create(builder, loc, yielded);
  mirror = dropCarried(mirror, dropped);
  for (Value zero : zeros)
    if (zero.use_empty())
      zero.getDefiningOp()->erase();
  for (auto [primal, sum] : llvm::zip(summed, mirror.getResults().drop_front(carried.size())))
    cotangents.set(primal, sum);
  builder.setInsertionPointAfter(mirror);
  for (auto [i, cotangent] : llvm::zip(carried, mirror.getResults()))
    if (context.active.contains(form.inits[i]))
      cotangents.add(form.inits[i], cotangent, loc);
  context.mirrors.push_back(std::move(blocks));
  return success();
}

static LogicalResult reverseFor(OpBuilder &builder, scf::ForOp loop, ReverseContext &context, Cotangents &cotangents) {
  Location loc = loop.getLoc();
  Type type = loop.getInductionVar().getType();
  Value lower = loop.getLowerBound(), step = loop.getStep();
  Value one = arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(type, 1));
  // ceil((upper - lower) / step); what is not positive is no trip.
  Value upper = loop.getUpperBound();
  if (loop.getUnsignedCmp())
    upper = builder.createOrFold<arith::MaxUIOp>(loc, upper, lower);
  Value trips = builder.createOrFold<arith::SubIOp>(loc, upper, lower);
  trips = builder.createOrFold<arith::AddIOp>(loc, trips, builder.createOrFold<arith::SubIOp>(loc, step, one));
  if (loop.getUnsignedCmp())
    trips = builder.createOrFold<arith::DivUIOp>(loc, trips, step);
  else
    trips = builder.createOrFold<arith::DivSIOp>(loc, trips, step);
  return reverseLoop(builder, formOf(loop), trips, loop.getUnsignedCmp(), context, cotangents, [&](scf::ForOp mirror, Mirror &blocks) {
    Value place = builder.createOrFold<arith::SubIOp>(loc, builder.createOrFold<arith::SubIOp>(loc, trips, one), mirror.getInductionVar());
    place = builder.createOrFold<arith::MulIOp>(loc, place, step);
    blocks.known.push_back({loop.getInductionVar(), builder.createOrFold<arith::AddIOp>(loc, place, lower)});
  });
}

static LogicalResult reverseWhile(OpBuilder &builder, scf::WhileOp loop, ReverseContext &context, Cotangents &cotangents) {
  Value count = findTripCount(loop);
  if (!count)
    return loop.emitError("a loop whose trips are not counted cannot be run backwards");
  Value trips = arith::IndexCastOp::create(builder, loop.getLoc(), builder.getIndexType(), count);
  return reverseLoop(builder, formOf(loop), trips, false, context, cotangents, [](scf::ForOp, Mirror &) {});
}

LogicalResult mlir::cell::reverseRegionOp(OpBuilder &builder, Operation *op, ReverseContext &context, Cotangents &cotangents) {
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return reverseIf(builder, branch, context, cotangents);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return reverseFor(builder, loop, context, cotangents);
  return reverseWhile(builder, cast<scf::WhileOp>(op), context, cotangents);
}
