//===- RepeatedCalls.h - calls of equal layers by tables ------------------===//
#ifndef CELL_PASSES_LINALGTOLLVM_REPEATEDCALLS_H
#define CELL_PASSES_LINALGTOLLVM_REPEATEDCALLS_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::cell {

/// Shortens the calls that the entry makes of one function again and again with many operands. `entry` has the arguments (args, pointers of args in order ...,
/// arena); what each call passes, a pointer of args or a place in the arena, becomes a row of a constant table, and the call one of three operands:
/// `callee.row(args, arena, row)`, a function that reads the row and calls on. Equal layers then cost the code generator next to nothing, where it is slower than
/// linear in the operands of a block's calls.
void shortenRepeatedCalls(ModuleOp module, LLVM::LLVMFuncOp entry);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_REPEATEDCALLS_H
