//===- Passes.h - passes from stage "gpu" to machine code -----------------===//
#ifndef CELL_PASSES_GPUTOLLVM_PASSES_H
#define CELL_PASSES_GPUTOLLVM_PASSES_H

#include "mlir/Pass/Pass.h"

#include <memory>
#include <string>

namespace mlir::cell {

#define GEN_PASS_DECL
#include "passes/GpuToLLVM/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/GpuToLLVM/Passes.h.inc"

} // namespace mlir::cell

#endif // CELL_PASSES_GPUTOLLVM_PASSES_H
