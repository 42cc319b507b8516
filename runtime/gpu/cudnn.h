/*===- cudnn.h - the part of cuDNN that the runtime uses ------------------===*/
/* Own declarations, so that the library is not needed to build. Numbers and layouts are those of its ABI, version 9; of its interfaces it is the one that
 * takes descriptors of a single convolution. The simulator defines the same functions (runtime/gpu_sim/cudnn.cpp). */
#ifndef CELLGRAD_CUDNN_H
#define CELLGRAD_CUDNN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int cudnnStatus_t;
typedef struct cudnnContext *cudnnHandle_t;
typedef struct cg_dnn_tensor *cudnnTensorDescriptor_t;
typedef struct cg_dnn_filter *cudnnFilterDescriptor_t;
typedef struct cg_dnn_convolution *cudnnConvolutionDescriptor_t;
typedef struct cg_dnn_activation *cudnnActivationDescriptor_t;
/* One layout for the three directions. */
typedef struct {
  int algo;
  cudnnStatus_t status;
  float time;
  size_t memory; /* of the workspace */
  int determinism, mathType, reserved[3];
} cudnnConvolutionAlgoPerf_t;

/* From CUDNN_STATUS_NOT_SUPPORTED to below CUDNN_STATUS_INTERNAL_ERROR are the reasons why something is not supported. */
enum {
  CUDNN_STATUS_SUCCESS = 0, CUDNN_STATUS_BAD_PARAM = 2000, CUDNN_STATUS_NOT_SUPPORTED = 3000, CUDNN_STATUS_INTERNAL_ERROR = 4000, CUDNN_STATUS_EXECUTION_FAILED = 5000
};
enum { CUDNN_DATA_FLOAT = 0, CUDNN_DATA_HALF = 2, CUDNN_DATA_BFLOAT16 = 9 };
enum { CUDNN_TENSOR_NCHW = 0 };
enum { CUDNN_CROSS_CORRELATION = 1 };
enum { CUDNN_NON_DETERMINISTIC = 0, CUDNN_DETERMINISTIC = 1 };
/* DEFAULT: f32 may be rounded to tf32. TENSOR_OP: tensor cores for the types as they are. (Number 2 would let f32 become f16.) FMA: no tensor cores. */
enum { CUDNN_DEFAULT_MATH = 0, CUDNN_TENSOR_OP_MATH = 1, CUDNN_FMA_MATH = 3 };
enum { CUDNN_NOT_PROPAGATE_NAN = 0, CUDNN_PROPAGATE_NAN = 1 };
enum { CUDNN_ACTIVATION_RELU = 1, CUDNN_ACTIVATION_IDENTITY = 5 };
/* Algorithms: of the result, of the gradient of the input, of the gradient of the filter. */
enum {
  CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM = 0, CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM = 1, CUDNN_CONVOLUTION_FWD_ALGO_GEMM = 2, CUDNN_CONVOLUTION_FWD_ALGO_DIRECT = 3,
  CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED = 7
};
enum { CUDNN_CONVOLUTION_BWD_DATA_ALGO_0 = 0, CUDNN_CONVOLUTION_BWD_DATA_ALGO_1 = 1, CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD_NONFUSED = 5 };
enum {
  CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0 = 0, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1 = 1, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3 = 3, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED = 5
};

#define CG_CUDNN(X)                                                                                                                     \
  X(cudnnStatus_t, cudnnCreate, (cudnnHandle_t *handle))                                                                                \
  X(size_t, cudnnGetVersion, (void))                                                                                                    \
  X(const char *, cudnnGetErrorString, (cudnnStatus_t status))                                                                          \
  X(cudnnStatus_t, cudnnSetStream, (cudnnHandle_t handle, struct CUstream_st *stream))                                                  \
  X(cudnnStatus_t, cudnnCreateTensorDescriptor, (cudnnTensorDescriptor_t *tensor))                                                      \
  X(cudnnStatus_t, cudnnDestroyTensorDescriptor, (cudnnTensorDescriptor_t tensor))                                                      \
  X(cudnnStatus_t, cudnnSetTensor4dDescriptor, (cudnnTensorDescriptor_t tensor, int format, int type, int n, int c, int h, int w))      \
  X(cudnnStatus_t, cudnnCreateFilterDescriptor, (cudnnFilterDescriptor_t *filter))                                                      \
  X(cudnnStatus_t, cudnnDestroyFilterDescriptor, (cudnnFilterDescriptor_t filter))                                                      \
  X(cudnnStatus_t, cudnnSetFilter4dDescriptor, (cudnnFilterDescriptor_t filter, int type, int format, int o, int i, int h, int w))      \
  X(cudnnStatus_t, cudnnCreateConvolutionDescriptor, (cudnnConvolutionDescriptor_t *convolution))                                       \
  X(cudnnStatus_t, cudnnDestroyConvolutionDescriptor, (cudnnConvolutionDescriptor_t convolution))                                       \
  X(cudnnStatus_t, cudnnSetConvolution2dDescriptor,                                                                                     \
    (cudnnConvolutionDescriptor_t convolution, int padH, int padW, int strideH, int strideW, int dilationH, int dilationW, int mode, int computeType)) \
  X(cudnnStatus_t, cudnnSetConvolutionGroupCount, (cudnnConvolutionDescriptor_t convolution, int groups))                               \
  X(cudnnStatus_t, cudnnSetConvolutionMathType, (cudnnConvolutionDescriptor_t convolution, int mathType))                               \
  X(cudnnStatus_t, cudnnCreateActivationDescriptor, (cudnnActivationDescriptor_t *activation))                                          \
  X(cudnnStatus_t, cudnnDestroyActivationDescriptor, (cudnnActivationDescriptor_t activation))                                          \
  X(cudnnStatus_t, cudnnSetActivationDescriptor, (cudnnActivationDescriptor_t activation, int mode, int nan, double coefficient))       \
  X(cudnnStatus_t, cudnnGetConvolutionForwardAlgorithm_v7,                                                                              \
    (cudnnHandle_t handle, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w, cudnnConvolutionDescriptor_t convolution,              \
     cudnnTensorDescriptor_t y, int wanted, int *found, cudnnConvolutionAlgoPerf_t *results))                                           \
  X(cudnnStatus_t, cudnnGetConvolutionBackwardDataAlgorithm_v7,                                                                         \
    (cudnnHandle_t handle, cudnnFilterDescriptor_t w, cudnnTensorDescriptor_t dy, cudnnConvolutionDescriptor_t convolution,             \
     cudnnTensorDescriptor_t dx, int wanted, int *found, cudnnConvolutionAlgoPerf_t *results))                                          \
  X(cudnnStatus_t, cudnnGetConvolutionBackwardFilterAlgorithm_v7,                                                                       \
    (cudnnHandle_t handle, cudnnTensorDescriptor_t x, cudnnTensorDescriptor_t dy, cudnnConvolutionDescriptor_t convolution,             \
     cudnnFilterDescriptor_t dw, int wanted, int *found, cudnnConvolutionAlgoPerf_t *results))                                          \
  X(cudnnStatus_t, cudnnConvolutionForward,                                                                                             \
    (cudnnHandle_t handle, const void *alpha, cudnnTensorDescriptor_t xLayout, const void *x, cudnnFilterDescriptor_t wLayout, const void *w, \
     cudnnConvolutionDescriptor_t convolution, int algo, void *workspace, size_t workspaceBytes, const void *beta,                      \
     cudnnTensorDescriptor_t yLayout, void *y))                                                                                         \
  X(cudnnStatus_t, cudnnConvolutionBackwardData,                                                                                        \
    (cudnnHandle_t handle, const void *alpha, cudnnFilterDescriptor_t wLayout, const void *w, cudnnTensorDescriptor_t dyLayout, const void *dy, \
     cudnnConvolutionDescriptor_t convolution, int algo, void *workspace, size_t workspaceBytes, const void *beta,                      \
     cudnnTensorDescriptor_t dxLayout, void *dx))                                                                                       \
  X(cudnnStatus_t, cudnnConvolutionBackwardFilter,                                                                                      \
    (cudnnHandle_t handle, const void *alpha, cudnnTensorDescriptor_t xLayout, const void *x, cudnnTensorDescriptor_t dyLayout, const void *dy, \
     cudnnConvolutionDescriptor_t convolution, int algo, void *workspace, size_t workspaceBytes, const void *beta,                      \
     cudnnFilterDescriptor_t dwLayout, void *dw))                                                                                       \
  X(cudnnStatus_t, cudnnConvolutionBiasActivationForward, /* y = activation(alpha * convolution + alpha2 * z + bias) */                 \
    (cudnnHandle_t handle, const void *alpha, cudnnTensorDescriptor_t xLayout, const void *x, cudnnFilterDescriptor_t wLayout, const void *w, \
     cudnnConvolutionDescriptor_t convolution, int algo, void *workspace, size_t workspaceBytes, const void *alpha2,                    \
     cudnnTensorDescriptor_t zLayout, const void *z, cudnnTensorDescriptor_t biasLayout, const void *bias,                              \
     cudnnActivationDescriptor_t activation, cudnnTensorDescriptor_t yLayout, void *y))

#ifdef CG_CUDNN_IMPLEMENTATION /* for those who define the functions */
#define CG_CUDNN_DECLARE(result, name, parameters) result name parameters;
#pragma GCC visibility push(default)
CG_CUDNN(CG_CUDNN_DECLARE)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif /* CELLGRAD_CUDNN_H */
