//===- MathRules.cpp - derivative rules of the math dialect ---------------===//
#include "passes/AutoDiff/External/External.h"
#include "passes/AutoDiff/External/Pull.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
template <typename Op> Num fn(Num x) { return {x.emitter, Op::create(x.emitter->builder, x.emitter->loc, x.value)}; }

/// The rule of a function of x with result y.
#define RULE(OP, FORMULA)                                                                                                                            \
  [[maybe_unused]] Num pull(math::OP op, unsigned, Num g) {                                                                                         \
    [[maybe_unused]] Num x{g.emitter, op->getOperand(0)}, y{g.emitter, op->getResult(0)};                                                            \
    return FORMULA;                                                                                                                                  \
  }
RULE(AbsFOp, select(x > 0.0, g, where(x < 0.0, minus(g))))
RULE(ExpOp, g * y)
RULE(Exp2Op, g * (y * 0.69314718055994531))
RULE(ExpM1Op, g * (y + 1.0))
RULE(LogOp, g / x)
RULE(Log2Op, g / (x * 0.69314718055994531))
RULE(Log10Op, g / (x * 2.3025850929940457))
RULE(Log1pOp, g / (x + 1.0))
RULE(SqrtOp, g * 0.5 / y)
RULE(RsqrtOp, g * -0.5 * (y / x))
RULE(CbrtOp, g / (3.0 * (y * y)))
RULE(SinOp, g * fn<math::CosOp>(x))
RULE(CosOp, g * minus(fn<math::SinOp>(x)))
RULE(TanOp, g * (1.0 + y * y))
RULE(AsinOp, g * fn<math::RsqrtOp>(1.0 - x * x))
RULE(AcosOp, minus(g * fn<math::RsqrtOp>(1.0 - x * x)))
RULE(AtanOp, g / (1.0 + x * x))
RULE(SinhOp, g * fn<math::CoshOp>(x))
RULE(CoshOp, g * fn<math::SinhOp>(x))
RULE(TanhOp, g * (1.0 - y * y))
RULE(AsinhOp, g * fn<math::RsqrtOp>(x * x + 1.0))
RULE(AcoshOp, g * (fn<math::RsqrtOp>(x - 1.0) * fn<math::RsqrtOp>(x + 1.0)))
RULE(AtanhOp, g / (1.0 - x * x))
RULE(ErfOp, g * (fn<math::ExpOp>(minus(x * x)) * 1.1283791670955126))
RULE(ErfcOp, g * (fn<math::ExpOp>(minus(x * x)) * -1.1283791670955126))
#undef RULE

Num pull(math::FmaOp op, unsigned operand, Num g) { return operand == 2 ? g : g * Num{g.emitter, op->getOperand(1 - operand)}; }

Num pull(math::Atan2Op op, unsigned operand, Num g) {
  Num y{g.emitter, op->getOperand(0)}, x{g.emitter, op->getOperand(1)}, square = x * x + y * y;
  return operand == 0 ? g * (x / square) : minus(g * (y / square));
}

/// x^y. The derivative by x is zero for y = 0, also at x = 0; the one by y takes 0 log 0 as 0.
Num pull(math::PowFOp op, unsigned operand, Num g) {
  Num x{g.emitter, op.getLhs()}, y{g.emitter, op.getRhs()};
  if (operand == 1)
    return g * (Num{g.emitter, op.getResult()} * fn<math::LogOp>(select(x == 0.0, x.number(1), x)));
  Num lower{g.emitter, math::PowFOp::create(g.emitter->builder, op.getLoc(), op.getLhs(), (y - 1.0).value)};
  return select(y == 0.0, g.number(0), g * (y * lower));
}

/// x^n with an integer n.
Num pull(math::FPowIOp op, unsigned operand, Num g) {
  if (operand == 1)
    return {};
  OpBuilder &builder = g.emitter->builder;
  Num n{g.emitter, op.getRhs()};
  Num lower{g.emitter, math::FPowIOp::create(builder, op.getLoc(), op.getLhs(), (n - 1).value)};
  Num factor{g.emitter, arith::SIToFPOp::create(builder, op.getLoc(), g.value.getType(), n.value)};
  return select(n == 0, g.number(0), g * (factor * lower));
}

/// The magnitude of the first with the sign of the second: a reflection of the first where the signs differ.
Num pull(math::CopySignOp op, unsigned operand, Num g) {
  if (operand == 1)
    return {};
  Num one = g.number(1);
  return g * (copySign(one, Num{g.emitter, op.getLhs()}) * copySign(one, Num{g.emitter, op.getRhs()}));
}

Num pull(math::ClampFOp op, unsigned operand, Num g) {
  Num x{g.emitter, op.getValue()}, low{g.emitter, op.getMin()}, high{g.emitter, op.getMax()};
  if (operand == 1)
    return where(x < low, g);
  if (operand == 2)
    return where(x > high, g);
  Num zero = g.number(0);
  return select(x < low, zero, select(x > high, zero, g));
}

CELL_PULL_MODEL(MathModel)

/// sine and cosine at once: two results.
struct SincosModel : DifferentiableOpInterface::ExternalModel<SincosModel, math::SincosOp> {
  LogicalResult buildVjp(Operation *op, OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) const {
    if (!needed[0])
      return success();
    Emitter emitter{builder, op->getLoc(), /*fma=*/false};
    Num sine{&emitter, op->getResult(0)}, cosine{&emitter, op->getResult(1)};
    if (cotangents[0])
      grads[0] = (Num{&emitter, cotangents[0]} * cosine).value;
    if (cotangents[1]) {
      Num part = minus(Num{&emitter, cotangents[1]} * sine);
      grads[0] = grads[0] ? (Num{&emitter, grads[0]} + part).value : part.value;
    }
    return success();
  }
};
} // namespace

void mlir::cell::registerMathRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, math::MathDialect *) {
    attach<MathModel, math::AbsFOp, math::ExpOp, math::Exp2Op, math::ExpM1Op, math::LogOp, math::Log2Op, math::Log10Op, math::Log1pOp, math::SqrtOp, math::RsqrtOp, math::CbrtOp, math::SinOp, math::CosOp, math::TanOp, math::AsinOp, math::AcosOp, math::AtanOp,
           math::SinhOp, math::CoshOp, math::TanhOp, math::AsinhOp, math::AcoshOp, math::AtanhOp, math::ErfOp, math::ErfcOp, math::FmaOp, math::Atan2Op, math::PowFOp, math::FPowIOp, math::CopySignOp, math::ClampFOp>(context);
    attach<FlatModel, math::FloorOp, math::CeilOp, math::RoundOp, math::RoundEvenOp, math::TruncOp>(context);
    math::SincosOp::attachInterface<SincosModel>(*context);
    // The rules above emit arith ops.
    context->loadDialect<arith::ArithDialect>();
  });
}
