//===- Decompose.h - how much of a product the cube holds at a time ---------===//
#ifndef CELL_PASSES_ASCENDSCHEDULE_DECOMPOSE_H
#define CELL_PASSES_ASCENDSCHEDULE_DECOMPOSE_H

#include "dialect/Ascend/Target.h"

#include "mlir/IR/Types.h"

namespace mlir::cell {

/// Sizes of tiles are multiples of this number of elements: whole fractals in either direction.
int64_t cubeUnit(const ascend::Target &target, Type factor);

/// How many elements of the sum are in L0A and L0B at a time, for a tile of `m` by `n` whose factors have `k` of them in L1: each of the two holds two such
/// pieces. 0 if none fits.
int64_t chooseCubeDepth(const ascend::Target &target, int64_t m, int64_t n, int64_t k, Type factor);

} // namespace mlir::cell

#endif // CELL_PASSES_ASCENDSCHEDULE_DECOMPOSE_H
