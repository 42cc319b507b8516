//===- Contraction.h - matrix products among the linalg ops ---------------===//
#ifndef CELL_PASSES_LINALGTOLLVM_CONTRACTION_H
#define CELL_PASSES_LINALGTOLLVM_CONTRACTION_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::cell {

/// A sum of products over tensors or memrefs: out[batch, m, n] += sum over k of left[batch, m, k] * right[batch, k, n], the dimensions of each group
/// and of each operand in any order.
struct Contraction {
  using Dims = SmallVector<unsigned>;
  /// An operand: its value and, per axis, the iteration dimension.
  struct Factor {
    Value value;
    Dims dims;
  };

  linalg::GenericOp op;
  SmallVector<int64_t> sizes; // of the iteration dimensions
  Factor left, right;
  Dims out;            // the iteration dimension of each axis of the result
  Dims batch, m, n, k; // in the order of the result; k in that of the left factor
  bool widened;        // factors are extended to the result's type before they are multiplied

  /// Recognises `op`. `lookThrough` replaces factors that are only permuted or repeated by what they are made of, so that a transpose costs nothing.
  static std::optional<Contraction> match(linalg::GenericOp op, bool lookThrough);

  /// Elements of a group.
  int64_t size(ArrayRef<unsigned> dims) const;
  void swapFactors();

private:
  bool classify();
};

/// The generic that only permutes or repeats its one input, and per axis of the input the axis of the result that it is; none for another op.
std::optional<Contraction::Dims> permutedAxes(linalg::GenericOp op);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_CONTRACTION_H
