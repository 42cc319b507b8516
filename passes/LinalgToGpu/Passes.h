//===- Passes.h - passes from bufferised linalg to GPU kernels ------------===//
#ifndef CELL_PASSES_LINALGTOGPU_PASSES_H
#define CELL_PASSES_LINALGTOGPU_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir::cell {

#define GEN_PASS_DECL
#include "passes/LinalgToGpu/GpuMappingPasses.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/LinalgToGpu/GpuMappingPasses.h.inc"

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_PASSES_H
