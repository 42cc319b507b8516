/*===- cuda_driver.h - the part of the CUDA driver API that the runtime uses ===*/
/* Own declarations, so that nothing of a CUDA toolkit is needed to build. The runtime looks the functions up in libcuda.so.1; the
 * simulator (runtime/gpu_sim) is a library that defines them. Numbers and layouts are those of the driver's ABI. */
#ifndef CELLGRAD_CUDA_DRIVER_H
#define CELLGRAD_CUDA_DRIVER_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int CUresult;
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphExec_st *CUgraphExec;

enum {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NOT_INITIALIZED = 3,
  CUDA_ERROR_DEINITIALIZED = 4,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_INVALID_DEVICE = 101,
  CUDA_ERROR_INVALID_IMAGE = 200,
  CUDA_ERROR_INVALID_CONTEXT = 201,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_INVALID_PTX = 218,
  CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_NOT_READY = 600,
  CUDA_ERROR_ILLEGAL_ADDRESS = 700,
  CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
  CUDA_ERROR_MISALIGNED_ADDRESS = 716,
  CUDA_ERROR_LAUNCH_FAILED = 719,
  CUDA_ERROR_NOT_SUPPORTED = 801,
  CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900,
  CUDA_ERROR_STREAM_CAPTURE_IMPLICIT = 906,
  CUDA_ERROR_UNKNOWN = 999
};

/* CUdevice_attribute */
enum {
  CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
  CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS = 88
};
/* CUjit_option: sizes are given by value in the option's void *, and read back from there. */
enum { CU_JIT_ERROR_LOG_BUFFER = 5, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6 };
enum { CU_STREAM_NON_BLOCKING = 1 };
enum { CU_EVENT_DISABLE_TIMING = 2 };
enum { CU_STREAM_CAPTURE_MODE_RELAXED = 2 };
enum { CU_STREAM_CAPTURE_STATUS_NONE = 0, CU_STREAM_CAPTURE_STATUS_ACTIVE = 1 };

/* X(result, name, parameters). Required: without one of these a driver is too old to be used. */
#define CG_CUDA_REQUIRED(X)                                                                                                             \
  X(CUresult, cuInit, (unsigned flags))                                                                                                 \
  X(CUresult, cuDriverGetVersion, (int *version))                                                                                       \
  X(CUresult, cuGetErrorName, (CUresult error, const char **text))                                                                      \
  X(CUresult, cuGetErrorString, (CUresult error, const char **text))                                                                    \
  X(CUresult, cuDeviceGetCount, (int *count))                                                                                           \
  X(CUresult, cuDeviceGet, (CUdevice *device, int ordinal))                                                                             \
  X(CUresult, cuDeviceGetName, (char *name, int length, CUdevice device))                                                               \
  X(CUresult, cuDeviceGetAttribute, (int *value, int attribute, CUdevice device))                                                       \
  X(CUresult, cuDeviceTotalMem_v2, (size_t *bytes, CUdevice device))                                                                    \
  X(CUresult, cuDevicePrimaryCtxRetain, (CUcontext *context, CUdevice device))                                                          \
  X(CUresult, cuCtxSetCurrent, (CUcontext context))                                                                                     \
  X(CUresult, cuCtxGetCurrent, (CUcontext *context))                                                                                    \
  X(CUresult, cuMemGetInfo_v2, (size_t *available, size_t *total))                                                                      \
  X(CUresult, cuMemAlloc_v2, (CUdeviceptr *pointer, size_t bytes))                                                                      \
  X(CUresult, cuMemFree_v2, (CUdeviceptr pointer))                                                                                      \
  X(CUresult, cuMemcpyHtoDAsync_v2, (CUdeviceptr to, const void *from, size_t bytes, CUstream stream))                                  \
  X(CUresult, cuMemcpyDtoHAsync_v2, (void *to, CUdeviceptr from, size_t bytes, CUstream stream))                                        \
  X(CUresult, cuMemcpyDtoDAsync_v2, (CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream))                                  \
  X(CUresult, cuMemsetD8Async, (CUdeviceptr to, unsigned char value, size_t bytes, CUstream stream))                                    \
  X(CUresult, cuStreamCreate, (CUstream *stream, unsigned flags))                                                                       \
  X(CUresult, cuStreamDestroy_v2, (CUstream stream))                                                                                    \
  X(CUresult, cuStreamSynchronize, (CUstream stream))                                                                                   \
  X(CUresult, cuStreamWaitEvent, (CUstream stream, CUevent event, unsigned flags))                                                      \
  X(CUresult, cuEventCreate, (CUevent *event, unsigned flags))                                                                          \
  X(CUresult, cuEventRecord, (CUevent event, CUstream stream))                                                                          \
  X(CUresult, cuEventDestroy_v2, (CUevent event))                                                                                       \
  X(CUresult, cuModuleLoadDataEx, (CUmodule *module, const void *image, unsigned count, int *options, void **values))                   \
  X(CUresult, cuModuleUnload, (CUmodule module))                                                                                        \
  X(CUresult, cuModuleGetFunction, (CUfunction *function, CUmodule module, const char *name))                                           \
  X(CUresult, cuLaunchKernel,                                                                                                           \
    (CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, unsigned blockZ,            \
     unsigned sharedBytes, CUstream stream, void **arguments, void **extra))

/* Without one of these, programs are launched kernel by kernel at each call and not replayed as graphs. */
#define CG_CUDA_GRAPHS(X)                                                                                                               \
  X(CUresult, cuStreamBeginCapture_v2, (CUstream stream, int mode))                                                                     \
  X(CUresult, cuStreamEndCapture, (CUstream stream, CUgraph *graph))                                                                    \
  X(CUresult, cuGraphInstantiateWithFlags, (CUgraphExec *exec, CUgraph graph, unsigned long long flags))                                \
  X(CUresult, cuGraphLaunch, (CUgraphExec exec, CUstream stream))                                                                       \
  X(CUresult, cuGraphDestroy, (CUgraph graph))                                                                                          \
  X(CUresult, cuGraphExecDestroy, (CUgraphExec exec))

/* Optional. cuCtxSynchronize waits for the streams of other libraries too, cuPointerGetAttribute tells what an address is, cuStreamIsCapturing whether work for
 * a stream is kept for a graph and not run (0: no). */
#define CG_CUDA_OPTIONAL(X)                                                                                                             \
  X(CUresult, cuCtxSynchronize, (void))                                                                                                 \
  X(CUresult, cuStreamIsCapturing, (CUstream stream, int *status))                                                                      \
  X(CUresult, cuPointerGetAttribute, (void *value, int attribute, CUdeviceptr pointer))
enum { CU_POINTER_ATTRIBUTE_MEMORY_TYPE = 2, CU_POINTER_ATTRIBUTE_IS_MANAGED = 8, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL = 9 };
enum { CU_MEMORYTYPE_HOST = 1, CU_MEMORYTYPE_DEVICE = 2 };

/* Without these, no kernel uses bulk copies of tiles or more than 48 KiB of shared memory. cuTensorMapEncodeTiled fills the 128 bytes at `map`, which is aligned
 * to 64: a tensor of `rank` dimensions, innermost first; strides are in bytes and begin with that of the second dimension. */
#define CG_CUDA_HOPPER(X)                                                                                                               \
  X(CUresult, cuFuncSetAttribute, (CUfunction function, int attribute, int value))                                                      \
  X(CUresult, cuTensorMapEncodeTiled,                                                                                                   \
    (void *map, int type, unsigned rank, void *address, const unsigned long long *sizes, const unsigned long long *strides,             \
     const unsigned *box, const unsigned *elementStrides, int interleave, int swizzle, int l2Promotion, int oobFill))
enum { CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8 };
/* CUtensorMapDataType, CUtensorMapInterleave, CUtensorMapSwizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill */
enum { CU_TENSOR_MAP_BYTES = 128, CU_TENSOR_MAP_FLOAT16 = 6, CU_TENSOR_MAP_FLOAT32 = 7, CU_TENSOR_MAP_BFLOAT16 = 9 };
enum { CU_TENSOR_MAP_INTERLEAVE_NONE = 0 };
enum { CU_TENSOR_MAP_SWIZZLE_NONE = 0, CU_TENSOR_MAP_SWIZZLE_32B = 1, CU_TENSOR_MAP_SWIZZLE_64B = 2, CU_TENSOR_MAP_SWIZZLE_128B = 3 };
enum { CU_TENSOR_MAP_L2_PROMOTION_NONE = 0, CU_TENSOR_MAP_L2_PROMOTION_128B = 2 };
enum { CU_TENSOR_MAP_OOB_FILL_ZEROS = 0 };

/* Without these, nothing is measured. */
#define CG_CUDA_TIMING(X)                                                                                                               \
  X(CUresult, cuEventSynchronize, (CUevent event))                                                                                      \
  X(CUresult, cuEventElapsedTime, (float *milliseconds, CUevent begin, CUevent end))

/* The simulator also has these: the chip that programs are to be compiled for ("sim") instead of sm_<major><minor>, and what it knows of this
 * thread's last error (empty: nothing). */
#define CG_CUDA_EXTRA(X)                                                                                                                \
  X(const char *, cgDriverChip, (void))                                                                                                 \
  X(const char *, cgDriverError, (void))

#define CG_CUDA_DECLARE(result, name, parameters) result name parameters;
#ifdef CG_CUDA_DRIVER_IMPLEMENTATION /* for those who define the functions */
#pragma GCC visibility push(default)
CG_CUDA_REQUIRED(CG_CUDA_DECLARE)
CG_CUDA_GRAPHS(CG_CUDA_DECLARE)
CG_CUDA_HOPPER(CG_CUDA_DECLARE)
CG_CUDA_OPTIONAL(CG_CUDA_DECLARE)
CG_CUDA_TIMING(CG_CUDA_DECLARE)
CG_CUDA_EXTRA(CG_CUDA_DECLARE)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif /* CELLGRAD_CUDA_DRIVER_H */
