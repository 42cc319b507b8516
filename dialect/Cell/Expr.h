//===- Expr.h - the expression language of derivative records -------------===//
#ifndef CELL_DIALECT_EXPR_H
#define CELL_DIALECT_EXPR_H

#include "dialect/Cell/Cell.h"

namespace mlir::cell {

/// A tensor of `like`'s type filled with `number`: a constant, or cell.full_like where a dimension is dynamic.
Value createFull(OpBuilder &builder, Location loc, Value like, double number);
/// A constant of a static type.
Value createFull(OpBuilder &builder, Location loc, RankedTensorType type, double number);

namespace expr {

/// Where the ops of an expression go.
struct ExprScope;

/// A tensor or a number. Numbers take the type of the tensor that they meet; what can be computed or dropped early is.
struct Expr {
  ExprScope *scope = nullptr;
  Value value;
  double number = 0;

  Expr() = default;
  Expr(double number) : number(number) {}
  Expr(ExprScope *scope, Value value) : scope(scope), value(value) {}
  bool isNumber() const { return !value; }
  bool isNumber(double other) const { return !value && number == other; }
};

struct ExprScope {
  OpBuilder &builder;
  Location loc;

  ExprScope(OpBuilder &builder, Location loc) : builder(builder), loc(loc) {}
  Expr operator()(Value value) { return Expr(this, value); }
  /// The tensor of an expression, of `like`'s type where it is a number.
  Value materialize(Expr e, Value like) { return e.isNumber() ? createFull(builder, loc, like, e.number) : e.value; }
  /// Cotangent times partial derivative: null where the partial is 0, a selection where it is a condition, so that nothing of
  /// an element not taken (inf, NaN) gets through.
  Value pull(Value cotangent, Expr partial, Value operand);
};

Expr operator+(Expr a, Expr b);
Expr operator-(Expr a, Expr b);
Expr operator*(Expr a, Expr b);
Expr operator/(Expr a, Expr b);
Expr operator-(Expr a);
Expr operator==(Expr a, Expr b);
Expr operator<(Expr a, Expr b);
Expr operator>(Expr a, Expr b);
Expr operator<=(Expr a, Expr b);
Expr operator>=(Expr a, Expr b);
Expr operator!(Expr a);
Expr logicalAnd(Expr a, Expr b);
Expr select(Expr condition, Expr a, Expr b);
Expr pow(Expr a, Expr b);
Expr exp(Expr a);
Expr log(Expr a);
Expr rsqrt(Expr a);
Expr sign(Expr a);
Expr sin(Expr a);
Expr cos(Expr a);
Expr sinh(Expr a);
Expr cosh(Expr a);
Expr erf(Expr a);

} // namespace expr
} // namespace mlir::cell

#endif // CELL_DIALECT_EXPR_H
