//===- Analysis.h - which values differ between the examples of a batch ----===//
#ifndef CELL_PASSES_VMAP_ANALYSIS_H
#define CELL_PASSES_VMAP_ANALYSIS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::cell {

/// Whether an op draws random numbers.
bool isRandomOp(Operation *op);

/// Flow of "differs between examples" from arguments to results, through calls and regions.
class BatchAnalysis {
public:
  explicit BatchAnalysis(SymbolTable &symbols) : symbols(symbols) {}

  struct Summary {
    SmallVector<bool> results;
    /// Control flow depends on the example, here or in a function called.
    bool divergent = false;
    /// It does so in a function whose derivative is asked for.
    bool divergentRequest = false;
  };
  Summary summarize(func::FuncOp function, ArrayRef<bool> arguments, bool ownRandom);

  /// All values of the function that differ between the examples, those of its regions too.
  llvm::DenseSet<Value> varying(func::FuncOp function, ArrayRef<bool> arguments, bool ownRandom);

private:
  struct Walk;
  SymbolTable &symbols;
  llvm::StringMap<Summary> cache;
  llvm::SmallPtrSet<Operation *, 8> open;
};

} // namespace mlir::cell

#endif // CELL_PASSES_VMAP_ANALYSIS_H
