//===- conv_direct.cpp - choice of the direct convolution of this machine -===//
#include "runtime/cpu/conv_direct.h"

namespace cellgrad {
#define CG_DECLARE(ISA)                                                                                                     \
  namespace ISA {                                                                                                           \
  extern const DirectRoutines<float> routines32;                                                                            \
  extern const DirectRoutines<double> routines64;                                                                           \
  }
CG_DECLARE(isa_base)
#ifdef CG_X86_LEVELS
CG_DECLARE(isa_v3)
CG_DECLARE(isa_v4)
#endif
} // namespace cellgrad

using namespace cellgrad;

namespace {
struct Choice {
  const DirectRoutines<float> *f32 = &isa_base::routines32;
  const DirectRoutines<double> *f64 = &isa_base::routines64;

  Choice() {
#ifdef CG_X86_LEVELS
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v4")) {
      f32 = &isa_v4::routines32;
      f64 = &isa_v4::routines64;
    } else if (__builtin_cpu_supports("x86-64-v3")) {
      f32 = &isa_v3::routines32;
      f64 = &isa_v3::routines64;
    }
#endif
  }
};

const Choice &choice() {
  static const Choice value;
  return value;
}
} // namespace

template <>
const DirectRoutines<float> &cellgrad::directRoutines<float>() { return *choice().f32; }
template <>
const DirectRoutines<double> &cellgrad::directRoutines<double>() { return *choice().f64; }
