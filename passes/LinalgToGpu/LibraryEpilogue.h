//===- LibraryEpilogue.h - what libraries compute with a product ----------===//
#ifndef CELL_PASSES_LINALGTOGPU_LIBRARYEPILOGUE_H
#define CELL_PASSES_LINALGTOGPU_LIBRARYEPILOGUE_H

#include "passes/Device/Product.h"

namespace mlir::cell {

/// What the library computes with the product as it stores it.
struct Fused {
  int64_t epilogue = 0; // CG_PRODUCT_PLAIN ...
  Value bias, out;
};

/// The epilogue as one of the library's: product [+ bias] [relu or gelu], in any of the types. The library rounds once, at the end.
std::optional<Fused> matchFused(const Product &p, bool keepsNan);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_LIBRARYEPILOGUE_H
