//===- LinalgRules.cpp - the derivative rule of linalg ops on tensors -----===//
// One rule serves every LinalgOp. The gradient of an operand is a linalg.generic over the same iteration space: its body computes the
// op's body again, differentiates it with the rules of its scalar ops, and adds what comes out into the operand's own map, so that loops
// absent from that map become reductions.
#include "passes/AutoDiff/External/LinalgBody.h"

#include "dialect/Cell/Cell.h"
#include "passes/AutoDiff/External/External.h"
#include "passes/AutoDiff/External/Pull.h"
#include "passes/AutoDiff/Reverse.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// How a result gets its elements.
struct ResultPlan {
  enum Kind {
    Map,     ///< written once: what the body yields
    Add,     ///< starts with the init; each iteration adds (or subtracts)
    Extreme, ///< starts with the init; each iteration keeps the larger, or the smaller
  } kind = Map;
  Value yielded;   ///< in the op's body
  Value candidate; ///< Extreme: what is compared with the value so far
};

struct Rule {
  linalg::LinalgOp op;
  OpBuilder &builder;
  ArrayRef<Value> cotangents;
  Block *body;
  SmallVector<OpOperand *> operands; ///< of the body's arguments
  SmallVector<ResultPlan> plans;
  /// Of Extreme results: the cotangent divided by the number of elements that reach the extreme.
  SmallVector<Value> shares;

  AffineMap mapOf(OpOperand *operand) { return op.getMatchingIndexingMap(operand); }
  /// One element for each point of the iteration space.
  static bool isBijective(AffineMap map) { return map.isPermutation(); }

  bool dependsOnSum(Value value);
  LogicalResult plan(unsigned result);
  LogicalResult share(unsigned result);
  FailureOr<Value> gradientOf(OpOperand *operand);
  LogicalResult run(ArrayRef<bool> needed, SmallVectorImpl<Value> &grads);
};

/// Whether a scalar of the body depends on a value so far of a reduction.
bool Rule::dependsOnSum(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (argument.getOwner() != body)
      return false;
    OpOperand *operand = operands[argument.getArgNumber()];
    return op.isDpsInit(operand) && !isBijective(mapOf(operand));
  }
  Operation *producer = value.getDefiningOp();
  return producer->getBlock() == body && llvm::any_of(producer->getOperands(), [&](Value v) { return dependsOnSum(v); });
}

/// The operand of a two-operand op that is not `one`, null where neither or both are.
Value otherOperand(Operation *op, Value one) {
  if (op->getNumOperands() != 2 || (op->getOperand(0) == one) == (op->getOperand(1) == one))
    return nullptr;
  return op->getOperand(op->getOperand(0) == one ? 1 : 0);
}

LogicalResult Rule::plan(unsigned result) {
  ResultPlan &plan = plans[result];
  OpOperand *init = op.getDpsInitOperand(result);
  plan.yielded = body->getTerminator()->getOperand(result);
  auto refuse = [&](const Twine &why) {
    auto diagnostic = op->emitError("'") << op->getName() << "' has no derivative for result " << result << ": " << why;
    diagnostic.attachNote(plan.yielded.getLoc()) << "the value is yielded here";
    return diagnostic;
  };
  AffineMap map = mapOf(init);
  if (isBijective(map)) {
    if (dependsOnSum(plan.yielded))
      return refuse("it is computed from the value so far of another result, a reduction");
    return success();
  }
  if (!map.isProjectedPermutation())
    return refuse("the map of its elements is not a projected permutation of the loops");
  auto *place = llvm::find(operands, init);
  Value sum = place == operands.end() ? Value() : Value(body->getArgument(place - operands.begin()));
  Operation *combiner = plan.yielded.getDefiningOp();
  if (!sum || !dependsOnSum(plan.yielded))
    return refuse("its elements are written more than once without being combined");
  if (plan.yielded == sum) {
    plan.kind = ResultPlan::Add;
    return success();
  }
  const char *other = "the body combines it with the value so far in another way than by addition, subtraction, maximum or minimum";
  if (!combiner || combiner->getBlock() != body)
    return refuse(other);
  if (auto fma = dyn_cast<math::FmaOp>(combiner); fma && fma.getC() == sum) {
    plan.kind = ResultPlan::Add;
    return dependsOnSum(fma.getA()) || dependsOnSum(fma.getB()) ? LogicalResult(refuse(other)) : success();
  }
  if (auto select = dyn_cast<arith::SelectOp>(combiner)) {
    // A comparison that keeps the larger or the smaller.
    auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
    Value kept = select.getTrueValue() == sum ? select.getFalseValue() : select.getTrueValue();
    if (!compare || (select.getTrueValue() != sum && select.getFalseValue() != sum) || otherOperand(compare, sum) != kept || dependsOnSum(kept))
      return refuse(other);
    plan.kind = ResultPlan::Extreme;
    plan.candidate = kept;
    return success();
  }
  Value value = otherOperand(combiner, sum);
  if (!value || dependsOnSum(value))
    return refuse(other);
  if (isa<arith::AddFOp>(combiner) || (isa<arith::SubFOp>(combiner) && combiner->getOperand(0) == sum)) {
    plan.kind = ResultPlan::Add;
    return success();
  }
  if (!isa<arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp, arith::MinNumFOp>(combiner))
    return refuse(other);
  plan.kind = ResultPlan::Extreme;
  plan.candidate = value;
  return success();
}

/// The cotangent of an extreme goes to the elements equal to it, in equal shares.
LogicalResult Rule::share(unsigned result) {
  Location loc = op.getLoc();
  OpOperand *init = op.getDpsInitOperand(result);
  AffineMap map = mapOf(init);
  Value extreme = op->getResult(result);
  Emitter emitter{builder, loc, /*fma=*/false};
  Num one = Num{&emitter, extreme}.number(1), zero = Num{&emitter, extreme}.number(0);
  Value start = select(Num{&emitter, init->get()} == Num{&emitter, extreme}, one, zero).value;

  LinalgBody count(op);
  count.cloneFrom(body, operands);
  Value total = count.addInput(extreme, map);
  OpBuilder inner = count.builder();
  Emitter scalar{inner, loc, /*fma=*/false};
  Num candidate{&scalar, count.lookup(plans[result].candidate)};
  Value hit = where(candidate == Num{&scalar, total}, candidate.number(1)).value;
  Value reached = count.emitSum(builder, hit, start, map);
  if (!reached)
    return failure();
  shares[result] = (Num{&emitter, cotangents[result]} / Num{&emitter, reached}).value;
  return success();
}

FailureOr<Value> Rule::gradientOf(OpOperand *operand) {
  Location loc = op.getLoc();
  auto *place = llvm::find(operands, operand);
  if (place == operands.end())
    return Value();
  LinalgBody gradient(op);
  gradient.cloneFrom(body, operands);
  OpBuilder inner = gradient.builder();
  Emitter scalar{inner, loc, /*fma=*/false};
  DenseMap<Value, Value> seeds;
  auto seed = [&](Value value, Value cotangent) {
    Value &slot = seeds[value];
    slot = slot ? createSum(inner, loc, slot, cotangent) : cotangent;
  };
  for (auto [i, plan] : llvm::enumerate(plans)) {
    if (!cotangents[i])
      continue;
    AffineMap map = mapOf(op.getDpsInitOperand(i));
    if (plan.kind == ResultPlan::Extreme) {
      Value share = gradient.addInput(shares[i], map), extreme = gradient.addInput(op->getResult(i), map);
      Num candidate{&scalar, gradient.lookup(plan.candidate)};
      seed(candidate.value, where(candidate == Num{&scalar, extreme}, Num{&scalar, share}).value);
    } else {
      seed(gradient.lookup(plan.yielded), gradient.addInput(cotangents[i], map));
    }
  }
  auto element = pullThroughBody(inner, gradient.block(), seeds, gradient.block()->getArgument(place - operands.begin()));
  if (failed(element) || !*element)
    return element;
  return gradient.emitGradient(builder, *element, operand->get(), mapOf(operand));
}

LogicalResult Rule::run(ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  Location loc = op.getLoc();
  for (unsigned i = 0; i < plans.size(); ++i)
    if (cotangents[i] && (failed(plan(i)) || (plans[i].kind == ResultPlan::Extreme && failed(share(i)))))
      return failure();
  for (OpOperand &operand : op->getOpOperands()) {
    unsigned number = operand.getOperandNumber();
    if (!needed[number] || !hasFloatElements(operand.get()))
      continue;
    if (op.isDpsInit(&operand) && !isBijective(mapOf(&operand))) {
      unsigned result = number - op.getNumDpsInputs();
      Value cotangent = cotangents[result];
      if (!cotangent)
        continue;
      if (plans[result].kind == ResultPlan::Extreme) {
        Emitter emitter{builder, loc, /*fma=*/false};
        cotangent = where(Num{&emitter, operand.get()} == Num{&emitter, op->getResult(result)}, Num{&emitter, shares[result]}).value;
      }
      grads[number] = cotangent;
      continue;
    }
    auto gradient = gradientOf(&operand);
    if (failed(gradient))
      return failure();
    grads[number] = *gradient;
  }
  return success();
}

template <typename Op> struct LinalgModel : DifferentiableOpInterface::ExternalModel<LinalgModel<Op>, Op> {
  LogicalResult buildVjp(Operation *op, OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) const {
    return buildLinalgVjp(cast<linalg::LinalgOp>(op), builder, cotangents, needed, grads);
  }
};
} // namespace

LogicalResult mlir::cell::buildLinalgVjp(linalg::LinalgOp op, OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed,
                                         SmallVectorImpl<Value> &grads) {
  if (!op.hasPureTensorSemantics())
    return op->emitError("'") << op->getName() << "' has no derivative on buffers; differentiate before bufferization, on tensors";
  Rule rule{op, builder, cotangents, op.getBlock(), op.getOpOperandsMatchingBBargs(), {}, {}};
  rule.plans.resize(op.getNumDpsInits());
  rule.shares.resize(op.getNumDpsInits());
  return rule.run(needed, grads);
}

void mlir::cell::registerLinalgRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, linalg::LinalgDialect *) {
    attach<LinalgModel,
#define GET_OP_LIST
#include "mlir/Dialect/Linalg/IR/LinalgStructuredOps.cpp.inc"
        >(context);
  });
}

void mlir::cell::registerExternalRules(DialectRegistry &registry) {
  registerArithRules(registry);
  registerMathRules(registry);
  registerTensorRules(registry);
  registerLinalgRules(registry);
}
