//===- Arcs.h - what inverse trigonometric functions of f32 and f64 share --===//
#ifndef CELL_PASSES_EXPANDMATH_ARCS_H
#define CELL_PASSES_EXPANDMATH_ARCS_H

#include "passes/ExpandMath/Num.h"

namespace mlir::cell {

/// pi / 2 as the sum of two numbers of the function's type.
struct HalfPi {
  double high, low;
  /// m * pi / 2 - x.
  Num turnsMinus(double m, Num x) const { return m * high - (x - m * low); }
};

/// s + s z P(z).
template <size_t N> Num oddPolynomial(Num s, Num z, const double (&coefficients)[N]) { return mad(s * z, polynomial(z, coefficients), s); }

/// asin(|x|), or for |x| > 1/2 its complement asin(sqrt((1 - |x|) / 2)) = acos(|x|) / 2. NaN beyond 1.
struct Arc {
  Num large, value;
  template <size_t N> static Arc of(Num magnitude, const double (&coefficients)[N]) {
    Num large = magnitude > 0.5;
    Num z = select(large, mad(magnitude, -0.5, 0.5), magnitude * magnitude);
    return {large, oddPolynomial(select(large, sqrt(z), magnitude), z, coefficients)};
  }
};

/// asin(x), from the coefficients of P in asin(s) = s + s s^2 P(s^2) for |s| <= 1/2.
template <size_t N> Num arcSine(Num x, const double (&coefficients)[N], HalfPi halfPi) {
  Arc arc = Arc::of(abs(x), coefficients);
  return copySign(select(arc.large, halfPi.turnsMinus(1, arc.value + arc.value), arc.value), x);
}

/// acos(x), from the same.
template <size_t N> Num arcCosine(Num x, const double (&coefficients)[N], HalfPi halfPi) {
  Arc arc = Arc::of(abs(x), coefficients);
  Num twice = arc.value + arc.value;
  return select(arc.large, select(x < 0, halfPi.turnsMinus(2, twice), twice), halfPi.turnsMinus(1, copySign(arc.value, x)));
}

} // namespace mlir::cell

#endif // CELL_PASSES_EXPANDMATH_ARCS_H
