//===- halves.h - 16-bit floats as bits, rounded to nearest, ties to even --===//
#ifndef CELLGRAD_RUNTIME_CPU_HALVES_H
#define CELLGRAD_RUNTIME_CPU_HALVES_H

#include <cstdint>
#include <cstring>

namespace cellgrad {

template <typename To, typename From>
inline To bitsOf(From value) {
  static_assert(sizeof(To) == sizeof(From));
  To bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// Rounds to odd: what is inexact gets a last bit of 1, so that a second rounding to fewer bits is the right one.
inline float narrowToOdd(double value) {
  float near = static_cast<float>(value);
  if (near != near || static_cast<double>(near) == value)
    return near;
  uint32_t bits = bitsOf<uint32_t>(near);
  if (__builtin_fabs(near) > __builtin_fabs(value))
    --bits;
  return bitsOf<float>(bits | 1);
}

inline uint16_t toBfloat(float value) {
  uint32_t bits = bitsOf<uint32_t>(value);
  if (value != value)
    return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline float fromBfloat(uint16_t bits) { return bitsOf<float>(uint32_t(bits) << 16); }

inline uint16_t toHalf(float value) {
  uint32_t bits = bitsOf<uint32_t>(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000)
    return static_cast<uint16_t>(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
  if (magnitude >= 0x477ff000) // beyond the largest half and half a step
    return static_cast<uint16_t>(sign | 0x7c00);
  if (magnitude < 0x38800000) // no normal half: adding 0.5 leaves its steps of 2^-24 in the last bits
    return static_cast<uint16_t>(sign | (bitsOf<uint32_t>(bitsOf<float>(magnitude) + 0.5f) - 0x3f000000));
  return static_cast<uint16_t>(sign | ((magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13));
}

inline float fromHalf(uint16_t half) {
  uint32_t sign = uint32_t(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
  uint32_t magnitude = exponent == 31  ? 0x7f800000 | fraction << 13 | (fraction ? 0x400000 : 0)
                       : exponent != 0 ? (exponent + 112) << 23 | fraction << 13
                                       : bitsOf<uint32_t>(fraction * 0x1p-24f);
  return bitsOf<float>(sign | magnitude);
}

} // namespace cellgrad

#ifdef __x86_64__
/// What LLVM calls to convert 16-bit floats, which are passed in vector registers (halves.cpp).
extern "C" {
float __truncsfbf2(float);
float __truncdfbf2(double);
float __truncsfhf2(float);
float __truncdfhf2(double);
float __extendhfsf2(float);
}
#define CG_EACH_HALF_CONVERSION(F) F(__truncsfbf2) F(__truncdfbf2) F(__truncsfhf2) F(__truncdfhf2) F(__extendhfsf2)
#else
#define CG_EACH_HALF_CONVERSION(F)
#endif

#endif // CELLGRAD_RUNTIME_CPU_HALVES_H
