//===- gpu.h - the GPU runtime beside this library -------------------------===//
#ifndef CELLGRAD_RUNTIME_PROGRAM_GPU_H
#define CELLGRAD_RUNTIME_PROGRAM_GPU_H

#include "runtime/gpu/cellgrad_gpu.h"
#include "runtime/program/contents.h"

namespace cellgrad::program {

/// The functions of libcellgrad_gpu.so that are needed here; it is loaded by the first program for a GPU.
struct Gpu {
  decltype(&cg_gpu_error) error;
  decltype(&cg_gpu_open) open;
  decltype(&cg_gpu_device_count) deviceCount;
  decltype(&cg_gpu_describe) describe;
  decltype(&cg_gpu_allocate) allocate;
  decltype(&cg_gpu_release) release;
  decltype(&cg_gpu_upload) upload;
  decltype(&cg_gpu_download) download;
  decltype(&cg_gpu_calls_create) callsCreate;
  decltype(&cg_gpu_calls_destroy) callsDestroy;
  decltype(&cg_gpu_run) run;
  decltype(&cg_gpu_unload) unload;

  /// The address of a function that host code of GPU programs may call, null for every other name.
  void *import(const char *name) const;
  void *library;
};

/// The runtime, with a device that can run what is made for `target`; null where there is none.
const Gpu *openGpu(const DeviceTarget &target, int device, Problem &problem);

} // namespace cellgrad::program

#endif // CELLGRAD_RUNTIME_PROGRAM_GPU_H
