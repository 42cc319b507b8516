//===- Product.h - matrix products and what is computed with them ---------===//
#ifndef CELL_PASSES_DEVICE_PRODUCT_H
#define CELL_PASSES_DEVICE_PRODUCT_H

#include "passes/Device/Access.h"

#include "dialect/Rt/RtOps.h"

namespace mlir::cell {

/// result[batch, m, n] = sum over k of left[batch, m, k] * right[batch, k, n], with the buffers seen through accesses: contractions and, with windows,
/// convolutions. Loading widens the factors to the type of the sum.
struct Product {
  Operation *op = nullptr; // what the kernels stand for; they are launched in front of `anchor`
  Operation *anchor = nullptr;
  int64_t batch = 1, m = 1, n = 1, k = 1;
  Access left, right, result;
  bool accumulate = false; // the old result is added
  bool isConvolution = false;
  std::string name = "matmul";

  /// A pointwise op that reads the product and is computed as it is stored; then the product itself is stored only if `keepsResult`.
  struct Epilogue {
    linalg::GenericOp op;
    SmallVector<Access> accesses; // of all operands, grouped like the result
    SmallVector<bool> isResult;   // whether the operand is the product
    bool keepsResult = false;
    explicit operator bool() const { return bool(op); }
  } epilogue;

  Type sumType() const { return result.element(); }
};

/// The product that a contraction computes; `replaced` gets it and the neighbours that are computed with it.
std::optional<Product> matchProduct(linalg::GenericOp op, SmallVectorImpl<Operation *> &replaced);
/// The product that a routine (`conv2d` and its gradients) computes, or none.
std::optional<Product> matchConvolution(cellrt::CallOp op, SmallVectorImpl<Operation *> &replaced);

/// Finds what can be computed with `product.op`: the fill before it that the sum starts from, and a pointwise op after it. `axes` has for each group
/// the axes of the result buffer, where every axis belongs to one group.
void absorbNeighbours(Product &product, ArrayRef<SmallVector<unsigned>> axes, SmallVectorImpl<Operation *> &replaced);

/// Calls `lower` for each product of the host functions and for each call of a routine, in order: with the product, if it is one, and what is computed with it. Where that gives true, kernels stand for `replaced` now: it is erased, with buffers that nobody uses any more.
LogicalResult lowerProducts(ModuleOp module, llvm::function_ref<FailureOr<bool>(Operation *op, Product *product, SmallVectorImpl<Operation *> &replaced)> lower);

} // namespace mlir::cell

#endif // CELL_PASSES_DEVICE_PRODUCT_H
