//===- Exp.cpp - exponentials, hyperbolic functions, logarithms ------------===//
#include "passes/ExpandMath/Coefficients.h"
#include "passes/ExpandMath/Num.h"

#include <cmath>

using namespace mlir;
using namespace mlir::cell;

namespace {
/// What differs between f32 and f64. ln2 = ln2High + ln2Low, where products of ln2High with an exponent are exact.
struct Format {
  int fraction, bias;
  double shifter, ln2High, ln2Low, expLow, expHigh, coshHigh, tiny;
};
constexpr Format kF32 = {23, 127, 0x1.8p23, 0x1.62e4p-1, 0x1.7f7d1cf79abcap-20, -104, 89, 89.5, 0x1p-25};
constexpr Format kF64 = {52, 1023, 0x1.8p52, 0x1.62e42feep-1, 0x1.a39ef35793c76p-33, -746, 710, 710.6, 0x1p-54};

const Format &formatOf(Num x) { return x.isDouble() ? kF64 : kF32; }

/// x = n * ln2 + r with n an integer (Cody and Waite 1980). Adding 1.5 * 2^fraction rounds to an integer and leaves n in the low bits of `shifted`.
/// `exact` is r before the low part of n * ln2 is taken off.
struct Reduced {
  Num shifted, n, exact, r;
};
Reduced reduceByLn2(Num x) {
  const Format &f = formatOf(x);
  Num shifted = mad(x, M_LOG2E, f.shifter);
  Num n = shifted - f.shifter, exact = mad(n, -f.ln2High, x);
  return {shifted, n, exact, mad(n, -f.ln2Low, exact)};
}

// (exp(r) - 1 - r) / r^2 for |r| <= ln2 / 2, so good that exp, or expm1, comes out right.
Num expTail(Num r) { return r.isDouble() ? polynomial(r, coefficients::kExpF64) : polynomial(r, coefficients::kExpF32); }
Num expm1Tail(Num r) { return r.isDouble() ? polynomial(r, coefficients::kExpF64) : polynomial(r, coefficients::kExpm1F32); }

Num expOfRemainder(Num r) { return mad(mad(expTail(r), r, 1), r, 1); }
/// 2^(n + offset), for results in the range of normal numbers.
Num powerOfTwo(Num shifted, int offset) {
  const Format &f = formatOf(shifted);
  return real((bits(shifted) << f.fraction) + (uint64_t(f.bias + offset) << f.fraction));
}

/// p * 2^n rounded once, up to infinity and down to denormals: the power is cut in two normal factors.
Num scale(Num p, Num shifted) {
  const Format &f = formatOf(p);
  Num exponent = bits(shifted) << f.fraction;
  Num bound = exponent.integer(-uint64_t(f.bias - 10) << f.fraction);
  Num first = select(exponent < bound, bound, exponent);
  Num low = real(first + (uint64_t(f.bias - 1) << f.fraction));
  Num high = real((exponent - first) + (uint64_t(f.bias + 1) << f.fraction));
  return p * low * high;
}

/// (exp(x) - 1) * 2^offset for x where 2^(n + offset) is normal, as (power - 2^offset + power * r) + power * tail: where the first two nearly cancel they
/// are exact. What r rounded off counts in the tail.
Num expm1Scaled(Num x, int offset) {
  Reduced reduced = reduceByLn2(x);
  Num power = powerOfTwo(reduced.shifted, offset);
  Num lost = mad(reduced.n, -formatOf(x).ln2Low, reduced.exact - reduced.r);
  Num tail = mad(expm1Tail(reduced.r), reduced.r * reduced.r, lost);
  return mad(power, tail, mad(power, reduced.r, power - std::ldexp(1.0, offset)));
}

/// x = 2^k * (1 + r), sqrt(1/2) <= 1 + r < sqrt(2), for normal positive x; `exponent` is k in the place of the exponent bits.
struct LogReduced {
  Num exponent, k, r;
};
constexpr uint64_t kSqrtHalf32 = 0x3f3504f3, kSqrtHalf64 = 0x3fe6a09e667f3bcd;
LogReduced reduceForLog(Num x) {
  const Format &f = formatOf(x);
  uint64_t half = x.isDouble() ? kSqrtHalf64 : kSqrtHalf32, mask = (uint64_t(1) << f.fraction) - 1;
  Num offset = bits(x) - half;
  Num m = real((offset & mask) + half);
  return {offset & ~mask, toFloat(offset >> f.fraction), m - 1};
}

/// log(1 + r) = r + logTail(r). f64: in s = r / (2 + r), as log(1 + r) = 2 atanh(s).
Num logTail(Num r) {
  Num square = r * r;
  if (!r.isDouble())
    return square * mad(polynomial(r, coefficients::kLogF32), r, -0.5);
  Num s = r / (r + 2), z = s * s, half = square * 0.5;
  return mad(s, mad(z, polynomial(z, coefficients::kAtanhF64), half), r.number(0) - half);
}

/// Zero, negative, infinite and NaN arguments of a logarithm whose value elsewhere is y.
Num logSpecial(Num x, Num zero, Num y) {
  y = select(x < kInf, y, x);
  y = select(zero == 0, y.number(-kInf), y);
  return select(zero < 0, y.number(kNaN), y);
}

/// k and log(1 + r) = r + tail of x, denormals included, and their sum with the wanted base.
template <typename Sum> Num logarithm(Num x, Sum sum) {
  const Format &f = formatOf(x);
  Num denormal = x < std::ldexp(1.0, 1 - f.bias);
  LogReduced reduced = reduceForLog(select(denormal, x * std::ldexp(1.0, f.fraction), x));
  Num k = reduced.k - select(denormal, x.number(f.fraction), x.number(0));
  return logSpecial(x, x, sum(k, reduced.r, logTail(reduced.r)));
}
/// log(x) / log(b) for 1 / log(b) = base + baseLow and log(2) / log(b) = high + low. The largest summands come last.
Num logarithmInBase(Num x, double high, double low, double base, double baseLow) {
  if (!x.isDouble()) {
    baseLow = base - static_cast<float>(base);
    base = static_cast<float>(base);
  }
  return logarithm(x, [&](Num k, Num r, Num tail) {
    Num small = mad(tail, base, mad(r, baseLow, k * low));
    return mad(r, base, mad(k, high, small));
  });
}
} // namespace

Num cell::expandExp(Num x) {
  const Format &f = formatOf(x);
  Reduced reduced = reduceByLn2(atLeast(atMost(x, f.expHigh), f.expLow));
  return scale(expOfRemainder(reduced.r), reduced.shifted);
}

Num cell::expOfModerate(Num x) {
  Reduced reduced = reduceByLn2(x);
  return expOfRemainder(reduced.r) * powerOfTwo(reduced.shifted, 0);
}

Num cell::expandExp2(Num x) {
  const Format &f = formatOf(x);
  Num limited = atLeast(atMost(x, f.bias + 2), -f.bias - f.fraction - 1);
  Num shifted = limited + f.shifter;
  Num r = limited - (shifted - f.shifter);
  return scale(expOfRemainder(r * M_LN2), shifted);
}

Num cell::expandExpm1(Num x) {
  const Format &f = formatOf(x);
  Num y = expm1Scaled(atLeast(atMost(x, f.expHigh), -f.fraction), -1);
  return select(abs(x) < f.tiny, x, y + y);
}

/// (E + E / (E + 1)) / 2 with E = exp(|x|) - 1, all a quarter as large against overflow.
Num cell::expandSinh(Num x) {
  Num quarter = expm1Scaled(atMost(abs(x), formatOf(x).coshHigh), -2);
  Num y = quarter + quarter / mad(quarter, 4, 1);
  return copySign(select(abs(x) < formatOf(x).tiny, abs(x), y + y), x);
}

/// (E + 1 / E) / 2 with E = exp(|x|), a quarter as large against overflow.
Num cell::expandCosh(Num x) {
  Reduced reduced = reduceByLn2(atMost(abs(x), formatOf(x).coshHigh));
  Num quarter = expOfRemainder(reduced.r) * powerOfTwo(reduced.shifted, -2);
  Num y = quarter + 0.0625 / quarter;
  return y + y;
}

/// E / (E + 2) with E = exp(2 |x|) - 1. What the sum d = E + 2 rounded off, `lost`, is made good in the quotient q, where 1 / d = (1 - q) / 2.
Num cell::expandTanh(Num x) {
  Num e = expm1Scaled(atMost(abs(x), x.isDouble() ? 20 : 10) * 2, 0);
  Num d = e + 2, lost = e - (d - 2), q = e / d;
  return copySign(atMost(mad(q * lost, mad(q, 0.5, -0.5), q), 1), x);
}

Num cell::expandLog(Num x) {
  const Format &f = formatOf(x);
  return logarithm(x, [&](Num k, Num r, Num tail) { return mad(k, f.ln2High, r + mad(k, f.ln2Low, tail)); });
}

Num cell::expandLog2(Num x) { return logarithmInBase(x, 1, 0, M_LOG2E, 0x1.777d0ffda0d24p-56); }

Num cell::expandLog10(Num x) {
  // log10(2) is cut as ln2 is.
  bool wide = x.isDouble();
  return logarithmInBase(x, wide ? 0x1.34413509p-2 : 0x1.344p-2, wide ? 0x1.ef3fde623e256p-35 : 0x1.3509f79fef312p-18, M_LOG10E, 0x1.95355baaafad3p-57);
}

/// 1 + x = 2^k * (1 + r) with k from the rounded sum and r = x / 2^k + (1 / 2^k - 1), which rounds once.
Num cell::expandLog1p(Num x) {
  const Format &f = formatOf(x);
  Num sum = x + 1;
  LogReduced reduced = reduceForLog(sum);
  Num power = bits(x.number(1)) - reduced.exponent;
  Num scaled = real(bits(x) - reduced.exponent);
  Num r = scaled + (real(select(power < 0, power.integer(0), power)) - 1);
  Num y = mad(reduced.k, f.ln2High, r + mad(reduced.k, f.ln2Low, logTail(r)));
  return logSpecial(x, sum, select(abs(x) < f.tiny, x, y));
}
