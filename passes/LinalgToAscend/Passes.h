//===- Passes.h - passes from bufferised linalg to Ascend kernels ----------===//
#ifndef CELL_PASSES_LINALGTOASCEND_PASSES_H
#define CELL_PASSES_LINALGTOASCEND_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir::cell {

#define GEN_PASS_DECL
#include "passes/LinalgToAscend/AscendMappingPasses.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/LinalgToAscend/AscendMappingPasses.h.inc"

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOASCEND_PASSES_H
