//===- modules.cpp - images and launches ----------------------------------===//
#include "runtime/gpu_sim/driver.h"
#include "runtime/loader/elf.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <unordered_map>

using namespace cellgrad;
using namespace cellgrad::sim;

struct CUfunc_st {
  std::string name;
  KernelFunction function;
  const cg_sim_kernel *info;
};
struct CUmod_st {
  std::unique_ptr<loader::Image> image;
  std::unordered_map<std::string, CUfunc_st> functions;
};

namespace {
/// What images call: the simulator, and the C library for what is no instruction.
void *resolve(const char *name) {
  static const std::unordered_map<std::string, void *> own = {
      {"cg_sim_barrier", reinterpret_cast<void *>(&cg_sim_barrier)},         {"cg_sim_shuffle", reinterpret_cast<void *>(&cg_sim_shuffle)},
      {"cg_sim_mma", reinterpret_cast<void *>(&cg_sim_mma)},                 {"cg_sim_ldmatrix", reinterpret_cast<void *>(&cg_sim_ldmatrix)},
      {"cg_sim_async_copy", reinterpret_cast<void *>(&cg_sim_async_copy)},   {"cg_sim_async_commit", reinterpret_cast<void *>(&cg_sim_async_commit)},
      {"cg_sim_async_wait", reinterpret_cast<void *>(&cg_sim_async_wait)},   {"cg_sim_access", reinterpret_cast<void *>(&cg_sim_access)},
      {"memcpy", reinterpret_cast<void *>(&memcpy)},                         {"memset", reinterpret_cast<void *>(&memset)},
      {"memmove", reinterpret_cast<void *>(&memmove)},
  };
  auto it = own.find(name);
  return it != own.end() ? it->second : dlsym(RTLD_DEFAULT, name);
}

/// The length of an object of which only the address is known, as its own headers tell it.
size_t objectBytes(const void *image) {
  Elf64_Ehdr header;
  memcpy(&header, image, sizeof header);
  if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_shentsize != sizeof(Elf64_Shdr))
    return 0;
  size_t end = header.e_shoff + size_t(header.e_shnum) * sizeof(Elf64_Shdr);
  for (size_t i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section;
    memcpy(&section, static_cast<const char *>(image) + header.e_shoff + i * sizeof section, sizeof section);
    if (section.sh_type != SHT_NOBITS)
      end = std::max(end, size_t(section.sh_offset + section.sh_size));
  }
  return end;
}

CUresult launchNow(const CUfunc_st &function, const int32_t size[6], void **arguments) {
  Launch launch = {function.name, function.function, function.info, {size[0], size[1], size[2]}, {size[3], size[4], size[5]}, settings().seed};
  std::string wrong = run(launch, arguments);
  return wrong.empty() ? CUDA_SUCCESS : refuse(CUDA_ERROR_LAUNCH_FAILED, wrong);
}
} // namespace

extern "C" {

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, int *options, void **values) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  size_t bytes = objectBytes(image);
  std::string error = "this is no x86-64 ELF object: programs for the simulator are compiled with chip=sim";
  auto made = std::make_unique<CUmod_st>();
  if (bytes)
    made->image = loader::Image::load({static_cast<const char *>(image), bytes}, resolve, error);
  if (made->image) {
    *module = made.release();
    return CUDA_SUCCESS;
  }
  char *log = nullptr;
  size_t logBytes = 0;
  for (unsigned i = 0; i < count; ++i) {
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER)
      log = static_cast<char *>(values[i]);
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES)
      logBytes = reinterpret_cast<size_t>(values[i]);
  }
  if (log && logBytes) {
    size_t length = std::min(error.size(), logBytes - 1);
    memcpy(log, error.data(), length);
    log[length] = 0;
  }
  return refuse(CUDA_ERROR_INVALID_IMAGE, error);
}
CUresult cuModuleUnload(CUmodule module) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  delete module;
  return CUDA_SUCCESS;
}
CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  auto *code = reinterpret_cast<KernelFunction>(module->image->symbol(name));
  auto *info = static_cast<const cg_sim_kernel *>(module->image->symbol(std::string("cg_sim.") + name));
  if (!code || !info || module->image->bytesFrom(info) < sizeof *info)
    return refuse(CUDA_ERROR_NOT_FOUND, std::string("the image has no kernel '") + name + "'");
  if (info->version != CG_SIM_VERSION)
    return refuse(CUDA_ERROR_INVALID_IMAGE, "the image was made for another version of the simulator");
  *function = &module->functions.insert({name, {name, code, info}}).first->second;
  return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,
                        CUstream stream, void **arguments, void **extra) {
  const cg_sim_kernel &info = *function->info;
  std::string name = "kernel '" + function->name + "': ";
  // The limits of the real devices.
  if (!gridX || !gridY || !gridZ || gridX > 0x7fffffffu || gridY > 65535 || gridZ > 65535)
    return refuse(CUDA_ERROR_INVALID_VALUE, name + "a grid of " + std::to_string(gridX) + " x " + std::to_string(gridY) + " x " + std::to_string(gridZ) + " blocks");
  if (!blockX || !blockY || !blockZ || blockX > 1024 || blockY > 1024 || blockZ > 64 || blockX * blockY * blockZ > 1024)
    return refuse(CUDA_ERROR_INVALID_VALUE, name + "a block of " + std::to_string(blockX) + " x " + std::to_string(blockY) + " x " + std::to_string(blockZ) + " threads");
  if (info.block[0] && (int32_t(blockX) != info.block[0] || int32_t(blockY) != info.block[1] || int32_t(blockZ) != info.block[2]))
    return refuse(CUDA_ERROR_INVALID_VALUE, name + "launched with another block size than it was compiled for");
  if (info.shared_bytes > 48 * 1024)
    return refuse(CUDA_ERROR_INVALID_VALUE, name + std::to_string(info.shared_bytes) + " bytes of static shared memory; a block has 49152");
  if (sharedBytes || extra)
    return refuse(CUDA_ERROR_NOT_SUPPORTED, name + "dynamic shared memory and packed arguments are not simulated");
  std::vector<int32_t> size = {int32_t(gridX), int32_t(gridY), int32_t(gridZ), int32_t(blockX), int32_t(blockY), int32_t(blockZ)};
  if (!captureOf(stream))
    return inStream(stream, [&] { return launchNow(*function, size.data(), arguments); });
  // A graph keeps the values of the arguments.
  std::vector<std::vector<char>> kept(size_t(info.count));
  for (int32_t i = 0; i < info.count; ++i) {
    const char *value = static_cast<const char *>(arguments[i]);
    kept[size_t(i)].assign(value, value + info.argument_bytes[i]);
  }
  return inStream(stream, [function, size, kept]() mutable {
    std::vector<void *> pointers;
    for (auto &value : kept)
      pointers.push_back(value.data());
    return launchNow(*function, size.data(), pointers.data());
  });
}
}
