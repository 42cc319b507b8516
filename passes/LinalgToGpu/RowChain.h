//===- RowChain.h - which ops run as one kernel over rows -----------------===//
#ifndef CELL_PASSES_LINALGTOGPU_ROWCHAIN_H
#define CELL_PASSES_LINALGTOGPU_ROWCHAIN_H

#include "passes/LinalgToGpu/Combiner.h"
#include "passes/LinalgToLLVM/LoopPlan.h"

#include "llvm/ADT/MapVector.h"

#include <vector>

namespace mlir::cell {

/// How an op over rows of columns meets a buffer: element by element of the whole, one element per row, or in another way.
enum class RowAccess { Full, Row, Other };

struct RowMember {
  linalg::LinalgOp op;
  LoopPlan plan;
  bool isWide; // iterates over rows and columns; otherwise over rows
  SmallVector<RowAccess> access; // per operand
  SmallVector<Value> roots;      // per operand: its allocation or argument, null for scalars and what is not understood
  std::optional<Combiner> combiner;

  bool reduces() const { return combiner.has_value(); }
};

/// Ops of one block that a kernel can run row after row in the place of the last of them.
class RowChain {
public:
  int64_t rows, columns;
  std::vector<RowMember> members;
  /// Ops between the members that need what a member makes, in order: they must run behind the last member.
  SmallVector<Operation *> deferred;

  /// The longest chain that starts with the row reduction `first`; nothing if that is none.
  static std::optional<RowChain> startingAt(linalg::LinalgOp first);

  /// True if a member writes to the allocation or argument.
  bool writes(Value root) const { return written.contains(root); }

  /// Positions of all loops of `member`: sizes of its loops and where columns begin among them.
  struct Split {
    SmallVector<int64_t> rowSizes, columnSizes; // a loop over both has an entry in each
    bool shared = false;
  };
  Split split(const RowMember &member) const;

private:
  std::optional<RowMember> analyze(linalg::LinalgOp op) const;
  RowAccess accessOf(const LoopPlan &plan, OpOperand &operand, bool isWide) const;
  bool canJoin(const RowMember &member) const;
  bool conflictsWithMembers(Operation *op) const;
  bool conflictsWithDeferred(Operation *op) const;
  void add(RowMember member);

  llvm::MapVector<Value, RowAccess> read, written; // by root
  int64_t operations = 0;
};

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_ROWCHAIN_H
