//===- cast.cpp - from one element type to another ---------------------------===//
#include "runtime/ascend_sim/elements.h"

#include <cmath>

namespace cellgrad::ascend {

/// `x` in the type, rounded: the neighbours in a type are the neighbours of its bits.
void writeFloat(int type, char *at, double x, int rounding) {
  auto put = [&](auto bits, auto toType, auto fromType) {
    using B = decltype(bits);
    B near = toType(x);
    double back = double(fromType(near));
    if (rounding != CG_ASCEND_RINT && back == back && back != x) {
      B sign = B(B(1) << (sizeof(B) * 8 - 1));
      auto towardsZero = [&](B b) { return B(b - 1); };
      // Downwards in magnitude where the nearest is too large; upwards is the next bit pattern.
      bool tooLarge = std::fabs(back) > std::fabs(x);
      B below = tooLarge ? towardsZero(near) : near, above = tooLarge ? near : (near & B(~sign)) ? B(near + 1) : B((std::signbit(x) ? sign : 0) | 1);
      bool up = false; // in magnitude
      double low = double(fromType(below)), high = double(fromType(above));
      switch (rounding) {
      case CG_ASCEND_ROUND: {
        double next = std::isinf(high) ? 2 * std::fabs(low) - std::fabs(double(fromType(towardsZero(below)))) : std::fabs(high); // as if exponents went on
        up = next - std::fabs(x) <= std::fabs(x) - std::fabs(low);
        break;
      }
      case CG_ASCEND_FLOOR: up = x < 0; break;
      case CG_ASCEND_CEIL: up = x > 0; break;
      default: break;
      }
      near = up ? above : below;
    }
    memcpy(at, &near, sizeof near);
  };
  if (type == CG_ASCEND_F16)
    put(uint16_t(), [](double v) { return toHalf(narrowToOdd(v)); }, fromHalf);
  else if (type == CG_ASCEND_BF16)
    put(uint16_t(), [](double v) { return toBfloat(narrowToOdd(v)); }, fromBfloat);
  else
    put(uint32_t(), [](double v) { return bitsOf<uint32_t>(float(v)); }, [](uint32_t b) { return bitsOf<float>(b); });
}

namespace {
double roundWhole(double x, int rounding) {
  switch (rounding) {
  case CG_ASCEND_RINT: return std::nearbyint(x);
  case CG_ASCEND_ROUND: return std::round(x);
  case CG_ASCEND_FLOOR: return std::floor(x);
  case CG_ASCEND_CEIL: return std::ceil(x);
  default: return std::trunc(x);
  }
}

/// `whole` rounded to odd in 53 bits: rounded again in any narrower type and direction, it is as if rounded once.
double wholeToOdd(int64_t whole) {
  uint64_t magnitude = whole < 0 ? 0 - uint64_t(whole) : uint64_t(whole);
  int shift = magnitude >> 53 ? 11 - __builtin_clzll(magnitude) : 0;
  uint64_t top = magnitude >> shift;
  double value = std::ldexp(double(top | ((top << shift) != magnitude)), shift);
  return whole < 0 ? -value : value;
}

double readNumber(int type, const char *at) {
  switch (type) {
  case CG_ASCEND_F16: return fromHalf(*reinterpret_cast<const uint16_t *>(at));
  case CG_ASCEND_BF16: return fromBfloat(*reinterpret_cast<const uint16_t *>(at));
  case CG_ASCEND_F32: return *reinterpret_cast<const float *>(at);
  case CG_ASCEND_F64: return *reinterpret_cast<const double *>(at);
  default: {
    int64_t whole;
    widen<int64_t>(type, at, 1, &whole, 1);
    return wholeToOdd(whole);
  }
  }
}

int64_t clampWhole(int type, double x) {
  double top = std::ldexp(1.0, type == CG_ASCEND_I1 ? 1 : int(elementBytes(type) * 8 - 1));
  if (x != x)
    return 0;
  if (x >= top)
    return type == CG_ASCEND_I1 ? 1 : type == CG_ASCEND_I64 ? INT64_MAX : int64_t(top) - 1;
  return x < -top ? (type == CG_ASCEND_I64 ? INT64_MIN : -int64_t(top)) : int64_t(x);
}
} // namespace

void executeCast(const Operand &source, const Operand &out, int rounding) {
  int from = source.info->type, to = out.info->type;
  Operand operands[] = {source, out};
  bool halves = from == CG_ASCEND_F16 || from == CG_ASCEND_BF16, toHalves = to == CG_ASCEND_F16 || to == CG_ASCEND_BF16;
  if ((halves && to == CG_ASCEND_F32) || (from == CG_ASCEND_F32 && toHalves && rounding == CG_ASCEND_RINT))
    return elementwise<float>(operands, [](const float *const *in, float *result, int64_t n) { std::copy(in[0], in[0] + n, result); });
  if (!isFloat(from) && !isFloat(to))
    return elementwise<int64_t>(operands, [](const int64_t *const *in, int64_t *result, int64_t n) { std::copy(in[0], in[0] + n, result); });
  Loops<2> loops(operands);
  loops.eachRow([&](char *const *at) {
    for (int64_t i = 0; i < loops.inner(); ++i) {
      double x = readNumber(from, at[0] + i * loops.innerStep(0));
      char *place = at[1] + i * loops.innerStep(1);
      if (!isFloat(to)) {
        int64_t whole = clampWhole(to, roundWhole(x, rounding));
        narrow<int64_t>(to, &whole, place, 1, 1);
      } else {
        writeFloat(to, place, from == to ? roundWhole(x, rounding) : x, from == to ? int(CG_ASCEND_RINT) : rounding);
      }
    }
  });
}

} // namespace cellgrad::ascend
