//===- VectorBody.h - the body of a linalg op on tiles --------------------===//
#ifndef CELL_PASSES_LINALGTOASCEND_VECTORBODY_H
#define CELL_PASSES_LINALGTOASCEND_VECTORBODY_H

#include "passes/LinalgToAscend/VectorKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir::cell {

/// Computes the scalar ops of a body on tiles, one vector op (or a few) each. Numbers of a type that the unit does not compute in are held in another one:
/// bf16 as f32 (so nothing is rounded between the ops of a group), index as i32. Buffers are given back after their last use.
class VectorBody {
public:
  VectorBody(VectorKernel &k, Block &body);

  /// Gives a block argument, or what was gathered, its value, as it lies in memory (bf16, and bools as bytes, allowed) or as computed. A buffer that is kept is not given back.
  void set(Value argument, const Tile &stored, bool isKept = false);
  /// The argument has no value: what depends on it is left out.
  void omit(BlockArgument argument) { absent.insert(argument); }
  /// The tile with the position along a dimension, i32; null if that is not known.
  std::function<Tile(unsigned dim)> position;

  /// The tile that a load by computed indices finds, with what its condition (`conditionOf`) takes instead; null if that is not known.
  std::function<Tile(memref::LoadOp load)> gather;
  /// Only these are needed, not all that the body yields.
  void want(ValueRange values);
  /// Whether tiles are computed from the value: not if it only says where a load reads.
  bool isNeeded(Value value) const { return needed.contains(value); }

  /// All ops whose results are needed. False if one of them is not for the vector unit; `why` says which.
  bool run();
  std::string why;

  /// A value of the body, or of the host.
  Tile get(Value value);
  /// The value as it lies in memory of this element type.
  Tile stored(Value value, Type element);

private:
  bool emit(Operation &op);
  bool emitScalar(Operation &op);
  bool emitCast(Operation &op);
  bool emitCompare(Operation &op);
  bool refuse(Operation &op, const Twine &reason = "");
  void define(Value value, const Tile &tile);
  /// One use of the operands is over; what nobody needs any more is given back.
  void done(Operation &op);
  Tile fromMemory(const Tile &stored);

  VectorKernel &k;
  Block &body;
  llvm::DenseMap<Value, Tile> values;
  llvm::DenseMap<Value, unsigned> uses, holders; // of a value; of a buffer
  llvm::DenseSet<Value> absent, needed;
  SmallVector<Value> wanted; // what is read when all has run
};

/// The selection of what a load finds, where a condition holds, or a constant, if that is all that the load is for; or null.
arith::SelectOp conditionOf(memref::LoadOp load);

/// The type that values of `type` are computed in.
Type computedType(Type type);

/// Writes functions that the vector unit does not have by those that it has, in f32: tanh, erf, pow, sin ... The accuracy is in docs/design/ascend-pipeline.md.
/// What no vector kernel takes in the end gets its functions back: the general cores have better ones.
class ExpandedMath {
public:
  ExpandedMath() = default;
  ExpandedMath(const ExpandedMath &) = delete;
  ~ExpandedMath();

  void expand(Block &body);
  /// A kernel was made of the bodies.
  void keep() { bodies.clear(); }

private:
  SmallVector<std::pair<Region *, std::unique_ptr<Region>>> bodies; // and what they were
};

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOASCEND_VECTORBODY_H
