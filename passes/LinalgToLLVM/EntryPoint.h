//===- EntryPoint.h - the C functions that loaders look for ---------------===//
#ifndef CELL_PASSES_LINALGTOLLVM_ENTRYPOINT_H
#define CELL_PASSES_LINALGTOLLVM_ENTRYPOINT_H

#include "mlir/IR/BuiltinOps.h"

namespace mlir::cell {

/// Makes the function `name`, which takes pointers and perhaps an arena at the end, `void cg_entry(void **args, void *arena)`, for a program that can stop
/// before its end by way of cg_run, and adds the global i64 cg_arena_size. The module is in the LLVM dialect; `stage` is for messages.
LogicalResult addEntry(ModuleOp module, StringRef stage, StringRef name, bool hasArena, int64_t arenaBytes, bool insideRun);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_ENTRYPOINT_H
