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

/// A call of a library, or a choice at run time between that and what `generate` puts in front of the product's anchor, as the policy says; false if the product
/// is not for a library.
bool emitLibraryProduct(KernelModule &kernels, Product &product, llvm::function_ref<void(Product &)> generate);

/// A kernel on tensor cores; false if the product does not fit them.
bool emitTensorCoreProduct(KernelModule &kernels, Product &product);

/// Cuts the sum into about `wanted` pieces, fewer where they would be short. Pieces end at multiples of `depth`.
struct SplitSum {
  int64_t pieces = 1, tilesEach = 0, tiles = 0;
  SplitSum(const Product &product, int64_t depth, int64_t wanted);
};

/// A tile and a number of pieces of the sum: what the model of the chip takes for the fastest.
struct TileChoice {
  size_t tile = 0; // of the candidates
  int64_t pieces = 1;
};
struct TileCandidate {
  int64_t rows, columns, depth; // of the tile
  double rate;                  // multiply-adds per cycle of a multiprocessor
  TileWork work;
  double setup = 0; // cycles of a block before its first step
};
TileChoice chooseTile(const Product &product, const GpuTarget &target, ArrayRef<TileCandidate> candidates);

/// Blocks in the order in which the device takes them: columns of tiles in bands of `band` rows, so that blocks that run at the same time read few rows and
/// columns of the factors. One row is the order of memory.
struct BlockOrder {
  int64_t rowTiles, columnTiles, band = 1;
  BlockOrder(const Product &product, const GpuTarget &target, const TileCandidate &tile);
  /// Rows and columns of the factors that the first `count` blocks read, with such bands.
  int64_t linesOf(int64_t count, int64_t band, const TileCandidate &tile) const;
  /// Row and column of the tile with this number.
  std::pair<Value, Value> place(KernelBuilder &k, Value number) const;
};

/// Products by wgmma (HopperProduct.cpp): whether one can be computed so, the tiles that there are, and a kernel with one of them.
bool fitsWgmma(const Product &product);
void listWgmmaTiles(const GpuTarget &target, SmallVectorImpl<TileCandidate> &candidates);
void emitWgmmaProduct(KernelModule &kernels, Product &product, size_t tile, const TileCandidate &candidate, const SplitSum &split);

/// Memory for the sums of each piece, and how it is reached: the batch index is piece * batch + b. The final kernel adds them in order.
Access makePartials(Product &product, int64_t pieces);
void emitSumOfPartials(KernelModule &kernels, Product &product, const Access &partials, int64_t pieces);
/// storeResult, or a store to partial sums where there are several pieces.
void storeSums(KernelBuilder &k, const Product &product, const Access *partials, Value piece, Value batch, Value row, Value column, Value sums);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_PRODUCT_H
