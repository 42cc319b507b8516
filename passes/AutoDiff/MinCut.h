//===- MinCut.h - minimum cuts of flow networks ---------------------------===//
#ifndef CELL_PASSES_AUTODIFF_MINCUT_H
#define CELL_PASSES_AUTODIFF_MINCUT_H

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace mlir::cell {

/// A directed network of capacities. Maximum flow by Dinic's algorithm (Dinic, Soviet Math. Doklady 11, 1970): shortest augmenting paths,
/// all of one length at a time.
class FlowNetwork {
public:
  /// More than all other capacities together.
  static constexpr int64_t unbounded = int64_t(1) << 60;

  unsigned addNode();
  void addEdge(unsigned from, unsigned to, int64_t capacity);
  /// The nodes on the sink's side of the minimum cut that is closest to the sink. Uses the capacities up.
  llvm::BitVector cutNearSink(unsigned source, unsigned sink);

private:
  /// Edges come in pairs: edge i and its reverse i ^ 1. `capacity` is what is left of it.
  struct Edge {
    unsigned to;
    int64_t capacity;
  };

  bool findLevels(unsigned source, unsigned sink);
  int64_t augment(unsigned source, unsigned sink);

  llvm::SmallVector<Edge> edges;
  llvm::SmallVector<llvm::SmallVector<unsigned, 4>> outgoing;
  llvm::SmallVector<int> level;
  /// Per node, the outgoing edges that are known to lead nowhere.
  llvm::SmallVector<unsigned> spent;
};

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_MINCUT_H
