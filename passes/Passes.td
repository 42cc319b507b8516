//===- Passes.td - every pass of cellgrad ------------------------------===//
#ifndef CELL_PASSES_TD
#define CELL_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// AutoDiff
//===----------------------------------------------------------------------===//

def CellDifferentiate : Pass<"cell-differentiate", "::mlir::ModuleOp"> {
  let summary = "Write out the derivatives of functions";
  let description = [{
    Replaces every `cell.value_and_grad` and `cell.vjp` by calls of two private functions per differentiated function: `@f.forward` gives the results and
    what must be saved, `@f.reverse` turns that and the cotangents into gradients. Reverse mode; nothing is computed for inputs that are not
    differentiated. The derivative of a function that is called often is made once. The result is made of ordinary cell ops, so the pass applies
    to derivatives of derivatives: the innermost is written out first.
  }];
  let dependentDialects = ["::mlir::cell::CellDialect", "::mlir::func::FuncDialect"];
}

//===----------------------------------------------------------------------===//
// Transforms (cell -> cell)
//===----------------------------------------------------------------------===//

def CellDedupFunctions : Pass<"cell-dedup-functions", "::mlir::ModuleOp"> {
  let summary = "Merge equal private functions";
  let description = [{ Functions that differ only in name and locations are compiled, and differentiated, once. }];
}

def CellInline : Pass<"cell-inline", "::mlir::ModuleOp"> {
  let summary = "Inline functions that are called once or are small";
  let description = [{
    What is left are calls of larger functions from several places: repeated layers stay one function. Functions that nobody calls any more are removed.
  }];
  let options = [Option<"maxOps", "max-ops", "unsigned", /*default=*/"24", "Functions called more than once are inlined up to this many ops">];
}

//===----------------------------------------------------------------------===//
// CellToLinalg
//===----------------------------------------------------------------------===//

//===----------------------------------------------------------------------===//
// LinalgToLLVM
//===----------------------------------------------------------------------===//

//===----------------------------------------------------------------------===//
// Verify
//===----------------------------------------------------------------------===//

#endif // CELL_PASSES_TD
