//===- Forward.h - forward mode -------------------------------------------===//
#ifndef CELL_PASSES_AUTODIFF_FORWARD_H
#define CELL_PASSES_AUTODIFF_FORWARD_H

#include "passes/AutoDiff/Derivative.h"

namespace mlir::cell {

/// The forward-mode derivative of a function:
///   (arguments, one tangent per argument flagged in the key) -> (results, one tangent per result flagged in `tangents`)
/// A result that is asked for and not flagged has the tangent 0.
struct ForwardDerivative {
  func::FuncOp function;
  SmallVector<bool> tangents;
};

/// The tangents of an op's results, from those of its operands: its reverse rule, transposed. A null value is a tangent that is 0.
/// `wanted` has one flag per result. Emits at the builder's place, which follows the op.
LogicalResult pushForward(OpBuilder &builder, Operation &op, ArrayRef<Value> tangents, ArrayRef<bool> wanted, SmallVectorImpl<Value> &results);

/// Makes forward-mode derivatives of functions and shares them: one per function and key. In the key, arguments are those with a tangent and results those
/// whose tangent is asked for.
class ForwardBuilder {
public:
  ForwardBuilder(SymbolTable &symbols, DerivativeBuilder &reverse) : symbols(symbols), activity(symbols), reverse(reverse) {}

  /// The derivative of `function`. A failure has emitted a diagnostic at the op that has no rule.
  FailureOr<ForwardDerivative> get(func::FuncOp function, const DerivativeKey &key, Location user);

  /// Emits the call: `outputs` becomes the function's results, `results` one tangent per result flagged in the key, null where it is 0.
  LogicalResult emit(OpBuilder &builder, Location loc, StringRef callee, const DerivativeKey &key, ValueRange operands, ValueRange tangents,
                     SmallVectorImpl<Value> &outputs, SmallVectorImpl<Value> &results);

private:
  FailureOr<ForwardDerivative> build(func::FuncOp function, const DerivativeKey &key);
  FailureOr<ForwardDerivative> buildFromRule(func::FuncOp function, const DerivativeKey &key);
  /// Emits the tangents of a function's results (`primal`) from those of its arguments by its vjp rule.
  LogicalResult transposeVjpRule(OpBuilder &builder, CustomRule custom, const DerivativeKey &key, ValueRange operands,
                                 const DenseMap<unsigned, Value> &tangents, ValueRange primal, MutableArrayRef<Value> results);

  SymbolTable &symbols;
  ActivityAnalysis activity;
  DerivativeBuilder &reverse;
  llvm::StringMap<ForwardDerivative> cache;
  llvm::SmallPtrSet<Operation *, 8> open;
};

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_FORWARD_H
