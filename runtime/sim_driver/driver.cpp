//===- driver.cpp - device, context, memory and streams of the driver API -===//
#include "runtime/sim_driver/driver.h"

#include "runtime/sim_driver/memory.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace cellgrad::sim;

struct CUctx_st {};

namespace {
constexpr int kMaxDevices = 8;
CUctx_st contexts[kMaxDevices];
thread_local CUcontext current;
thread_local std::string lastError;
bool ready;

int deviceCount() {
  static const int count = [] {
    const char *text = getenv("CELLGRAD_SIM_DEVICES");
    return text ? std::clamp(atoi(text), 0, kMaxDevices) : 1;
  }();
  return count;
}
bool exists(CUdevice device) { return device >= 0 && device < deviceCount(); }
void *pointer(CUdeviceptr address) { return reinterpret_cast<void *>(address); }

struct ErrorText {
  CUresult code;
  const char *name, *text;
};
constexpr ErrorText kErrors[] = {
    {CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
    {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "cuInit was not called"},
    {CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no device"},
    {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "no such device"},
    {CUDA_ERROR_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "not an image for the simulator"},
    {CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "no context is current"},
    {CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "no kernel of this name"},
    {CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an address that is not device memory"},
    {CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "the block is too large"},
    {CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "a kernel failed"},
    {CUDA_ERROR_NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "not supported by the simulator"},
    {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "not allowed while a stream is captured"},
};
const ErrorText *findError(CUresult code) {
  for (const ErrorText &error : kErrors)
    if (error.code == code)
      return &error;
  return nullptr;
}

/// Copies and fills happen only inside of blocks of device memory.
CUresult inDevice(const char *what, CUdeviceptr address, size_t bytes) {
  std::string wrong = describeFault(pointer(address), bytes);
  return wrong.empty() ? CUDA_SUCCESS : refuse(CUDA_ERROR_INVALID_VALUE, std::string(what) + ": " + wrong);
}
CUresult needContext() {
  if (!ready)
    return refuse(CUDA_ERROR_NOT_INITIALIZED, "cuInit was not called");
  return current ? CUDA_SUCCESS : refuse(CUDA_ERROR_INVALID_CONTEXT, "no context is current in this thread");
}
} // namespace

std::recursive_mutex &cellgrad::sim::driverLock() {
  static auto *lock = new std::recursive_mutex;
  return *lock;
}

CUresult cellgrad::sim::refuse(CUresult code, const std::string &text) {
  lastError = text;
  return code;
}

CUresult cellgrad::sim::inStream(CUstream stream, StreamWork work) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  if (CUresult bad = needContext())
    return bad;
  CUgraph_st *graph = captureOf(stream);
  if (!graph)
    return work();
  graph->work.push_back(std::move(work));
  return CUDA_SUCCESS;
}

extern "C" {

const char *cgDriverChip(void) { return engine().chip(); }
const char *cgDriverError(void) { return lastError.c_str(); }

CUresult cuInit(unsigned flags) {
  if (!deviceCount())
    return refuse(CUDA_ERROR_NO_DEVICE, "CELLGRAD_SIM_DEVICES is 0");
  if (std::string wrong = engine().start(); !wrong.empty())
    return refuse(CUDA_ERROR_INVALID_VALUE, wrong);
  ready = true;
  return CUDA_SUCCESS;
}
CUresult cuDriverGetVersion(int *version) {
  *version = 13000;
  return CUDA_SUCCESS;
}
CUresult cuGetErrorName(CUresult code, const char **text) {
  const ErrorText *error = findError(code);
  *text = error ? error->name : nullptr;
  return error ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
CUresult cuGetErrorString(CUresult code, const char **text) {
  const ErrorText *error = findError(code);
  *text = error ? error->text : nullptr;
  return error ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuDeviceGetCount(int *count) {
  *count = deviceCount();
  return CUDA_SUCCESS;
}
CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  if (!exists(ordinal))
    return refuse(CUDA_ERROR_INVALID_DEVICE, "there is no device " + std::to_string(ordinal));
  *device = ordinal;
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
  if (!exists(device) || length < 1)
    return refuse(CUDA_ERROR_INVALID_VALUE, "cuDeviceGetName: no such device");
  snprintf(name, size_t(length), "%s", engine().name());
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
  if (!exists(device))
    return refuse(CUDA_ERROR_INVALID_DEVICE, "cuDeviceGetAttribute: no such device");
  switch (attribute) { // the runtime asks for these before it learns the chip
  case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: *value = engine().processors(); return CUDA_SUCCESS;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *value = 9; return CUDA_SUCCESS;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *value = 0; return CUDA_SUCCESS;
  case CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS: *value = 0; return CUDA_SUCCESS;
  default: return refuse(CUDA_ERROR_INVALID_VALUE, "cuDeviceGetAttribute: attribute " + std::to_string(attribute) + " is not simulated");
  }
}
CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
  *bytes = totalBytes();
  return exists(device) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}
CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  if (!ready || !exists(device))
    return refuse(ready ? CUDA_ERROR_INVALID_DEVICE : CUDA_ERROR_NOT_INITIALIZED, "cuDevicePrimaryCtxRetain: no such device, or cuInit was not called");
  *context = &contexts[device];
  return CUDA_SUCCESS;
}
CUresult cuCtxSetCurrent(CUcontext context) {
  current = context;
  return CUDA_SUCCESS;
}
CUresult cuCtxGetCurrent(CUcontext *context) {
  *context = current;
  return CUDA_SUCCESS;
}

CUresult cuCtxSynchronize(void) { return needContext(); }

CUresult cuPointerGetAttribute(void *value, int attribute, CUdeviceptr address) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  if (CUresult bad = needContext())
    return bad;
  const Allocation *block = find(pointer(address));
  if (!block || block->freed)
    return refuse(CUDA_ERROR_INVALID_VALUE, describeFault(pointer(address), 1));
  switch (attribute) {
  case CU_POINTER_ATTRIBUTE_MEMORY_TYPE: *static_cast<int *>(value) = CU_MEMORYTYPE_DEVICE; return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_IS_MANAGED: *static_cast<unsigned *>(value) = 0; return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL: *static_cast<int *>(value) = block->device; return CUDA_SUCCESS;
  default: return refuse(CUDA_ERROR_INVALID_VALUE, "cuPointerGetAttribute: attribute " + std::to_string(attribute) + " is not simulated");
  }
}

CUresult cuMemGetInfo_v2(size_t *available, size_t *total) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  *total = totalBytes();
  *available = totalBytes() - usedBytes();
  return needContext();
}
CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  if (CUresult bad = needContext())
    return bad;
  if (!bytes)
    return refuse(CUDA_ERROR_INVALID_VALUE, "cuMemAlloc of 0 bytes");
  void *memory = allocate(bytes, int(current - contexts));
  if (!memory)
    return refuse(CUDA_ERROR_OUT_OF_MEMORY, "no " + std::to_string(bytes) + " bytes left of " + std::to_string(totalBytes()));
  *address = reinterpret_cast<CUdeviceptr>(memory);
  return CUDA_SUCCESS;
}
CUresult cuMemFree_v2(CUdeviceptr address) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  if (!address || release(pointer(address)))
    return CUDA_SUCCESS;
  return refuse(CUDA_ERROR_INVALID_VALUE, "cuMemFree: no block of device memory starts there, or it was freed before");
}
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
  return inStream(stream, [=] {
    if (CUresult bad = inDevice("copy to the device", to, bytes))
      return bad;
    memcpy(pointer(to), from, bytes);
    return CUresult(CUDA_SUCCESS);
  });
}
CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return inStream(stream, [=] {
    if (CUresult bad = inDevice("copy from the device", from, bytes))
      return bad;
    memcpy(to, pointer(from), bytes);
    return CUresult(CUDA_SUCCESS);
  });
}
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return inStream(stream, [=] {
    CUresult bad = inDevice("copy on the device, source", from, bytes);
    if (!bad)
      bad = inDevice("copy on the device, destination", to, bytes);
    if (bad)
      return bad;
    if (to < from + bytes && from < to + bytes && bytes)
      return refuse(CUDA_ERROR_INVALID_VALUE, "copy on the device: source and destination overlap");
    memcpy(pointer(to), pointer(from), bytes);
    return CUresult(CUDA_SUCCESS);
  });
}
CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t bytes, CUstream stream) {
  return inStream(stream, [=] {
    if (CUresult bad = inDevice("fill", to, bytes))
      return bad;
    memset(pointer(to), value, bytes);
    return CUresult(CUDA_SUCCESS);
  });
}

CUresult cuStreamCreate(CUstream *stream, unsigned flags) {
  if (CUresult bad = needContext())
    return bad;
  *stream = new CUstream_st;
  return CUDA_SUCCESS;
}
CUresult cuStreamDestroy_v2(CUstream stream) {
  delete stream;
  return CUDA_SUCCESS;
}
CUresult cuStreamSynchronize(CUstream stream) {
  if (captureOf(stream))
    return refuse(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "a stream that is captured cannot be waited for");
  return needContext();
}
CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags) { return event ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE; }
CUresult cuEventCreate(CUevent *event, unsigned flags) {
  *event = new CUevent_st;
  return CUDA_SUCCESS;
}
CUresult cuEventRecord(CUevent event, CUstream stream) {
  if (!event)
    return CUDA_ERROR_INVALID_VALUE;
  event->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  return CUDA_SUCCESS;
}
CUresult cuEventSynchronize(CUevent event) { return event ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE; }
CUresult cuEventElapsedTime(float *milliseconds, CUevent begin, CUevent end) {
  if (!begin || !end || begin->seconds == 0 || end->seconds == 0)
    return CUDA_ERROR_INVALID_VALUE;
  *milliseconds = float((end->seconds - begin->seconds) * 1e3);
  return CUDA_SUCCESS;
}
CUresult cuEventDestroy_v2(CUevent event) {
  delete event;
  return CUDA_SUCCESS;
}
}
