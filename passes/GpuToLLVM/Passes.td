//===- Passes.td - from stage "gpu" to machine code ----------------------===//
#ifndef CELL_PASSES_GPUTOLLVM_PASSES_TD
#define CELL_PASSES_GPUTOLLVM_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif // CELL_PASSES_GPUTOLLVM_PASSES_TD
