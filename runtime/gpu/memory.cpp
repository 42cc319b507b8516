//===- memory.cpp - device memory in the order of the stream ---------------===//
// Blocks of size classes on top of cuMemAlloc. All work of a device goes to one stream, so a block that is freed may be given out at
// once: what uses it next runs after what used it before. No event, no wait, and the last block freed is the first given out, so a
// program that is called again and again meets the same addresses (which the replay of graphs lives on).
#include "runtime/gpu/gpu.h"

using namespace cellgrad::gpu;

namespace {
constexpr int64_t kUnit = 512;

/// Classes count units: 1..16 exactly, then eight steps per power of two (at most 12.5 % waste).
int classOf(int64_t bytes) {
  uint64_t units = uint64_t((bytes + kUnit - 1) / kUnit);
  if (units <= 16)
    return units ? int(units) : 1;
  int e = 63 - __builtin_clzll(units - 1);
  return 17 + (e - 4) * 8 + (int((units - 1) >> (e - 3)) & 7);
}
int64_t classBytes(int c) {
  if (c <= 16)
    return c * kUnit;
  int e = (c - 17) / 8 + 4, sub = (c - 17) % 8;
  return (int64_t(9 + sub) << (e - 3)) * kUnit;
}

/// Gives cached blocks back to the driver. The lock is held.
CUresult flush(Device &device) {
  if (!device.cachedBytes)
    return CUDA_SUCCESS;
  CUresult first = device.driver->cuStreamSynchronize(device.stream);
  for (int c = 0; c < kClasses; ++c) {
    for (CUdeviceptr block : device.idle[c]) {
      CUresult error = device.driver->cuMemFree_v2(block);
      first = first ? first : error;
    }
    device.idle[c].clear();
  }
  device.cachedBytes = 0;
  return first;
}

int outOfMemory(Device &device, int64_t bytes) {
  size_t available = 0, total = 0;
  device.driver->cuMemGetInfo_v2(&available, &total);
  std::string text = device.title() + " is out of memory: " + formatBytes(bytes) + " were asked for; Tensors and running programs have " +
                     formatBytes(device.usedBytes);
  if (device.limit)
    text += " of the " + formatBytes(device.limit) + " that max_device_memory allows";
  text += ", the device has " + formatBytes(int64_t(available)) + " free of " + formatBytes(int64_t(total));
  fail("%s", text.c_str());
  return CG_GPU_OUT_OF_MEMORY;
}
} // namespace

int cellgrad::gpu::allocate(Device &device, int64_t bytes, void **out) {
  *out = nullptr;
  std::lock_guard<std::mutex> guard(device.lock);
  if (bytes < 0 || bytes > int64_t(1) << 48)
    return outOfMemory(device, bytes);
  int c = classOf(bytes);
  int64_t size = classBytes(c);
  if (device.limit && device.usedBytes + size > device.limit)
    return outOfMemory(device, bytes);
  CUdeviceptr block = 0;
  if (!device.idle[c].empty()) {
    block = device.idle[c].back();
    device.idle[c].pop_back();
    device.cachedBytes -= size;
  } else {
    bool fits = !device.limit || device.usedBytes + device.cachedBytes + size <= device.limit;
    CUresult error = fits ? device.driver->cuMemAlloc_v2(&block, size_t(size)) : CUDA_ERROR_OUT_OF_MEMORY;
    if (error == CUDA_ERROR_OUT_OF_MEMORY && device.cachedBytes) {
      if (CUresult late = flush(device))
        return failed(device, "freeing memory", late);
      error = device.driver->cuMemAlloc_v2(&block, size_t(size));
    }
    if (error == CUDA_ERROR_OUT_OF_MEMORY)
      return outOfMemory(device, bytes);
    if (error)
      return failed(device, "allocating memory", error);
  }
  device.taken.emplace(block, c);
  device.usedBytes += size;
  device.peakBytes = device.usedBytes > device.peakBytes ? device.usedBytes : device.peakBytes;
  *out = reinterpret_cast<void *>(static_cast<uintptr_t>(block));
  return CG_GPU_OK;
}

void cellgrad::gpu::release(Device &device, void *memory) {
  std::lock_guard<std::mutex> guard(device.lock);
  auto found = device.taken.find(address(memory));
  if (found == device.taken.end())
    return;
  int64_t size = classBytes(found->second);
  device.idle[found->second].push_back(found->first);
  device.taken.erase(found);
  device.usedBytes -= size;
  device.cachedBytes += size;
}

int cg_gpu_allocate(int number, int64_t bytes, void **out) {
  Device *device = openDevice(number);
  if (!device)
    return CG_GPU_FAILED;
  Within within(*device);
  return allocate(*device, bytes, out);
}

void cg_gpu_release(int number, void *memory) {
  if (Device *device = openDevice(number))
    release(*device, memory);
}

int cg_gpu_check_memory(int number, const void *memory, int64_t bytes) {
  Device *device = openDevice(number);
  if (!device)
    return CG_GPU_FAILED;
  const Driver &driver = *device->driver;
  if (!driver.cuPointerGetAttribute || bytes <= 0)
    return CG_GPU_OK;
  Within within(*device);
  for (CUdeviceptr at : {address(memory), address(memory) + CUdeviceptr(bytes) - 1}) {
    int type = 0, ordinal = 0;
    unsigned managed = 0;
    const char *which = at == address(memory) ? "its first byte" : "its last byte";
    CUresult error = driver.cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, at);
    if (error == CUDA_ERROR_INVALID_VALUE || (!error && !type)) // any other error is no word about the address
      return refuse("%p is not memory of %s: the driver does not know %s", memory, device->title().c_str(), which);
    error = error ? error : driver.cuPointerGetAttribute(&managed, CU_POINTER_ATTRIBUTE_IS_MANAGED, at);
    if (!error && managed)
      continue; // wherever it lies at present
    if (!error && type != CU_MEMORYTYPE_DEVICE)
      return refuse("%p is not memory of %s: %s is the host's", memory, device->title().c_str(), which);
    if (error || (error = driver.cuPointerGetAttribute(&ordinal, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, at)))
      return failed(*device, "asking the driver about an address", error);
    if (ordinal != number - kindOf(number))
      return refuse("%p is not memory of %s: %s belongs to device %d", memory, device->title().c_str(), which, ordinal);
  }
  return CG_GPU_OK;
}

int cg_gpu_memory_stats(int number, cg_gpu_memory *out) {
  Device *device = openDevice(number);
  if (!device)
    return CG_GPU_FAILED;
  std::lock_guard<std::mutex> guard(device->lock);
  *out = {device->usedBytes, device->cachedBytes, device->peakBytes, device->limit};
  return CG_GPU_OK;
}

int cg_gpu_empty_cache(int number) {
  Device *device = openDevice(number);
  if (!device)
    return CG_GPU_FAILED;
  Within within(*device);
  std::lock_guard<std::mutex> guard(device->lock);
  if (CUresult error = flush(*device))
    return failed(*device, "freeing memory", error);
  return CG_GPU_OK;
}

int cg_gpu_set_memory_limit(int number, int64_t bytes) {
  Device *device = openDevice(number);
  if (!device)
    return CG_GPU_FAILED;
  std::lock_guard<std::mutex> guard(device->lock);
  device->limit = bytes > 0 ? bytes : 0;
  return CG_GPU_OK;
}
