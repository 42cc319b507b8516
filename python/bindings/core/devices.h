// libcellgrad_gpu.so as the core uses it: loaded at the first use of a GPU.
#pragma once
#include "core.h"
#include "runtime/gpu/cellgrad_gpu.h"

#pragma GCC visibility push(hidden)
namespace cg {

#define CG_GPU_FUNCTIONS(X)                                                                                                              \
  X(error) X(open) X(device_count) X(describe) X(allocate) X(release) X(memory_stats) X(empty_cache) X(set_memory_limit) X(upload)       \
  X(download) X(move) X(clear) X(synchronize) X(quiesce) X(stream) X(let_wait) X(wait_for) X(calls_create) X(calls_destroy) X(calls_stats) X(run) X(unload)
struct GpuLibrary {
#define CG_GPU_MEMBER(name) decltype(&cg_gpu_##name) name;
  CG_GPU_FUNCTIONS(CG_GPU_MEMBER)
#undef CG_GPU_MEMBER
};

} // namespace cg
#pragma GCC visibility pop
