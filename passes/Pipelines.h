//===- Pipelines.h - named pipelines, the one place of pass order ---------===//
#ifndef CELL_PASSES_PIPELINES_H
#define CELL_PASSES_PIPELINES_H

#include "mlir/Pass/PassManager.h"

namespace mlir::cell {

/// Derivative ops -> plain functions. `residuals` is the option of cell-differentiate.
void buildDifferentiatePipeline(OpPassManager &pm, StringRef residuals = "min-cut");

/// cell -> smaller cell: equal functions merged, inlined where it pays, folded, without dead code.
void buildSimplifyPipeline(OpPassManager &pm);

/// The whole way from cell to the LLVM dialect for the CPU.
void buildCellToLLVMPipeline(OpPassManager &pm);

/// cell ops without derivatives -> linalg/tensor/arith/math/scf/func on tensors.
void buildCellToLinalgPipeline(OpPassManager &pm);

/// tensors in linalg/tensor/arith/math/scf/func -> LLVM dialect for the CPU.
void buildLinalgToLLVMPipeline(OpPassManager &pm);

/// tensors in linalg/tensor/arith/math/scf/func -> a host program on memrefs that launches kernels of `gpu.module @kernels`.
struct GpuOptions {
  std::string chip = "sm_90";
  int64_t multiprocessors = 0; // of the device; 0: those of the chip's largest
  std::string tf32 = "none", products = "generated", wgmma = "auto"; // the options of linalg-to-gpu-kernels
};
void buildLinalgToGpuPipeline(OpPassManager &pm, const GpuOptions &options = {});

/// The same for the Ascend-like accelerator: kernels of its cores, with memory planned and pipes synchronised. HIVM is printed from products that are
/// not decomposed.
void buildLinalgToAscendPipeline(OpPassManager &pm, StringRef chip, bool decompose = true);

/// Stage ascend -> the LLVM dialect: host code, and kernels for the accelerator's simulator.
void buildAscendToLLVMPipeline(OpPassManager &pm);

/// The whole way from cell to kernels of the accelerator.
void buildCellToAscendPipeline(OpPassManager &pm, StringRef chip, bool decompose = true);

/// Stage gpu -> the LLVM dialect: host code, and kernels for a chip ("sm_90"), with the user's lines in their PTX if asked.
void buildGpuToLLVMPipeline(OpPassManager &pm, StringRef chip, bool lines = false);

/// The whole way from cell to the LLVM dialect for a GPU.
void buildCellToNVVMPipeline(OpPassManager &pm, const GpuOptions &options, bool lines = false);

/// The dialects of this project, for tools that read .mlir files.
void registerCellDialects(DialectRegistry &registry);

/// Registers all passes of this project and every named pipeline.
void registerCellPassesAndPipelines();

} // namespace mlir::cell

#endif // CELL_PASSES_PIPELINES_H
