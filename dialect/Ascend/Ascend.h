//===- Ascend.h - the ascend dialect ---------------------------------------===//
#ifndef CELL_DIALECT_ASCEND_ASCEND_H
#define CELL_DIALECT_ASCEND_ASCEND_H

#include "dialect/Ascend/Target.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialect/Ascend/AscendDialect.h.inc"
#include "dialect/Ascend/AscendEnums.h.inc"

namespace mlir::ascend {
class AscendPipeOpInterface;

/// Names of the attributes of kernels and of their module.
inline constexpr llvm::StringLiteral kTargetAttr = "ascend.target";
inline constexpr llvm::StringLiteral kCoreAttr = "ascend.core";
inline constexpr llvm::StringLiteral kBlockDimAttr = "ascend.block_dim";
inline constexpr llvm::StringLiteral kMultiBufferAttr = "ascend.multi_buffer";
/// On a vector op: where in UB its scratch memory lies (see getScratchBytes).
inline constexpr llvm::StringLiteral kScratchAttr = "ascend.scratch";

/// The space of a memref; nothing for another type, or a memref without one.
std::optional<Space> getSpace(Type type);
inline std::optional<Space> getSpace(Value value) { return getSpace(value.getType()); }

/// Bytes of an element in a buffer: a whole number, 1 for i1.
int64_t getElementBytes(Type type);
/// Bytes that a buffer takes, rows as they lie; for a static shape in any layout.
int64_t getBufferBytes(MemRefType type);

/// The kind of core that the function around `op` runs on; nothing outside a kernel.
std::optional<Core> getCore(Operation *op);

namespace detail {
SmallVector<Value> getReads(Operation *op, bool accumulates);
bool mayBeFalse(Value flag);
void getPipeOpEffects(AscendPipeOpInterface op, SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects);
} // namespace detail
} // namespace mlir::ascend

#define GET_ATTRDEF_CLASSES
#include "dialect/Ascend/AscendAttrs.h.inc"
#include "dialect/Ascend/AscendInterfaces.h.inc"
#define GET_OP_CLASSES
#include "dialect/Ascend/AscendOps.h.inc"
#define GET_OP_CLASSES
#include "dialect/Ascend/AscendVectorOps.h.inc"

#endif // CELL_DIALECT_ASCEND_ASCEND_H
