//===- context.h - the process's MLIR context, for code that includes MLIR -===//
#ifndef CELLGRAD_BINDINGS_CONTEXT_H
#define CELLGRAD_BINDINGS_CONTEXT_H

#include "python/bindings/compiler/ir.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/MLIRContext.h"

namespace cellgrad::native {

/// Made at first use and never destroyed: types, locations and attributes that Python holds stay valid.
mlir::MLIRContext &context();

inline mlir::Location toLocation(const void *opaque) {
  return mlir::LocationAttr(static_cast<const mlir::Attribute::ImplType *>(opaque));
}
inline mlir::RankedTensorType toTensor(const void *opaque) {
  return mlir::cast<mlir::RankedTensorType>(mlir::Type::getFromOpaquePointer(opaque));
}
/// Null if there is no such dtype.
mlir::Type elementType(int dtype);
/// The innermost place of a location.
Place placeOf(mlir::Location location);

/// Whether Python can hold a value of this type: a ranked tensor of a known dtype that fits into memory. Otherwise the error says why not.
bool checkResultType(mlir::Type type, mlir::Location location, Errors &errors);

/// While it lives, diagnostics of the context go to `errors`; without one they are dropped.
class Capture {
public:
  explicit Capture(Errors &errors);
  ~Capture();

private:
  Errors *outer;
};

} // namespace cellgrad::native

#endif // CELLGRAD_BINDINGS_CONTEXT_H
