//===- Special.cpp - inverse trigonometric functions, erf, pow -------------===//
#include "passes/ExpandMath/Arcs.h"
#include "passes/ExpandMath/Coefficients.h"
#include "passes/ExpandMath/Num.h"

#include <cmath>

using namespace mlir;
using namespace mlir::cell;

namespace {
constexpr HalfPi kHalfPiF32{0x1.921fb6p+0, 0x1.921fb54442d18p+0 - 0x1.921fb6p+0};

/// Whether y is an integer, and an odd one.
struct Integer {
  Num whole, odd;
};
Integer classify(Num y) {
  Num half = y * 0.5, whole = y == roundEven(y);
  return {whole, whole & (half != roundEven(half))};
}
} // namespace

Num cell::expandAsin(Num x) { return arcSine(x, coefficients::kAsinF32, kHalfPiF32); }

Num cell::expandAcos(Num x) { return arcCosine(x, coefficients::kAsinF32, kHalfPiF32); }

Num cell::expandAtan(Num x) {
  Num magnitude = abs(x), large = magnitude > 1;
  Num u = select(large, 1.0 / magnitude, magnitude);
  Num p = oddPolynomial(u, u * u, coefficients::kAtanF32);
  return copySign(select(large, kHalfPiF32.turnsMinus(1, p), p), x);
}

/// atan of the smaller magnitude over the larger, then the octant. 0/0 counts as 0 and inf/inf as 1.
Num cell::expandAtan2(Num y, Num x) {
  Num a = abs(y), b = abs(x), steep = a > b;
  Num small = select(steep, b, a), large = select(steep, a, b);
  Num u = small / large;
  u = select(large == 0, small, u);
  u = select(small == kInf, u.number(1), u);
  Num p = oddPolynomial(u, u * u, coefficients::kAtanF32);
  p = select(steep, kHalfPiF32.turnsMinus(1, p), p);
  p = select(copySign(x.number(1), x) < 0, kHalfPiF32.turnsMinus(2, p), p);
  return select(isUnordered(x, y), x + y, copySign(p, y));
}

/// x + x P(x^2) near zero, 1 - exp(P(|x|)) beyond, where the exponent approximates log(erfc(|x|)); from the last bound on that is 1.
Num cell::expandErf(Num x) {
  Num magnitude = abs(x), z = x * x;
  bool wide = x.isDouble();
  Num near = mad(x, wide ? polynomial(z, coefficients::kErfF64) : polynomial(z, coefficients::kErfF32), x);
  Num limited = atMost(magnitude, wide ? 6 : 3.95);
  Num far = 1.0 - expOfModerate(wide ? polynomial(limited, coefficients::kErfcF64) : polynomial(limited, coefficients::kErfcF32));
  return select(magnitude < (wide ? 1 : 0.9275), near, copySign(far, x));
}

/// 2^(y log2|x|) in f64, where no step over- or underflows; then the sign and the special cases of C99.
Num cell::expandPow(Num x, Num y) {
  Num base = extendFloat(abs(x)), exponent = extendFloat(y);
  // |x| = 2^k (1 + r), log(1 + r) = 2 atanh(s).
  constexpr uint64_t kSqrtHalf = 0x3fe6a09e667f3bcd, kFraction = (uint64_t(1) << 52) - 1;
  Num offset = bits(base) - kSqrtHalf;
  Num r = real((offset & kFraction) + kSqrtHalf) - 1, s = r / (r + 2), z = s * s;
  Num series = mad(z, polynomial(z, coefficients::kAtanhPow), 2) * s;
  Num log2 = mad(series, M_LOG2E, toFloat(offset >> 52));
  log2 = select(base == 0, log2.number(-kInf), select(base < kInf, log2, base));
  Num w = atLeast(atMost(exponent * log2, 200), -200);
  Num shifted = w + 0x1.8p52, t = (w - (shifted - 0x1.8p52)) * M_LN2;
  Num power = real((bits(shifted) << 52) + 0x3ff0000000000000u);
  Num tail = mad(mad(polynomial(t, coefficients::kExpF32), t, 1), t, 1);
  Num value = truncFloat(tail * power);

  Integer kind = classify(y);
  Num sign = bits(x) & select(kind.odd, bits(x).integer(0x80000000u), bits(x).integer(0));
  value = real(bits(value) ^ sign);
  value = select((x < 0) & (x > -kInf) & (kind.whole ^ true), value.number(kNaN), value);
  Num one = (y == 0) | (x == 1) | ((x == -1) & (abs(y) == kInf));
  return select(one, value.number(1), value);
}
