//===- KernelReport.h - the kernels of a program, for people --------------===//
#ifndef CELL_PASSES_GPUTOLLVM_KERNELREPORT_H
#define CELL_PASSES_GPUTOLLVM_KERNELREPORT_H

#include "mlir/IR/BuiltinOps.h"

#include <array>

namespace mlir::cell {

/// A kernel of a module at stage "gpu" or "ascend".
struct KernelInfo {
  std::string name;
  Location location;
  std::string core; // of an accelerator: "aic", "aiv", "aicpu"
  std::array<int64_t, 3> grid = {-1, -1, -1}, block = {-1, -1, -1}; // of its launches; -1 where they differ or the host computes them
  int64_t sharedBytes = 0;
  int64_t launches = 0; // places in the host's code that launch it
};

/// The kernels in the order of their numbers.
SmallVector<KernelInfo> getKernels(ModuleOp module);

} // namespace mlir::cell

#endif // CELL_PASSES_GPUTOLLVM_KERNELREPORT_H
