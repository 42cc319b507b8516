//===- DevicePatterns.h - memory operations of kernels on bare pointers ---===//
#ifndef CELL_PASSES_GPUTOLLVM_DEVICEPATTERNS_H
#define CELL_PASSES_GPUTOLLVM_DEVICEPATTERNS_H

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"

namespace mlir::gpu {
class GPUFuncOp;
}
namespace mlir::LLVM {
class LLVMFuncOp;
}

namespace mlir::cell {

/// Vector loads and stores, atomic updates, ldmatrix and asynchronous copies under `addPointerConversions`.
void populateDeviceMemoryPatterns(const LLVMTypeConverter &converter, RewritePatternSet &patterns);

/// Reports an operation on memory that these patterns cannot lower, at its place.
LogicalResult checkDeviceMemory(Operation *op);

/// gpu.func to a kernel in the LLVM dialect, its shared memory to globals.
void populateKernelPattern(const LLVMTypeConverter &converter, RewritePatternSet &patterns);

/// The bytes that a buffer's start is known to be aligned to: allocations are to 16, items of tapes to their own size up to that (cellrt::tapeStride), and
/// the offset of a view is in its type.
int64_t startAlignment(MemRefType type);

/// What LLVM is told of the memory behind a kernel's arguments (noalias, readonly, align), on the device and in the simulator alike. `to` has
/// the arguments of `from` first.
void setArgumentAttributes(gpu::GPUFuncOp from, LLVM::LLVMFuncOp to);

} // namespace mlir::cell

#endif // CELL_PASSES_GPUTOLLVM_DEVICEPATTERNS_H
