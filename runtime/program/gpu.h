//===- gpu.h - the GPU runtime beside this library -------------------------===//
#ifndef CELLGRAD_RUNTIME_PROGRAM_GPU_H
#define CELLGRAD_RUNTIME_PROGRAM_GPU_H

#include "runtime/gpu/cellgrad_gpu.h"
#include "runtime/program/contents.h"

namespace cellgrad::program {

/// The functions of libcellgrad_gpu.so that are needed here: X(member, name).
#define CGP_EACH_GPU_FUNCTION(X)                                                                                                        \
  X(error, cg_gpu_error) X(open, cg_gpu_open) X(deviceCount, cg_gpu_device_count) X(describe, cg_gpu_describe)                          \
  X(allocate, cg_gpu_allocate) X(release, cg_gpu_release) X(checkMemory, cg_gpu_check_memory) X(upload, cg_gpu_upload)                  \
  X(download, cg_gpu_download) X(startUpload, cg_gpu_start_upload) X(startDownload, cg_gpu_start_download)                              \
  X(synchronize, cg_gpu_synchronize) X(quiesce, cg_gpu_quiesce) X(stream, cg_gpu_stream) X(letWait, cg_gpu_let_wait)                    \
  X(checkStream, cg_gpu_check_stream)                                                                                                    \
  X(waitFor, cg_gpu_wait_for) X(callsCreate, cg_gpu_calls_create) X(callsDestroy, cg_gpu_calls_destroy) X(run, cg_gpu_run)              \
  X(load, cg_gpu_load) X(unload, cg_gpu_unload)

/// The GPU's runtime; it is loaded by the first program for a GPU.
struct Gpu {
#define CGP_MEMBER(member, name) decltype(&name) member;
  CGP_EACH_GPU_FUNCTION(CGP_MEMBER)
#undef CGP_MEMBER

  /// The address of a function that host code of GPU programs may call, null for every other name.
  void *import(const char *name) const;
  void *library;
};

/// What one of its results is to a caller.
inline int statusOf(int result) {
  return result == CG_GPU_OK ? CGP_OK : result == CG_GPU_OUT_OF_MEMORY ? CGP_MEMORY : result == CG_GPU_ARGUMENT ? CGP_ARGUMENT : CGP_PROGRAM;
}

/// The runtime, with a device that can run what is made for `target`; null where there is none.
const Gpu *openGpu(const DeviceTarget &target, int device, Problem &problem);

} // namespace cellgrad::program

#endif // CELLGRAD_RUNTIME_PROGRAM_GPU_H
