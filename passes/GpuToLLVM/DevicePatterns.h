//===- DevicePatterns.h - memory operations of kernels on bare pointers ---===//
#ifndef CELL_PASSES_GPUTOLLVM_DEVICEPATTERNS_H
#define CELL_PASSES_GPUTOLLVM_DEVICEPATTERNS_H

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace mlir {
struct ConversionConfig;
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

/// Dynamic shared memory, barriers in shared memory, bulk copies of tensors: ops and types.
void populateHopperPatterns(LLVMTypeConverter &converter, RewritePatternSet &patterns);

/// Ops that only sm_90a has, and those that every chip from sm_90 on has.
bool isHopperOnly(Operation *op);
bool isBulkCopyOp(Operation *op);

/// Keeps what code generation could move out of the time in which sums of wgmma may be touched: their start comes before the loop, their use behind the wait.
void tieSums(gpu::GPUFuncOp kernel);

/// Ops of lowered kernels that are assembly and no intrinsics.
LogicalResult lowerAssembly(gpu::GPUModuleOp module, const ConversionConfig &config);

} // namespace mlir::cell

#endif // CELL_PASSES_GPUTOLLVM_DEVICEPATTERNS_H
