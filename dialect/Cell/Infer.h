//===- Infer.h - shared type inference and its diagnostics ----------------===//
#ifndef CELL_DIALECT_INFER_H
#define CELL_DIALECT_INFER_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/ValueRange.h"

#include <optional>

namespace mlir::cell {

/// A diagnostic "'cell.x' ..." at `location`; silent without one. Converts to failure().
InFlightDiagnostic inferError(std::optional<Location> location, StringRef op);

/// Operand i as a ranked tensor type. Null when there is no such operand or it is no ranked tensor, after a diagnostic.
RankedTensorType inferOperand(std::optional<Location> location, StringRef op, ValueRange operands, unsigned i);

/// Shapes that may be equal at run time.
bool compatibleShapes(ArrayRef<int64_t> a, ArrayRef<int64_t> b);
/// The more static one of two compatible shapes, dimension by dimension.
SmallVector<int64_t> mergeShapes(ArrayRef<int64_t> a, ArrayRef<int64_t> b);

/// All operands of one shape and element type, which is the result's.
LogicalResult inferSameType(StringRef op, std::optional<Location> location, ValueRange operands, SmallVectorImpl<Type> &inferred);
/// As inferSameType, with bool results.
LogicalResult inferCompare(StringRef op, std::optional<Location> location, ValueRange operands, SmallVectorImpl<Type> &inferred);
/// A bool condition and two operands of one type, all of one shape.
LogicalResult inferSelect(StringRef op, std::optional<Location> location, ValueRange operands, SmallVectorImpl<Type> &inferred);

/// Sorted, distinct axes within a rank. On failure a diagnostic was emitted.
LogicalResult checkAxes(StringRef op, std::optional<Location> location, ArrayRef<int64_t> axes, int64_t rank);

/// One axis within a rank. On failure a diagnostic was emitted.
LogicalResult checkAxis(StringRef op, std::optional<Location> location, int64_t axis, int64_t rank);
/// An element type that tensors of the dialect have. On failure a diagnostic was emitted.
LogicalResult checkDtype(StringRef op, std::optional<Location> location, Type dtype);
/// Adds the tensor type as the result, unless a size is negative or the elements cannot be counted in 63 bits.
LogicalResult inferShape(StringRef op, std::optional<Location> location, ArrayRef<int64_t> shape, Type element, SmallVectorImpl<Type> &inferred);

/// Prints one type when all are equal, else a functional type.
void printTypeList(OpAsmPrinter &printer, ArrayRef<Type> types);
/// The inverse: `types` are the operand types followed by the result type.
ParseResult parseTypeList(OpAsmParser &parser, ArrayRef<Type *> types);

} // namespace mlir::cell

#endif // CELL_DIALECT_INFER_H
