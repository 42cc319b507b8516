//===- ArithRules.cpp - derivative rules of the arith dialect -------------===//
#include "passes/AutoDiff/External/External.h"
#include "passes/AutoDiff/External/Pull.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::cell;

Num cell::minus(Num g) { return {g.emitter, arith::NegFOp::create(g.emitter->builder, g.emitter->loc, g.value)}; }

namespace {
template <typename Op> Num at(Op op, unsigned operand, Num g) { return {g.emitter, op->getOperand(operand)}; }

Num pull(arith::AddFOp, unsigned, Num g) { return g; }
Num pull(arith::SubFOp, unsigned operand, Num g) { return operand == 0 ? g : minus(g); }
Num pull(arith::NegFOp, unsigned, Num g) { return minus(g); }
Num pull(arith::MulFOp op, unsigned operand, Num g) { return g * at(op, 1 - operand, g); }
Num pull(arith::DivFOp op, unsigned operand, Num g) {
  Num quotient = g / at(op, 1, g);
  return operand == 0 ? quotient : minus(quotient * Num{g.emitter, op.getResult()});
}
/// x - y * trunc(x / y); the whole number is constant between its jumps.
Num pull(arith::RemFOp op, unsigned operand, Num g) {
  if (operand == 0)
    return g;
  Num y = at(op, 1, g);
  return minus(g * ((at(op, 0, g) - Num{g.emitter, op.getResult()}) / y));
}

/// To the operand that `wins` over the other, half of it each in a tie.
Num pullExtreme(Num wins, Num mine, Num other, Num g) { return select(wins, g, where(mine == other, g * 0.5)); }
template <typename Op> Num pullLarger(Op op, unsigned operand, Num g) {
  Num mine = at(op, operand, g), other = at(op, 1 - operand, g);
  return pullExtreme(mine > other, mine, other, g);
}
template <typename Op> Num pullSmaller(Op op, unsigned operand, Num g) {
  Num mine = at(op, operand, g), other = at(op, 1 - operand, g);
  return pullExtreme(mine < other, mine, other, g);
}
/// maxnumf and minnumf take the number where the other operand is a NaN.
template <typename Op> Num orAlone(Op op, unsigned operand, Num g, Num share) {
  Num other = at(op, 1 - operand, g);
  return select(isUnordered(other, other), g, share);
}
Num pull(arith::MaximumFOp op, unsigned operand, Num g) { return pullLarger(op, operand, g); }
Num pull(arith::MinimumFOp op, unsigned operand, Num g) { return pullSmaller(op, operand, g); }
Num pull(arith::MaxNumFOp op, unsigned operand, Num g) { return orAlone(op, operand, g, pullLarger(op, operand, g)); }
Num pull(arith::MinNumFOp op, unsigned operand, Num g) { return orAlone(op, operand, g, pullSmaller(op, operand, g)); }

Num pull(arith::SelectOp op, unsigned operand, Num g) {
  Num condition{g.emitter, op.getCondition()}, zero = g.number(0);
  return operand == 1 ? select(condition, g, zero) : select(condition, zero, g);
}
Num pull(arith::ExtFOp op, unsigned, Num g) {
  return {g.emitter, arith::TruncFOp::create(g.emitter->builder, op.getLoc(), op.getIn().getType(), g.value)};
}
Num pull(arith::TruncFOp op, unsigned, Num g) {
  return {g.emitter, arith::ExtFOp::create(g.emitter->builder, op.getLoc(), op.getIn().getType(), g.value)};
}

CELL_PULL_MODEL(ArithModel)
} // namespace

void mlir::cell::registerArithRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, arith::ArithDialect *) {
    attach<ArithModel, arith::AddFOp, arith::SubFOp, arith::NegFOp, arith::MulFOp, arith::DivFOp, arith::RemFOp, arith::MaximumFOp, arith::MinimumFOp,
           arith::MaxNumFOp, arith::MinNumFOp, arith::SelectOp, arith::ExtFOp, arith::TruncFOp>(context);
    arith::SIToFPOp::attachInterface<FlatModel<arith::SIToFPOp>>(*context);
    arith::UIToFPOp::attachInterface<FlatModel<arith::UIToFPOp>>(*context);
  });
}
