//===- TapeMemory.h - whose memory the items of tapes are -----------------===//
#ifndef CELL_PASSES_LINALGTOLLVM_TAPEMEMORY_H
#define CELL_PASSES_LINALGTOLLVM_TAPEMEMORY_H

#include "mlir/IR/BuiltinOps.h"

namespace mlir::cell {

/// After bufferisation: values are made in the item that they are saved as, items are read where they lie, and copies remain where
/// that would not hold; a tape that one iteration of a loop makes and uses is freed at its end.
void settleTapes(ModuleOp module);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_TAPEMEMORY_H
