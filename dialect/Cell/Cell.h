//===- Cell.h - the cell dialect -------------------------------------------===//
#ifndef CELL_DIALECT_CELL_H
#define CELL_DIALECT_CELL_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::cell {

/// On ops through which no derivative flows.
template <typename ConcreteType>
class NonDifferentiable : public OpTrait::TraitBase<ConcreteType, NonDifferentiable> {};

/// What cell.print and cell.assert write to: it keeps them in order.
struct ConsoleResource : SideEffects::Resource::Base<ConsoleResource> {
  StringRef getName() final { return "Console"; }
};

} // namespace mlir::cell

#include "dialect/Cell/CellDialect.h.inc"
#include "dialect/Cell/CellInterfaces.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialect/Cell/CellTypes.h.inc"

#define GET_OP_CLASSES
#include "dialect/Cell/CellOps.h.inc"

#endif // CELL_DIALECT_CELL_H
