//===- Batch.h - functions that work on a batch of examples ----------------===//
#ifndef CELL_PASSES_VMAP_BATCH_H
#define CELL_PASSES_VMAP_BATCH_H

#include "dialect/Cell/Cell.h"
#include "passes/Vmap/Analysis.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir::cell {

/// What tells the batched forms of one function apart.
struct BatchKey {
  /// Which arguments have one value per example.
  SmallVector<bool> arguments;
  int64_t size;
  /// Every random op draws numbers of its own for each example, also where all share one key.
  bool ownRandom = false;
  /// Results that have one value per example whether they need it or not.
  SmallVector<bool> forced = {};
  /// A last argument tells which examples take part: the others print and assert nothing.
  bool masked = false;
};

/// The batch is dimension 0 of what has one value per example.
struct BatchedFunction {
  func::FuncOp function;
  SmallVector<bool> results;
};

/// Removes what kept cotangents apart, once all derivatives are written out: a selection between a value and the same value without derivative.
void dropCotangentGuards(ModuleOp module);

/// Makes batched forms of functions and shares them: one per function and key.
class BatchBuilder {
public:
  explicit BatchBuilder(SymbolTable &symbols) : symbols(symbols), analysis(symbols) {}

  /// Replaces the request by a call of the batched function. A failure has emitted a diagnostic.
  LogicalResult expand(VmapOp request);

  /// Replaces the requests of a function that must go before the derivatives inside of what they batch: where examples go different ways
  /// through control flow, the derivative is that of the batched loop.
  LogicalResult expandEarly(func::FuncOp function);

  FailureOr<BatchedFunction> get(func::FuncOp function, const BatchKey &key, Location user);

  func::FuncOp lookup(StringAttr name) const { return symbols.lookup<func::FuncOp>(name); }
  /// Whether the function, or one that it calls, prints or asserts.
  bool hasEffects(func::FuncOp function);

private:
  FailureOr<BatchedFunction> build(func::FuncOp function, const BatchKey &key);
  LogicalResult batchRules(func::FuncOp function, BatchedFunction &batched, const BatchKey &key);
  FailureOr<func::FuncOp> batchRule(func::FuncOp function, StringRef kind, ArrayRef<bool> operands, const BatchKey &key,
                                    ArrayRef<int64_t> gradients);

  SymbolTable &symbols;
  BatchAnalysis analysis;
  llvm::StringMap<BatchedFunction> cache;
  llvm::StringMap<bool> effects;
  /// Functions that are being batched, to report recursion.
  llvm::SmallPtrSet<Operation *, 8> open;
};

} // namespace mlir::cell

#endif // CELL_PASSES_VMAP_BATCH_H
