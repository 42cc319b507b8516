//===- GpuRun.h - runs a program on a GPU or on its simulator --------------===//
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
  /// Loads the runtime library; `simulated`: with the simulator as its driver.
  static llvm::Expected<std::unique_ptr<GpuDevice>> open(llvm::StringRef runtimeLibrary, bool simulated);
  ~GpuDevice();
  GpuDevice(const GpuDevice &) = delete;

  /// What programs are compiled for: "sm_90", "sim".
  const std::string &chip() const { return name; }
  /// Device memory, freed with the device.
  llvm::Expected<void *> allocate(int64_t bytes);
  llvm::Error upload(void *device, const void *host, int64_t bytes);
  llvm::Error download(void *host, const void *device, int64_t bytes);
  /// Runs a program and waits until it is done.
  llvm::Error run(void (*entry)(void **args, void *arena), const std::vector<void *> &args, int64_t arenaBytes);
  /// Takes the code of a program, its `cg_gpu_program`, from the device.
  void unload(void *program);

private:
  struct Functions;
  GpuDevice();
  llvm::Error check(int code);
  std::unique_ptr<Functions> functions;
  std::string name;
  std::vector<void *> blocks;
};

} // namespace mlir::cell

#endif // CELL_TOOLS_CELLRUN_GPURUN_H
