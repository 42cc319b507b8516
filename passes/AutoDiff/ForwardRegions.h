//===- ForwardRegions.h - tangents of the values of one function ----------===//
#ifndef CELL_PASSES_AUTODIFF_FORWARDREGIONS_H
#define CELL_PASSES_AUTODIFF_FORWARDREGIONS_H

#include "passes/AutoDiff/Forward.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace mlir::cell {

/// Adds tangents to the values of a function, from its arguments on.
class TangentPusher {
public:
  TangentPusher(ForwardBuilder &forward, llvm::DenseSet<Value> active) : forward(forward), active(std::move(active)) {}

  /// Emits the tangents of a block's active values, each after its value.
  LogicalResult pushBlock(Block &block);
  /// All values of a tape take part where one does: its tangent must be as long as the tape.
  void activateTapes(func::FuncOp function);

  ForwardBuilder &forward;
  /// Values whose tangent is needed. A tangent that is 0 is absent from `tangents`, even so.
  llvm::DenseSet<Value> active;
  DenseMap<Value, Value> tangents;

private:
  LogicalResult pushOp(Operation *op);
  LogicalResult pushCall(func::CallOp call);
  LogicalResult pushRegionOp(Operation *op);
  LogicalResult pushIf(scf::IfOp branch);
  LogicalResult pushFor(scf::ForOp loop);
  LogicalResult pushWhile(scf::WhileOp loop);

  /// Adds block arguments for the tangents of active arguments, and returns the numbers of those (`skip` leading ones left out and not counted).
  SmallVector<unsigned> addTangentArguments(Block &block, unsigned skip, ValueRange results);
  /// The tangent of a value, or zero made before `builder`'s place.
  Value tangentOrZero(OpBuilder &builder, Value value);
  /// Appends the tangents of some operands (`skip` leading ones left out and not counted) of a block's terminator to them.
  void appendTangents(Block &block, unsigned skip, ArrayRef<unsigned> numbers);
  /// The op with more results, which are the tangents of the results in `numbers`.
  void takeResults(Operation *op, ValueRange operands, ArrayRef<unsigned> numbers);
  /// Replaces an op's results.
  void replace(Operation *op, ValueRange values);
};

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_FORWARDREGIONS_H
