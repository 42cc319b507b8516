//===- GpuRun.cpp - runs a program on a GPU or on its simulator ------------===//
#include "tools/cell-run/GpuRun.h"

#include "runtime/gpu/cellgrad_gpu.h"

#include "llvm/Support/DynamicLibrary.h"

#include <cstdlib>

using namespace mlir::cell;

#define FUNCTIONS(X)                                                                                                                                 \
  X(cg_gpu_open) X(cg_gpu_describe) X(cg_gpu_allocate) X(cg_gpu_release) X(cg_gpu_upload) X(cg_gpu_download) X(cg_gpu_run) X(cg_gpu_synchronize) X(cg_gpu_unload) X(cg_gpu_error)

struct GpuDevice::Functions {
#define MEMBER(function) decltype(&::function) function = nullptr;
  FUNCTIONS(MEMBER)
#undef MEMBER
};

GpuDevice::GpuDevice() : functions(std::make_unique<Functions>()) {}

GpuDevice::~GpuDevice() {
  for (void *block : blocks)
    functions->cg_gpu_release(0, block);
}

llvm::Error GpuDevice::check(int code) {
  if (code == CG_GPU_OK)
    return llvm::Error::success();
  return llvm::createStringError("%s", functions->cg_gpu_error());
}

llvm::Expected<std::unique_ptr<GpuDevice>> GpuDevice::open(llvm::StringRef runtimeLibrary, bool simulated) {
  std::string reason;
  auto library = llvm::sys::DynamicLibrary::getPermanentLibrary(runtimeLibrary.str().c_str(), &reason);
  if (!library.isValid())
    return llvm::createStringError("cannot load the runtime library '%s': %s", runtimeLibrary.str().c_str(), reason.c_str());
  std::unique_ptr<GpuDevice> device(new GpuDevice());
#define LOOK_UP(function)                                                                                                                            \
  device->functions->function = reinterpret_cast<decltype(&::function)>(library.getAddressOfSymbol(#function));                                      \
  if (!device->functions->function)                                                                                                                  \
    return llvm::createStringError("the runtime library '%s' has no function " #function, runtimeLibrary.str().c_str());
  FUNCTIONS(LOOK_UP)
#undef LOOK_UP
  if (simulated)
    setenv("CELLGRAD_CUDA_DRIVER", "sim", /*overwrite=*/1);
  if (llvm::Error error = device->check(device->functions->cg_gpu_open(CG_GPU_CUDA)))
    return std::move(error);
  cg_gpu_device what;
  if (llvm::Error error = device->check(device->functions->cg_gpu_describe(0, &what)))
    return std::move(error);
  device->name = what.chip;
  return device;
}

llvm::Expected<void *> GpuDevice::allocate(int64_t bytes) {
  void *memory = nullptr;
  if (llvm::Error error = check(functions->cg_gpu_allocate(0, std::max<int64_t>(bytes, 1), &memory)))
    return std::move(error);
  blocks.push_back(memory);
  return memory;
}

llvm::Error GpuDevice::upload(void *device, const void *host, int64_t bytes) { return check(functions->cg_gpu_upload(0, device, host, bytes)); }
llvm::Error GpuDevice::download(void *host, const void *device, int64_t bytes) { return check(functions->cg_gpu_download(0, host, device, bytes)); }

llvm::Error GpuDevice::run(void (*entry)(void **args, void *arena), const std::vector<void *> &args, int64_t arenaBytes) {
  if (llvm::Error error = check(functions->cg_gpu_run(0, nullptr, entry, const_cast<void **>(args.data()), int64_t(args.size()), arenaBytes)))
    return error;
  return check(functions->cg_gpu_synchronize(0));
}

void GpuDevice::unload(void *program) { functions->cg_gpu_unload(static_cast<cg_gpu_program *>(program)); }
