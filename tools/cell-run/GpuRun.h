//===- GpuRun.h - runs a program on a device or on its simulator -----------===//
#ifndef CELL_TOOLS_CELLRUN_GPURUN_H
#define CELL_TOOLS_CELLRUN_GPURUN_H

#include "llvm/Support/Error.h"

#include <memory>
#include <string>
#include <vector>

namespace mlir::cell {

/// The first device of libcellgrad_gpu.so.
class GpuDevice {
public:
  enum class Kind { Gpu, GpuSimulator, Ascend };
  /// Loads the runtime library, and with it the driver of this kind of device.
  static llvm::Expected<std::unique_ptr<GpuDevice>> open(llvm::StringRef runtimeLibrary, Kind kind);
  ~GpuDevice();
  GpuDevice(const GpuDevice &) = delete;

  /// What programs are compiled for: "sm_90", "sim", "Ascend910B3".
  const std::string &chip() const { return name; }
  /// Device memory, freed with the device.
  llvm::Expected<void *> allocate(int64_t bytes);
  llvm::Error upload(void *device, const void *host, int64_t bytes);
  llvm::Error download(void *host, const void *device, int64_t bytes);
  /// Runs a program and waits until it is done.
  llvm::Error run(void (*entry)(void **args, void *arena), const std::vector<void *> &args, int64_t arenaBytes);
  /// Takes the code of a program, its `cg_gpu_program`, from the device.
  void unload(void *program);

  /// What the cycle model says of all launches so far, as a table; an Ascend device only.
  llvm::Expected<std::string> profile() const;

private:
  struct Functions;
  GpuDevice();
  llvm::Error check(int code);
  std::unique_ptr<Functions> functions;
  std::string name, folder;
  int number = 0;
  std::vector<void *> blocks;
};

} // namespace mlir::cell

#endif // CELL_TOOLS_CELLRUN_GPURUN_H
