//===- GpuRun.cpp - runs a program on a device or on its simulator ---------===//
#include "tools/cell-run/GpuRun.h"

#include "runtime/gpu/cellgrad_gpu.h"

#include "llvm/Support/DynamicLibrary.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"

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
    functions->cg_gpu_release(number, block);
}

llvm::Error GpuDevice::check(int code) {
  if (code == CG_GPU_OK)
    return llvm::Error::success();
  return llvm::createStringError("%s", functions->cg_gpu_error());
}

llvm::Expected<std::unique_ptr<GpuDevice>> GpuDevice::open(llvm::StringRef runtimeLibrary, Kind kind) {
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
  device->folder = llvm::sys::path::parent_path(runtimeLibrary).str();
  device->number = kind == Kind::Ascend ? CG_GPU_ASCEND : CG_GPU_CUDA;
  if (kind == Kind::GpuSimulator)
    setenv("CELLGRAD_CUDA_DRIVER", "sim", /*overwrite=*/1);
  if (llvm::Error error = device->check(device->functions->cg_gpu_open(device->number)))
    return std::move(error);
  cg_gpu_device what;
  if (llvm::Error error = device->check(device->functions->cg_gpu_describe(device->number, &what)))
    return std::move(error);
  device->name = what.chip;
  return device;
}

llvm::Expected<void *> GpuDevice::allocate(int64_t bytes) {
  void *memory = nullptr;
  if (llvm::Error error = check(functions->cg_gpu_allocate(number, std::max<int64_t>(bytes, 1), &memory)))
    return std::move(error);
  blocks.push_back(memory);
  return memory;
}

llvm::Error GpuDevice::upload(void *device, const void *host, int64_t bytes) { return check(functions->cg_gpu_upload(number, device, host, bytes)); }
llvm::Error GpuDevice::download(void *host, const void *device, int64_t bytes) { return check(functions->cg_gpu_download(number, host, device, bytes)); }

llvm::Error GpuDevice::run(void (*entry)(void **args, void *arena), const std::vector<void *> &args, int64_t arenaBytes) {
  if (llvm::Error error = check(functions->cg_gpu_run(number, nullptr, entry, const_cast<void **>(args.data()), int64_t(args.size()), arenaBytes)))
    return error;
  return check(functions->cg_gpu_synchronize(number));
}

void GpuDevice::unload(void *program) { functions->cg_gpu_unload(static_cast<cg_gpu_program *>(program)); }

llvm::Expected<std::string> GpuDevice::profile() const {
  llvm::SmallString<256> path(folder);
  llvm::sys::path::append(path, "libcellgrad_ascend_sim.so");
  std::string reason;
  auto library = llvm::sys::DynamicLibrary::getPermanentLibrary(path.c_str(), &reason);
  auto *read = library.isValid() ? reinterpret_cast<const char *(*)()>(library.getAddressOfSymbol("cgAscendProfileJson")) : nullptr;
  if (!read)
    return llvm::createStringError("the driver has no profile: %s", reason.c_str());
  auto json = llvm::json::parse(read());
  if (!json)
    return json.takeError();
  std::string text;
  llvm::raw_string_ostream out(text);
  int64_t total = 0;
  for (const llvm::json::Value &value : *json->getAsObject()->getArray("launches")) {
    const llvm::json::Object &launch = *value.getAsObject();
    int64_t cycles = launch.getInteger("cycles").value_or(0);
    total += cycles;
    out << launch.getString("kernel").value_or("?") << ": " << launch.getInteger("blocks").value_or(0) << " blocks on " << launch.getString("core").value_or("?");
    out << ", " << cycles << " cycles, bound by " << launch.getString("bound").value_or("?") << ";";
    for (const char *pipe : {"S", "MTE2", "MTE1", "M", "V", "FIX", "MTE3"})
      if (auto busy = launch.getObject("pipes")->getInteger(pipe))
        out << llvm::formatv(" {0} {1:F1} %", pipe, 100.0 * double(*busy) / double(cycles));
    for (const char *way : {"gm->ub", "gm->l1", "l1->l0a", "l1->l0b", "l1->bt", "ub->ub", "l0c->gm", "ub->gm"})
      if (auto bytes = launch.getObject("bytes")->getInteger(way))
        out << llvm::formatv("; {0} {1} bytes", way, *bytes);
    out << "\n";
  }
  if (int64_t left = json->getAsObject()->getInteger("left_out").value_or(0))
    out << left << " more launches were not kept\n";
  out << "total " << total << " cycles (a model, no measurement)\n";
  return text;
}
