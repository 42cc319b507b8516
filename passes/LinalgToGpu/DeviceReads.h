//===- DeviceReads.h - kernels read what the host would read back ---------===//
#ifndef CELL_PASSES_LINALGTOGPU_DEVICEREADS_H
#define CELL_PASSES_LINALGTOGPU_DEVICEREADS_H

#include "mlir/IR/BuiltinOps.h"

namespace mlir::cell {

/// Elements of device memory that the host would read back only to hand them, or addresses made of them, to kernels are loaded by the kernels.
void readOnDevice(ModuleOp module);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_DEVICEREADS_H
