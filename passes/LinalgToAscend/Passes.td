//===- Passes.td - passes from bufferised linalg to Ascend kernels ---------===//
#ifndef CELL_PASSES_LINALGTOASCEND_TD
#define CELL_PASSES_LINALGTOASCEND_TD

include "mlir/Pass/PassBase.td"

def LinalgToAscendKernels : Pass<"linalg-to-ascend-kernels", "::mlir::ModuleOp"> {
  let summary = "each linalg op on memrefs becomes kernels of the accelerator and their launches";
  let description = [{
    Every `linalg` op and `cellrt.call` on memrefs becomes one or more functions of `gpu.module @kernels`, launched in the place of the op: on the cube cores,
    on the vector cores, or, where neither can, as plain loops on the general cores of the device ("AI CPU"); a remark at the user's line then says why.
    The form of the result is in docs/design/ascend-pipeline.md. A module with an `ascend.target` of its own, whose dictionary may replace numbers of the chip, is made for that.
  }];
  let options = [Option<"chip", "chip", "std::string", /*default=*/"\"Ascend910B3\"", "The chip that kernels are made for">];
}

#endif // CELL_PASSES_LINALGTOASCEND_TD
