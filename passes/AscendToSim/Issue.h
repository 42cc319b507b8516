//===- Issue.h - operations of kernels as calls of the simulator -----------===//
#ifndef CELL_PASSES_ASCENDTOSIM_ISSUE_H
#define CELL_PASSES_ASCENDTOSIM_ISSUE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace mlir::cell {

/// Turns what is not plain code in a kernel into calls of the simulator. `function` is the kernel as an LLVM function with the kernel's old body in it; `core`
/// is the core's record. Memrefs stay memrefs: the addresses that calls need are casts to pointers, which the conversion takes away.
LogicalResult issueOperations(LLVM::LLVMFuncOp function, bool general, Value core);

/// Bytes from the first element of a buffer to its last one; nothing for a shape or strides that are not static.
std::optional<int64_t> spannedBytes(MemRefType type);

} // namespace mlir::cell

#endif // CELL_PASSES_ASCENDTOSIM_ISSUE_H
