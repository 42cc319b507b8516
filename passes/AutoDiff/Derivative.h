//===- Derivative.h - the derivative of one function ----------------------===//
#ifndef CELL_PASSES_AUTODIFF_DERIVATIVE_H
#define CELL_PASSES_AUTODIFF_DERIVATIVE_H

#include "passes/AutoDiff/Activity.h"
#include "passes/AutoDiff/ResidualPlan.h"
#include "passes/AutoDiff/SavedReport.h"

#include "llvm/ADT/StringMap.h"

namespace mlir::cell {

/// Where a value that the reverse function needs comes from, seen from a call of the forward function.
struct Residual {
  enum class Source { Argument, Result } source;
  unsigned index;
};

/// The two halves of a reverse-mode derivative:
///   forward: (arguments, tapes) -> (results, values saved only for the reverse function)
///   reverse: (residuals, one cotangent per result flagged in the key) -> (one gradient per argument flagged in `gradients`, rests of tapes)
/// Loops save on tapes. A tape is made by the outermost caller, so that calls within loops go on with it: the forward function takes it
/// and returns it with what it pushed, the reverse function takes that and returns what it leaves. A scalar is saved as a 0-d tensor.
struct Derivative {
  func::FuncOp forward, reverse;
  SmallVector<Residual> residuals;
  SmallVector<bool> gradients;
  /// The results of `forward` that are tapes of this kind, in the order of its trailing arguments and of `reverse`'s trailing results.
  SmallVector<unsigned> tapes;
  /// What `forward` saves, not counting what its callees do.
  SmallVector<SavedValue> saved;
};

struct CustomRule;
struct ReverseContext;

/// A name for the derivative of a function by a key.
std::string derivativeName(func::FuncOp function, const DerivativeKey &key);

/// Composite ops on the way of a derivative that have no rule of their own become their pieces. A failure has emitted a diagnostic.
LogicalResult decomposeActive(func::FuncOp function, const DerivativeKey &key, ActivityAnalysis &activity);

/// Makes derivatives of functions and shares them: one per function and key.
class DerivativeBuilder {
public:
  DerivativeBuilder(SymbolTable &symbols, ResidualChoice choice) : symbols(symbols), activity(symbols), choice(choice) {}

  /// The derivative of `function`. A failure has emitted a diagnostic at the op that has no rule.
  FailureOr<Derivative> get(func::FuncOp function, const DerivativeKey &key, Location user);

  /// Emits the calls of both halves: `outputs` becomes the function's results; returns one gradient per argument flagged in
  /// the key, null where it is zero. `cotangents` are per flagged result, made once the results are there.
  LogicalResult emit(OpBuilder &builder, Location loc, func::FuncOp function, const DerivativeKey &key, ValueRange operands,
                     function_ref<SmallVector<Value>(ValueRange)> cotangents, SmallVectorImpl<Value> &outputs,
                     SmallVectorImpl<Value> &gradients);

  /// The derivative of a rule by its cotangents or tangents (flagged in the key), in which it must be linear: its values are not saved.
  FailureOr<Derivative> getTranspose(CustomRule custom, const DerivativeKey &key, Location user);

  /// What all forward functions save.
  SmallVector<std::pair<Operation *, SmallVector<SavedValue>>> saved;

private:
  FailureOr<Derivative> build(func::FuncOp function, const DerivativeKey &key);
  LogicalResult buildHalves(Derivative &derivative, const DerivativeKey &key);
  FailureOr<Derivative> buildFromVjpRule(func::FuncOp function, const DerivativeKey &key, CustomRule custom);
  FailureOr<Derivative> buildFromJvpRule(func::FuncOp function, const DerivativeKey &key, CustomRule custom, Location user);
  /// The derivative of a function that computes itself again in its reverse half.
  FailureOr<Derivative> buildRecomputing(func::FuncOp function, const DerivativeKey &key);

  /// Steps of `buildHalves` on the forward half. Tapes are refused that have two uses on one path; ops on the way of the derivative that are defined by others and have no rule are replaced; loops get the
  /// form that reverse mode asks for; calls become calls of forward halves.
  LogicalResult checkTapes(func::FuncOp forward);
  void normalizeLoops(func::FuncOp forward, const DerivativeKey &key);
  LogicalResult augmentCalls(func::FuncOp forward, const DerivativeKey &key, ReverseContext &context);

  SymbolTable &symbols;
  ActivityAnalysis activity;
  ResidualChoice choice;
  llvm::StringMap<Derivative> cache;
  /// Functions whose derivative is being made, to report recursion.
  llvm::SmallPtrSet<Operation *, 8> open;
  /// Functions that print or assert, without that.
  DenseMap<Operation *, func::FuncOp> silent;
};

/// Emits the calls of both halves, as `DerivativeBuilder::emit` does.
void emitHalves(OpBuilder &builder, Location loc, const Derivative &derivative, const DerivativeKey &key, ValueRange operands,
                function_ref<SmallVector<Value>(ValueRange)> cotangents, SmallVectorImpl<Value> &outputs, SmallVectorImpl<Value> &gradients);

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_DERIVATIVE_H
