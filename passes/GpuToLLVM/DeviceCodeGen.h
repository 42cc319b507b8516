//===- DeviceCodeGen.h - kernels to PTX, and into the host's object -------===//
#ifndef CELL_PASSES_GPUTOLLVM_DEVICECODEGEN_H
#define CELL_PASSES_GPUTOLLVM_DEVICECODEGEN_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace llvm {
class Module;
}

namespace mlir::cell {

/// The code of a program's kernels as the host's object carries it (cg_gpu_program in runtime/gpu/cellgrad_gpu.h).
struct DeviceImage {
  std::string bytes, format, chip;
  bool fixed = false; // every run launches the same kernels
  std::vector<std::string> kernels, positions; // positions is empty, or "file:line" for each kernel
};

/// The kernels of a module after gpu-to-nvvm as PTX text.
llvm::Expected<std::string> generatePtx(gpu::GPUModuleOp module, unsigned optLevel);

/// The chip that gpu-to-nvvm lowered the kernels for; empty before that.
std::string chipOf(gpu::GPUModuleOp module);

/// The kernels' names in the order of their numbers.
std::vector<std::string> kernelNames(gpu::GPUModuleOp module);

/// "file:line" of each kernel, "" where there is none; empty where kernels have no line tables.
std::vector<std::string> kernelPositions(gpu::GPUModuleOp module);

/// Defines `cg_gpu_program` of a host module.
void defineProgram(llvm::Module &host, const DeviceImage &image);

} // namespace mlir::cell

#endif // CELL_PASSES_GPUTOLLVM_DEVICECODEGEN_H
