//===- PlainCalls.h - calls that bufferisation need not look into ---------===//
#ifndef CELL_PASSES_LINALGTOLLVM_PLAINCALLS_H
#define CELL_PASSES_LINALGTOLLVM_PLAINCALLS_H

#include "mlir/IR/BuiltinOps.h"

namespace mlir::cell {

/// A private function is plain if it only reads its inputs and gives tensors only, each in a destination of its own. Where such a function is called, bufferisation has
/// nothing to find out: the call reads its inputs and writes its destinations. So during the analysis it is an op in destination-passing style, which costs a fraction
/// of what an op costs whose function is looked up and asked for each question. This turns calls of plain functions into such ops.
void hidePlainCalls(ModuleOp module);

/// Makes them calls again, on buffers. An operand that is a part of a larger buffer goes through a buffer of its own.
void restorePlainCalls(ModuleOp module);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_PLAINCALLS_H
