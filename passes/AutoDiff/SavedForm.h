//===- SavedForm.h - the form in which values are saved -------------------===//
#ifndef CELL_PASSES_AUTODIFF_SAVEDFORM_H
#define CELL_PASSES_AUTODIFF_SAVEDFORM_H

#include "mlir/IR/Builders.h"

namespace mlir::cell {

/// The type in which a value is saved: a scalar as a tensor of one element.
Type savedType(Type type);

/// Brings a value into the form in which it is saved.
Value pack(OpBuilder &builder, Value value);

/// Brings what was saved back into its own type.
Value unpack(OpBuilder &builder, Location loc, Value saved, Type type);

/// Fails, with a diagnostic, for a value that cannot be saved, or not on a tape.
LogicalResult checkSaved(Value value, bool onTape);

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_SAVEDFORM_H
