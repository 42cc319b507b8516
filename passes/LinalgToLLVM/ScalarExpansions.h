//===- ScalarExpansions.h - scalar operations without an instruction ------===//
#ifndef CELL_PASSES_LINALGTOLLVM_SCALAREXPANSIONS_H
#define CELL_PASSES_LINALGTOLLVM_SCALAREXPANSIONS_H

#include "mlir/IR/PatternMatch.h"

namespace mlir::cell {

/// Writes scalar operations that neither an instruction nor the C library has with those that exist: conversions from f64 to the 16-bit
/// floats, math.rsqrt, math.isinf and math.ipowi.
void populateScalarExpansions(RewritePatternSet &patterns);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_SCALAREXPANSIONS_H
