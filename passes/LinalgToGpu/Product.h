//===- Product.h - matrix products and what is computed with them ---------===//
#ifndef CELL_PASSES_LINALGTOGPU_PRODUCT_H
#define CELL_PASSES_LINALGTOGPU_PRODUCT_H

#include "passes/LinalgToGpu/Access.h"

#include "dialect/Rt/RtOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::cell {

/// result[batch, m, n] = sum over k of left[batch, m, k] * right[batch, k, n], with the buffers seen through accesses: contractions and, with windows,
/// convolutions. Loading widens the factors to the type of the sum.
struct Product {
  Operation *op = nullptr; // what the kernels stand for; they are launched in front of `anchor`
  Operation *anchor = nullptr;
  int64_t batch = 1, m = 1, n = 1, k = 1;
  Access left, right, result;
  bool accumulate = false; // the old result is added
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

/// A vector or scalar of sums of neighbouring columns goes to memory, through the epilogue.
void storeResult(KernelBuilder &k, const Product &product, Value batch, Value row, Value column, Value sums);

/// How many neighbouring columns storeResult takes as one vector: `width`, or 1 where memory is not laid out for it.
int64_t storeWidth(const Product &product, int64_t width);

/// Chooses kernels for the product and launches them in front of its anchor.
void emitProduct(KernelModule &kernels, Product &product);

/// A kernel on tensor cores; false if the product does not fit them.
bool emitTensorCoreProduct(KernelModule &kernels, Product &product);

/// Cuts the sum into pieces that enough blocks work on. Pieces end at multiples of `depth`.
struct SplitSum {
  int64_t pieces = 1, tilesEach = 0, tiles = 0;
  SplitSum(const Product &product, const GpuTarget &target, int64_t blocks, int64_t blocksPerMultiprocessor, int64_t depth);
};

/// Memory for the sums of each piece, and how it is reached: the batch index is piece * batch + b. The final kernel adds them in order.
Access makePartials(Product &product, int64_t pieces);
void emitSumOfPartials(KernelModule &kernels, Product &product, const Access &partials, int64_t pieces);
/// storeResult, or a store to partial sums where there are several pieces.
void storeSums(KernelBuilder &k, const Product &product, const Access *partials, Value piece, Value batch, Value row, Value column, Value sums);

/// The product that a contraction computes; `replaced` gets it and the neighbours that are computed with it.
std::optional<Product> matchProduct(linalg::GenericOp op, SmallVectorImpl<Operation *> &replaced);
/// The product that a routine (`conv2d` and its gradients) computes, or none.
std::optional<Product> matchConvolution(cellrt::CallOp op, SmallVectorImpl<Operation *> &replaced);

/// Finds what can be computed with `product.op`: the fill before it that the sum starts from, and a pointwise op after it. `axes` has for each group
/// the axes of the result buffer, where every axis belongs to one group.
void absorbNeighbours(Product &product, ArrayRef<SmallVector<unsigned>> axes, SmallVectorImpl<Operation *> &replaced);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_PRODUCT_H
