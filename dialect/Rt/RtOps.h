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

#include "dialect/Rt/RtDialect.h.inc"
#define GET_OP_CLASSES
#include "dialect/Rt/RtOps.h.inc"

namespace mlir::cellrt {

/// Attaches the bufferisation of `cellrt.call`.
void registerBufferizableOpInterfaceExternalModels(DialectRegistry &registry);

} // namespace mlir::cellrt

#endif // CELL_DIALECT_RT_RTOPS_H
