//===- engine.cpp - the accelerator behind the driver -------------------------===//
#include "runtime/ascend_sim/machine.h"
#include "runtime/sim_driver/engine.h"

#include <cstdlib>
#include <unordered_map>

using namespace cellgrad;
using namespace cellgrad::ascend;

namespace {
class AscendKernel : public sim::Kernel {
public:
  AscendKernel(KernelFunction function, const cg_ascend_kernel *info, Target target) : function(function), info(info), target(std::move(target)) {}

  CUresult check(const unsigned size[6], unsigned sharedBytes, std::string &text) const override {
    if (!size[0] || size[0] > 65535 || size[1] != 1 || size[2] != 1 || size[3] != 1 || size[4] != 1 || size[5] != 1)
      text = "blocks and threads must be (n, 1, 1) and (1, 1, 1) with n from 1 to 65535";
    else if (info->block_dim && int32_t(size[0]) != info->block_dim)
      text = "launched with " + std::to_string(size[0]) + " blocks, compiled for " + std::to_string(info->block_dim);
    else if (sharedBytes)
      text = "there is no shared memory";
    return text.empty() ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  }
  std::string run(const int32_t size[6], unsigned sharedBytes, void **arguments) const override { return ascend::run({name, function, info, &target, size[0]}, arguments); }
  std::vector<int32_t> argumentBytes() const override { return {info->value_bytes, info->value_bytes + info->count}; }

private:
  KernelFunction function;
  const cg_ascend_kernel *info;
  Target target;
};

class AscendEngine : public sim::Engine {
public:
  const char *name() const override { return "cellgrad Ascend simulator"; }
  const char *chip() const override {
    const char *text = getenv("CELLGRAD_ASCEND_CHIP");
    return text && *text ? text : "Ascend910B3";
  }
  int processors() const override { return 1; }
  std::string start() override { return settings().wrong; }
  void *resolve(const std::string &name) const override {
    static const std::unordered_map<std::string, void *> own = {{"cg_ascend_issue", reinterpret_cast<void *>(&cg_ascend_issue)},
                                                                {"cg_ascend_scalar_load", reinterpret_cast<void *>(&cg_ascend_scalar_load)}};
    auto it = own.find(name);
    if (it != own.end())
      return it->second;
    return name.rfind("cg_sim_", 0) == 0 ? reinterpret_cast<void *>(&sim::notHere) : nullptr;
  }
  std::unique_ptr<sim::Kernel> find(const loader::Image &image, const std::string &name, CUresult &code, std::string &text) const override {
    auto *function = reinterpret_cast<KernelFunction>(image.symbol(name));
    auto *info = static_cast<const cg_ascend_kernel *>(image.symbol("cg_ascend." + name));
    auto *numbers = static_cast<const cg_ascend_target *>(image.symbol("cg_ascend_target"));
    if (!function || !info || !numbers || image.bytesFrom(info) < sizeof *info || image.bytesFrom(numbers) < sizeof *numbers) {
      code = CUDA_ERROR_NOT_FOUND, text = "the image has no kernel '" + name + "'";
      if (image.symbol("cg_sim." + name))
        code = CUDA_ERROR_INVALID_IMAGE, text = "the program was compiled for a GPU, this is an Ascend device";
      return nullptr;
    }
    Target target;
    code = CUDA_ERROR_INVALID_IMAGE, text = "the image was made for another version of the simulator";
    if (info->version != CG_ASCEND_VERSION || numbers->version != CG_ASCEND_VERSION)
      return nullptr;
    std::string missing = target.read(*numbers);
    if (!missing.empty()) {
      text += ": " + missing;
      return nullptr;
    }
    return std::make_unique<AscendKernel>(function, info, std::move(target));
  }
};
} // namespace

sim::Engine &sim::engine() {
  static auto *only = new AscendEngine;
  return *only;
}
