//===- Common.h - helpers shared by the passes from linalg to LLVM --------===//
#ifndef CELL_PASSES_LINALGTOLLVM_COMMON_H
#define CELL_PASSES_LINALGTOLLVM_COMMON_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::cell {

/// Names of attributes that the CPU pipeline reads or sets.
namespace cpu {
inline constexpr llvm::StringLiteral kAlias = "cell.alias";
inline constexpr llvm::StringLiteral kDonated = "cell.donated";
inline constexpr llvm::StringLiteral kArenaBytes = "cell.arena_bytes";
inline constexpr llvm::StringLiteral kKernel = "cellrt.kernel";
inline constexpr llvm::StringLiteral kNoInline = "cellrt.no_inline";
inline constexpr llvm::StringLiteral kArenaArg = "cellrt.arena";
inline constexpr int64_t kAlignment = 64;
} // namespace cpu

/// The one public function with a body; null after an error was reported on `module`.
func::FuncOp findEntry(ModuleOp module);

/// A number for the LLVM dialect.
Value constantI64(OpBuilder &builder, Location loc, int64_t value);

/// Bytes of one element in memory: bool and the other types below a byte take one byte.
int64_t elementBytes(Type type);

/// Bytes of the smallest contiguous block that holds all elements.
int64_t contiguousBytes(ShapedType type);

/// Registers the external models that the passes of this folder need.
void registerLinalgToLLVMDialects(DialectRegistry &registry);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_COMMON_H
