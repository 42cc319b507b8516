/*===- cublaslt.h - the part of cuBLASLt that the runtime uses ------------===*/
/* Own declarations, so that the library is not needed to build. Numbers and layouts are those of its ABI, versions 12 and 13. The simulator defines the same
 * functions (runtime/gpu_sim/cublaslt.cpp). */
#ifndef CELLGRAD_CUBLASLT_H
#define CELLGRAD_CUBLASLT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int cublasStatus_t;
typedef struct cublasLtContext *cublasLtHandle_t;
typedef struct cg_lt_product *cublasLtMatmulDesc_t;
typedef struct cg_lt_matrix *cublasLtMatrixLayout_t;
typedef struct cg_lt_preference *cublasLtMatmulPreference_t;
typedef struct {
  uint64_t data[8];
} cublasLtMatmulAlgo_t;
typedef struct {
  cublasLtMatmulAlgo_t algo;
  size_t workspaceSize;
  cublasStatus_t state;
  float wavesCount;
  int reserved[4];
} cublasLtMatmulHeuristicResult_t;

enum { CUBLAS_STATUS_SUCCESS = 0, CUBLAS_STATUS_INVALID_VALUE = 7, CUBLAS_STATUS_EXECUTION_FAILED = 13, CUBLAS_STATUS_NOT_SUPPORTED = 15 };
enum { CUDA_R_32F = 0, CUDA_R_64F = 1, CUDA_R_16F = 2, CUDA_R_16BF = 14 };
enum { CUBLAS_COMPUTE_32F = 68, CUBLAS_COMPUTE_64F = 70, CUBLAS_COMPUTE_32F_FAST_TF32 = 77 };
enum { CUBLAS_OP_N = 0, CUBLAS_OP_T = 1 };
/* Attributes of a product: int32_t, but the pointer. */
enum { CUBLASLT_MATMUL_DESC_TRANSA = 3, CUBLASLT_MATMUL_DESC_TRANSB = 4, CUBLASLT_MATMUL_DESC_EPILOGUE = 7, CUBLASLT_MATMUL_DESC_BIAS_POINTER = 8 };
enum { CUBLASLT_EPILOGUE_DEFAULT = 1, CUBLASLT_EPILOGUE_RELU = 2, CUBLASLT_EPILOGUE_BIAS = 4, CUBLASLT_EPILOGUE_RELU_BIAS = 6, CUBLASLT_EPILOGUE_GELU = 32, CUBLASLT_EPILOGUE_GELU_BIAS = 36 };
/* Attributes of a matrix: the number of batches is an int32_t, their distance in elements an int64_t. Matrices lie column by column. */
enum { CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT = 5, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET = 6 };
/* Attributes of a search: size_t, and uint32_t for alignments. */
enum {
  CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES = 1,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES = 5,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES = 8
};

#define CG_CUBLASLT(X)                                                                                                                  \
  X(cublasStatus_t, cublasLtCreate, (cublasLtHandle_t *handle))                                                                         \
  X(size_t, cublasLtGetVersion, (void))                                                                                                 \
  X(const char *, cublasLtGetStatusString, (cublasStatus_t status))                                                                     \
  X(cublasStatus_t, cublasLtMatmulDescCreate, (cublasLtMatmulDesc_t *product, int computeType, int scaleType))                          \
  X(cublasStatus_t, cublasLtMatmulDescDestroy, (cublasLtMatmulDesc_t product))                                                          \
  X(cublasStatus_t, cublasLtMatmulDescSetAttribute, (cublasLtMatmulDesc_t product, int attribute, const void *value, size_t bytes))     \
  X(cublasStatus_t, cublasLtMatrixLayoutCreate, (cublasLtMatrixLayout_t *matrix, int type, uint64_t rows, uint64_t columns, int64_t ld)) \
  X(cublasStatus_t, cublasLtMatrixLayoutDestroy, (cublasLtMatrixLayout_t matrix))                                                       \
  X(cublasStatus_t, cublasLtMatrixLayoutSetAttribute, (cublasLtMatrixLayout_t matrix, int attribute, const void *value, size_t bytes))  \
  X(cublasStatus_t, cublasLtMatmulPreferenceCreate, (cublasLtMatmulPreference_t *search))                                               \
  X(cublasStatus_t, cublasLtMatmulPreferenceDestroy, (cublasLtMatmulPreference_t search))                                               \
  X(cublasStatus_t, cublasLtMatmulPreferenceSetAttribute, (cublasLtMatmulPreference_t search, int attribute, const void *value, size_t bytes)) \
  X(cublasStatus_t, cublasLtMatmulAlgoGetHeuristic,                                                                                     \
    (cublasLtHandle_t handle, cublasLtMatmulDesc_t product, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, \
     cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t search, int wanted, cublasLtMatmulHeuristicResult_t *results, int *found))    \
  X(cublasStatus_t, cublasLtMatmul,                                                                                                     \
    (cublasLtHandle_t handle, cublasLtMatmulDesc_t product, const void *alpha, const void *a, cublasLtMatrixLayout_t aLayout,           \
     const void *b, cublasLtMatrixLayout_t bLayout, const void *beta, const void *c, cublasLtMatrixLayout_t cLayout, void *d,           \
     cublasLtMatrixLayout_t dLayout, const cublasLtMatmulAlgo_t *algo, void *workspace, size_t workspaceBytes, struct CUstream_st *stream))

#ifdef CG_CUBLASLT_IMPLEMENTATION /* for those who define the functions */
#define CG_CUBLASLT_DECLARE(result, name, parameters) result name parameters;
#pragma GCC visibility push(default)
CG_CUBLASLT(CG_CUBLASLT_DECLARE)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif /* CELLGRAD_CUBLASLT_H */
