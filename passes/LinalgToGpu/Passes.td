//===- Passes.td - passes from bufferised linalg to GPU kernels ------------===//
#ifndef CELL_PASSES_LINALGTOGPU_TD
#define CELL_PASSES_LINALGTOGPU_TD

include "mlir/Pass/PassBase.td"

def LinalgToGpuKernels : Pass<"linalg-to-gpu-kernels", "::mlir::ModuleOp"> {
  let summary = "each linalg op on memrefs becomes GPU kernels and their launches";
  let description = [{
    Every `linalg` op and `cellrt.call` on memrefs is mapped to one or more `gpu.func` kernels of `gpu.module @kernels`, launched with constant sizes in the
    place of the op: contractions, transposes, reductions, pointwise groups. Copies between buffers that are not contiguous, and stores of scalars on the
    host, become kernels as well. The form of the result is in docs/design/gpu-pipeline.md.
  }];
  let options = [Option<"multiprocessors", "multiprocessors", "int64_t", /*default=*/"132", "Multiprocessors of the device: how many blocks fill it">];
}

#endif // CELL_PASSES_LINALGTOGPU_TD
