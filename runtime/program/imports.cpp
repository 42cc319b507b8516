//===- imports.cpp - the functions that programs may call ------------------===//
// A list and not the process's symbols: code that asks for anything else is refused before it is mapped.
#include "runtime/program/imports.h"

#include "runtime/cpu/cellgrad_cpu.h"
#include "runtime/cpu/halves.h"
#include "runtime/loader/mathematics.h"

#include <cstring>

#define EACH_RUNTIME(F)                                                                                                            \
  F(cg_parallel_for) F(cg_gemm_f32) F(cg_gemm_f64) F(cg_gemm_batch_f32) F(cg_gemm_batch_f64) F(cg_conv2d_f32) F(cg_conv2d_f64)      \
  F(cg_conv2d_dx_f32) F(cg_conv2d_dx_f64) F(cg_conv2d_dw_f32) F(cg_conv2d_dw_f64) F(cg_maxpool2d_f32) F(cg_maxpool2d_f64)           \
  F(cg_maxpool2d_dx_f32) F(cg_maxpool2d_dx_f64) F(cg_avgpool2d_f32) F(cg_avgpool2d_f64) F(cg_avgpool2d_dx_f32)                      \
  F(cg_avgpool2d_dx_f64) F(cg_scatter_add_f32) F(cg_scatter_add_f64) F(cg_scatter_add_i32) F(cg_scatter_add_i64) F(cg_run) F(cg_fail) F(cg_take_failure) F(cg_tape_create)      \
  F(cg_tape_push) F(cg_tape_pop) F(cg_tape_free) F(cg_print) F(cg_set_print_handler)       \
  CG_EACH_HALF_CONVERSION(F)

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

#define RUNTIME(NAME) {#NAME, address(&::NAME)},
const Import kImports[] = {EACH_RUNTIME(RUNTIME)};
} // namespace

void *import(const char *name) {
  for (const Import &known : kImports)
    if (!strcmp(known.name, name))
      return known.address;
  return loader::mathematics(name);
}

} // namespace cellgrad::program
