//===- Expr.cpp - the expression language of derivative records -----------===//
#include "dialect/Cell/Expr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;
using namespace mlir::cell;
using namespace mlir::cell::expr;

Value mlir::cell::createFull(OpBuilder &builder, Location loc, Value like, double number) {
  if (auto scalar = dyn_cast<FloatType>(like.getType()))
    return arith::ConstantOp::create(builder, loc, builder.getFloatAttr(scalar, number));
  if (like.getType().isIntOrIndex())
    return arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(like.getType(), static_cast<int64_t>(number)));
  auto type = cast<RankedTensorType>(like.getType());
  if (!type.hasStaticShape())
    return FullLikeOp::create(builder, loc, like, builder.getF64FloatAttr(number));
  return createFull(builder, loc, type, number);
}

Value mlir::cell::createFull(OpBuilder &builder, Location loc, RankedTensorType type, double number) {
  Type element = type.getElementType();
  if (auto floatType = dyn_cast<FloatType>(element))
    return ConstantOp::create(builder, loc, DenseElementsAttr::get(type, FloatAttr::get(floatType, number).getValue()));
  APInt integer(64, static_cast<uint64_t>(static_cast<int64_t>(number)), /*isSigned=*/true);
  return ConstantOp::create(builder, loc, DenseElementsAttr::get(type, integer.trunc(element.getIntOrFloatBitWidth())));
}

Value ExprScope::pull(Value cotangent, Expr partial, Value) {
  if (!cotangent || partial.isNumber(0))
    return nullptr;
  if (!partial.isNumber() && getElementTypeOrSelf(partial.value).isInteger(1))
    return SelectOp::create(builder, loc, partial.value, cotangent, createFull(builder, loc, cotangent, 0));
  return materialize((*this)(cotangent) * partial, cotangent);
}

namespace {
/// One op on two expressions, numbers brought to the other's type.
template <typename OpTy>
Expr binary(Expr a, Expr b) {
  ExprScope *scope = a.scope ? a.scope : b.scope;
  Value lhs = scope->materialize(a, b.value), rhs = scope->materialize(b, a.value);
  return (*scope)(OpTy::create(scope->builder, scope->loc, lhs, rhs));
}
template <typename OpTy>
Expr unary(Expr a) {
  return (*a.scope)(OpTy::create(a.scope->builder, a.scope->loc, a.value));
}
} // namespace

Expr expr::operator+(Expr a, Expr b) {
  if (a.isNumber() && b.isNumber())
    return a.number + b.number;
  if (a.isNumber(0))
    return b;
  return b.isNumber(0) ? a : binary<AddOp>(a, b);
}
Expr expr::operator-(Expr a, Expr b) {
  if (a.isNumber() && b.isNumber())
    return a.number - b.number;
  return b.isNumber(0) ? a : binary<SubOp>(a, b);
}
Expr expr::operator*(Expr a, Expr b) {
  if (a.isNumber() && b.isNumber())
    return a.number * b.number;
  if (a.isNumber())
    std::swap(a, b);
  if (b.isNumber(1))
    return a;
  return b.isNumber(-1) ? -a : binary<MulOp>(a, b);
}
Expr expr::operator/(Expr a, Expr b) {
  if (a.isNumber() && b.isNumber())
    return a.number / b.number;
  return b.isNumber(1) ? a : binary<DivOp>(a, b);
}
Expr expr::operator-(Expr a) { return a.isNumber() ? Expr(-a.number) : unary<NegOp>(a); }
Expr expr::operator==(Expr a, Expr b) { return binary<EqualOp>(a, b); }
Expr expr::operator<(Expr a, Expr b) { return binary<LessOp>(a, b); }
Expr expr::operator>(Expr a, Expr b) { return binary<GreaterOp>(a, b); }
Expr expr::operator<=(Expr a, Expr b) { return binary<LessEqualOp>(a, b); }
Expr expr::operator>=(Expr a, Expr b) { return binary<GreaterEqualOp>(a, b); }
Expr expr::operator!(Expr a) { return unary<LogicalNotOp>(a); }
Expr expr::logicalAnd(Expr a, Expr b) { return binary<LogicalAndOp>(a, b); }
Expr expr::select(Expr condition, Expr a, Expr b) {
  ExprScope &scope = *condition.scope;
  // Two numbers take the type of the comparison's operands.
  Value like = a.value ? a.value : b.value ? b.value : condition.value.getDefiningOp()->getOperand(0);
  return scope(SelectOp::create(scope.builder, scope.loc, condition.value, scope.materialize(a, like), scope.materialize(b, like)));
}
Expr expr::pow(Expr a, Expr b) { return binary<PowOp>(a, b); }
Expr expr::exp(Expr a) { return unary<ExpOp>(a); }
Expr expr::log(Expr a) {
  auto type = cast<RankedTensorType>(a.value.getType());
  if (isa<FloatType>(type.getElementType()))
    return unary<LogOp>(a);
  // The exponent of an integer power: its derivative is of the integer type too.
  OpBuilder &builder = a.scope->builder;
  Value wide = CastOp::create(builder, a.scope->loc, a.value, TypeAttr::get(builder.getF64Type()));
  Value log = LogOp::create(builder, a.scope->loc, wide);
  return (*a.scope)(CastOp::create(builder, a.scope->loc, log, TypeAttr::get(type.getElementType())));
}
Expr expr::rsqrt(Expr a) { return unary<RsqrtOp>(a); }
Expr expr::sign(Expr a) { return unary<SignOp>(a); }
Expr expr::sin(Expr a) { return unary<SinOp>(a); }
Expr expr::cos(Expr a) { return unary<CosOp>(a); }
Expr expr::sinh(Expr a) { return unary<SinhOp>(a); }
Expr expr::cosh(Expr a) { return unary<CoshOp>(a); }
Expr expr::erf(Expr a) { return unary<ErfOp>(a); }
