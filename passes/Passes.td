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

def CellDecompose : Pass<"cell-decompose"> {
  let summary = "Replace composite ops by their definitions";
  let description = [{
    Every op with `CompositeOpInterface` (softmax, layer_norm, ...) becomes the simpler cell ops that define it. Run it after
    differentiation, because some composite ops carry a derivative of their own, and after a target has matched those it takes whole.
  }];
  let dependentDialects = ["::mlir::cell::CellDialect"];
}

//===----------------------------------------------------------------------===//
// CellToLinalg
//===----------------------------------------------------------------------===//

def ConvertCellToLinalg : Pass<"convert-cell-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower cell ops to linalg, tensor, arith and math on tensors";
  let description = [{
    Each elementwise op becomes one `linalg.generic` with identity maps, so that upstream fusion joins them; broadcasts become projected maps.
    Tensors of `ui8` become tensors of `i8` everywhere, function signatures included; attributes of arguments and results stay. Composite ops are
    decomposed first (`cell-decompose`) and derivatives expanded. An op without a lowering is an error at its location.

    ```mlir
    %r = cell.tanh %a : tensor<4xf32>
    // becomes
    %e = tensor.empty() : tensor<4xf32>
    %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%a : tensor<4xf32>) outs(%e : tensor<4xf32>) {
    ^bb0(%x: f32, %out: f32):
      %t = math.tanh %x : f32
      linalg.yield %t : f32
    } -> tensor<4xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

//===----------------------------------------------------------------------===//
// LinalgToLLVM
//===----------------------------------------------------------------------===//

//===----------------------------------------------------------------------===//
// Verify
//===----------------------------------------------------------------------===//

#endif // CELL_PASSES_TD
