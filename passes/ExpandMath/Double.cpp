//===- Double.cpp - inverse trigonometric functions and pow in f64 ---------===//
#include "passes/ExpandMath/Double.h"

#include "passes/ExpandMath/Arcs.h"
#include "passes/ExpandMath/Coefficients.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
constexpr HalfPi kHalfPiF64{0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54};
constexpr uint64_t kSign = uint64_t(1) << 63;

/// atan of 0 <= u <= 1: above tan(pi / 8) it is pi / 4 + atan((u - 1) / (u + 1)).
Num atanOfFraction(Num u) {
  Num upper = u > 0x1.a827999fcef32p-2;
  Num v = select(upper, (u - 1) / (u + 1), u);
  Num p = oddPolynomial(v, v * v, coefficients::kAtanF64);
  return select(upper, kHalfPiF64.high / 2 + (p + kHalfPiF64.low / 2), p);
}

/// A number as a sum of two, the second much smaller.
struct Pair {
  Num high, low;
};

/// log(x) of a positive finite x to some 2^-66: log(m) = 2 atanh(s) with s = (m - 1) / (m + 1), x = 2^k m.
Pair exactLog(Num x) {
  Num denormal = x < 0x1p-1022;
  x = select(denormal, x * 0x1p54, x);
  constexpr uint64_t kSqrtHalf = 0x3fe6a09e667f3bcd, kFraction = (uint64_t(1) << 52) - 1;
  Num offset = bits(x) - kSqrtHalf;
  Num k = toFloat(offset >> 52) - select(denormal, x.number(54), x.number(0));
  Num f = real((offset & kFraction) + kSqrtHalf) - 1;
  Num g = f + 2, gLow = f - (g - 2);
  Num s = f / g, sLow = mad(s, x.number(0) - gLow, mad(x.number(0) - s, g, f)) / g;
  Num z = s * s, zLow = mad(s, s, x.number(0) - z) + (s + s) * sLow;
  // t = 2 + z (2/3 + z P(z)), each step with what it rounded off.
  constexpr double kTwoThirds = 0x1.5555555555555p-1, kTwoThirdsLow = 0x1.5555555555555p-55;
  Num rest = z * polynomial(z, coefficients::kAtanhPowF64);
  Num h = rest + kTwoThirds, hLow = rest - (h - kTwoThirds) + kTwoThirdsLow;
  Num p = h * z, pLow = mad(h, z, x.number(0) - p) + mad(h, zLow, hLow * z);
  Num t = p + 2, tLow = p - (t - 2) + pLow;
  Num log = s * t, logLow = mad(s, t, x.number(0) - log) + mad(s, tLow, sLow * t);
  constexpr double kLn2 = 0x1.62e42fefa3000p-1, kLn2Low = 0x1.3de6af278ece6p-42;
  Num whole = k * kLn2, sum = whole + log;
  return {sum, log - (sum - whole) + mad(k, kLn2Low, logLow)};
}
} // namespace

Num cell::doubleAsin(Num x) { return arcSine(x, coefficients::kAsinF64, kHalfPiF64); }

Num cell::doubleAcos(Num x) { return arcCosine(x, coefficients::kAsinF64, kHalfPiF64); }

Num cell::doubleAtan(Num x) {
  Num magnitude = abs(x), large = magnitude > 1;
  Num p = atanOfFraction(select(large, 1.0 / magnitude, magnitude));
  return copySign(select(large, kHalfPiF64.turnsMinus(1, p), p), x);
}

/// atan of the smaller magnitude over the larger, then the octant. 0/0 counts as 0 and inf/inf as 1.
Num cell::doubleAtan2(Num y, Num x) {
  Num a = abs(y), b = abs(x), steep = a > b;
  Num small = select(steep, b, a), large = select(steep, a, b);
  Num u = small / large;
  u = select(large == 0, small, u);
  u = select(small == kInf, u.number(1), u);
  Num p = atanOfFraction(u);
  p = select(steep, kHalfPiF64.turnsMinus(1, p), p);
  p = select(copySign(x.number(1), x) < 0, kHalfPiF64.turnsMinus(2, p), p);
  return select(isUnordered(x, y), x + y, copySign(p, y));
}

/// exp(y log|x|), the product as a sum of two numbers; then the sign and the special cases of C99.
Num cell::doublePow(Num x, Num y) {
  Num base = abs(x);
  Pair log = exactLog(base);
  Num w = y * log.high, lost = mad(y, log.high, x.number(0) - w) + y * log.low;
  Num special = (base == 0) | (base == kInf);
  w = select(base == 0, y * x.number(-kInf), select(base == kInf, y * base, w));
  lost = select(special | ((abs(w) < 800) ^ true), x.number(0), lost);
  Num power = expandExp(w);
  Num value = select(power < kInf, mad(power, lost, power), power);

  Num half = y * 0.5, whole = y == roundEven(y), odd = whole & (half != roundEven(half));
  value = real(bits(value) ^ (bits(x) & select(odd, bits(x).integer(kSign), bits(x).integer(0))));
  value = select((x < 0) & (x > -kInf) & (whole ^ true), value.number(kNaN), value);
  value = select(isUnordered(x, y), x + y, value);
  Num one = (y == 0) | (x == 1) | ((x == -1) & (abs(y) == kInf));
  return select(one, value.number(1), value);
}
