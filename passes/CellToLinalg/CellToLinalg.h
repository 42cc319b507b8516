//===- CellToLinalg.h - patterns of convert-cell-to-linalg, by group -------===//
#ifndef CELL_PASSES_CELLTOLINALG_H
#define CELL_PASSES_CELLTOLINALG_H

#include "mlir/Transforms/DialectConversion.h"

namespace mlir::cell {

// A pattern converts one op at a time. What it cannot lower it refuses with a diagnostic at the op and `failure()`; an op
// without any pattern is reported by the pass.
void populateElementwiseToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns);
void populateTensorToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns);
void populateIndexToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns);
void populateReductionToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns);
void populateContractionToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns);
void populateConvolutionToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns);
void populatePoolToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns);
void populateControlToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns);
void populateRandomToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns);

} // namespace mlir::cell

#endif // CELL_PASSES_CELLTOLINALG_H
