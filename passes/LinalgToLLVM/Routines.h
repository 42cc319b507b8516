//===- Routines.h - runtime routines as the compiler sees them ------------===//
#ifndef CELL_PASSES_LINALGTOLLVM_ROUTINES_H
#define CELL_PASSES_LINALGTOLLVM_ROUTINES_H

#include "dialect/Rt/RtOps.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::cell {

/// Bytes of scratch memory that the routine of a call on memrefs wants; 0 for none.
int64_t routineScratchBytes(cellrt::CallOp call);

/// Replaces a call on memrefs, whose operands are now the pointers `ins` and `outs`, by a call of the C function.
LogicalResult lowerRoutine(OpBuilder &builder, cellrt::CallOp call, ValueRange ins, ValueRange outs);

/// The declaration of a C function of the runtime, made once; without `result` it gives nothing.
LLVM::LLVMFuncOp declareRuntime(OpBuilder &builder, ModuleOp module, StringRef name, ArrayRef<Type> arguments, Type result = {});

/// The address of a constant array in the object.
Value parameterArray(OpBuilder &builder, Location loc, ModuleOp module, ArrayRef<int64_t> values);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_ROUTINES_H
