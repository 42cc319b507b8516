//===- ScalarizeTensors.h - 0-d tensors become scalars --------------------===//
#ifndef CELL_PASSES_LINALGTOLLVM_SCALARIZETENSORS_H
#define CELL_PASSES_LINALGTOLLVM_SCALARIZETENSORS_H

#include "mlir/IR/BuiltinOps.h"

namespace mlir::cell {

/// Ops on 0-d tensors become scalar code in place; loops and branches carry scalars. With `hostOnly` only those that are computed from constants, loop
/// counters and other scalars, so that nothing is read from memory for it: what comes from tensors stays a tensor.
void scalarizeTensors(ModuleOp module, bool hostOnly);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_SCALARIZETENSORS_H
