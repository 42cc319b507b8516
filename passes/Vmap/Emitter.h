//===- Emitter.h - writes a block for a batch of examples ------------------===//
#ifndef CELL_PASSES_VMAP_EMITTER_H
#define CELL_PASSES_VMAP_EMITTER_H

#include "passes/Vmap/Batch.h"
#include "passes/Vmap/Scope.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::cell {

/// Writes the ops of a function that works on one example as ops on a batch. All failures have emitted a diagnostic.
class Emitter {
public:
  Emitter(BatchBuilder &functions, const BatchKey &key, const llvm::DenseSet<Value> &varying, OpBuilder &builder)
      : functions(functions), key(key), varying(varying), builder(builder) {}

  /// The examples that take part: a tensor of bools, null for all.
  Value mask;

  void bind(Value original, Lane lane);
  Lane lane(Value original) const { return {mapping.lookup(original), batched.contains(original)}; }
  SmallVector<Lane> lanes(ValueRange originals) const;
  BatchScope scope(Location loc) { return {builder, loc, key.size, key.ownRandom}; }
  /// All ops but the terminator.
  LogicalResult block(Block &block);

private:
  LogicalResult operation(Operation *op);
  LogicalResult rule(Operation *op);
  LogicalResult decompose(Operation *op);
  LogicalResult call(func::CallOp op);
  template <typename Request>
  LogicalResult request(Request op, ValueRange directions);
  LogicalResult effect(Operation *op);
  LogicalResult tape(Operation *op);
  LogicalResult branch(scf::IfOp op);
  LogicalResult chosenBranch(scf::IfOp op, Value condition);
  LogicalResult loop(scf::ForOp op);
  LogicalResult loopOfEach(scf::ForOp op);
  LogicalResult loop(scf::WhileOp op);
  LogicalResult loopOfEach(scf::WhileOp op);

  bool isBatched(Value original) const { return batched.contains(original); }
  bool touchesBatched(Operation *op) const;
  void copy(Operation *op);
  /// Adds a block with arguments for `originals`, spread where they differ between examples, and binds them.
  Block *openBlock(Region &region, ValueRange originals, Location loc);
  SmallVector<Type> typesOf(ValueRange originals) const;
  /// The new values of `originals`, spread where `like[i]` differs between examples.
  SmallVector<Value> matching(ValueRange originals, ValueRange like, Location loc);
  void bindLike(ValueRange originals, ValueRange values);
  LogicalResult refuseTapes(Operation *op, TypeRange types);
  /// A block that only some examples take part in: emits it with the mask narrowed to them.
  LogicalResult maskedBlock(Block &block, Location loc, Value condition);

  BatchBuilder &functions;
  const BatchKey &key;
  const llvm::DenseSet<Value> &varying;
  OpBuilder &builder;
  IRMapping mapping;
  llvm::DenseSet<Value> batched;
};

} // namespace mlir::cell

#endif // CELL_PASSES_VMAP_EMITTER_H
