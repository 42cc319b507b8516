//===- Routines.h - runtime routines as the compiler sees them ------------===//
#ifndef CELL_PASSES_LINALGTOLLVM_ROUTINES_H
#define CELL_PASSES_LINALGTOLLVM_ROUTINES_H

#include "dialect/Rt/RtOps.h"

namespace mlir::cell {

/// Bytes of scratch memory that the routine of a call on memrefs wants; 0 for none.
int64_t routineScratchBytes(cellrt::CallOp call);

/// Replaces a call on memrefs, whose operands are now the pointers `ins` and `outs`, by a call of the C function.
LogicalResult lowerRoutine(OpBuilder &builder, cellrt::CallOp call, ValueRange ins, ValueRange outs);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_ROUTINES_H
