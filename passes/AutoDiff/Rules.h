//===- Rules.h - zeros, sums and the reverse rules of single ops ----------===//
#ifndef CELL_PASSES_AUTODIFF_RULES_H
#define CELL_PASSES_AUTODIFF_RULES_H

#include "mlir/IR/Builders.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace mlir::cell {

/// The cotangent or tangent 0 of `like`: a tensor of zeros, an empty tape, a scalar.
Value createZero(OpBuilder &builder, Location loc, Value like);

/// The sum of two cotangents or tangents; of bools the logical or.
Value createSumOfTwo(OpBuilder &builder, Location loc, Value a, Value b);

/// Cotangents of values, summed where they meet. A null value is a cotangent that is 0.
class Cotangents {
public:
  Cotangents(OpBuilder &builder) : builder(builder) {}
  Value of(Value primal) const { return map.lookup(primal); }
  void add(Value primal, Value cotangent, Location loc) {
    if (!cotangent)
      return;
    Value &slot = map[primal];
    slot = slot ? createSumOfTwo(builder, loc, slot, cotangent) : cotangent;
  }

private:
  OpBuilder &builder;
  DenseMap<Value, Value> map;
};

/// The error at an op that has no derivative rule, with the way out.
LogicalResult reportNoRule(Operation &op);

/// Emits the reverse rule of one op with DifferentiableOpInterface and adds the cotangents of its active operands.
LogicalResult reverseOp(OpBuilder &builder, Operation &op, const llvm::DenseSet<Value> &active, Cotangents &cotangents);

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_RULES_H
