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

/// Which of the values are tapes that differ; empty where none is.
SmallVector<bool> varyingTapes(ValueRange values, const llvm::DenseSet<Value> &varying);

/// Flow of "differs between examples" from arguments to results, through calls and regions.
class BatchAnalysis {
public:
  explicit BatchAnalysis(SymbolTable &symbols) : symbols(symbols) {}

  struct Summary {
    SmallVector<bool> results;
    /// As asked for, and tapes that take a value that differs.
    SmallVector<bool> arguments = {};
    /// Control flow depends on the example, here or in a function called.
    bool divergent = false;
    /// It does so in a function whose derivative is asked for.
    bool divergentRequest = false;
  };
  /// `tapes` tells which results are tapes that differ, because of what the caller puts on them; empty for none.
  Summary summarize(func::FuncOp function, ArrayRef<bool> arguments, bool ownRandom, ArrayRef<bool> tapes = {});

  /// All values of the function that differ between the examples, those of its regions too.
  llvm::DenseSet<Value> varying(func::FuncOp function, ArrayRef<bool> arguments, bool ownRandom, ArrayRef<bool> tapes = {});

private:
  struct Walk;
  SymbolTable &symbols;
  llvm::StringMap<Summary> cache;
  llvm::SmallPtrSet<Operation *, 8> open;
};

} // namespace mlir::cell

#endif // CELL_PASSES_VMAP_ANALYSIS_H
