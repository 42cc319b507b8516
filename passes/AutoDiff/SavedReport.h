//===- SavedReport.h - what derivatives save, for people ------------------===//
#ifndef CELL_PASSES_AUTODIFF_SAVEDREPORT_H
#define CELL_PASSES_AUTODIFF_SAVEDREPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir::cell {

/// A value that the halves of a derivative share, and why.
struct SavedValue {
  /// The op that computed it and the op whose derivative needs it.
  StringRef producer, reader;
  Location producedAt, readAt;
  /// Of the value as it is saved, a tensor.
  Type type;
  int64_t bytes;
  /// How often in a run, or per iteration of the loops around it where `perIteration` holds: their trips are not known.
  int64_t times;
  bool perIteration;
};

/// Trips of the loops around a block, up to its function; null where one is unknown.
std::optional<int64_t> staticTrips(Block *block);

/// Keeps what was saved per forward function as an attribute of the module, with calls multiplied out. `saved` has pairs of function and values.
void setSavedValues(ModuleOp module, SymbolTable &symbols, ArrayRef<std::pair<Operation *, SmallVector<SavedValue>>> saved);

/// What cell-differentiate saved, the largest first.
SmallVector<SavedValue> getSavedValues(ModuleOp module);

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_SAVEDREPORT_H
