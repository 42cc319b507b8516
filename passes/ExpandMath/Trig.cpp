//===- Trig.cpp - sin, cos, tan ---------------------------------------------===//
#include "passes/ExpandMath/Coefficients.h"
#include "passes/ExpandMath/Num.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// |x| = quadrant * pi / 2 + r (the quadrant modulo 4), and what makes an infinite x a NaN.
struct Quadrant {
  Num n, r;
};

/// f32, every finite x (after Payne and Hanek 1983): |x| = M * 2^(e - 23) with M < 2^24, and the 96 bits of 1 / (2 pi) that begin at place e - 22 behind the
/// point decide the fraction of a turn, modulo 1, to 2^-64. Two shifts find them, two multiplications give the fraction as an integer. Below 1, r is |x|.
Quadrant reduceF32(Num x) {
  // 23 zero bits, then 1 / (2 pi) behind the point.
  constexpr uint64_t kTurn[] = {0x000000517cc1b727, 0x220a94fe13abe8fa, 0x9a6ee06db14acc9e, 0x21c820ff28b1d5ef};
  Num positive = abs(x), word = bits(positive);
  Num place = extendUnsigned(shiftRight(word, 23)) - 127;
  Num mantissa = extendUnsigned((word & 0x7fffff) | 0x800000);
  Num far = place > 63, shift = place & 63, back = shift ^ 63;
  auto pick = [&](int i) { return select(far, place.integer(kTurn[i + 1]), place.integer(kTurn[i])); };
  Num first = pick(0), second = pick(1), third = pick(2);
  auto window = [&](Num a, Num b) { return (a << shift) | shiftRight(shiftRight(b, 1), back); };
  Num turn = mantissa * window(first, second) + shiftRight(mantissa * shiftRight(window(second, third), 32), 32);
  Num n = truncInt(shiftRight(turn + (uint64_t(1) << 61), 62));
  Num r = truncFloat(toFloat(turn << 2) * 0x1.921fb54442d18p-64);
  Num below = positive < 1;
  return {select(below, n.integer(0), n), mad(positive, 0, select(below, positive, r))};
}

Num sinOfRemainder(Num r, Num z) { return mad(r * z, polynomial(z, coefficients::kSinF32), r); }
Num cosOfRemainder(Num z) { return mad(z * z, polynomial(z, coefficients::kCosF32), mad(z, -0.5, 1)); }

/// sin(n * pi / 2 + r); n and the sign of `sign` decide the sign.
Num sinOfQuadrant(Num n, Num r, Num signBits) {
  Num z = r * r;
  Num value = select((n & 1) != 0, cosOfRemainder(z), sinOfRemainder(r, z));
  return real(bits(value) ^ (((n & 2) << 30) ^ signBits));
}
} // namespace

Num cell::expandSin(Num x) {
  Quadrant q = reduceF32(x);
  return sinOfQuadrant(q.n, q.r, bits(x) & 0x80000000u);
}

Num cell::expandCos(Num x) {
  Quadrant q = reduceF32(x);
  return sinOfQuadrant(q.n + 1, q.r, q.n.integer(0));
}

Num cell::expandTan(Num x) {
  Quadrant q = reduceF32(x);
  Num z = q.r * q.r, sine = sinOfRemainder(q.r, z), cosine = cosOfRemainder(z);
  Num odd = (q.n & 1) != 0;
  Num quotient = select(odd, cosine, sine) / select(odd, sine, cosine);
  return real(bits(quotient) ^ ((q.n << 31) ^ (bits(x) & 0x80000000u)));
}
