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

/// Ends the body with a return and sets the function's type.
inline void finishFunction(func::FuncOp function, ValueRange results) {
  Block &body = function.getBody().front();
  OpBuilder builder = OpBuilder::atBlockEnd(&body);
  func::ReturnOp::create(builder, function.getLoc(), results);
  function.setFunctionType(FunctionType::get(function.getContext(), body.getArgumentTypes(), results.getTypes()));
}

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_FUNCTIONBUILDERS_H
