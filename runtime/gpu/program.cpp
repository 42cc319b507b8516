//===- program.cpp - device code of programs: loading, launching, constants ===//
#include "runtime/cpu/cellgrad_cpu.h"
#include "runtime/gpu/gpu.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

using namespace cellgrad::gpu;

thread_local Running cellgrad::gpu::running;

namespace {
/// A program's code and constants on one device.
struct Loaded {
  CUmodule module = nullptr;
  std::vector<CUfunction> functions;
  std::vector<std::atomic<int32_t>> sharedBytes; // of dynamic shared memory that a function was allowed to have
  std::unordered_map<const void *, void *> constants;
};
struct State {
  std::atomic<Loaded *> on[kMaxDevices] = {};
  std::mutex lock;
};
std::mutex making;

State &stateOf(cg_gpu_program *program) {
  if (void *state = __atomic_load_n(&program->state, __ATOMIC_ACQUIRE))
    return *static_cast<State *>(state);
  std::lock_guard<std::mutex> guard(making);
  if (!program->state)
    __atomic_store_n(&program->state, new State(), __ATOMIC_RELEASE);
  return *static_cast<State *>(program->state);
}

int loadFunctions(Device &device, cg_gpu_program *program, Loaded &loaded) {
  char log[2048] = "";
  int options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, reinterpret_cast<void *>(sizeof log)};
  const char *format = program->format ? program->format : "unknown format";
  if (CUresult error = device.driver->cuModuleLoadDataEx(&loaded.module, program->image, 2, options, values)) {
    const char *hint = error == CUDA_ERROR_UNSUPPORTED_PTX_VERSION ? "; the driver is older than the PTX: update it, or install ptxas (pip install \"cellgrad[cuda]\")"
                       : error == CUDA_ERROR_NO_BINARY_FOR_GPU || error == CUDA_ERROR_INVALID_IMAGE
                           ? "; the program was compiled for another chip than this one"
                           : "";
    fail("%s, a %s, does not take the program's device code (%s for %s, %lld bytes): %s%s%s%s", device.title().c_str(), device.about.chip,
                format, program->chip ? program->chip : "an unknown chip", static_cast<long long>(program->image_bytes), describe(*device.driver, error).c_str(), hint, *log ? "\n" : "", log);
    return error == CUDA_ERROR_OUT_OF_MEMORY ? CG_GPU_OUT_OF_MEMORY : CG_GPU_FAILED;
  }
  loaded.functions.resize(size_t(program->kernel_count));
  loaded.sharedBytes = std::vector<std::atomic<int32_t>>(size_t(program->kernel_count));
  for (int64_t k = 0; k < program->kernel_count; ++k)
    if (CUresult error = device.driver->cuModuleGetFunction(&loaded.functions[size_t(k)], loaded.module, program->kernels[k])) {
      device.driver->cuModuleUnload(loaded.module);
      return fail("%s: the program's device code has no kernel '%s': %s", device.title().c_str(), program->kernels[k], describe(*device.driver, error).c_str());
    }
  return CG_GPU_OK;
}

/// Null with the reason set, and `error` to which one of CG_GPU_FAILED and CG_GPU_OUT_OF_MEMORY it is.
Loaded *load(Device &device, cg_gpu_program *program, int &error) {
  State &state = stateOf(program);
  std::atomic<Loaded *> &slot = state.on[device.number];
  if (Loaded *loaded = slot.load(std::memory_order_acquire))
    return loaded;
  std::lock_guard<std::mutex> guard(state.lock);
  if (Loaded *loaded = slot.load(std::memory_order_acquire))
    return loaded;
  auto *loaded = new Loaded();
  error = program->kernel_count ? loadFunctions(device, program, *loaded) : CG_GPU_OK;
  if (error) {
    delete loaded;
    return nullptr;
  }
  slot.store(loaded, std::memory_order_release);
  return loaded;
}

/// Null with the reason set.
void *constantOf(Device &device, cg_gpu_program *program, const void *host, int64_t bytes, int &kind) {
  int failure = CG_GPU_OK;
  Loaded *loaded = load(device, program, failure);
  if (!loaded) {
    kind = failure == CG_GPU_OUT_OF_MEMORY ? CG_FAILURE_MEMORY : kind;
    return nullptr;
  }
  State &state = stateOf(program);
  std::lock_guard<std::mutex> guard(state.lock);
  auto found = loaded->constants.find(host);
  if (found != loaded->constants.end())
    return found->second;
  void *memory;
  if (int error = allocate(device, bytes, &memory)) {
    kind = error == CG_GPU_OUT_OF_MEMORY ? CG_FAILURE_MEMORY : kind;
    return nullptr;
  }
  if (bytes > 0)
    // On the device's stream even where the program is being captured: it is done once and not at each replay.
    if (CUresult error = device.driver->cuMemcpyHtoDAsync_v2(address(memory), host, size_t(bytes), device.stream)) {
      release(device, memory);
      failed(device, "a copy of a constant to the device", error);
      return nullptr;
    }
  loaded->constants.emplace(host, memory);
  return memory;
}

bool waitsForEach() {
  static const bool wanted = [] {
    const char *text = getenv("CELLGRAD_GPU_SYNC");
    return text && *text && strcmp(text, "0");
  }();
  return wanted;
}

int failedKernel(Device &device, const cg_gpu_program *program, int64_t kernel, const int32_t *g, const char *doing, CUresult error) {
  const char *position = program->positions ? program->positions[kernel] : nullptr;
  return fail("%s: %s kernel '%s'%s%s (grid %d x %d x %d, block %d x %d x %d) failed: %s", device.title().c_str(), doing, program->kernels[kernel],
              position && *position ? " of " : "", position ? position : "",
              g[0], g[1], g[2], g[3], g[4], g[5], describe(*device.driver, error).c_str());
}

/// What every kernel may have of dynamic shared memory: of 48 KiB its mbarriers, and the gap up to the alignment of the dynamic memory, take the first.
constexpr int32_t kPlainSharedBytes = 47 * 1024;

/// Lets a kernel have more than that. Not 0: the reason is set.
int allowShared(Device &device, cg_gpu_program *program, Loaded &loaded, int64_t kernel, const int32_t *g) {
  std::atomic<int32_t> &allowed = loaded.sharedBytes[size_t(kernel)];
  if (g[6] <= std::max(kPlainSharedBytes, allowed.load(std::memory_order_acquire)))
    return CG_GPU_OK;
  if (!device.driver->cuFuncSetAttribute)
    return fail("%s: kernel '%s' needs %d bytes of shared memory, and the driver has no function cuFuncSetAttribute to allow that", device.title().c_str(),
                program->kernels[kernel], g[6]);
  if (CUresult error = device.driver->cuFuncSetAttribute(loaded.functions[size_t(kernel)], CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, g[6]))
    return failedKernel(device, program, kernel, g, "allowing the shared memory of", error);
  allowed.store(g[6], std::memory_order_release);
  return CG_GPU_OK;
}

/// Not 0: the reason is set.
int launch(Device &device, cg_gpu_program *program, int64_t kernel, const int32_t *g, void **args) {
  int failure = CG_GPU_FAILED;
  Loaded *loaded = load(device, program, failure);
  if (!loaded)
    return failure;
  if (kernel < 0 || kernel >= int64_t(loaded->functions.size()))
    return fail("%s: the program launches kernel %lld of %lld", device.title().c_str(), static_cast<long long>(kernel), static_cast<long long>(program->kernel_count));
  if (allowShared(device, program, *loaded, kernel, g))
    return CG_GPU_FAILED;
  CUresult error = device.driver->cuLaunchKernel(loaded->functions[size_t(kernel)], unsigned(g[0]), unsigned(g[1]), unsigned(g[2]), unsigned(g[3]),
                                          unsigned(g[4]), unsigned(g[5]), unsigned(g[6]), running.stream, args, nullptr);
  if (error)
    return failedKernel(device, program, kernel, g, "starting", error);
  ++running.launches;
  running.fixed &= program->fixed != 0;
  running.lastKernel = program->kernels[kernel];
  if (running.stream != device.stream)
    return CG_GPU_OK; // captured, not run
  device.note(running.lastKernel);
  if (waitsForEach())
    if ((error = device.driver->cuStreamSynchronize(running.stream)))
      return failedKernel(device, program, kernel, g, "running", error);
  return CG_GPU_OK;
}

/// Not 0: the reason is set.
int encodeMap(Device &device, const int64_t *record, const void *from, void *map) {
  constexpr int64_t kMost = 5; // dimensions of a tensor map
  int64_t type = record[0], rank = record[1];
  const int64_t *sizes = record + 2, *strides = sizes + rank, *boxes = strides + rank;
  if (!device.driver->cuTensorMapEncodeTiled)
    return fail("%s: a kernel of the program copies by tensor maps, and the driver has no function cuTensorMapEncodeTiled: update it, or compile with "
                "set_context(gpu_config={\"wgmma\": False})", device.title().c_str());
  if ((type != CG_PRODUCT_F16 && type != CG_PRODUCT_BF16) || rank < 1 || rank > kMost)
    return fail("a tensor map of type %lld and rank %lld is not supported", static_cast<long long>(type), static_cast<long long>(rank));
  constexpr unsigned long long kBytes = 2;
  unsigned long long size[kMost], stride[kMost];
  unsigned box[kMost], every[kMost];
  for (int64_t i = 0; i < rank; ++i) {
    int64_t outer = rank - 1 - i; // innermost first
    size[i] = static_cast<unsigned long long>(sizes[outer]);
    if (i)
      stride[i - 1] = static_cast<unsigned long long>(strides[outer]) * kBytes;
    box[i] = unsigned(boxes[outer]);
    every[i] = 1;
  }
  CUresult error = device.driver->cuTensorMapEncodeTiled(map, type == CG_PRODUCT_F16 ? CU_TENSOR_MAP_FLOAT16 : CU_TENSOR_MAP_BFLOAT16,
                                                         unsigned(rank), const_cast<void *>(from), size, stride, box, every, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                                                         CU_TENSOR_MAP_L2_PROMOTION_128B, CU_TENSOR_MAP_OOB_FILL_ZEROS);
  return error ? fail("%s: the tensor map of a kernel's argument is refused: %s", device.title().c_str(), describe(*device.driver, error).c_str()) : CG_GPU_OK;
}

int read(Device &device, void *host, const void *from, int64_t bytes) {
  CUresult error = device.driver->cuMemcpyDtoHAsync_v2(host, address(from), size_t(bytes), running.stream);
  return error ? failed(device, "reading a value", error) : synchronize(device, "reading a value");
}
} // namespace

// Frames of these are jumped over by cg_fail: nothing in them may need a destructor.
void cellgrad::gpu::stop(int kind) {
  cg_fail(kind, cg_gpu_error());
  __builtin_unreachable();
}

Device &cellgrad::gpu::here() {
  if (!running.device) {
    fail("a program for the GPU was not started by cg_gpu_run");
    stop(CG_FAILURE_PROGRAM);
  }
  return *running.device;
}

void cellgrad::gpu::countWait() {
  ++running.waits;
  if (running.stream == here().stream)
    return;
  fail("a program that is being captured as a graph cannot wait for a value");
  stop(CG_FAILURE_PROGRAM);
}

void cg_gpu_launch(cg_gpu_program *program, int64_t kernel, const int32_t shape[7], void **args) {
  if (int error = launch(here(), program, kernel, shape, args))
    stop(error == CG_GPU_OUT_OF_MEMORY ? CG_FAILURE_MEMORY : CG_FAILURE_PROGRAM);
}

void cg_gpu_tensor_map(const int64_t *record, const void *address, void *map) {
  if (encodeMap(here(), record, address, map))
    stop(CG_FAILURE_PROGRAM);
}

void cg_gpu_copy(void *to, const void *from, int64_t bytes) {
  Device &device = here();
  if (bytes <= 0 || to == from)
    return;
  ++running.launches;
  if (CUresult error = device.driver->cuMemcpyDtoDAsync_v2(address(to), address(from), size_t(bytes), running.stream)) {
    failed(device, "a copy on the device", error);
    stop(CG_FAILURE_PROGRAM);
  }
}

void cg_gpu_read(void *host, const void *device, int64_t bytes) {
  Device &from = here();
  if (bytes <= 0)
    return;
  countWait();
  if (read(from, host, device, bytes))
    stop(CG_FAILURE_PROGRAM);
}

const void *cg_gpu_constant(cg_gpu_program *program, const void *host, int64_t bytes) {
  int kind = CG_FAILURE_PROGRAM;
  void *memory = constantOf(here(), program, host, bytes, kind);
  if (!memory)
    stop(kind);
  return memory;
}

int cg_gpu_load(int number, cg_gpu_program *program) {
  Device *device = openDevice(number);
  if (!device)
    return CG_GPU_FAILED;
  Within within(*device);
  int error = CG_GPU_FAILED;
  return load(*device, program, error) ? CG_GPU_OK : error;
}

void cg_gpu_unload(cg_gpu_program *program) {
  auto *state = static_cast<State *>(program->state);
  if (!state)
    return;
  program->state = nullptr;
  for (int number = 0; number < kMaxDevices; ++number) {
    Loaded *loaded = state->on[number].load();
    Device *device = loaded ? openDevice(number) : nullptr;
    if (!device)
      continue;
    Within within(*device);
    synchronize(*device, "unloading a program"); // and no message refers to its names any more
    device->forgetStarted();
    for (auto &constant : loaded->constants)
      release(*device, constant.second);
    if (loaded->module)
      device->driver->cuModuleUnload(loaded->module);
    delete loaded;
  }
  delete state;
}
