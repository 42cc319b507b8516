//===- Product.h - kernels of matrix products ------------------------------===//
#ifndef CELL_PASSES_LINALGTOGPU_PRODUCT_H
#define CELL_PASSES_LINALGTOGPU_PRODUCT_H

#include "passes/Device/Product.h"
#include "passes/LinalgToGpu/Access.h"

namespace mlir::cell {

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

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_PRODUCT_H
