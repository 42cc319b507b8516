//===- Passes.h - kernels of the ascend dialect to the simulator -----------===//
#ifndef CELL_PASSES_ASCENDTOSIM_PASSES_H
#define CELL_PASSES_ASCENDTOSIM_PASSES_H

#include "mlir/Pass/Pass.h"

#include <memory>

namespace mlir::cell {

#define GEN_PASS_DECL
#include "passes/AscendToSim/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/AscendToSim/Passes.h.inc"

} // namespace mlir::cell

#endif // CELL_PASSES_ASCENDTOSIM_PASSES_H
