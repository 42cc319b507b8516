//===- imports.cpp - the functions that programs may call ------------------===//
// A list and not the process's symbols: code that asks for anything else is refused before it is mapped.
#include "runtime/program/imports.h"

#include "runtime/cpu/cellgrad_cpu.h"

#include <cmath>
#include <cstring>

extern "C" {
float __truncsfbf2(float);
float __truncdfbf2(double);
float __truncsfhf2(float);
float __truncdfhf2(double);
float __extendhfsf2(float);
// Since glibc 2.25, hidden in strict C++.
double roundeven(double) noexcept;
float roundevenf(float) noexcept;
}

#define EACH_RUNTIME(F)                                                                                                            \
  F(cg_parallel_for) F(cg_gemm_f32) F(cg_gemm_f64) F(cg_gemm_batch_f32) F(cg_gemm_batch_f64) F(cg_conv2d_f32) F(cg_conv2d_f64)      \
  F(cg_conv2d_dx_f32) F(cg_conv2d_dx_f64) F(cg_conv2d_dw_f32) F(cg_conv2d_dw_f64) F(cg_maxpool2d_f32) F(cg_maxpool2d_f64)           \
  F(cg_maxpool2d_dx_f32) F(cg_maxpool2d_dx_f64) F(cg_avgpool2d_f32) F(cg_avgpool2d_f64) F(cg_avgpool2d_dx_f32)                      \
  F(cg_avgpool2d_dx_f64) F(cg_scatter_add_f32) F(cg_scatter_add_f64) F(cg_scatter_add_i32) F(cg_scatter_add_i64) F(cg_run) F(cg_fail) F(cg_take_failure) F(cg_tape_create)      \
  F(cg_tape_push) F(cg_tape_pop) F(cg_tape_free) F(cg_print) F(cg_set_print_handler) F(memcpy) F(memmove) F(memset) F(memcmp)       \
  F(__truncsfbf2) F(__truncdfbf2) F(__truncsfhf2) F(__truncdfhf2) F(__extendhfsf2)

#define EACH_MATH(F)                                                                                                               \
  F(sin) F(cos) F(tan) F(asin) F(acos) F(atan) F(sinh) F(cosh) F(tanh) F(asinh) F(acosh) F(atanh) F(exp) F(exp2) F(expm1) F(log)     \
  F(log2) F(log10) F(log1p) F(sqrt) F(cbrt) F(floor) F(ceil) F(trunc) F(round) F(rint) F(nearbyint) F(roundeven) F(fabs) F(erf)      \
  F(erfc) F(tgamma) F(lgamma)
#define EACH_MATH2(F) F(atan2) F(pow) F(hypot) F(fmod) F(remainder) F(fmin) F(fmax) F(copysign)

namespace cellgrad::program {

namespace {
struct Import {
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

#define RUNTIME(NAME) {#NAME, address(&::NAME)},
#define MATH(NAME) {#NAME, address(static_cast<Unary>(::NAME))}, {#NAME "f", address(static_cast<UnaryFloat>(::NAME##f))},
#define MATH2(NAME) {#NAME, address(static_cast<Binary>(::NAME))}, {#NAME "f", address(static_cast<BinaryFloat>(::NAME##f))},
const Import kImports[] = {EACH_RUNTIME(RUNTIME) EACH_MATH(MATH) EACH_MATH2(MATH2){"fma", address(static_cast<double (*)(double, double, double)>(::fma))},
                           {"fmaf", address(static_cast<float (*)(float, float, float)>(::fmaf))}};
} // namespace

void *import(const char *name) {
  for (const Import &known : kImports)
    if (!strcmp(known.name, name))
      return known.address;
  return nullptr;
}

} // namespace cellgrad::program
