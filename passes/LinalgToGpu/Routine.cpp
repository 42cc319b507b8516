//===- Routine.cpp - products and runtime routines as kernels -------------===//
#include "passes/LinalgToGpu/Routine.h"

#include "passes/LinalgToGpu/Product.h"

using namespace mlir;
using namespace mlir::cell;

LogicalResult cell::lowerProductsAndRoutines(ModuleOp module, KernelModule &kernels) {
  generalizeContractions(module);
  SmallVector<Operation *> ops;
  module.walk([&](Operation *op) {
    if (isa<linalg::GenericOp, cellrt::CallOp>(op))
      ops.push_back(op);
  });
  llvm::SmallPtrSet<Operation *, 32> gone;
  for (Operation *op : ops) {
    if (gone.contains(op))
      continue;
    auto call = dyn_cast<cellrt::CallOp>(op);
    SmallVector<Operation *> replaced;
    std::optional<Product> product = call ? matchConvolution(call, replaced) : matchProduct(cast<linalg::GenericOp>(op), replaced);
    if (product) {
      emitProduct(kernels, *product);
    } else if (call) {
      if (!emitRoutine(kernels, call))
        return call.emitError("stage ") << kernels.stage << ": there is no kernel for '" << call.getRoutine() << "' of these shapes; use device_target=\"CPU\"";
      replaced.push_back(call);
    }
    eraseReplaced(replaced, gone);
  }
  return success();
}
