//===- SimPatterns.h - operations of kernels as the simulator runs them ---===//
#ifndef CELL_PASSES_GPUTOLLVM_SIMPATTERNS_H
#define CELL_PASSES_GPUTOLLVM_SIMPATTERNS_H

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"

namespace mlir::gpu {
class GPUFuncOp;
class GPUModuleOp;
} // namespace mlir::gpu

namespace mlir::cell::sim {

/// Attributes that the pass gives to operations before they are lowered.
inline constexpr llvm::StringLiteral kOp = "cell.sim_op";         // i32: tells operations apart
inline constexpr llvm::StringLiteral kPlace = "cell.sim_place";   // name of the global with the text for messages; only in checked kernels
inline constexpr llvm::StringLiteral kAtomic = "cell.sim_atomic"; // on the load and the store of an atomic update

/// Attribute of a kernel's argument that is a tensor map: so many bytes by value in place of a memref.
inline constexpr llvm::StringLiteral kTensorMap = "cell.tensor_map";
inline constexpr int32_t kTensorMapBytes = 128;

/// Makes of a kernel a function of its arguments and the thread's record, and its entry `void name(void **args, cg_sim_thread *thread)`. LLVM is
/// told of the arguments what it is told on the device, and compiles the function by itself as it does there, so that a claim that does not hold
/// shows here too. The type of an argument in the body is still the old one, by way of a cast that the conversion takes away.
LogicalResult outlineKernel(gpu::GPUFuncOp kernel, const LLVMTypeConverter &converter);
/// What the kernels call, declared as it is called.
void declareFunctions(gpu::GPUModuleOp kernels);

/// memref.load and store, vector.load and store, with a check before each where it has a place; views that MemRefToPointers does not know.
void populateAccessPatterns(const LLVMTypeConverter &converter, RewritePatternSet &patterns);
/// Ids, barriers, shuffles, matrix products and asynchronous copies.
void populateThreadPatterns(LLVMTypeConverter &converter, RewritePatternSet &patterns);

/// mbarriers, bulk copies, products of warpgroups, addresses of shared memory.
void populateHopperPatterns(LLVMTypeConverter &converter, RewritePatternSet &patterns);
/// True for operations on mbarriers and for products of warpgroups.
bool isAsynchronous(Operation *op);
/// True for these, and for what is only used beside them.
bool isHopper(Operation *op);
/// Gives the kernel's mbarriers and its dynamic shared memory their places behind `used` bytes of its shared memory; the static bytes in use then.
/// `thread` is the thread's record, `builder` before the kernel's operations.
int64_t placeShared(OpBuilder &builder, Operation *kernel, Value thread, int64_t used);
/// The start of the block's shared memory.
Value sharedBase(OpBuilder &builder, Location loc, Value thread);
/// Shows to the simulator where sums of warpgroups' products are used by other operations.
void markSums(Operation *function);

/// The record of the thread that runs the function around `op`.
Value threadRecord(Operation *op);
/// The text for messages about `op`, or null.
Value placeOf(OpBuilder &builder, Operation *op);
/// The number of the operation among those of the kernel.
Value numberOf(OpBuilder &builder, Operation *op);
Value constantI32(OpBuilder &builder, Location loc, int64_t value);
/// A call of a function of the simulator; the pass declares what is called.
Value call(OpBuilder &builder, Location loc, StringRef name, Type result, ValueRange arguments);
/// Memory of the thread for one value of type `type`, in the first block of the function.
Value stackSlot(OpBuilder &builder, Operation *op, Type type, int64_t count = 1);
/// The address of a memref's element, where operands are converted.
Value addressOf(OpBuilder &builder, Location loc, const LLVMTypeConverter &converter, MemRefType type, Value base, ValueRange indices);

} // namespace mlir::cell::sim

#endif // CELL_PASSES_GPUTOLLVM_SIMPATTERNS_H
