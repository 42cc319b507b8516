//===- gpu.h - inside libcellgrad_gpu: driver, devices, memory -------------===//
#ifndef CELLGRAD_RUNTIME_GPU_GPU_H
#define CELLGRAD_RUNTIME_GPU_GPU_H

#include "runtime/gpu/cellgrad_gpu.h"
#include "runtime/gpu/cuda_driver.h"

#include <atomic>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace cellgrad::gpu {

/// The driver's functions. Those of graphs are null where the driver has none.
struct Driver {
#define CG_MEMBER(result, name, parameters) result(*name) parameters = nullptr;
  CG_CUDA_REQUIRED(CG_MEMBER)
  CG_CUDA_GRAPHS(CG_MEMBER)
  CG_CUDA_OPTIONAL(CG_MEMBER)
  CG_CUDA_HOPPER(CG_MEMBER)
  CG_CUDA_TIMING(CG_MEMBER)
  CG_CUDA_EXTRA(CG_MEMBER)
#undef CG_MEMBER
  bool graphs = false;
};
/// The driver of a kind of devices (CG_GPU_CUDA, CG_GPU_ASCEND). Null where there is none; the reason is set.
const Driver *openDriver(int kind);

/// The path of a file in the folder of this library.
std::string beside(const char *name);

/// Sets the reason of this thread's failure; returns CG_GPU_FAILED, or CG_GPU_ARGUMENT.
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
/// The driver's name and text of an error.
std::string describe(const Driver &driver, CUresult error);
std::string formatBytes(int64_t bytes);

/// What was started on a device, for messages about failures that show up later.
struct Started {
  std::atomic<const char *> kernel{nullptr};
  std::atomic<int> others{0}; // kernels of the same replayed graph before it
};

constexpr int kPerKind = 64, kMaxDevices = 2 * kPerKind;
/// The kind of a device's number, and its number among its kind.
inline int kindOf(int number) { return number >= CG_GPU_ASCEND ? CG_GPU_ASCEND : CG_GPU_CUDA; }
constexpr int kClasses = 400;

struct Device {
  const Driver *driver = nullptr;
  int number = 0;
  CUdevice handle = 0;
  CUcontext context = nullptr;
  CUstream stream = nullptr;
  cg_gpu_device about = {};
  bool readsPageable = false; // it may read any memory of the host by itself, at any time

  // Blocks in size classes (memory.cpp).
  std::mutex lock;
  std::vector<CUdeviceptr> idle[kClasses];
  std::unordered_map<CUdeviceptr, int> taken; // block -> class
  int64_t usedBytes = 0, cachedBytes = 0, peakBytes = 0, limit = 0;

  static constexpr unsigned kStarted = 8;
  Started started[kStarted];
  std::atomic<unsigned> numStarted{0};

  void note(const char *kernel, int others = 0);
  void forgetStarted();
  /// "GPU 0 (name)", "Ascend 0 (name)".
  std::string title() const;
};
/// Null with the reason set.
Device *openDevice(int number);

/// Makes a device's context the thread's current one, and gives back what was there before.
class Within {
public:
  explicit Within(Device &device);
  ~Within();

private:
  const Driver *driver;
  CUcontext before = nullptr;
  bool restore = false;
};

/// Waits for the stream; says what failed and what ran before.
int synchronize(Device &device, const char *doing);
/// The text for an error of a call that may report an earlier kernel's failure.
int failed(Device &device, const char *doing, CUresult error);

int allocate(Device &device, int64_t bytes, void **out);
void release(Device &device, void *memory);

/// The program that runs on this thread.
struct Running {
  Device *device = nullptr;
  CUstream stream = nullptr; // the device's, or one that is captured
  int64_t launches = 0, waits = 0; // waits: what a captured program must not do
  bool fixed = true;               // what was launched belongs to programs that do the same at every run
  const char *lastKernel = nullptr;
  // In a loop of cg_gpu_product_next: a product that the library fails on is computed by kernels instead.
  bool canRetry = false, libraryFailed = false;
};
extern thread_local Running running;
/// Ends the program with the reason that is set.
[[noreturn]] void stop(int kind);
/// The running program's device; ends the program where there is none.
Device &here();
/// Counts a wait for the device; ends a program that is being captured, which does not run.
void countWait();

inline CUdeviceptr address(const void *p) { return static_cast<CUdeviceptr>(reinterpret_cast<uintptr_t>(p)); }

} // namespace cellgrad::gpu

#endif // CELLGRAD_RUNTIME_GPU_GPU_H
