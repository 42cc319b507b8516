//===- gpu.cpp - the GPU runtime beside this library -----------------------===//
#include "runtime/program/gpu.h"

#include <cstring>
#include <dlfcn.h>
#include <mutex>

namespace cellgrad::program {

namespace {
constexpr const char *kLibrary = "libcellgrad_gpu.so";

/// Null, with the reason in `why`, where the library or one of its functions is missing.
const Gpu *load(std::string &why) {
  static std::mutex mutex;
  static Gpu gpu;
  std::lock_guard<std::mutex> lock(mutex);
  if (gpu.library)
    return &gpu;
  void *library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    why = reason ? reason : kLibrary;
    return nullptr;
  }
  auto find = [&](auto &function, const char *name) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
    if (!function)
      why = std::string(kLibrary) + " has no function " + name;
    return function != nullptr;
  };
  Gpu found{};
#define CGP_FIND(member, name) &&find(found.member, #name)
  if (!(true CGP_EACH_GPU_FUNCTION(CGP_FIND))) {
    dlclose(library);
    return nullptr;
  }
#undef CGP_FIND
  gpu = found;
  gpu.library = library;
  return &gpu;
}

/// "sm_90a" as 90 and whether it is for this architecture only; false for other names.
bool readChip(const std::string &chip, int &number, bool &only) {
  if (chip.rfind("sm_", 0) != 0)
    return false;
  size_t at = 3;
  number = 0;
  for (; at < chip.size() && chip[at] >= '0' && chip[at] <= '9' && number < 10000; ++at)
    number = number * 10 + (chip[at] - '0');
  only = at + 1 == chip.size() && chip[at] == 'a';
  return at > 3 && (only || at == chip.size());
}

/// PTX runs on its chip and later ones, machine code on those of the same major number; what is for one architecture ("a") runs there only.
bool runsOn(const DeviceTarget &target, const std::string &chip) {
  if (target.chip == chip)
    return true;
  int wanted, here;
  bool only, hereOnly;
  if (!readChip(target.chip, wanted, only) || !readChip(chip, here, hereOnly))
    return false;
  if (only)
    return wanted == here;
  return target.image == "ptx" ? here >= wanted : here / 10 == wanted / 10 && here >= wanted;
}
} // namespace

void *Gpu::import(const char *name) const {
  for (const char *known : {"cg_gpu_launch", "cg_gpu_tensor_map", "cg_gpu_copy", "cg_gpu_read", "cg_gpu_constant", "cg_gpu_tape_create", "cg_gpu_print"})
    if (!strcmp(known, name))
      return dlsym(library, name);
  return nullptr;
}

const Gpu *openGpu(const DeviceTarget &target, int device, Problem &problem) {
  auto fail = [&](const std::string &what) {
    problem.set(CGP_MACHINE, "the program is for a GPU (" + target.chip + "): " + what);
    return nullptr;
  };
  std::string why;
  const Gpu *gpu = load(why);
  if (!gpu)
    return fail(why);
  int count = 0;
  if (gpu->open(CG_GPU_CUDA) != CG_GPU_OK || gpu->deviceCount(CG_GPU_CUDA, &count) != CG_GPU_OK)
    return fail(gpu->error());
  if (device < 0 || device >= count)
    return fail("there is no GPU " + std::to_string(device) + "; this machine has " + std::to_string(count));
  cg_gpu_device found;
  if (gpu->describe(device, &found) != CG_GPU_OK)
    return fail(gpu->error());
  if (!runsOn(target, found.chip))
    return fail(std::string("GPU ") + std::to_string(device) + " is " + found.name + " (" + found.chip + "), which does not run its " + target.image);
  return gpu;
}

} // namespace cellgrad::program
