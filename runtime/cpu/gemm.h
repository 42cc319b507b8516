//===- gemm.h - matrix products for the other routines --------------------===//
#ifndef CELLGRAD_RUNTIME_CPU_GEMM_H
#define CELLGRAD_RUNTIME_CPU_GEMM_H

#include <cstdint>

namespace cellgrad {

/// One matrix product on this thread only; the arguments of cg_gemm.
template <typename T>
void gemmHere(bool transA, bool transB, int64_t m, int64_t n, int64_t k, T alpha, const T *a, int64_t lda, const T *b,
              int64_t ldb, T beta, T *c, int64_t ldc);

} // namespace cellgrad

#endif // CELLGRAD_RUNTIME_CPU_GEMM_H
