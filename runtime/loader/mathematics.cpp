//===- mathematics.cpp - functions of the C library that objects may call --===//
#include "runtime/loader/mathematics.h"

#include <cmath>
#include <cstring>

extern "C" {
// Since glibc 2.25, hidden in strict C++.
double roundeven(double) noexcept;
float roundevenf(float) noexcept;
}

#define EACH_MATH(F)                                                                                                               \
  F(sin) F(cos) F(tan) F(asin) F(acos) F(atan) F(sinh) F(cosh) F(tanh) F(asinh) F(acosh) F(atanh) F(exp) F(exp2) F(expm1) F(log)     \
  F(log2) F(log10) F(log1p) F(sqrt) F(cbrt) F(floor) F(ceil) F(trunc) F(round) F(rint) F(nearbyint) F(roundeven) F(fabs) F(erf)      \
  F(erfc) F(tgamma) F(lgamma)
#define EACH_MATH2(F) F(atan2) F(pow) F(hypot) F(fmod) F(remainder) F(fmin) F(fmax) F(copysign)

namespace cellgrad::loader {

namespace {
struct Known {
  const char *name;
  void *address;
};
template <typename T>
void *address(T *function) {
  return reinterpret_cast<void *>(function);
}

using Unary = double (*)(double);
using UnaryFloat = float (*)(float);
using Binary = double (*)(double, double);
using BinaryFloat = float (*)(float, float);

#define MEMORY(NAME) {#NAME, address(&::NAME)},
#define MATH(NAME) {#NAME, address(static_cast<Unary>(::NAME))}, {#NAME "f", address(static_cast<UnaryFloat>(::NAME##f))},
#define MATH2(NAME) {#NAME, address(static_cast<Binary>(::NAME))}, {#NAME "f", address(static_cast<BinaryFloat>(::NAME##f))},
const Known kFunctions[] = {MEMORY(memcpy) MEMORY(memmove) MEMORY(memset) MEMORY(memcmp) EACH_MATH(MATH) EACH_MATH2(MATH2){"fma", address(static_cast<double (*)(double, double, double)>(::fma))},
                            {"fmaf", address(static_cast<float (*)(float, float, float)>(::fmaf))}};
} // namespace

void *mathematics(const char *name) {
  for (const Known &known : kFunctions)
    if (!strcmp(known.name, name))
      return known.address;
  return nullptr;
}

} // namespace cellgrad::loader
