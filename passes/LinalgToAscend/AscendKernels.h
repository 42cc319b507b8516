//===- AscendKernels.h - the kernels of a program for the accelerator -----===//
#ifndef CELL_PASSES_LINALGTOASCEND_ASCENDKERNELS_H
#define CELL_PASSES_LINALGTOASCEND_ASCENDKERNELS_H

#include "dialect/Ascend/Target.h"
#include "passes/LinalgToGpu/KernelBuilder.h"

#include "llvm/ADT/DenseMap.h"

namespace mlir::cell {

/// The `gpu.module @kernels` of a program for the accelerator. `KernelBuilder` makes a kernel of one of the forms:
///
///   KernelBuilder k(kernels, op, "scale", 1, &kernels.vector);   // without a form: plain loops for the general cores
class AscendKernels : public KernelModule {
public:
  AscendKernels(ModuleOp module, const ascend::Target &chip);

  const ascend::Target chip;
  const KernelForm general, vector, cube; // plain loops on the AI CPU; vector cores; cube cores

  /// Remembers why `op` is not for the vector cores: the remark of its kernel on the general cores says it. The first reason stays.
  void explain(Operation *op, const Twine &why);
  /// The op that now stands for `from` has the same reason.
  void handOn(Operation *from, Operation *to);

private:
  llvm::DenseMap<Operation *, std::string> reasons;
};

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOASCEND_ASCENDKERNELS_H
