//===- FunctionBuilders.h - functions made next to others -----------------===//
#ifndef CELL_PASSES_AUTODIFF_FUNCTIONBUILDERS_H
#define CELL_PASSES_AUTODIFF_FUNCTIONBUILDERS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir::cell {

/// A private function after `neighbour`, with an entry block and no arguments yet.
inline func::FuncOp createFunction(func::FuncOp neighbour, const Twine &suffix, SymbolTable &symbols) {
  auto function = func::FuncOp::create(neighbour.getLoc(), (neighbour.getSymName() + suffix).str(), FunctionType::get(neighbour.getContext(), {}, {}));
  function.setPrivate();
  symbols.insert(function, std::next(neighbour->getIterator()));
  function.addEntryBlock();
  return function;
}

/// A private copy after `function`, without the attributes of its arguments and results.
inline func::FuncOp cloneFunction(func::FuncOp function, const Twine &suffix, SymbolTable &symbols) {
  func::FuncOp copy = function.clone();
  copy.setSymName((function.getSymName() + suffix).str());
  copy.setPrivate();
  copy.removeArgAttrsAttr();
  copy.removeResAttrsAttr();
  symbols.insert(copy, std::next(function->getIterator()));
  return copy;
}

/// Sets the function's type to what its body takes and returns.
inline void updateType(func::FuncOp function) {
  Block &body = function.getBody().front();
  function.setFunctionType(FunctionType::get(function.getContext(), body.getArgumentTypes(), body.getTerminator()->getOperandTypes()));
}

/// Ends the body with a return and sets the function's type.
inline void finishFunction(func::FuncOp function, ValueRange results) {
  OpBuilder builder = OpBuilder::atBlockEnd(&function.getBody().front());
  func::ReturnOp::create(builder, function.getLoc(), results);
  updateType(function);
}

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_FUNCTIONBUILDERS_H
