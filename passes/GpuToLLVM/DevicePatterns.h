//===- DevicePatterns.h - memory operations of kernels on bare pointers ---===//
#ifndef CELL_PASSES_GPUTOLLVM_DEVICEPATTERNS_H
#define CELL_PASSES_GPUTOLLVM_DEVICEPATTERNS_H

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"

namespace mlir::cell {

/// Vector loads and stores, atomic updates, ldmatrix and asynchronous copies under `addPointerConversions`.
void populateDeviceMemoryPatterns(const LLVMTypeConverter &converter, RewritePatternSet &patterns);

/// Reports an operation on memory that these patterns cannot lower, at its place.
LogicalResult checkDeviceMemory(Operation *op);

/// gpu.func to a kernel in the LLVM dialect, its shared memory to globals.
void populateKernelPattern(const LLVMTypeConverter &converter, RewritePatternSet &patterns);

} // namespace mlir::cell

#endif // CELL_PASSES_GPUTOLLVM_DEVICEPATTERNS_H
