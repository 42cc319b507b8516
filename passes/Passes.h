//===- Passes.h - declarations and registration of every pass -------------===//
#ifndef CELL_PASSES_PASSES_H
#define CELL_PASSES_PASSES_H

#include "mlir/Pass/Pass.h"

#include <memory>

namespace mlir::cell {

#define GEN_PASS_DECL
#include "passes/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/Passes.h.inc"

} // namespace mlir::cell

#endif // CELL_PASSES_PASSES_H
