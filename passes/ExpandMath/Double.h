//===- Double.h - f64 functions that the C library has on the CPU ----------===//
#ifndef CELL_PASSES_EXPANDMATH_DOUBLE_H
#define CELL_PASSES_EXPANDMATH_DOUBLE_H

#include "passes/ExpandMath/Num.h"

namespace mlir::cell {

/// f64 scalars and vectors, for targets with fma and without a C library.
Num doubleSin(Num x);
Num doubleCos(Num x);
Num doubleTan(Num x);
Num doubleAsin(Num x);
Num doubleAcos(Num x);
Num doubleAtan(Num x);
Num doubleAtan2(Num y, Num x);
Num doublePow(Num x, Num y);

} // namespace mlir::cell

#endif // CELL_PASSES_EXPANDMATH_DOUBLE_H
