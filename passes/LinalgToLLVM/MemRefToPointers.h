//===- MemRefToPointers.h - memrefs of static shape become pointers -------===//
#ifndef CELL_PASSES_LINALGTOLLVM_MEMREFTOPOINTERS_H
#define CELL_PASSES_LINALGTOLLVM_MEMREFTOPOINTERS_H

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"

namespace mlir::cell {

/// Makes `converter` turn memrefs of static shape and strides into bare pointers; a dynamic offset is part of the pointer.
void addPointerConversions(LLVMTypeConverter &converter);

/// The address of an element under these conversions; `base` contains the offset of the type. `element` is what the converter makes of the element type.
Value elementAddress(OpBuilder &builder, Location loc, MemRefType type, Type element, Value base, ValueRange indices);

/// How a value lies in memory: bool has a byte of its own.
Type memoryType(Type converted);

/// Patterns for memref and func operations under `addPointerConversions`.
void populateMemRefToPointersPatterns(const LLVMTypeConverter &converter, RewritePatternSet &patterns);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_MEMREFTOPOINTERS_H
