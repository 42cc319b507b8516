//===- CustomRules.h - rules that a function names for itself -------------===//
#ifndef CELL_PASSES_AUTODIFF_CUSTOMRULES_H
#define CELL_PASSES_AUTODIFF_CUSTOMRULES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir::cell {

/// The function that is the derivative of another, by its attributes cell.custom_vjp or cell.custom_jvp.
struct CustomRule {
  enum class Mode { Vjp, Jvp };
  /// What an operand of the rule is, seen from the function. Linear operands are cotangents of results (vjp) or tangents of arguments (jvp).
  struct Operand {
    enum class Kind { Argument, Result, Linear } kind;
    unsigned index;
  };

  func::FuncOp rule;
  SmallVector<Operand> operands;
  /// What each result of the rule is: the gradient of that argument (vjp), the tangent of that result (jvp).
  SmallVector<unsigned> results;
};

std::optional<CustomRule> findCustomRule(func::FuncOp function, SymbolTable &symbols, CustomRule::Mode mode);

/// Checks that the rules of all functions fit them. A failure has emitted a diagnostic that names both functions.
LogicalResult verifyCustomRules(ModuleOp module, SymbolTable &symbols);

/// Calls `visit` with the rules that a function names.
void forEachRule(func::FuncOp function, SymbolTable &symbols, function_ref<void(func::FuncOp)> visit);

/// Removes what was said about derivatives, once they are written out.
void dropDerivativeAttributes(ModuleOp module);

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_CUSTOMRULES_H
