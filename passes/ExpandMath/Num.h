//===- Num.h - formulas over SSA values ------------------------------------===//
// What the expansions are written in: `a * b + 1.0` makes the arith ops. A Num is a scalar,
// a vector or a tensor of floats or integers.
#ifndef CELL_PASSES_EXPANDMATH_NUM_H
#define CELL_PASSES_EXPANDMATH_NUM_H

#include "mlir/IR/Builders.h"

#include <cstdint>
#include <limits>
#include <map>
#include <type_traits>

namespace mlir::cell {

inline constexpr double kInf = std::numeric_limits<double>::infinity();
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Where one expansion is written. Constants are made once for each.
struct Emitter {
  OpBuilder &builder;
  Location loc;
  bool fma;
  std::map<std::pair<const void *, uint64_t>, Value> constants = {};
};

struct Num {
  Emitter *emitter;
  Value value;

  bool isFloat() const;
  bool isDouble() const;
  /// A constant of this type. Numbers given to integers are taken modulo their width.
  Num number(double x) const;
  Num integer(uint64_t x) const;
  template <typename T> Num like(T x) const {
    if (std::is_floating_point_v<T> || isFloat())
      return number(static_cast<double>(x));
    return integer(static_cast<uint64_t>(x));
  }
};

Num operator+(Num a, Num b);
Num operator-(Num a, Num b);
Num operator*(Num a, Num b);
Num operator/(Num a, Num b);
Num operator&(Num a, Num b);
Num operator|(Num a, Num b);
Num operator^(Num a, Num b);
Num operator<<(Num a, Num bits);
Num operator>>(Num a, Num bits); // arithmetic
Num shiftRight(Num a, Num bits); // logical
/// Ordered (false for NaN) on floats, signed on integers.
Num operator<(Num a, Num b);
Num operator>(Num a, Num b);
Num operator==(Num a, Num b);
Num operator!=(Num a, Num b); // true for NaN

#define CELL_NUM_WITH_CONSTANT(OP)                                                                                                                   \
  template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>> Num operator OP(Num a, T b) { return a OP a.like(b); }                 \
  template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>> Num operator OP(T a, Num b) { return b.like(a) OP b; }
CELL_NUM_WITH_CONSTANT(+)
CELL_NUM_WITH_CONSTANT(-)
CELL_NUM_WITH_CONSTANT(*)
CELL_NUM_WITH_CONSTANT(/)
CELL_NUM_WITH_CONSTANT(&)
CELL_NUM_WITH_CONSTANT(|)
CELL_NUM_WITH_CONSTANT(^)
CELL_NUM_WITH_CONSTANT(<<)
CELL_NUM_WITH_CONSTANT(>>)
CELL_NUM_WITH_CONSTANT(<)
CELL_NUM_WITH_CONSTANT(>)
CELL_NUM_WITH_CONSTANT(==)
CELL_NUM_WITH_CONSTANT(!=)
#undef CELL_NUM_WITH_CONSTANT
inline Num shiftRight(Num a, int bits) { return shiftRight(a, a.integer(bits)); }

/// a * b + c: one rounding where the target has fma, two elsewhere.
Num mad(Num a, Num b, Num c);
template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>> Num mad(Num a, T b, Num c) { return mad(a, a.like(b), c); }
template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>> Num mad(Num a, Num b, T c) { return mad(a, b, a.like(c)); }
template <typename T, typename U, typename = std::enable_if_t<std::is_arithmetic_v<T> && std::is_arithmetic_v<U>>> Num mad(Num a, T b, U c) {
  return mad(a, a.like(b), a.like(c));
}

Num select(Num condition, Num a, Num b);
Num isUnordered(Num a, Num b);
Num abs(Num x);
Num sqrt(Num x);
Num roundEven(Num x);
Num copySign(Num magnitude, Num sign);
Num bits(Num x); // float -> integer of its width
Num real(Num x); // and back
Num toFloat(Num integer); // signed, to the float type of the same width
Num extendFloat(Num x);   // to f64
Num truncFloat(Num x);    // to f32
Num extendUnsigned(Num x); // to i64
Num truncInt(Num x);       // to i32

/// The smaller and the larger; a NaN in x stays.
inline Num atMost(Num x, double bound) { return select(x > bound, x.number(bound), x); }
inline Num atLeast(Num x, double bound) { return select(x < bound, x.number(bound), x); }

/// coefficients[0] + coefficients[1] * x + ...
template <size_t N> Num polynomial(Num x, const double (&coefficients)[N]) {
  Num sum = x.number(coefficients[N - 1]);
  for (size_t i = N - 1; i-- > 0;)
    sum = mad(sum, x, coefficients[i]);
  return sum;
}

/// One function: operands of one float type (f32 or f64) to a value of that type.
Num expandExp(Num x);
Num expandExp2(Num x);
Num expOfModerate(Num x); // exp where its value is a normal number
Num expandExpm1(Num x);
Num expandSinh(Num x);
Num expandCosh(Num x);
Num expandTanh(Num x);
Num expandLog(Num x);
Num expandLog2(Num x);
Num expandLog10(Num x);
Num expandLog1p(Num x);
Num expandSin(Num x);
Num expandCos(Num x);
Num expandTan(Num x);
Num expandAsin(Num x);
Num expandAcos(Num x);
Num expandAtan(Num x);
Num expandAtan2(Num y, Num x);
Num expandErf(Num x);
Num expandPow(Num x, Num y);

} // namespace mlir::cell

#endif // CELL_PASSES_EXPANDMATH_NUM_H
