//===- Combiner.h - how partial results of a reduction are joined ---------===//
#ifndef CELL_PASSES_LINALGTOGPU_COMBINER_H
#define CELL_PASSES_LINALGTOGPU_COMBINER_H

#include "passes/LinalgToGpu/KernelBuilder.h"

namespace mlir::cell {

/// The associative part of a reduction's body. An output is combined by one operation with a neutral element (a sum), or several outputs are together a
/// selection of one of two elements (a maximum and its position), where what was selected may be offered again.
class Combiner {
public:
  /// For the outputs of `op` that are marked; nothing if one of them is combined in another way.
  static std::optional<Combiner> of(linalg::LinalgOp op, ArrayRef<bool> reduced);

  /// The marked outputs, in order: one value of each list below per output.
  ArrayRef<unsigned> outputs() const { return numbers; }
  /// What a point contributes to the output, a value of the body.
  Value element(unsigned i) const { return elements[i]; }
  /// The operation that adds it; null for a selection.
  Operation *operation(unsigned i) const { return operations[i]; }
  /// Two outputs that are together the largest or smallest number, a NaN before all others, and the first of its positions.
  struct Extreme {
    unsigned value, position; // places in `outputs`
    bool isLargest;
  };
  /// The one that `i` belongs to, if it is one.
  std::optional<Extreme> extreme(unsigned i) const;
  SmallVector<Value> combine(KernelBuilder &k, ValueRange a, ValueRange b) const;
  /// What the output starts from without changing the result; null where that is the start of the whole reduction.
  TypedAttr neutral(unsigned i) const { return neutrals[i]; }
  /// `partial` joined with the start of the whole reduction.
  Value finish(KernelBuilder &k, unsigned i, Value start, Value partial) const;

private:
  linalg::LinalgOp op;
  SmallVector<unsigned> numbers;
  SmallVector<TypedAttr> neutrals;
  SmallVector<Value> elements;            // what a point contributes, a value of the body
  SmallVector<Operation *> operations;    // with a neutral element, or null for a selection
  SmallVector<SmallVector<unsigned>> groups; // selections that belong together
  SmallVector<SmallVector<Operation *>> slices; // their operations, in order
  SmallVector<Extreme> extremes;
};

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_COMBINER_H
