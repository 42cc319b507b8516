//===- modules.cpp - images and launches ----------------------------------===//
#include "runtime/sim_driver/driver.h"
#include "runtime/cpu/halves.h"
#include "runtime/loader/elf.h"
#include "runtime/loader/mathematics.h"

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <unordered_map>

using namespace cellgrad;
using namespace cellgrad::sim;

struct CUfunc_st {
  std::unique_ptr<Kernel> kernel;
};
struct CUmod_st {
  std::unique_ptr<loader::Image> image;
  std::unordered_map<std::string, CUfunc_st> functions;
};

namespace {
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
    if (section.sh_type != SHT_NOBITS && section.sh_type != SHT_NULL)
      end = std::max(end, size_t(section.sh_offset + section.sh_size));
  }
  return end;
}

CUresult launchNow(const Kernel &kernel, const int32_t size[6], unsigned sharedBytes, void **arguments) {
  std::string wrong = kernel.run(size, sharedBytes, arguments);
  return wrong.empty() ? CUDA_SUCCESS : refuse(CUDA_ERROR_LAUNCH_FAILED, wrong);
}

/// What images call: the engine, and for what is no instruction the C library and conversions. Nothing else of the process.
void *resolve(const char *name) {
  if (void *function = engine().resolve(name))
    return function;
#define CG_CONVERSION(NAME)                                                                                                             \
  if (!strcmp(name, #NAME))                                                                                                             \
    return reinterpret_cast<void *>(&NAME);
  CG_EACH_HALF_CONVERSION(CG_CONVERSION)
#undef CG_CONVERSION
  return loader::mathematics(name);
}
} // namespace

extern "C" {

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, int *options, void **values) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  size_t bytes = objectBytes(image);
  std::string error = std::string("this is no x86-64 ELF object: programs for the simulator are compiled for the chip ") + engine().chip();
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
  auto it = module->functions.find(name);
  if (it == module->functions.end()) {
    CUresult code = CUDA_ERROR_NOT_FOUND;
    std::string text;
    std::unique_ptr<Kernel> kernel = engine().find(*module->image, name, code, text);
    if (!kernel)
      return refuse(code, text);
    kernel->name = name;
    it = module->functions.emplace(name, CUfunc_st{std::move(kernel)}).first;
  }
  *function = &it->second;
  return CUDA_SUCCESS;
}

CUresult cuFuncSetAttribute(CUfunction function, int attribute, int value) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
    return refuse(CUDA_ERROR_NOT_SUPPORTED, "cuFuncSetAttribute: attribute " + std::to_string(attribute) + " is not simulated");
  std::string text;
  CUresult bad = function->kernel->allowShared(value, text);
  return bad ? refuse(bad, "kernel '" + function->kernel->name + "': " + text) : CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,
                        CUstream stream, void **arguments, void **extra) {
  const Kernel &kernel = *function->kernel;
  const unsigned size[6] = {gridX, gridY, gridZ, blockX, blockY, blockZ};
  std::string text;
  CUresult bad = kernel.check(size, sharedBytes, text);
  if (!bad && extra)
    bad = CUDA_ERROR_NOT_SUPPORTED, text = "packed arguments are not simulated";
  if (bad)
    return refuse(bad, "kernel '" + kernel.name + "': " + text);
  std::vector<int32_t> sizes(size, size + 6);
  if (!captureOf(stream))
    return inStream(stream, [&] { return launchNow(kernel, sizes.data(), sharedBytes, arguments); });
  // A graph keeps the values of the arguments.
  std::vector<std::vector<char>> kept;
  for (int32_t bytes : kernel.argumentBytes()) {
    const char *value = static_cast<const char *>(arguments[kept.size()]);
    kept.emplace_back(value, value + bytes);
  }
  return inStream(stream, [&kernel, sizes, sharedBytes, kept]() mutable {
    std::vector<void *> pointers;
    for (auto &value : kept)
      pointers.push_back(value.data());
    return launchNow(kernel, sizes.data(), sharedBytes, pointers.data());
  });
}
}
