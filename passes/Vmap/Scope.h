//===- Scope.h - what the batching rule of an op works with ----------------===//
#ifndef CELL_PASSES_VMAP_SCOPE_H
#define CELL_PASSES_VMAP_SCOPE_H

#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Shapes.h"

namespace mlir::cell {

/// A value in a batched function: the same for all examples, or one per example along dimension 0. Scalars that differ are a tensor of
/// them, of i64 where they are of type index.
struct Lane {
  Value value;
  bool batched = false;
};

/// The type of one value per example.
Type batchedType(Type type, int64_t size);

/// Where the ops of a rule go, and the size of the batch.
struct BatchScope {
  OpBuilder &builder;
  Location loc;
  int64_t size;
  bool ownRandom = false;

  /// One value per example; repeats what all share.
  Value spread(const Lane &lane) const;
  SmallVector<Value> spread(ArrayRef<Lane> lanes) const;
  /// `a` for the examples where `condition` (one bool each) holds, else `b`.
  Value choose(Value condition, Value a, Value b) const;
  /// The op with other operands and some other attributes; its result types are inferred. Null after a diagnostic.
  Operation *again(Operation *op, ValueRange operands, ArrayRef<NamedAttribute> changed = {}) const;
  NamedAttribute attribute(StringRef name, int64_t number) const { return builder.getNamedAttr(name, builder.getI64IntegerAttr(number)); }
  NamedAttribute attribute(StringRef name, ArrayRef<int64_t> numbers) const {
    return builder.getNamedAttr(name, builder.getDenseI64ArrayAttr(numbers));
  }
  NamedAttribute attribute(StringRef name, bool flag) const { return builder.getNamedAttr(name, builder.getBoolAttr(flag)); }

  /// Dimensions in another order; a reshape where no elements move.
  Value permute(Value value, ArrayRef<int64_t> permutation) const;
  /// Brings the batch (dimension 0) into dimension `place` of the example: with `groups` parts of that dimension, it stands behind the
  /// number of the part. The result has one dimension less.
  Value fold(Value value, int64_t place, int64_t groups = 1) const;
  /// Undoes `fold`.
  Value unfold(Value value, int64_t place, int64_t groups = 1) const;
  /// A tensor of i64, all of one number.
  Value number(ArrayRef<int64_t> shape, int64_t value) const;
  /// Positions along an axis, as i64.
  Value positions(ArrayRef<int64_t> shape, int64_t axis) const;
};

/// Results of a rule: none where the op is not of its group.
using RuleResult = std::optional<FailureOr<SmallVector<Lane>>>;

RuleResult batchElementwiseOp(const BatchScope &scope, Operation *op, ArrayRef<Lane> operands);
RuleResult batchTensorOp(const BatchScope &scope, Operation *op, ArrayRef<Lane> operands);
RuleResult batchAxisOp(const BatchScope &scope, Operation *op, ArrayRef<Lane> operands);
RuleResult batchIndexOp(const BatchScope &scope, Operation *op, ArrayRef<Lane> operands);
RuleResult batchContractionOp(const BatchScope &scope, Operation *op, ArrayRef<Lane> operands);
RuleResult batchRandomOp(const BatchScope &scope, Operation *op, ArrayRef<Lane> operands);
RuleResult batchScalarOp(const BatchScope &scope, Operation *op, ArrayRef<Lane> operands);

/// The result of an op made by `again`, one value per example.
FailureOr<SmallVector<Lane>> batchedResults(Operation *op);
inline FailureOr<SmallVector<Lane>> batchedResults(OpState op) { return batchedResults(op.getOperation()); }
inline FailureOr<SmallVector<Lane>> batchedResults(Value value) { return SmallVector<Lane>{{value, true}}; }

} // namespace mlir::cell

#endif // CELL_PASSES_VMAP_SCOPE_H
