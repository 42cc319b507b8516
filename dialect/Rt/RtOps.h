//===- RtOps.h - the cellrt dialect: calls of runtime routines ------------===//
#ifndef CELL_DIALECT_RT_RTOPS_H
#define CELL_DIALECT_RT_RTOPS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::cellrt {
/// What tape ops change: keeps them in order.
struct TapeResource : SideEffects::Resource::Base<TapeResource> {
  StringRef getName() final { return "Tape"; }
};
/// What print and assert write to.
struct ConsoleResource : SideEffects::Resource::Base<ConsoleResource> {
  StringRef getName() final { return "Console"; }
};
} // namespace mlir::cellrt

#include "dialect/Rt/RtDialect.h.inc"
#define GET_OP_CLASSES
#include "dialect/Rt/RtOps.h.inc"

namespace mlir::cellrt {

/// Bytes from one item of a tape to the next, for items of `bytes` bytes.
int64_t tapeStride(int64_t bytes);

/// Attaches the bufferisation of the ops that work on tensors.
void registerBufferizableOpInterfaceExternalModels(DialectRegistry &registry);

} // namespace mlir::cellrt

#endif // CELL_DIALECT_RT_RTOPS_H
