//===- device.cpp - devices: context, stream, copies -----------------------===//
#include "runtime/gpu/gpu.h"

#include <cstdio>
#include <cstring>

using namespace cellgrad::gpu;

namespace {
std::mutex opening;
std::atomic<Device *> devices[kMaxDevices];

int describeDevice(const Driver &driver, int number, CUdevice *handle, cg_gpu_device *out) {
  int count = 0, kind = kindOf(number), ordinal = number - kind;
  const char *what = kind == CG_GPU_CUDA ? "GPU" : "Ascend device";
  CUresult error = driver.cuDeviceGetCount(&count);
  if (error)
    return fail("the %ss cannot be counted: %s", what, describe(driver, error).c_str());
  if (ordinal < 0 || ordinal >= count || ordinal >= kPerKind)
    return fail("there is no %s %d: the driver has %d, numbered from 0", what, ordinal, count);
  *out = {};
  int major = 0, minor = 0, processors = 0, version = 0;
  size_t memory = 0;
  if ((error = driver.cuDeviceGet(handle, ordinal)) || (error = driver.cuDeviceGetName(out->name, sizeof out->name, *handle)) ||
      (error = driver.cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, *handle)) ||
      (error = driver.cuDeviceGetAttribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, *handle)) ||
      (error = driver.cuDeviceGetAttribute(&processors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, *handle)) ||
      (error = driver.cuDeviceTotalMem_v2(&memory, *handle)) || (error = driver.cuDriverGetVersion(&version)))
    return fail("%s %d cannot be asked for its properties: %s", what, ordinal, describe(driver, error).c_str());
  if (driver.cgDriverChip)
    snprintf(out->chip, sizeof out->chip, "%s", driver.cgDriverChip());
  else
    // What is for one architecture only has instructions that its common part lacks, and a program for this device may use them.
    snprintf(out->chip, sizeof out->chip, "sm_%d%d%s", major, minor, major == 9 && minor == 0 ? "a" : "");
  out->memory_bytes = int64_t(memory);
  out->processors = processors;
  out->driver_version = version;
  return CG_GPU_OK;
}
} // namespace

Device *cellgrad::gpu::openDevice(int number) {
  if (number >= 0 && number < kMaxDevices)
    if (Device *device = devices[number].load(std::memory_order_acquire))
      return device;
  const Driver *driver = openDriver(kindOf(number));
  if (!driver)
    return nullptr;
  std::lock_guard<std::mutex> guard(opening);
  CUdevice handle;
  cg_gpu_device about;
  if (describeDevice(*driver, number, &handle, &about))
    return nullptr;
  if (Device *device = devices[number].load(std::memory_order_acquire)) // another thread was quicker
    return device;
  auto *device = new Device();
  device->driver = driver;
  device->number = number;
  device->handle = handle;
  device->about = about;
  CUresult error = driver->cuDevicePrimaryCtxRetain(&device->context, handle);
  if (!error) {
    Within within(*device);
    error = driver->cuStreamCreate(&device->stream, CU_STREAM_NON_BLOCKING);
  }
  int reads = 0;
  device->readsPageable = !driver->cuDeviceGetAttribute(&reads, CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS, handle) && reads;
  if (error) {
    fail("%s cannot be opened: %s", device->title().c_str(), describe(*driver, error).c_str());
    delete device;
    return nullptr;
  }
  devices[number].store(device, std::memory_order_release);
  return device;
}

std::string Device::title() const {
  return (kindOf(number) == CG_GPU_CUDA ? "GPU " : "Ascend ") + std::to_string(number - kindOf(number)) + " (" + about.name + ")";
}

void Device::note(const char *kernel, int others) {
  Started &slot = started[numStarted.fetch_add(1, std::memory_order_relaxed) % kStarted];
  slot.kernel.store(kernel, std::memory_order_relaxed);
  slot.others.store(others, std::memory_order_relaxed);
}

void Device::forgetStarted() {
  for (Started &slot : started)
    slot.kernel.store(nullptr, std::memory_order_relaxed);
}

Within::Within(Device &device) : driver(device.driver) {
  driver->cuCtxGetCurrent(&before);
  if (before != device.context) {
    driver->cuCtxSetCurrent(device.context);
    restore = before != nullptr; // another library's choice of device
  }
}

Within::~Within() {
  if (restore)
    driver->cuCtxSetCurrent(before);
}

int cellgrad::gpu::failed(Device &device, const char *doing, CUresult error) {
  std::string text = device.title() + ": " + doing + " failed: " + describe(*device.driver, error), last;
  unsigned end = device.numStarted.load(std::memory_order_relaxed);
  for (unsigned i = 0; i < Device::kStarted && i < end; ++i) {
    Started &slot = device.started[(end - 1 - i) % Device::kStarted];
    const char *kernel = slot.kernel.load(std::memory_order_relaxed);
    if (!kernel)
      continue;
    last += std::string("\n    ") + kernel;
    if (int others = slot.others.load(std::memory_order_relaxed))
      last += " and " + std::to_string(others) + " before it in its program";
  }
  if (!last.empty())
    text += "\n  Kernels run after their start has returned, so one of the last ones may be the reason:" + last +
            "\n  CELLGRAD_GPU_SYNC=1 waits for each kernel and names the one that failed.";
  return fail("%s", text.c_str());
}

int cellgrad::gpu::synchronize(Device &device, const char *doing) {
  if (CUresult error = device.driver->cuStreamSynchronize(device.stream))
    return failed(device, doing, error);
  device.forgetStarted();
  return CG_GPU_OK;
}

int cg_gpu_device_count(int kind, int *count) {
  const Driver *driver = openDriver(kind);
  if (!driver)
    return CG_GPU_FAILED;
  if (CUresult error = driver->cuDeviceGetCount(count))
    return fail("the devices cannot be counted: %s", describe(*driver, error).c_str());
  return CG_GPU_OK;
}

int cg_gpu_describe(int number, cg_gpu_device *out) {
  CUdevice handle;
  const Driver *driver = openDriver(kindOf(number));
  return driver ? describeDevice(*driver, number, &handle, out) : CG_GPU_FAILED;
}

int cg_gpu_start_upload(int number, void *to, const void *from, int64_t bytes) {
  Device *device = openDevice(number);
  if (!device || bytes <= 0)
    return device ? CG_GPU_OK : CG_GPU_FAILED;
  Within within(*device);
  if (CUresult error = device->driver->cuMemcpyHtoDAsync_v2(address(to), from, size_t(bytes), device->stream))
    return failed(*device, "a copy to the device", error);
  return CG_GPU_OK;
}

int cg_gpu_start_download(int number, void *to, const void *from, int64_t bytes) {
  Device *device = openDevice(number);
  if (!device || bytes <= 0)
    return device ? CG_GPU_OK : CG_GPU_FAILED;
  Within within(*device);
  if (CUresult error = device->driver->cuMemcpyDtoHAsync_v2(to, address(from), size_t(bytes), device->stream))
    return failed(*device, "a copy from the device", error);
  return CG_GPU_OK;
}

int cg_gpu_upload(int number, void *to, const void *from, int64_t bytes) {
  int result = cg_gpu_start_upload(number, to, from, bytes);
  if (result || bytes <= 0)
    return result;
  Device *device = openDevice(number);
  Within within(*device);
  // The driver has taken pageable memory into its own staging buffers by now. Memory that it knows (another library's pinned or managed memory, which
  // counts as the host's or the device's by where it lies at present) it reads later, and so may a device any memory that reads it by itself.
  int type = 0;
  bool known = device->driver->cuPointerGetAttribute && !device->driver->cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, address(from)) && type;
  return known || device->readsPageable ? synchronize(*device, "a copy to the device") : CG_GPU_OK;
}

int cg_gpu_download(int number, void *to, const void *from, int64_t bytes) {
  int result = cg_gpu_start_download(number, to, from, bytes);
  if (result || bytes <= 0)
    return result;
  Device *device = openDevice(number);
  Within within(*device);
  return synchronize(*device, "a copy from the device");
}

int cg_gpu_move(int number, void *to, const void *from, int64_t bytes) {
  Device *device = openDevice(number);
  if (!device || bytes <= 0)
    return device ? CG_GPU_OK : CG_GPU_FAILED;
  Within within(*device);
  if (CUresult error = device->driver->cuMemcpyDtoDAsync_v2(address(to), address(from), size_t(bytes), device->stream))
    return failed(*device, "a copy on the device", error);
  return CG_GPU_OK;
}

int cg_gpu_clear(int number, void *memory, int64_t bytes) {
  Device *device = openDevice(number);
  if (!device || bytes <= 0)
    return device ? CG_GPU_OK : CG_GPU_FAILED;
  Within within(*device);
  if (CUresult error = device->driver->cuMemsetD8Async(address(memory), 0, size_t(bytes), device->stream))
    return failed(*device, "filling memory", error);
  return CG_GPU_OK;
}

int cg_gpu_synchronize(int number) {
  Device *device = openDevice(number);
  if (!device)
    return CG_GPU_FAILED;
  Within within(*device);
  return synchronize(*device, "waiting for the device");
}

int cg_gpu_quiesce(int number) {
  Device *device = openDevice(number);
  if (!device)
    return CG_GPU_FAILED;
  Within within(*device);
  if (device->driver->cuCtxSynchronize)
    if (CUresult error = device->driver->cuCtxSynchronize())
      return failed(*device, "waiting for the device", error);
  return CG_GPU_OK;
}

int cg_gpu_stream(int number, void **stream) {
  Device *device = openDevice(number);
  if (!device)
    return CG_GPU_FAILED;
  *stream = device->stream;
  return CG_GPU_OK;
}

namespace {
/// `later` runs what is given to it from now on after what `first` has by now.
int order(Device &device, CUstream first, CUstream later) {
  Within within(device);
  CUevent event;
  const Driver *driver = device.driver;
  CUresult error = driver->cuEventCreate(&event, CU_EVENT_DISABLE_TIMING);
  if (!error) {
    if (!(error = driver->cuEventRecord(event, first)))
      error = driver->cuStreamWaitEvent(later, event, 0);
    driver->cuEventDestroy_v2(event); // the driver keeps it until the wait is over
  }
  return error ? failed(device, "ordering two streams", error) : CG_GPU_OK;
}
} // namespace

// Work for a stream that is being captured does not run now: neither can it be waited for, nor do programs become a part of another library's graph.
int cg_gpu_check_stream(int number, void *stream) {
  Device *device = openDevice(number);
  if (!device)
    return CG_GPU_FAILED;
  Within within(*device);
  int status = CU_STREAM_CAPTURE_STATUS_NONE;
  CUresult error = device->driver->cuStreamIsCapturing ? device->driver->cuStreamIsCapturing(static_cast<CUstream>(stream), &status) : CUDA_SUCCESS;
  if (status != CU_STREAM_CAPTURE_STATUS_NONE || error == CUDA_ERROR_STREAM_CAPTURE_IMPLICIT)
    return refuse("%s: stream %p is being captured as a CUDA graph, and programs cannot be a part of one: run them before the capture or after it",
                  device->title().c_str(), stream);
  return error ? failed(*device, "asking the driver about a stream", error) : CG_GPU_OK;
}

int cg_gpu_let_wait(int number, void *stream) {
  Device *device = openDevice(number);
  if (!device)
    return CG_GPU_FAILED;
  int result = cg_gpu_check_stream(number, stream);
  return result ? result : order(*device, device->stream, static_cast<CUstream>(stream));
}

int cg_gpu_wait_for(int number, void *stream) {
  Device *device = openDevice(number);
  if (!device)
    return CG_GPU_FAILED;
  int result = cg_gpu_check_stream(number, stream);
  return result ? result : order(*device, static_cast<CUstream>(stream), device->stream);
}
