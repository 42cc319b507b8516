//===- gemm.cpp - matrix products -----------------------------------------===//
// OpenBLAS computes each piece on one thread; the pieces are ours, so that products and generated loops share one team of threads.
#include "runtime/cpu/gemm.h"

#include "runtime/cpu/cellgrad_cpu.h"
#include "runtime/cpu/threads.h"

#include <algorithm>
#include <cblas.h>
#include <cmath>

namespace {
/// Multiply-adds from which a second thread pays.
constexpr double kThreadWork = 400e3;

void useOneBlasThread() {
  static const bool done = (scipy_openblas_set_num_threads(1), true);
  (void)done;
}

void blas(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, blasint m, blasint n, blasint k, float alpha, const float *a, blasint lda,
          const float *b, blasint ldb, float beta, float *c, blasint ldc) {
  scipy_cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void blas(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, blasint m, blasint n, blasint k, double alpha, const double *a, blasint lda,
          const double *b, blasint ldb, double beta, double *c, blasint ldc) {
  scipy_cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

/// An empty sum: c = beta * c.
template <typename T>
void scale(int64_t m, int64_t n, T beta, T *c, int64_t ldc) {
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j)
      c[i * ldc + j] = beta == T(0) ? T(0) : beta * c[i * ldc + j];
}

template <typename T>
void gemm(int64_t transA, int64_t transB, int64_t m, int64_t n, int64_t k, T alpha, const T *a, int64_t lda, const T *b, int64_t ldb,
          T beta, T *c, int64_t ldc) {
  if (m <= 0 || n <= 0)
    return;
  double work = double(m) * double(n) * double(std::max<int64_t>(k, 1));
  int threads = work < kThreadWork ? 1 : int(std::min<double>(cellgrad::availableThreads(), work / (kThreadWork / 2)));
  // Cut the longer side into equal pieces of whole register tiles.
  bool rows = m >= n;
  int64_t side = rows ? m : n, tile = 16;
  int64_t piece = ((side + threads - 1) / threads + tile - 1) / tile * tile;
  threads = int((side + piece - 1) / piece);
  cellgrad::parallelPieces(threads, [&](int t) {
    int64_t from = t * piece, count = std::min(piece, side - from);
    if (rows)
      cellgrad::gemmHere<T>(transA, transB, count, n, k, alpha, a + (transA ? from : from * lda), lda, b, ldb, beta, c + from * ldc, ldc);
    else
      cellgrad::gemmHere<T>(transA, transB, m, count, k, alpha, a, lda, b + (transB ? from * ldb : from), ldb, beta, c + from, ldc);
  });
}

template <typename T>
void gemmBatch(int64_t batch, int64_t transA, int64_t transB, int64_t m, int64_t n, int64_t k, T alpha, const T *a, int64_t lda,
               int64_t strideA, const T *b, int64_t ldb, int64_t strideB, T beta, T *c, int64_t ldc, int64_t strideC) {
  double work = double(m) * double(n) * double(std::max<int64_t>(k, 1));
  int threads = cellgrad::availableThreads();
  // Few and large products are cut themselves; otherwise every thread takes whole products.
  if (batch < threads && work >= kThreadWork) {
    for (int64_t i = 0; i < batch; ++i)
      gemm<T>(transA, transB, m, n, k, alpha, a + i * strideA, lda, b + i * strideB, ldb, beta, c + i * strideC, ldc);
    return;
  }
  threads = int(std::min<double>({double(threads), double(batch), std::max(1.0, batch * work / (kThreadWork / 2))}));
  cellgrad::parallelPieces(threads, [&](int t) {
    for (int64_t i = batch * t / threads, e = batch * (t + 1) / threads; i < e; ++i)
      cellgrad::gemmHere<T>(transA, transB, m, n, k, alpha, a + i * strideA, lda, b + i * strideB, ldb, beta, c + i * strideC, ldc);
  });
}
} // namespace

template <typename T>
void cellgrad::gemmHere(bool transA, bool transB, int64_t m, int64_t n, int64_t k, T alpha, const T *a, int64_t lda, const T *b,
                        int64_t ldb, T beta, T *c, int64_t ldc) {
  if (m <= 0 || n <= 0)
    return;
  if (k <= 0)
    return scale(m, n, beta, c, ldc);
  useOneBlasThread();
  // One row or column has no second dimension to step through, but the library checks its leading dimension.
  lda = std::max<int64_t>(lda, transA ? m : k);
  ldb = std::max<int64_t>(ldb, transB ? k : n);
  ldc = std::max<int64_t>(ldc, n);
  blas(transA ? CblasTrans : CblasNoTrans, transB ? CblasTrans : CblasNoTrans, blasint(m), blasint(n), blasint(k), alpha, a, blasint(lda), b,
       blasint(ldb), beta, c, blasint(ldc));
}

template void cellgrad::gemmHere<float>(bool, bool, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *, int64_t, float, float *, int64_t);
template void cellgrad::gemmHere<double>(bool, bool, int64_t, int64_t, int64_t, double, const double *, int64_t, const double *, int64_t, double, double *, int64_t);

#define CG_GEMM(SUFFIX, T)                                                                                                      \
  void cg_gemm_##SUFFIX(int64_t ta, int64_t tb, int64_t m, int64_t n, int64_t k, T alpha, const T *a, int64_t lda, const T *b,  \
                        int64_t ldb, T beta, T *c, int64_t ldc) {                                                               \
    gemm<T>(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);                                                              \
  }                                                                                                                             \
  void cg_gemm_batch_##SUFFIX(int64_t batch, int64_t ta, int64_t tb, int64_t m, int64_t n, int64_t k, T alpha, const T *a,      \
                              int64_t lda, int64_t sa, const T *b, int64_t ldb, int64_t sb, T beta, T *c, int64_t ldc,          \
                              int64_t sc) {                                                                                     \
    gemmBatch<T>(batch, ta, tb, m, n, k, alpha, a, lda, sa, b, ldb, sb, beta, c, ldc, sc);                                      \
  }
CG_GEMM(f32, float)
CG_GEMM(f64, double)
