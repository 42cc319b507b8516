//===- UserPlace.h - the user's line of a location ------------------------===//
#ifndef CELL_PASSES_USERPLACE_H
#define CELL_PASSES_USERPLACE_H

#include "mlir/IR/Location.h"

namespace mlir::cell {

/// The user's place: the innermost frame; null where a location has none.
inline FileLineColLoc userPlace(Location loc) {
  if (auto file = dyn_cast<FileLineColLoc>(loc))
    return file;
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return userPlace(call.getCallee());
  if (auto name = dyn_cast<NameLoc>(loc))
    return userPlace(name.getChildLoc());
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (FileLineColLoc found = userPlace(part))
        return found;
  return nullptr;
}

} // namespace mlir::cell

#endif // CELL_PASSES_USERPLACE_H
