//===- Library.h - ops as the vendor's device library sees them ------------===//
#ifndef CELL_DIALECT_ASCEND_LIBRARY_H
#define CELL_DIALECT_ASCEND_LIBRARY_H

#include "dialect/Ascend/Ascend.h"
#include "dialect/Ascend/Target.h"

#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

namespace mlir::ascend {

/// Axes along which an operand is repeated: it has size 1 where `out` has more.
SmallVector<int64_t> getRepeatedAxes(ValueRange operands, Value out);

/// The buffer that views look into.
Value getViewedBuffer(Value view);

/// How the library reduces or repeats `axes` of `wide` (the other buffer has size 1 there): axes of buffers without gaps between them are one.
struct FoldedAxes {
  SmallVector<ReassociationIndices> groups; // empty: the buffers stay as they are
  SmallVector<int64_t> axes;                // that are reduced or repeated, of what the groups make
  int64_t first = 0, last = 0;              // of `wide`, with axes of size 1 before and behind
};
FoldedAxes foldAxes(Value wide, Value narrow, ArrayRef<int64_t> axes);

/// Scratch memory of a repetition of `value` over `out`; none for a scalar.
int64_t getSpreadBytes(const Target &target, Value value, Value out);

/// The operand of a selection that is repeated into memory of its own, as large as the buffer of the output: the library's selection repeats nothing, and the
/// output has room for one value only. Null where that is enough.
Value getValueSpreadAside(VSelOp op);
/// The rest of a selection's scratch memory, behind which the spread value lies.
int64_t getSelectBytes(VSelOp op);

} // namespace mlir::ascend

#endif // CELL_DIALECT_ASCEND_LIBRARY_H
