//===- driver.cpp - finding the CUDA driver, and texts of failures ---------===//
#include "runtime/gpu/gpu.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>

using namespace cellgrad::gpu;

namespace {
thread_local char reason[4096] = "";
std::mutex opening;
Driver cuda, ascend;
bool haveCuda = false, haveAscend = false;

constexpr const char *kNoDriver =
    "no CUDA driver: %s cannot be loaded (%s).\n"
    "  It is part of the NVIDIA driver of the machine, not of a Python package: install the driver of your distribution or from "
    "https://www.nvidia.com/drivers,\n  in a container start it with the NVIDIA container toolkit (--gpus all). Where there is no GPU, "
    "CELLGRAD_CUDA_DRIVER=sim runs programs on the simulator.";

/// Takes a driver's functions from its library. `name`: of the library, for messages.
bool lookUp(void *handle, const std::string &name, Driver &found) {
  const char *missing = nullptr;
#define CG_LOOK_UP(result, name, parameters) found.name = reinterpret_cast<result(*) parameters>(dlsym(handle, #name));
#define CG_REQUIRE(result, name, parameters)                                                                                            \
  CG_LOOK_UP(result, name, parameters)                                                                                                  \
  missing = found.name ? missing : #name;
  CG_CUDA_REQUIRED(CG_REQUIRE)
  if (missing) {
    fail("%s is not a CUDA driver that can be used: it has no function %s; a driver for CUDA 12 or later has it", name.c_str(), missing);
    return false;
  }
  CG_CUDA_GRAPHS(CG_REQUIRE)
  found.graphs = !missing;
  CG_CUDA_OPTIONAL(CG_LOOK_UP)
  CG_CUDA_HOPPER(CG_LOOK_UP)
  CG_CUDA_TIMING(CG_LOOK_UP)
  CG_CUDA_EXTRA(CG_LOOK_UP)
  return true;
}

bool loadCuda() {
  const char *chosen = getenv("CELLGRAD_CUDA_DRIVER");
  bool simulated = chosen && !strcmp(chosen, "sim");
  std::string path = simulated ? beside("libcellgrad_gpu_sim.so") : chosen && *chosen ? chosen : "libcuda.so.1";
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *why = dlerror();
    why = why ? why : "unknown reason";
    if (simulated)
      fail("the GPU simulator, %s, cannot be loaded (%s); it is installed and built with cellgrad", path.c_str(), why);
    else
      fail(kNoDriver, path.c_str(), why);
    return false;
  }
  if (!lookUp(handle, path, cuda))
    return false;
  if (CUresult error = cuda.cuInit(0)) {
    if (error == CUDA_ERROR_NO_DEVICE)
      fail("the CUDA driver (%s) finds no GPU (CUDA_ERROR_NO_DEVICE): there is none, CUDA_VISIBLE_DEVICES hides it, or the container was started "
           "without it (--gpus all)", path.c_str());
    else if (cuda.cgDriverError) // the simulator says why
      fail("the GPU simulator does not start: %s", cuda.cgDriverError());
    else
      fail("the CUDA driver (%s) does not start: error %d; `nvidia-smi` tells whether driver and kernel module fit together", path.c_str(), error);
    return false;
  }
  return true;
}

bool loadAscend() {
  std::string path = beside("libcellgrad_ascend_sim.so");
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *why = dlerror();
    fail("the Ascend simulator, %s, cannot be loaded (%s); it is installed and built with cellgrad", path.c_str(), why ? why : "unknown reason");
    return false;
  }
  if (!lookUp(handle, path, ascend))
    return false;
  if (CUresult error = ascend.cuInit(0)) {
    fail("the Ascend simulator does not start: %s", ascend.cgDriverError ? ascend.cgDriverError() : std::to_string(error).c_str());
    return false;
  }
  return true;
}
} // namespace

std::string cellgrad::gpu::beside(const char *name) {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void *>(&cg_gpu_open), &info) || !info.dli_fname)
    return name;
  std::string path = info.dli_fname;
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? name : path.substr(0, slash + 1) + name;
}

static void setReason(const char *format, va_list list) {
  char text[sizeof reason]; // an argument may be the present reason
  vsnprintf(text, sizeof text, format, list);
  memcpy(reason, text, sizeof text);
}

int cellgrad::gpu::fail(const char *format, ...) {
  va_list list;
  va_start(list, format);
  setReason(format, list);
  va_end(list);
  return CG_GPU_FAILED;
}

int cellgrad::gpu::refuse(const char *format, ...) {
  va_list list;
  va_start(list, format);
  setReason(format, list);
  va_end(list);
  return CG_GPU_ARGUMENT;
}

const char *cg_gpu_error(void) { return reason; }

const Driver *cellgrad::gpu::openDriver(int kind) {
  std::lock_guard<std::mutex> guard(opening);
  bool isCuda = kind == CG_GPU_CUDA, &have = isCuda ? haveCuda : haveAscend;
  have = have || (isCuda ? loadCuda() : loadAscend());
  return !have ? nullptr : isCuda ? &cuda : &ascend;
}

int cg_gpu_open(int kind) { return openDriver(kind) ? CG_GPU_OK : CG_GPU_FAILED; }

std::string cellgrad::gpu::describe(const Driver &driver, CUresult error) {
  const char *name = nullptr, *text = nullptr;
  driver.cuGetErrorName(error, &name);
  driver.cuGetErrorString(error, &text);
  std::string all = name ? name : "error " + std::to_string(error);
  if (text && *text)
    all += std::string(" (") + text + ")";
  if (driver.cgDriverError) {
    const char *more = driver.cgDriverError();
    if (more && *more)
      all += std::string(": ") + more;
  }
  return all;
}

std::string cellgrad::gpu::formatBytes(int64_t bytes) {
  static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  double value = double(bytes);
  int unit = 0;
  for (; value >= 1024 && unit < 4; ++unit)
    value /= 1024;
  char text[48];
  snprintf(text, sizeof text, unit ? "%.2f %s" : "%.0f %s", value, units[unit]);
  return text;
}
