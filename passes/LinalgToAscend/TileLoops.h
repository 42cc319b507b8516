//===- TileLoops.h - which loops of an op are a tile, and which go around --===//
#ifndef CELL_PASSES_LINALGTOASCEND_TILELOOPS_H
#define CELL_PASSES_LINALGTOASCEND_TILELOOPS_H

#include "passes/LinalgToAscend/VectorBody.h"
#include "passes/LinalgToGpu/Combiner.h"
#include "passes/LinalgToLLVM/LoopPlan.h"

namespace mlir::cell {

/// The planned loops of a linalg op as the vector cores run them: one or two loops are cut into tiles, the others go around. All loops of `outer` and the
/// tiles of what is kept are divided among the cores.
struct TileLoops {
  linalg::LinalgOp op;
  const LoopPlan &plan;
  std::optional<unsigned> row, column; // loops of the tile
  SmallVector<unsigned> outer;         // all others
  bool crossed = false;                // an operand is contiguous along rows, or nowhere
  bool singleRows = false;             // a tile has one row: an operand has gaps in both directions

  /// Chooses the loops of the tile; false, with a reason, where an operand cannot be moved.
  static std::optional<TileLoops> of(linalg::LinalgOp op, const LoopPlan &plan, std::optional<unsigned> row, std::string &why);

  int64_t size(std::optional<unsigned> loop) const { return loop ? plan.loops[*loop].size : 1; }
  int64_t stride(std::optional<unsigned> loop, unsigned operand) const { return loop ? plan.loops[*loop].strides[operand] : 0; }
  bool isFlat() const { return !row && !crossed; }

  /// The operand for the tile whose loops start at `origins`.
  TileAccess access(VectorKernel &k, unsigned operand, ArrayRef<Value> origins) const;
  /// The value of an operand that the body reads, as it lies in memory.
  Tile read(VectorKernel &k, unsigned operand, ArrayRef<Value> origins) const;
  /// Gives the body its arguments and positions.
  void bind(VectorKernel &k, VectorBody &body, ArrayRef<Value> origins, ArrayRef<bool> skip) const;
  /// Rows found by computed indices; null, with a reason, where those are not of rows.
  Tile gather(VectorKernel &k, memref::LoadOp load, ArrayRef<Value> origins, std::string &why) const;
  /// Origin, and for a last tile that is smaller its size, of a loop cut into pieces of `length`.
  std::pair<Value, Value> cut(VectorKernel &k, std::optional<unsigned> loop, Value number, int64_t length) const;
};

/// The largest tile of at most these sizes whose buffers, aligned to `align`, fit into `bytes`, small enough to give all of `cores` work where the tile count is
/// `around` times the tiles of one pass over the sizes. No tile fits: no value.
std::optional<TileShape> chooseTileShape(ArrayRef<TileBuffer> buffers, TileShape most, int64_t bytes, int64_t align, bool wholeRows = false);

/// The size of one of the equal pieces of `length` that are at most `most` long: a multiple of `unit`, and at least `count` pieces, or a multiple of that.
int64_t evenPart(int64_t length, int64_t most, int64_t count, int64_t unit);

/// How one output is reduced.
struct Reduced {
  unsigned output;
  ascend::ReduceKind kind;
  Type type; // of the running result: f32 for sums of f16, f16 for bools
  double neutral;
  Value start; // of the host; null: what the output holds
  bool startsNeutral = false;
  std::optional<unsigned> positionOf; // the first position of this other result, i32

  ascend::BinaryKind binary() const;
  /// Whether the value of the host changes nothing.
  bool isNeutral(Value value) const;
  /// By `operation` on elements of this type; nothing if the vector unit does not.
  static std::optional<Reduced> by(unsigned output, Operation *operation, Type element);
  /// Place `i` of an extreme and its position.
  static std::optional<Reduced> extreme(unsigned output, const Combiner::Extreme &extreme, unsigned i, Type element);
};

/// The positions of what equals the extreme of its row or column, or is a NaN; the last number elsewhere. Where there is a NaN, nothing equals the extreme.
Tile firstPosition(VectorKernel &k, const Tile &values, const Tile &extreme, Value start, bool alongRows);

/// The old position becomes the new one where the new extreme is better than the old one, or the first NaN. An equal one comes later.
void takeBetter(VectorKernel &k, const Reduced &reduced, const Tile &extreme, const Tile &old, const Tile &position, const Tile &oldPosition);

/// A value in the type of a running result.
Tile toRunning(VectorKernel &k, const Tile &x, Type type);

/// Emits a kernel as often as it takes to find a tile that fits: `emit` gets a kernel with a shape and returns false if the op is not for the vector
/// unit; `most` is adapted by `balance` before the last try. The kernel stays if true is returned, and is to be launched.
std::unique_ptr<VectorKernel> emitFitting(AscendKernels &kernels, Operation *op, StringRef stem, TileShape most, llvm::function_ref<TileShape(TileShape)> balance,
                                          llvm::function_ref<bool(VectorKernel &)> emit, bool wholeRows = false);

/// Tiles of this shape in all loops.
int64_t tilesOf(const TileLoops &loops, const TileShape &shape);
/// Runs over [0, total) with all cores.
void forTiles(VectorKernel &k, int64_t total, int64_t blocks, llvm::function_ref<void(Value)> body);
/// The element type of an operand in a kernel's memory.
Type storedType(VectorKernel &k, Value buffer);
/// There is no conversion from the computed value to what the buffer holds.
void explainStored(AscendKernels &kernels, Operation *op, Value value, Value buffer);

/// Ops that write each of their outputs at each point.
bool lowerVectorPointwise(AscendKernels &kernels, linalg::LinalgOp op, const LoopPlan &plan, StringRef name);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOASCEND_TILELOOPS_H
