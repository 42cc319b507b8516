//===- CarriedBuffers.h - one buffer for what a loop carries --------------===//
#ifndef CELL_PASSES_LINALGTOLLVM_CARRIEDBUFFERS_H
#define CELL_PASSES_LINALGTOLLVM_CARRIEDBUFFERS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::cell {

/// Rewrites the tensors that scf operations carry so that each stays in one buffer: what a loop hands on is written back to the
/// buffer it came in, starts that others still need are copied, branches that hand on a value from outside copy it. Without
/// this a buffer could leave the region that allocates it, or two values could claim one buffer.
void keepCarriedBuffers(ModuleOp module);

/// True for ops whose result is a part or another shape of their first operand.
bool isView(Operation *op);

/// A tensor with the values of `value` in a buffer of its own.
Value copyOf(OpBuilder &builder, Value value);

/// The values in whose buffers `value` may be if everything is done in place: of an update the old tensor, of a loop's result its start.
SmallVector<Value> possibleBuffers(Value value);

/// What `value` is a part or another shape of.
Value baseOfView(Value value);

/// A branch whose result was put into a part of a larger buffer gives a copy: both branches must give buffers of one layout, which is known when compiling.
void copyPartsInBranches(ModuleOp module);

/// Copies what loops start from and hand on and what branches give: more work, but nothing is left that could conflict.
void copyAllCarriedValues(Operation *scope);

/// The same in functions that are called and may give back one of several arguments in one place: the analysis of the call can tell one only.
void separateMergedArguments(ModuleOp module);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_CARRIEDBUFFERS_H
