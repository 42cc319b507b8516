//===- Derivative.h - the derivative of one function ----------------------===//
#ifndef CELL_PASSES_AUTODIFF_DERIVATIVE_H
#define CELL_PASSES_AUTODIFF_DERIVATIVE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::cell {

/// Which arguments are differentiated and which results carry a cotangent.
struct DerivativeKey {
  SmallVector<bool> arguments;
  SmallVector<bool> results;
};

/// Values of a function on a path from a differentiated argument to a result with a cotangent. Nothing is computed for others.
llvm::DenseSet<Value> findActiveValues(func::FuncOp function, const DerivativeKey &key);

/// Where a value that the reverse function needs comes from, seen from a call of the forward function.
struct Residual {
  enum class Source { Argument, Result } source;
  unsigned index;
};

/// The two halves of a reverse-mode derivative:
///   forward: (arguments) -> (results, values saved only for the reverse function)
///   reverse: (residuals, one cotangent per result flagged in the key) -> (one gradient per argument flagged in `gradients`)
struct Derivative {
  func::FuncOp forward, reverse;
  SmallVector<Residual> residuals;
  SmallVector<bool> gradients;
};

/// Makes derivatives of functions and shares them: one per function and key.
class DerivativeBuilder {
public:
  explicit DerivativeBuilder(ModuleOp module) : module(module), symbols(module) {}

  /// The derivative of `function`. A failure has emitted a diagnostic at the op that has no rule.
  FailureOr<Derivative> get(func::FuncOp function, const DerivativeKey &key, Location user);

  /// Emits the calls of both halves: `outputs` becomes the function's results; returns one gradient per argument flagged in
  /// the key, null where it is zero. `cotangents` are per flagged result, made once the results are there.
  LogicalResult emit(OpBuilder &builder, Location loc, func::FuncOp function, const DerivativeKey &key, ValueRange operands,
                     function_ref<SmallVector<Value>(ValueRange)> cotangents, SmallVectorImpl<Value> &outputs,
                     SmallVectorImpl<Value> &gradients);

private:
  struct CallRecord;
  FailureOr<Derivative> build(func::FuncOp function, const DerivativeKey &key);
  LogicalResult augmentCalls(func::FuncOp forward, const llvm::DenseSet<Value> &active, DenseMap<Operation *, CallRecord> &calls);

  ModuleOp module;
  SymbolTable symbols;
  llvm::StringMap<Derivative> cache;
  /// Functions whose derivative is being made, to report recursion.
  llvm::SmallPtrSet<Operation *, 8> open;
};

/// The values from which `values` follow cheaply enough to be computed again, in place of `values`.
bool isRematerializable(Operation *op);

/// Moves what `reverse` uses of `forward` into its arguments: constants and cheap shape changes are computed again, the
/// rest is saved. Fills `derivative.residuals`.
void saveResiduals(Derivative &derivative, unsigned originalResults);

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_DERIVATIVE_H
