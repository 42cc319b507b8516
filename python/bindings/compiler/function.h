//===- function.h - functions under construction, for code that includes MLIR -===//
#ifndef CELLGRAD_BINDINGS_FUNCTION_H
#define CELLGRAD_BINDINGS_FUNCTION_H

#include "python/bindings/compiler/context.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/StringSet.h"

namespace cellgrad::native {

using NativeValue = ::cellgrad::native::Value;

/// The module that the functions of a builder go into, until it is finished.
struct Function::Session {
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context()));
  llvm::StringSet<> names;
  std::vector<std::weak_ptr<Function>> functions;
};

inline mlir::func::FuncOp funcOf(mlir::Operation *op) { return mlir::cast<mlir::func::FuncOp>(op); }

inline mlir::ValueRange asRange(const std::vector<void *> &values, mlir::SmallVectorImpl<mlir::Value> &storage) {
  for (void *value : values)
    storage.push_back(mlir::Value::getFromOpaquePointer(value));
  return storage;
}

} // namespace cellgrad::native

#endif // CELLGRAD_BINDINGS_FUNCTION_H
