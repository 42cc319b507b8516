//===- Routine.cpp - products and runtime routines as kernels -------------===//
#include "passes/LinalgToGpu/Routine.h"

#include "passes/LinalgToGpu/Product.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Erases what kernels stand for now, and buffers that nobody uses any more.
void eraseReplaced(ArrayRef<Operation *> replaced, llvm::SmallPtrSetImpl<Operation *> &gone) {
  SmallVector<Value> operands;
  for (Operation *op : replaced) {
    llvm::append_range(operands, op->getOperands());
    gone.insert(op);
    op->erase();
  }
  llvm::SmallDenseSet<Value> erased;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (erased.contains(operands[i]))
      continue;
    Operation *def = operands[i].getDefiningOp();
    if (!isa_and_nonnull<memref::CollapseShapeOp, memref::ExpandShapeOp, memref::CastOp, memref::AllocOp>(def) || !def->use_empty())
      continue;
    erased.insert(operands[i]);
    llvm::append_range(operands, def->getOperands());
    def->erase();
  }
}
} // namespace

LogicalResult cell::lowerProductsAndRoutines(ModuleOp module, KernelModule &kernels) {
  IRRewriter rewriter(module.getContext());
  SmallVector<linalg::LinalgOp> named;
  module.walk([&](linalg::LinalgOp op) {
    if (linalg::isaContractionOpInterface(op) && !isa<linalg::GenericOp>(op.getOperation()))
      named.push_back(op);
  });
  for (linalg::LinalgOp op : named) {
    rewriter.setInsertionPoint(op);
    (void)linalg::generalizeNamedOp(rewriter, op);
  }
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
