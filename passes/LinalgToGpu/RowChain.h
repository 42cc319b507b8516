//===- RowChain.h - which ops run as one kernel over rows -----------------===//
#ifndef CELL_PASSES_LINALGTOGPU_ROWCHAIN_H
#define CELL_PASSES_LINALGTOGPU_ROWCHAIN_H

#include "passes/LinalgToGpu/Combiner.h"
#include "passes/LinalgToLLVM/LoopPlan.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallVectorExtras.h"

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

/// Ops of one block that a kernel can run row after row in the place of the last of them. Points are numbered (outer, row, inner), row major: a row's columns are
/// the inner ones of all outer ones. Outer is 1 for rows that lie in one piece; the channels of images are rows in as many pieces as there are images.
class RowChain {
public:
  int64_t rows, columns, outer = 1, inner;
  std::vector<RowMember> members;
  int64_t operations = 0; // in their bodies
  /// Ops between the members that need what a member makes, in order: they must run behind the last member.
  SmallVector<Operation *> deferred;

  /// The longest chain that starts with the row reduction `first`; nothing if that is none. Without `inPieces` rows lie in one piece each and the loops of all
  /// members are in the order of the points.
  static std::optional<RowChain> startingAt(linalg::LinalgOp first, bool inPieces);

  /// True if a member writes to the allocation or argument.
  bool writes(Value root) const { return written.contains(root); }

  /// How the positions of a member's loops come from its place: a loop's position is the sum of its parts, each the number of it in `size`, `times`.
  struct Part {
    unsigned loop;
    int64_t size, times, radix; // steps of the radix in the number of the point
  };
  struct Split {
    SmallVector<Part> inner, rows, outer; // outermost first
    bool shared = false;                  // some loop is over rows and columns

    static SmallVector<int64_t> sizesOf(ArrayRef<Part> parts) {
      return llvm::map_to_vector(parts, [](const Part &part) { return part.size; });
    }
  };
  std::optional<Split> split(const RowMember &member) const;

  /// Per member the pass over its row in which it can run, if each pass has the row from the beginning and single values per row are made at its end.
  SmallVector<unsigned> passes() const;

private:
  std::optional<RowMember> analyze(linalg::LinalgOp op) const;
  RowAccess accessOf(const RowMember &member, OpOperand &operand) const;
  bool canJoin(const RowMember &member) const;
  bool conflictsWithMembers(Operation *op) const;
  bool conflictsWithDeferred(Operation *op) const;
  void add(RowMember member);

  llvm::MapVector<Value, RowAccess> read, written; // by root
  bool inPieces = false;
};

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_ROWCHAIN_H
