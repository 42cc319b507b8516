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
    to derivatives of derivatives: the innermost is written out first. Branches, loops and calls are run backwards; loops save on tapes. `cell.jvp` becomes a call of `@f.jvp`, forward mode, and
    `cell.vmap` a call of a function for the whole batch.

    What `@f.forward` saves is the cheapest cut between what must not be computed again (contractions, reductions, calls, loops) and what `@f.reverse`
    needs; the elementwise rest is computed again behind a `cell.barrier`. With `residuals=all` everything is saved that the rules mention.
  }];
  let options = [Option<"residuals", "residuals", "std::string", /*default=*/"\"min-cut\"", "What is saved: min-cut or all">];
  let dependentDialects = ["::mlir::cell::CellDialect", "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect"];
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

def CellSimplifyLoops : Pass<"cell-simplify-loops", "::mlir::ModuleOp"> {
  let summary = "Remove what loops and branches carry for nobody, and move what is the same in each iteration out";
  let description = [{
    A value that a loop carries is removed where only its own next value needs it, a tape with its pushes where nothing pops, a call of a function
    without effects where its results are unused. Pure ops whose operands do not change in a loop are computed before it, except those that fusion makes free
    (broadcasts, reshapes, constants), which stay where they are read.
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect"];
}

def CellDropBarriers : Pass<"cell-drop-barriers"> {
  let summary = "Let what is computed again be merged with what was computed before, where both fit into one loop";
  let description = [{
    A `cell.barrier` keeps a value that is computed again apart from the one computed before, so that the latter need not be kept. It is removed where that
    saves nothing: its users can run in one loop with what made its operand, because nothing that they read comes from it through an op that needs all of a
    tensor (a contraction, a reduction, a call, a loop).
  }];
}

def CellPrintSaved : Pass<"cell-print-saved", "::mlir::ModuleOp"> {
  let summary = "List what is saved between the halves of the derivatives";
  let description = [{
    Runs after `cell-differentiate`: one remark at each op whose result is saved, with the bytes, how often, and the op whose derivative needs it.
  }];
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
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::cellrt::CellRtDialect", "::mlir::func::FuncDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

//===----------------------------------------------------------------------===//
// ExpandMath
//===----------------------------------------------------------------------===//

def ExpandMath : Pass<"expand-math"> {
  let summary = "Write elementary functions as branch-free arithmetic that LLVM vectorises";
  let description = [{
    Replaces `math.exp`, `math.log`, `math.tanh`, ... on f32 and f64 (scalars or vectors) by reductions and polynomials made of `arith` ops and of
    those `math` ops that are single instructions (`fma`, `absf`, `copysign`, `roundeven`, `sqrt`), so that a loop around them becomes vector code without calls. f16 and
    bf16 compute in f32. NaN, infinities, signed zeros, denormals, overflow and underflow behave as in the C library; the largest error of every function is
    in docs/design/vector-math.md. What is not listed there stays as it is. No fast-math flag is set or needed.
  }];
  let options = [Option<"fma", "fma", "bool", /*default=*/"true", "Use math.fma; false for targets without the instruction">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

//===----------------------------------------------------------------------===//
// LinalgToLLVM
//===----------------------------------------------------------------------===//

def NormalizeLinalg : Pass<"normalize-linalg", "::mlir::ModuleOp"> {
  let summary = "check the input of the CPU pipeline and bring it to generic form";
  let description = [{
    Reports what the CPU pipeline cannot lower (dynamic shapes, unknown operations, not exactly one public function) at the
    operation that is to blame; turns named linalg ops into `linalg.generic`, splat tensors into `linalg.fill`, and takes
    `tensor.concat` and `tensor.pad` apart.
  }];
}

def ScalarizeTensors : Pass<"scalarize-tensors", "::mlir::ModuleOp"> {
  let summary = "0-d tensors become scalars";
  let description = [{
    Operations on 0-d tensors become scalar code in place, and loops and branches carry scalars: conditions, counters and step sizes live in
    registers instead of memory, and no kernel is called for them.
  }];
}

def ContractionsToGemm : Pass<"contractions-to-gemm", "::mlir::ModuleOp"> {
  let summary = "large f32 and f64 contractions become matrix products of the runtime";
  let description = [{
    A contraction (sum of products over shared dimensions) is brought to `[batch, m, k] x [batch, k, n]` by looking through
    transposes, merging neighbouring dimensions and, where the order of dimensions does not fit, a transposed copy.
    Small contractions and those with one row or column stay loops, which then are vectorised.
  }];
}

def FuseLinalg : Pass<"fuse-linalg", "::mlir::ModuleOp"> {
  let summary = "elementwise chains and the reductions over them become one loop";
  let description = [{
    Generics over one iteration domain that read at each point what the others make there, or that read the same large tensor,
    are merged into one `linalg.generic` with several results: a chain and its derivative pass over memory once. Values
    that only the group needs are never stored; filled tensors become scalars.
  }];
}

def ResultsToArguments : Pass<"results-to-arguments", "::mlir::ModuleOp"> {
  let summary = "give every tensor result a destination argument";
  let description = [{
    Each tensor result of a function is materialised in a destination: the argument it is tied to (`cell.alias`), or a new
    trailing argument. Calls pass an empty tensor as destination. Results of loops are written back to the loop's own
    carried buffer, so that no buffer leaves the region that made it.
  }];
}

def BufferizeTensors : Pass<"bufferize-tensors", "::mlir::ModuleOp"> {
  let summary = "tensors to buffers, in place where the analysis allows";
  let description = [{
    Removes empty tensors whose value has a destination, runs one-shot bufferisation over function boundaries with
    contiguous layouts, and drops the memref results, which are all equivalent to arguments.
  }];
}

def LinalgToKernels : Pass<"linalg-to-kernels", "::mlir::ModuleOp"> {
  let summary = "each linalg op on memrefs becomes a loop kernel and a launch";
  let description = [{
    Chooses loop order, collapses contiguous loops, keeps accumulators in registers and emits a private function with
    `scf.for` loops per operation, called by `cellrt.launch` over a range of its outermost independent loop.
  }];
}

def PlanArena : Pass<"plan-arena", "::mlir::ModuleOp"> {
  let summary = "give every buffer an offset in one arena";
  let description = [{
    Computes when each allocation is live and places it greedily by size (Pisarchyk and Lee 2020) at a 64-byte aligned
    offset of the function's arena, which becomes an argument; a callee's arena is a buffer of its caller that lives
    during the call. The size of the entry's arena is the module attribute `cell.arena_bytes`.
  }];
}

def FinalizeCpu : Pass<"finalize-cpu", "::mlir::ModuleOp"> {
  let summary = "memrefs, loops and scalar operations to the LLVM dialect";
  let description = [{
    Memrefs become pointers with constant strides, launches become calls or `cg_parallel_for`, routines become calls of
    the C runtime, and the entry gets the wrapper `cg_entry(args, arena)`.
  }];
}

//===----------------------------------------------------------------------===//
// Verify
//===----------------------------------------------------------------------===//

#endif // CELL_PASSES_TD
