//===- SimPatterns.h - operations of kernels as the simulator runs them ---===//
#ifndef CELL_PASSES_GPUTOLLVM_SIMPATTERNS_H
#define CELL_PASSES_GPUTOLLVM_SIMPATTERNS_H

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"

namespace mlir::cell::sim {

/// Attributes that the pass gives to operations before they are lowered.
inline constexpr llvm::StringLiteral kOp = "cell.sim_op";         // i32: tells operations apart
inline constexpr llvm::StringLiteral kPlace = "cell.sim_place";   // name of the global with the text for messages; only in checked kernels
inline constexpr llvm::StringLiteral kAtomic = "cell.sim_atomic"; // on the load and the store of an atomic update

/// memref.load and store, vector.load and store, with a check before each where it has a place; views that MemRefToPointers does not know.
void populateAccessPatterns(const LLVMTypeConverter &converter, RewritePatternSet &patterns);
/// Ids, barriers, shuffles, matrix products and asynchronous copies.
void populateThreadPatterns(LLVMTypeConverter &converter, RewritePatternSet &patterns);

/// The record of the thread that runs the function around `op`.
Value threadRecord(Operation *op);
/// The text for messages about `op`, or null.
Value placeOf(OpBuilder &builder, Operation *op);
Value constantI32(OpBuilder &builder, Location loc, int64_t value);
/// A call of a function of the simulator; the pass declares what is called.
Value call(OpBuilder &builder, Location loc, StringRef name, Type result, ValueRange arguments);
/// Memory of the thread for one value of type `type`, in the first block of the function.
Value stackSlot(OpBuilder &builder, Operation *op, Type type, int64_t count = 1);
/// The address of a memref's element, where operands are converted.
Value addressOf(OpBuilder &builder, Location loc, const LLVMTypeConverter &converter, MemRefType type, Value base, ValueRange indices);

} // namespace mlir::cell::sim

#endif // CELL_PASSES_GPUTOLLVM_SIMPATTERNS_H
