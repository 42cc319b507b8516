//===- Reverse.h - reverse mode over ops and their regions ----------------===//
#ifndef CELL_PASSES_AUTODIFF_REVERSE_H
#define CELL_PASSES_AUTODIFF_REVERSE_H

#include "dialect/Cell/Cell.h"
#include "passes/AutoDiff/Derivative.h"
#include "passes/AutoDiff/ResidualPlan.h"

#include "llvm/ADT/MapVector.h"

namespace mlir::cell {

/// The sum of two cotangents or tangents of one value: of bools the logical or.
Value createSum(OpBuilder &builder, Location loc, Value sum, Value term);

/// The error at an op without a derivative rule, with the way out.
LogicalResult reportNoRule(Operation *op);

/// Cotangents of values, summed where they meet. Those of a nested scope (the branch of an scf.if) start from the outer ones.
class Cotangents {
public:
  explicit Cotangents(OpBuilder &builder, const Cotangents *outer = nullptr) : builder(builder), outer(outer) {}

  /// Null where it is zero.
  Value of(Value primal) const;
  /// Adds at the builder's place; null adds nothing.
  void add(Value primal, Value cotangent, Location loc);
  void set(Value primal, Value cotangent) { map[primal] = cotangent; }
  /// What this scope added or set, in that order.
  const llvm::MapVector<Value, Value> &changed() const { return map; }

private:
  OpBuilder &builder;
  const Cotangents *outer;
  llvm::MapVector<Value, Value> map;
};

/// A call in a forward half, whose callee is the forward half of `derivative`.
struct CallRecord {
  Derivative derivative;
  DerivativeKey key;
};

/// Blocks of a region op in the forward half, each with the block that undoes it: one pair for a loop, two for scf.if.
struct Mirror {
  struct Pair {
    Block *forward, *reverse;
  };
  SmallVector<Pair, 2> blocks;
  /// Values of the forward block that the reverse block has by itself: the induction variable.
  SmallVector<std::pair<Value, Value>, 1> known;
};

/// What reverse mode over a list of ops goes by and leaves behind.
struct ReverseContext {
  explicit ReverseContext(const llvm::DenseSet<Value> &active) : active(active) {}

  /// Values that take part.
  const llvm::DenseSet<Value> &active;
  /// Calls whose callees have forward and reverse halves.
  DenseMap<Operation *, CallRecord> calls;
  /// Filled: regions that were mirrored, the innermost first. Ops in reverse blocks refer to values of the forward blocks, which
  /// are not visible there: moveResiduals makes them so.
  SmallVector<Mirror> mirrors;
  /// For a tape that a call or a region op of the forward half results in: the op in the same block where it begins, and
  /// what the reverse half leaves of it.
  DenseMap<Value, TapeCreateOp> tapeRoots;
  DenseMap<Value, Value> tapeRests;
  /// Filled: for an op of the reverse half, the op whose rule emitted it.
  DenseMap<Operation *, std::pair<StringRef, Location>> rules;
};

/// Emits the reverse rules of `ops`, ops of one block given in program order, at the builder's place. Goes by the cotangents of their results and
/// adds those of their operands. scf.while must hand on no values that its first region computes and that take part, and must count its trips
/// (rotateLoop, countTrips). A failure has emitted a diagnostic.
LogicalResult reverseOps(OpBuilder &builder, ArrayRef<Operation *> ops, ReverseContext &context, Cotangents &cotangents);

/// The same for scf.if, scf.for and scf.while.
LogicalResult reverseRegionOp(OpBuilder &builder, Operation *op, ReverseContext &context, Cotangents &cotangents);

/// The ops of a block without its terminator.
SmallVector<Operation *> opsOf(Block &block);

/// Makes what the reverse function refers to in the forward function available there, region by region from the innermost outwards: saved
/// values become results, or go over tapes where a loop is between; others are computed again (planResiduals). Fills
/// `derivative.residuals` and `derivative.tapes` and sets the types of both functions. A failure has emitted a diagnostic.
LogicalResult moveResiduals(Derivative &derivative, ReverseContext &context, ResidualChoice choice);

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_REVERSE_H
