//===- Residuals.cpp - what goes from forward to reverse ------------------===//
#include "dialect/Cell/Cell.h"
#include "passes/AutoDiff/Regions.h"
#include "passes/AutoDiff/ResidualBlocks.h"
#include "passes/AutoDiff/SavedForm.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::cell;

namespace {

/// Where a value of a block exists.
void setInsertionPointAfterDefinition(OpBuilder &builder, Value value) {
  if (Operation *op = value.getDefiningOp())
    builder.setInsertionPointAfter(op);
  else
    builder.setInsertionPointToStart(value.getParentBlock());
}

/// Erases the computation of a value that nothing uses.
void eraseDead(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !isOpTriviallyDead(op))
    return;
  SmallVector<Value> operands(op->getOperands());
  op->erase();
  for (Value operand : operands)
    eraseDead(operand);
}

/// A value on its way out of a forward block: on a tape of its own, or a tape that comes from further inside.
struct Saved {
  Value value;
  Type type;
  Location loc;
};

class ResidualMover : ResidualBlocks {
public:
  ResidualMover(Derivative &derivative, ReverseContext &context, ResidualChoice choice)
      : ResidualBlocks(derivative, context, choice), forwardBody(derivative.forward.getBody().front()),
        reverseBody(derivative.reverse.getBody().front()) {}

  LogicalResult run() {
    for (const Mirror &mirror : context.mirrors)
      if (failed(isa<scf::IfOp>(mirror.blocks[0].forward->getParentOp()) ? moveOutOfBranches(mirror) : moveOutOfLoop(mirror)))
        return failure();
    if (failed(moveOutOfFunction()))
      return failure();
    eraseHoisted();
    return success();
  }

private:
  /// A tape that begins here, or passes through from outside once an outer region is done.
  TapeCreateOp createRoot(Type type, Location loc) {
    auto tape = type;
    if (!isa<TapeType>(type))
      tape = TapeType::get(type.getContext(), cast<RankedTensorType>(type));
    return TapeCreateOp::create(builder, loc, tape);
  }

  /// Lets the tape that `tape` grew from begin with `start` instead.
  void continueFrom(Value tape, Value start) {
    TapeCreateOp root = context.tapeRoots.lookup(tape);
    root.replaceAllUsesWith(start);
    root.erase();
    context.tapeRoots.erase(tape);
  }

  /// Puts a value on its tape in the forward block; gives the tape as it is at the end.
  Value record(const Saved &saved, Value tape) {
    if (isa<TapeType>(saved.value.getType())) {
      continueFrom(saved.value, tape);
      return saved.value;
    }
    setInsertionPointAfterDefinition(builder, saved.value);
    Value packed = pack(builder, saved.value);
    return TapePushOp::create(builder, saved.loc, tape, packed);
  }

  SmallVector<Saved> savedOf(const ResidualPlan &plan, ArrayRef<Value> tapes) {
    SmallVector<Saved> list;
    for (Value value : plan.saved)
      list.push_back({value, savedType(value.getType()), value.getLoc()});
    for (Value tape : tapes)
      list.push_back({tape, cast<TapeType>(tape.getType()).getElementType(), tape.getLoc()});
    return list;
  }

  /// In a reverse block: fetches from the tapes `list` is on, as they are at its head, and leaves the tapes at its end in `rests`.
  void replay(const Mirror::Pair &pair, const ResidualPlan &plan, IRMapping &here, ArrayRef<Saved> list, ValueRange tapes,
              SmallVectorImpl<Value> &rests) {
    DenseMap<Value, unsigned> place;
    for (auto [i, saved] : llvm::enumerate(list))
      place[saved.value] = i;
    SmallVector<Value> left(list.size());
    auto fetch = [&](Value value) -> Value {
      unsigned i = place.lookup(value);
      if (isa<TapeType>(value.getType())) {
        left[i] = context.tapeRests.lookup(value);
        return tapes[i];
      }
      auto pop = TapePopOp::create(builder, value.getLoc(), tapes[i]);
      left[i] = pop.getRest();
      return unpack(builder, value.getLoc(), pop.getValue(), value.getType());
    };
    rewrite(pair, plan, here, fetch);
    // Every trip takes off what it put on, used or not.
    builder.setInsertionPoint(pair.reverse->getTerminator());
    for (auto [saved, rest] : llvm::zip(list, left))
      if (!rest)
        here.map(saved.value, fetch(saved.value));
    llvm::append_range(rests, left);
  }

  /// A value at the end of a trip that the next trip starts with, both of which are saved: in the mirrored loop, which goes through the trips
  /// backwards, it is what the trip before it took off the tape, and the loop's result in its first trip.
  struct Handed {
    Value yielded, argument, result;
  };

  /// Takes values out of the plan that the mirrored loop can hand on from trip to trip.
  SmallVector<Handed> takeHanded(Operation *loop, ResidualPlan &plan) {
    SmallVector<Handed> list;
    auto consider = [&](Value yielded, Value argument, Value result) {
      if (yielded != argument && isa<RankedTensorType>(yielded.getType()) && llvm::is_contained(plan.saved, yielded) &&
          llvm::is_contained(plan.saved, argument)) {
        plan.saved.erase(llvm::find(plan.saved, yielded));
        list.push_back({yielded, argument, result});
      }
    };
    if (auto form = dyn_cast<scf::ForOp>(loop)) {
      for (auto [yielded, argument, result] : llvm::zip(form.getYieldedValues(), form.getRegionIterArgs(), form.getResults()))
        consider(yielded, argument, result);
    } else if (auto form = dyn_cast<scf::WhileOp>(loop)) {
      for (auto [handed, argument, result] : llvm::zip(form.getConditionOp().getArgs(), form.getAfterArguments(), form.getResults()))
        if (auto head = dyn_cast<BlockArgument>(handed); head && head.getOwner() == form.getBeforeBody())
          consider(form.getYieldOp().getOperand(head.getArgNumber()), argument, result);
    }
    return list;
  }

  LogicalResult moveOutOfLoop(const Mirror &mirror) {
    Mirror::Pair pair = mirror.blocks[0];
    IRMapping here;
    llvm::DenseSet<Value> free;
    for (auto [value, known] : mirror.known) {
      free.insert(value);
      here.map(value, known);
    }
    SmallVector<Value> tapes;
    ResidualPlan plan = planOf(pair, free, tapes);
    Operation *forward = pair.forward->getParentOp();
    // The loop is made anew below; its results keep their places.
    SmallVector<Handed> handed = takeHanded(forward, plan);
    SmallVector<unsigned> handedResults = llvm::map_to_vector(handed, [](const Handed &h) { return cast<OpResult>(h.result).getResultNumber(); });
    SmallVector<Saved> list = savedOf(plan, tapes);
    SmallVector<Value> starts, inside, ends, tapesThere, rests;
    SmallVector<TapeCreateOp> created;
    builder.setInsertionPoint(forward);
    for (const Saved &saved : list) {
      if (!isa<TapeType>(saved.value.getType()) && failed(checkSaved(saved.value, true)))
        return failure();
      created.push_back(createRoot(saved.type, saved.loc));
      starts.push_back(created.back());
    }
    forward = carryThrough(forward, starts, inside);
    for (auto [saved, tape] : llvm::zip(list, inside))
      ends.push_back(record(saved, tape));
    appendYields(*pair.forward, ends);
    auto results = forward->getResults().take_back(list.size());
    Operation *reverse = carryThrough(pair.reverse->getParentOp(), results, tapesThere);
    SmallVector<Value> handedStarts, handedThere, handedOn;
    for (unsigned i : handedResults)
      handedStarts.push_back(forward->getResult(i));
    reverse = carryThrough(reverse, handedStarts, handedThere);
    for (auto [value, there] : llvm::zip(handed, handedThere))
      here.map(value.yielded, there);
    replay(pair, plan, here, list, tapesThere, rests);
    for (const Handed &value : handed)
      handedOn.push_back(here.lookup(value.argument));
    appendYields(*pair.reverse, rests);
    appendYields(*pair.reverse, handedOn);
    for (auto [value, known] : mirror.known)
      eraseDead(known);
    auto leaving = reverse->getResults().drop_back(handed.size()).take_back(list.size());
    for (auto [root, end, rest] : llvm::zip(created, results, leaving)) {
      context.tapeRoots[end] = root;
      context.tapeRests[end] = rest;
    }
    return success();
  }

  /// Both branches of an scf.if share what they hand out: a value of the one has the place of a value of its type of the other. Within a loop
  /// it goes over a tape at once, so that only the branch taken saves anything.
  LogicalResult moveOutOfBranches(const Mirror &mirror) {
    Operation *forward = mirror.blocks[0].forward->getParentOp();
    bool inLoop = isInLoop(forward);
    ResidualPlan plans[2];
    SmallVector<Saved> onTape[2], asResult[2];
    for (auto [k, pair] : llvm::enumerate(mirror.blocks)) {
      SmallVector<Value> tapes;
      // What a branch yields anyway is a result.
      llvm::DenseSet<Value> free;
      for (Value value : pair.forward->getTerminator()->getOperands())
        if (value.getParentBlock() == pair.forward)
          free.insert(value);
      plans[k] = planOf(pair, free, tapes);
      for (const Saved &saved : savedOf(plans[k], tapes)) {
        bool tape = isa<TapeType>(saved.value.getType());
        if (!tape && failed(checkSaved(saved.value, true)))
          return failure();
        (tape || inLoop ? onTape : asResult)[k].push_back(saved);
      }
    }
    /// Gives each value of both lists a place of its type.
    auto assign = [](SmallVector<Saved> (&lists)[2], SmallVector<unsigned> (&places)[2]) {
      SmallVector<Type> types;
      for (unsigned k : {0, 1}) {
        llvm::SmallDenseSet<unsigned, 8> taken;
        for (const Saved &saved : lists[k]) {
          unsigned i = 0;
          while (i < types.size() && (types[i] != saved.type || taken.contains(i)))
            ++i;
          if (i == types.size())
            types.push_back(saved.type);
          taken.insert(i);
          places[k].push_back(i);
        }
      }
      return types;
    };
    SmallVector<unsigned> resultPlaces[2], tapePlaces[2];
    SmallVector<Type> resultTypes = assign(asResult, resultPlaces), tapeTypes = assign(onTape, tapePlaces);
    Location loc = forward->getLoc();
    SmallVector<Value> starts, inside;
    SmallVector<TapeCreateOp> created;
    builder.setInsertionPoint(forward);
    for (Type type : tapeTypes) {
      created.push_back(createRoot(type, loc));
      starts.push_back(created.back());
    }
    unsigned yieldCount = forward->getNumResults();
    SmallVector<Type> types(forward->getResultTypes());
    llvm::append_range(types, resultTypes);
    Operation *wider = rebuild(forward, forward->getOperands(), types);
    forward->replaceAllUsesWith(wider->getResults().take_front(forward->getNumResults()));
    forward->erase();
    auto results = carryThrough(wider, starts, inside)->getResults();
    auto saved = results.drop_back(starts.size()).take_back(resultTypes.size()), ends = results.take_back(starts.size());
    Operation *reverse = mirror.blocks[0].reverse->getParentOp();
    SmallVector<Value> ignored;
    reverse = carryThrough(reverse, ends, ignored);
    for (auto [k, pair] : llvm::enumerate(mirror.blocks)) {
      SmallVector<Value> values(resultTypes.size()), tapes(starts), tapesThere, rests, leaving(ends);
      IRMapping here;
      for (auto [yielded, result] : llvm::zip(pair.forward->getTerminator()->getOperands(), results.take_front(yieldCount)))
        if (yielded.getParentBlock() == pair.forward && !isa<TapeType>(yielded.getType()))
          here.map(yielded, result);
      for (auto [item, i] : llvm::zip(asResult[k], resultPlaces[k])) {
        setInsertionPointAfterDefinition(builder, item.value);
        values[i] = pack(builder, item.value);
        builder.setInsertionPointToStart(pair.reverse);
        here.map(item.value, unpack(builder, item.loc, saved[i], item.value.getType()));
      }
      builder.setInsertionPoint(pair.forward->getTerminator());
      for (auto [value, result] : llvm::zip(values, saved))
        if (!value)
          value = createZero(builder, loc, result);
      for (auto [item, i] : llvm::zip(onTape[k], tapePlaces[k])) {
        tapes[i] = record(item, starts[i]);
        tapesThere.push_back(ends[i]);
      }
      appendYields(*pair.forward, values);
      appendYields(*pair.forward, tapes);
      replay(pair, plans[k], here, onTape[k], tapesThere, rests);
      for (auto [rest, i] : llvm::zip(rests, tapePlaces[k]))
        leaving[i] = rest;
      appendYields(*pair.reverse, leaving);
    }
    for (auto [root, end, rest] : llvm::zip(created, ends, reverse->getResults().take_back(starts.size()))) {
      context.tapeRoots[end] = root;
      context.tapeRests[end] = rest;
    }
    return success();
  }

  /// What the functions share by arguments and results.
  LogicalResult moveOutOfFunction() {
    Mirror::Pair pair{&forwardBody, &reverseBody};
    SmallVector<Value> returned(forwardBody.getTerminator()->getOperands()), tapes, rests;
    llvm::DenseSet<Value> free(returned.begin(), returned.end());
    free.insert(forwardBody.args_begin(), forwardBody.args_end());
    ResidualPlan plan = planOf(pair, free, tapes);
    for (Value value : plan.saved)
      if (failed(checkSaved(value, false)))
        return failure();
    auto fetch = [&](Value value) -> Value {
      Type type = value.getType();
      auto *place = llvm::find(returned, value);
      Residual residual{Residual::Source::Result, static_cast<unsigned>(place - returned.begin())};
      if (auto argument = dyn_cast<BlockArgument>(value)) {
        residual = {Residual::Source::Argument, argument.getArgNumber()};
      } else if (place == returned.end()) {
        OpBuilder::InsertionGuard guard(builder);
        if (isa<TapeType>(type)) {
          continueFrom(value, forwardBody.addArgument(type, value.getLoc()));
          derivative.tapes.push_back(residual.index);
          rests.push_back(context.tapeRests.lookup(value));
          returned.push_back(value);
        } else {
          setInsertionPointAfterDefinition(builder, value);
          returned.push_back(pack(builder, value));
          type = savedType(type);
        }
      }
      derivative.residuals.push_back(residual);
      Value argument = reverseBody.insertArgument(derivative.residuals.size() - 1, type, value.getLoc());
      return unpack(builder, value.getLoc(), argument, value.getType());
    };
    IRMapping here;
    rewrite(pair, plan, here, fetch);
    forwardBody.getTerminator()->setOperands(returned);
    appendYields(reverseBody, rests);
    for (func::FuncOp function : {derivative.forward, derivative.reverse}) {
      Block &body = function.getBody().front();
      function.setFunctionType(FunctionType::get(function.getContext(), body.getArgumentTypes(), body.getTerminator()->getOperandTypes()));
    }
    return success();
  }

  Block &forwardBody, &reverseBody;
};

} // namespace

LogicalResult mlir::cell::moveResiduals(Derivative &derivative, ReverseContext &context, ResidualChoice choice) {
  return ResidualMover(derivative, context, choice).run();
}
