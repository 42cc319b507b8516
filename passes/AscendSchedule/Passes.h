//===- Passes.h - memory and order of the kernels of the ascend dialect ---===//
#ifndef CELL_PASSES_ASCENDSCHEDULE_PASSES_H
#define CELL_PASSES_ASCENDSCHEDULE_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir::cell {

#define GEN_PASS_DECL
#include "passes/AscendSchedule/AscendSchedulePasses.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/AscendSchedule/AscendSchedulePasses.h.inc"

} // namespace mlir::cell

#endif // CELL_PASSES_ASCENDSCHEDULE_PASSES_H
