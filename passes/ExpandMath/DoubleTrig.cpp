//===- DoubleTrig.cpp - sin, cos, tan in f64 --------------------------------===//
#include "passes/ExpandMath/Coefficients.h"
#include "passes/ExpandMath/Double.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// |x| = n * pi / 2 + r + low, n modulo 4 in the last bits.
struct LongQuadrant {
  Num n, r, low;
};

constexpr double kHalfPi = 0x1.921fb54442d18p+0, kHalfPiMiddle = 0x1.1a62633145c07p-54, kHalfPiLow = -0x1.f1976b7ed8fbcp-110;
/// From here on an arc has so many turns that their number loses what the remainder needs.
constexpr double kFar = 0x1p20;

/// Up to kFar: pi / 2 in three parts (Cody and Waite 1980); the first product is exact by fma.
LongQuadrant reduceNear(Num x) {
  constexpr double kShifter = 0x1.8p52;
  Num shifted = mad(x, 0x1.45f306dc9c883p-1, kShifter), minus = kShifter - shifted;
  Num first = mad(minus, kHalfPi, x), r = mad(minus, kHalfPiMiddle, first);
  return {bits(shifted), r, mad(minus, kHalfPiLow, mad(minus, kHalfPiMiddle, first - r))};
}

/// The low and the high 64 bits of a product.
std::pair<Num, Num> multiplyWide(Num a, Num b) {
  Emitter &e = *a.emitter;
  auto product = arith::MulUIExtendedOp::create(e.builder, e.loc, a.value, b.value);
  return {Num{&e, product.getLow()}, Num{&e, product.getHigh()}};
}

/// Every finite x above 1 (after Payne and Hanek 1983): |x| = M * 2^(e - 52), and the 192 bits of 1 / (2 pi) that begin at place e - 51 behind the point
/// decide the fraction of a turn to 2^-139.
LongQuadrant reduceFar(Num x) {
  // 64 zero bits, then 1 / (2 pi) behind the point.
  constexpr uint64_t kTurn[] = {
      0x0000000000000000, 0x28be60db9391054a, 0x7f09d5f47d4d3770, 0x36d8a5664f10e410, 0x7f9458eaf7aef158, 0x6dc91b8e909374b8, 0x01924bba82746487, 0x3f877ac72c4a69cf, 0xba208d7d4baed121, 0x3a671c09ad17df90, 0x4e64758e60d4ce7d, 0x272117e2ef7e4a0e, 0xc7fe25fff7816603, 0xfbcbc462d6829b47, 0xdb4d9fb3c9f2c26d, 0xd3d18fd9a797fa8b, 0x5d49eeb1faf97c5e, 0xcf41ce7de294a4ba, 0x9afed7ec47e35742, 0x1580cc11bf1edaea};
  Num word = bits(x), place = shiftRight(word, 52) - (1023 - 12);
  Num mantissa = (word & ((uint64_t(1) << 52) - 1)) | (uint64_t(1) << 52);
  // The four words from place / 64 on, by halves.
  SmallVector<Num> words;
  for (uint64_t w : kTurn)
    words.push_back(place.integer(w));
  for (int bit = 4; bit >= 0; --bit) {
    int step = 1 << bit;
    size_t needed = 4 + step - 1;
    Num on = (place & (uint64_t(step) << 6)) != 0;
    for (size_t i = 0; i < std::min(needed, words.size()); ++i)
      if (i + step < words.size())
        words[i] = select(on, words[i + step], words[i]);
    words.resize(std::min(needed, words.size()), words[0]);
  }
  Num shift = place & 63, back = shift ^ 63;
  auto window = [&](int i) { return (words[i] << shift) | shiftRight(shiftRight(words[i + 1], 1), back); };
  auto [low1, high1] = multiplyWide(mantissa, window(1));
  Num high2 = multiplyWide(mantissa, window(2)).second;
  Num low = low1 + high2;
  constexpr uint64_t kTop = uint64_t(1) << 63;
  Num carry = select((low ^ kTop) < (low1 ^ kTop), low.integer(1), low.integer(0));
  Num high = mantissa * window(0) + high1 + carry; // the first 64 bits of the fraction of a turn
  Num n = shiftRight(high + (uint64_t(1) << 61), 62);
  // What is left, in quarter turns times 2^64, as a sum of exact numbers.
  Num rest = (high << 2) | shiftRight(low, 62);
  Num upper = toFloat(rest >> 32) * 0x1p32, lower = toFloat(rest & 0xffffffff), sum = upper + lower, below = low << 2;
  Num half = toFloat(shiftRight(below, 32)) * 0x1p-32, value = sum + half;
  Num tail = sum - value + half + (upper - sum + lower + toFloat(below & 0xffffffff) * 0x1p-64);
  Num whole = value + tail;
  tail = value - whole + tail;
  value = whole;
  constexpr double kUnit = kHalfPi * 0x1p-64, kUnitLow = kHalfPiMiddle * 0x1p-64;
  Num r = value * kUnit;
  Num lost = mad(value, x.number(kUnit), x.number(0) - r) + mad(value, kUnitLow, tail * kUnit);
  return {n, r, lost};
}

/// A branch, which the arcs of most programs never take.
LongQuadrant reduce(Num x) {
  Emitter &e = *x.emitter;
  LongQuadrant near = reduceNear(x);
  Value far = (x > kFar).value;
  if (isa<VectorType>(far.getType()))
    far = vector::ReductionOp::create(e.builder, e.loc, vector::CombiningKind::OR, far);
  auto branch = scf::IfOp::create(
      e.builder, e.loc, far,
      [&](OpBuilder &builder, Location loc) {
        Emitter inner{builder, loc, e.fma};
        Num own{&inner, x.value};
        LongQuadrant q = reduceFar(own);
        Num is = own > kFar;
        auto pick = [&](Num a, Num b) { return select(is, a, Num{&inner, b.value}).value; };
        scf::YieldOp::create(builder, loc, ValueRange{pick(q.n, near.n), pick(q.r, near.r), pick(q.low, near.low)});
      },
      [&](OpBuilder &builder, Location loc) { scf::YieldOp::create(builder, loc, ValueRange{near.n.value, near.r.value, near.low.value}); });
  auto result = [&](unsigned i) { return Num{&e, branch.getResult(i)}; };
  // An infinite arc has no place on the circle.
  return {result(0), mad(x, 0, result(1)), result(2)};
}

/// sin(r + low) and cos(r + low) for |r| <= pi / 4.
Num sine(const LongQuadrant &q) {
  Num z = q.r * q.r;
  Num correction = mad(z, -0.5, 1) * q.low;
  return q.r + mad(q.r * z, polynomial(z, coefficients::kSinF64), correction);
}
Num cosine(const LongQuadrant &q) {
  Num z = q.r * q.r, half = z * 0.5, head = 1.0 - half;
  Num lost = 1.0 - head - half;
  return head + (mad(z * z, polynomial(z, coefficients::kCosF64), lost) - q.r * q.low);
}

/// sin(n * pi / 2 + r); n and the sign of `signBits` decide the sign.
Num sinOfQuadrant(const LongQuadrant &q, Num n, Num signBits) {
  Num value = select((n & 1) != 0, cosine(q), sine(q));
  return real(bits(value) ^ (((n & 2) << 62) ^ signBits));
}
Num signOf(Num x) { return bits(x) & (uint64_t(1) << 63); }
} // namespace

Num cell::doubleSin(Num x) {
  LongQuadrant q = reduce(abs(x));
  Num value = sinOfQuadrant(q, q.n, signOf(x));
  return select(x == 0, x, value); // the sign of zero
}

Num cell::doubleCos(Num x) {
  LongQuadrant q = reduce(abs(x));
  return sinOfQuadrant(q, q.n + 1, q.n.integer(0));
}

Num cell::doubleTan(Num x) {
  LongQuadrant q = reduce(abs(x));
  Num s = sine(q), c = cosine(q), odd = (q.n & 1) != 0;
  Num quotient = select(odd, c, s) / select(odd, s, c);
  return select(x == 0, x, real(bits(quotient) ^ ((q.n << 63) ^ signOf(x))));
}
