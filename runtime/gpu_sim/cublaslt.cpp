//===- cublaslt.cpp - cuBLASLt's functions on this processor --------------===//
// Stands in for the library where the simulator is the driver: takes the descriptors, checks what a call hands over, and computes the product in double. Sums
// are rounded once, so results differ from a kernel's in the last bits, as those of the real library do.
#include "runtime/gpu_sim/library.h"

#define CG_CUBLASLT_IMPLEMENTATION
#include "runtime/gpu/cublaslt.h"

#include <algorithm>

using namespace cellgrad::sim;

struct cublasLtContext {};
struct cg_lt_product {
  int computeType, scaleType;
  int32_t transA = CUBLAS_OP_N, transB = CUBLAS_OP_N, epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const void *bias = nullptr;
};
struct cg_lt_matrix {
  int type;
  int64_t rows, columns, ld;
  int32_t batches = 1;
  int64_t step = 0;
};
struct cg_lt_preference {
  size_t workspace = 0;
  uint32_t alignment[4] = {256, 256, 256, 256};
};

namespace {
constexpr size_t kWorkspace = 4096; // what the one algorithm says that it needs
constexpr uint64_t kMark = 0x5eed;  // in the algorithm

template <typename T> cublasStatus_t take(T &field, const void *value, size_t bytes) {
  if (bytes != sizeof(T) || !value)
    return CUBLAS_STATUS_INVALID_VALUE;
  memcpy(&field, value, bytes);
  return CUBLAS_STATUS_SUCCESS;
}
Element elementOf(int type) { return type == CUDA_R_64F ? Element::F64 : type == CUDA_R_32F ? Element::F32 : type == CUDA_R_16BF ? Element::BF16 : Element::F16; }

/// The first and the last byte of the matrices are in one block of device memory.
bool inMemory(const void *data, const cg_lt_matrix &m) {
  int64_t last = (m.batches - 1) * m.step + (m.columns - 1) * m.ld + m.rows;
  return m.step >= 0 && isMemory(data, last, elementOf(m.type));
}

/// Whether the shapes fit together, op(a) being m x k, op(b) k x n and d m x n.
bool fits(const cg_lt_product &p, const cg_lt_matrix &a, const cg_lt_matrix &b, const cg_lt_matrix &c, const cg_lt_matrix &d) {
  int64_t m = p.transA ? a.columns : a.rows, k = p.transA ? a.rows : a.columns, n = p.transB ? b.rows : b.columns;
  bool shapes = (p.transB ? b.columns : b.rows) == k && d.rows == m && d.columns == n && c.rows == m && c.columns == n;
  bool lds = a.ld >= a.rows && b.ld >= b.rows && c.ld >= c.rows && d.ld >= d.rows;
  bool wide = a.type == CUDA_R_64F;
  bool types = a.type == b.type && c.type == d.type && p.scaleType == (wide ? CUDA_R_64F : CUDA_R_32F) &&
               (wide ? p.computeType == CUBLAS_COMPUTE_64F && d.type == a.type
                     : p.computeType == CUBLAS_COMPUTE_32F || (p.computeType == CUBLAS_COMPUTE_32F_FAST_TF32 && a.type == CUDA_R_32F)) &&
               (d.type == a.type || d.type == CUDA_R_32F);
  bool batches = a.batches == d.batches && b.batches == d.batches && c.batches == d.batches && d.batches >= 1;
  static const int epilogues[] = {CUBLASLT_EPILOGUE_DEFAULT, CUBLASLT_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_RELU, CUBLASLT_EPILOGUE_RELU_BIAS, CUBLASLT_EPILOGUE_GELU, CUBLASLT_EPILOGUE_GELU_BIAS};
  bool epilogue = std::count(std::begin(epilogues), std::end(epilogues), p.epilogue) && (!wide || p.epilogue == CUBLASLT_EPILOGUE_DEFAULT);
  return shapes && lds && types && batches && epilogue;
}

struct Call {
  cg_lt_product p;
  cg_lt_matrix a, b, d;
  double alpha, beta;
  const void *first, *second, *old;
  void *out;

  void run() const {
    delayLibrary();
    int64_t k = p.transA ? a.rows : a.columns;
    bool tf32 = p.computeType == CUBLAS_COMPUTE_32F_FAST_TF32;
    Element factor = elementOf(a.type), result = elementOf(d.type);
    for (int64_t batch = 0; batch < d.batches; ++batch)
      for (int64_t j = 0; j < d.columns; ++j)
        for (int64_t i = 0; i < d.rows; ++i) {
          double sum = 0;
          for (int64_t l = 0; l < k; ++l)
            sum += read(first, batch * a.step + (p.transA ? i * a.ld + l : l * a.ld + i), factor, tf32) *
                   read(second, batch * b.step + (p.transB ? l * b.ld + j : j * b.ld + l), factor, tf32);
          int64_t place = batch * d.step + j * d.ld + i;
          double x = alpha * sum + (beta ? beta * read(old, place, result) : 0);
          if (p.epilogue & CUBLASLT_EPILOGUE_BIAS)
            x += read(p.bias, i, result);
          if (p.epilogue & CUBLASLT_EPILOGUE_RELU)
            x = x < 0 ? 0 : x;
          if (p.epilogue & CUBLASLT_EPILOGUE_GELU)
            x = 0.5 * x * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
          write(out, place, result, x);
        }
  }
};
} // namespace

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle) {
  static cublasLtContext context;
  *handle = &context;
  return CUBLAS_STATUS_SUCCESS;
}
size_t cublasLtGetVersion(void) { return 1; }
const char *cublasLtGetStatusString(cublasStatus_t status) {
  return status == CUBLAS_STATUS_SUCCESS            ? "CUBLAS_STATUS_SUCCESS"
         : status == CUBLAS_STATUS_INVALID_VALUE    ? "CUBLAS_STATUS_INVALID_VALUE"
         : status == CUBLAS_STATUS_EXECUTION_FAILED ? "CUBLAS_STATUS_EXECUTION_FAILED"
                                                    : "CUBLAS_STATUS_NOT_SUPPORTED";
}
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *product, int computeType, int scaleType) {
  *product = new cg_lt_product{computeType, scaleType};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t product) {
  delete product;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t product, int attribute, const void *value, size_t bytes) {
  switch (attribute) {
  case CUBLASLT_MATMUL_DESC_TRANSA: return take(product->transA, value, bytes);
  case CUBLASLT_MATMUL_DESC_TRANSB: return take(product->transB, value, bytes);
  case CUBLASLT_MATMUL_DESC_EPILOGUE: return take(product->epilogue, value, bytes);
  case CUBLASLT_MATMUL_DESC_BIAS_POINTER: return take(product->bias, value, bytes);
  }
  return CUBLAS_STATUS_INVALID_VALUE;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *matrix, int type, uint64_t rows, uint64_t columns, int64_t ld) {
  *matrix = new cg_lt_matrix{type, int64_t(rows), int64_t(columns), ld};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t matrix) {
  delete matrix;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t matrix, int attribute, const void *value, size_t bytes) {
  return attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT            ? take(matrix->batches, value, bytes)
         : attribute == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET ? take(matrix->step, value, bytes)
                                                                    : CUBLAS_STATUS_INVALID_VALUE;
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *search) {
  *search = new cg_lt_preference;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t search) {
  delete search;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t search, int attribute, const void *value, size_t bytes) {
  if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES)
    return take(search->workspace, value, bytes);
  int which = attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES;
  return which >= 0 && which < 4 ? take(search->alignment[which], value, bytes) : CUBLAS_STATUS_INVALID_VALUE;
}
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t product, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                                              cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t search, int wanted, cublasLtMatmulHeuristicResult_t *results, int *found) {
  *found = 0;
  if (wanted < 1 || !fits(*product, *a, *b, *c, *d))
    return CUBLAS_STATUS_INVALID_VALUE;
  if (libraryRefuses() || search->workspace < kWorkspace)
    return CUBLAS_STATUS_NOT_SUPPORTED;
  results[0] = {};
  results[0].workspaceSize = kWorkspace;
  results[0].algo.data[0] = kMark;
  for (int i = 0; i < 4; ++i) // what the call is checked against
    results[0].algo.data[1 + i] = search->alignment[i];
  *found = 1;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t product, const void *alpha, const void *a, cublasLtMatrixLayout_t aLayout, const void *b,
                              cublasLtMatrixLayout_t bLayout, const void *beta, const void *c, cublasLtMatrixLayout_t cLayout, void *d, cublasLtMatrixLayout_t dLayout,
                              const cublasLtMatmulAlgo_t *algo, void *workspace, size_t workspaceBytes, CUstream_st *stream) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  if (!handle || !algo || algo->data[0] != kMark || !fits(*product, *aLayout, *bLayout, *cLayout, *dLayout))
    return CUBLAS_STATUS_INVALID_VALUE;
  const void *memory[] = {a, b, c, d};
  const cg_lt_matrix *layouts[] = {aLayout, bLayout, cLayout, dLayout};
  for (int i = 0; i < 4; ++i)
    if (!inMemory(memory[i], *layouts[i]) || reinterpret_cast<uintptr_t>(memory[i]) % algo->data[1 + i])
      return CUBLAS_STATUS_INVALID_VALUE;
  if (workspaceBytes < kWorkspace || !describeFault(workspace, workspaceBytes).empty())
    return CUBLAS_STATUS_INVALID_VALUE;
  bool wantsBias = product->epilogue & CUBLASLT_EPILOGUE_BIAS;
  if (wantsBias && !isMemory(product->bias, dLayout->rows, elementOf(dLayout->type)))
    return CUBLAS_STATUS_INVALID_VALUE;
  bool wide = product->scaleType == CUDA_R_64F;
  Call call{*product, *aLayout, *bLayout, *dLayout, wide ? *static_cast<const double *>(alpha) : double(*static_cast<const float *>(alpha)),
            wide ? *static_cast<const double *>(beta) : double(*static_cast<const float *>(beta)), a, b, c, d};
  CUresult result = inStream(stream, [call, workspace, workspaceBytes] {
    memset(workspace, 0xff, workspaceBytes); // it is the library's
    call.run();
    return CUresult(CUDA_SUCCESS);
  });
  return result ? CUBLAS_STATUS_EXECUTION_FAILED : CUBLAS_STATUS_SUCCESS;
}
