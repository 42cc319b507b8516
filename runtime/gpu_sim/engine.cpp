//===- engine.cpp - the GPU behind the driver ------------------------------===//
#include "runtime/gpu_sim/execute.h"

#include "runtime/sim_driver/settings.h"

#include <unordered_map>

using namespace cellgrad;
using namespace cellgrad::sim;

namespace {
/// Environment CELLGRAD_GPU_SIM: `checked`, `seed=N`, `waits=N`.
struct Settings {
  bool checked = false;
  uint64_t seed = 0, waits = uint64_t(1) << 22;
  std::string wrong; // a word that means nothing
};
const Settings &settings() {
  static const Settings values = [] {
    Settings s;
    s.wrong = readSettings("CELLGRAD_GPU_SIM", "'checked', 'seed=<number>' and 'waits=<number>'", [&](std::string_view word) {
      return word == "checked" ? s.checked = true : readNumber(word, "seed=", s.seed) || readNumber(word, "waits=", s.waits);
    });
    return s;
  }();
  return values;
}

class GpuKernel : public Kernel {
public:
  GpuKernel(KernelFunction function, const cg_sim_kernel *info) : function(function), info(info) {}

  CUresult check(const unsigned size[6], unsigned sharedBytes, std::string &text) const override {
    auto triple = [](const unsigned *n) { return std::to_string(n[0]) + " x " + std::to_string(n[1]) + " x " + std::to_string(n[2]); };
    const unsigned *grid = size, *block = size + 3;
    // The limits of the real devices.
    if (!grid[0] || !grid[1] || !grid[2] || grid[0] > 0x7fffffffu || grid[1] > 65535 || grid[2] > 65535)
      text = "a grid of " + triple(grid) + " blocks";
    else if (!block[0] || !block[1] || !block[2] || block[0] > 1024 || block[1] > 1024 || block[2] > 64 || block[0] * block[1] * block[2] > 1024)
      text = "a block of " + triple(block) + " threads";
    else if (info->block[0] && (int32_t(block[0]) != info->block[0] || int32_t(block[1]) != info->block[1] || int32_t(block[2]) != info->block[2]))
      text = "launched with another block size than it was compiled for";
    else if (info->shared_bytes > kShared)
      text = std::to_string(info->shared_bytes) + " bytes of static shared memory; a block has 49152";
    else if (sharedBytes && int64_t(sharedBytes) > dynamicLimit())
      text = std::to_string(sharedBytes) + " bytes of dynamic shared memory, from byte " + std::to_string(dynamicStart()) + " on; " + std::to_string(dynamicLimit()) +
             " are allowed (cuFuncSetAttribute raises that)";
    return text.empty() ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  }
  CUresult allowShared(int bytes, std::string &text) override {
    if (bytes < 0 || dynamicStart() + bytes > kMostShared) {
      text = std::to_string(bytes) + " bytes of dynamic shared memory, from byte " + std::to_string(dynamicStart()) + " on; a block has at most " + std::to_string(kMostShared);
      return CUDA_ERROR_INVALID_VALUE;
    }
    allowed = bytes;
    return CUDA_SUCCESS;
  }
  std::string run(const int32_t size[6], unsigned sharedBytes, void **arguments) const override {
    for (int32_t i = 0; i < info->count; ++i) {
      int32_t alignment = info->argument_alignments[i];
      if (alignment && *static_cast<const uintptr_t *>(arguments[i]) % uint32_t(alignment))
        return "kernel '" + name + "': it was compiled for memory that begins at multiples of " + std::to_string(alignment) + " bytes, that of argument " + std::to_string(i) +
               " does not";
    }
    return sim::run({name, function, info, {size[0], size[1], size[2]}, {size[3], size[4], size[5]}, int32_t(sharedBytes), settings().seed, settings().waits}, arguments);
  }
  std::vector<int32_t> argumentBytes() const override { return {info->argument_bytes, info->argument_bytes + info->count}; }

private:
  static constexpr int64_t kShared = 48 * 1024, kMostShared = 227 * 1024; // by default, and on request, of one block
  /// ptxas fills the static memory of a kernel up to the alignment of its dynamic one; the gap counts.
  int64_t dynamicStart() const { return int64_t((size_t(info->shared_bytes) + kSharedAlignment - 1) / kSharedAlignment * kSharedAlignment); }
  int64_t dynamicLimit() const { return allowed >= 0 ? allowed : std::max<int64_t>(0, kShared - dynamicStart()); }
  KernelFunction function;
  const cg_sim_kernel *info;
  int64_t allowed = -1;
};

class GpuEngine : public Engine {
public:
  const char *name() const override { return "cellgrad GPU simulator"; }
  const char *chip() const override { return settings().checked ? "sim-checked" : "sim"; }
  int processors() const override { return 1; }
  std::string start() override { return settings().wrong; }
  void *resolve(const std::string &name) const override {
    static const std::unordered_map<std::string, void *> own = {
        {"cg_sim_barrier", reinterpret_cast<void *>(&cg_sim_barrier)},       {"cg_sim_shuffle", reinterpret_cast<void *>(&cg_sim_shuffle)},
        {"cg_sim_mma", reinterpret_cast<void *>(&cg_sim_mma)},               {"cg_sim_ldmatrix", reinterpret_cast<void *>(&cg_sim_ldmatrix)},
        {"cg_sim_async_copy", reinterpret_cast<void *>(&cg_sim_async_copy)}, {"cg_sim_async_commit", reinterpret_cast<void *>(&cg_sim_async_commit)},
        {"cg_sim_async_wait", reinterpret_cast<void *>(&cg_sim_async_wait)}, {"cg_sim_access", reinterpret_cast<void *>(&cg_sim_access)},
        {"cg_sim_mbarrier_init", reinterpret_cast<void *>(&cg_sim_mbarrier_init)},
        {"cg_sim_mbarrier_arrive", reinterpret_cast<void *>(&cg_sim_mbarrier_arrive)},
        {"cg_sim_mbarrier_wait", reinterpret_cast<void *>(&cg_sim_mbarrier_wait)},
        {"cg_sim_fence", reinterpret_cast<void *>(&cg_sim_fence)},           {"cg_sim_bulk_copy", reinterpret_cast<void *>(&cg_sim_bulk_copy)},
        {"cg_sim_wgmma", reinterpret_cast<void *>(&cg_sim_wgmma)},           {"cg_sim_wgmma_fence", reinterpret_cast<void *>(&cg_sim_wgmma_fence)},
        {"cg_sim_wgmma_commit", reinterpret_cast<void *>(&cg_sim_wgmma_commit)},
        {"cg_sim_wgmma_wait", reinterpret_cast<void *>(&cg_sim_wgmma_wait)}, {"cg_sim_wgmma_use", reinterpret_cast<void *>(&cg_sim_wgmma_use)},
    };
    auto it = own.find(name);
    if (it != own.end())
      return it->second;
    return name.rfind("cg_ascend_", 0) == 0 ? reinterpret_cast<void *>(&notHere) : nullptr;
  }
  std::unique_ptr<Kernel> find(const loader::Image &image, const std::string &name, CUresult &code, std::string &text) const override {
    auto *function = reinterpret_cast<KernelFunction>(image.symbol(name));
    auto *info = static_cast<const cg_sim_kernel *>(image.symbol("cg_sim." + name));
    if (!function || !info || image.bytesFrom(info) < sizeof *info) {
      code = CUDA_ERROR_NOT_FOUND, text = "the image has no kernel '" + name + "'";
      if (image.symbol("cg_ascend." + name))
        code = CUDA_ERROR_INVALID_IMAGE, text = "the program was compiled for an Ascend device, this is a GPU";
      return nullptr;
    }
    if (info->version != CG_SIM_VERSION) {
      code = CUDA_ERROR_INVALID_IMAGE, text = "the image was made for another version of the simulator";
      return nullptr;
    }
    return std::make_unique<GpuKernel>(function, info);
  }
};
} // namespace

Engine &sim::engine() {
  static auto *only = new GpuEngine;
  return *only;
}
