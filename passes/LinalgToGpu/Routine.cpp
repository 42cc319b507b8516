//===- Routine.cpp - products and runtime routines as kernels -------------===//
#include "passes/LinalgToGpu/Routine.h"

#include "passes/LinalgToGpu/Product.h"

using namespace mlir;
using namespace mlir::cell;

LogicalResult cell::lowerProductsAndRoutines(ModuleOp module, KernelModule &kernels) {
  return lowerProducts(module, [&](Operation *op, Product *product, SmallVectorImpl<Operation *> &replaced) -> FailureOr<bool> {
    if (product) {
      emitProduct(kernels, *product);
      return true;
    }
    auto call = dyn_cast<cellrt::CallOp>(op);
    if (!call)
      return false;
    if (!emitRoutine(kernels, call))
      return call.emitError("stage ") << kernels.stage << ": there is no kernel for '" << call.getRoutine() << "' of these shapes; use device_target=\"CPU\"";
    replaced.push_back(call);
    return true;
  });
}
