//===- VectorKernel.h - one kernel of the vector cores --------------------===//
#ifndef CELL_PASSES_LINALGTOASCEND_VECTORKERNEL_H
#define CELL_PASSES_LINALGTOASCEND_VECTORKERNEL_H

#include "dialect/Ascend/Ascend.h"
#include "passes/LinalgToAscend/AscendKernels.h"

namespace mlir::cell {

/// Rows and columns of a tile in UB. A flat tile has no rows: its buffers have rank 1.
struct TileShape {
  int64_t rows = 1, columns = 1;
  bool flat = false;
};

/// What a kernel computes with: numbers for the points of a tile, in UB, or one scalar. A buffer has size 1 where it does not vary.
struct Tile {
  Value value;
  bool rows = false, columns = false; // whether rows, and columns, have an element each

  bool isScalar() const { return !isa<MemRefType>(value.getType()); }
  Type element() const { return getElementTypeOrSelf(value.getType()); }
  explicit operator bool() const { return bool(value); }
};

/// A buffer that a kernel asked for.
struct TileBuffer {
  int64_t bytes; // of an element
  bool rows, columns, streamed;
};

/// Elements and strides of one operand in global memory, as a tile sees it.
struct TileAccess {
  Value buffer;               // of the host
  Value offset;               // of the tile's first element
  int64_t rowStride = 0, columnStride = 0;
};

/// A kernel of the vector cores under construction: buffers in UB for one tile at a time, and the ops on them. Buffers that only the vector pipe touches are
/// used again within an iteration; those that transfers touch belong to one iteration, so that two can be under way.
class VectorKernel : public KernelBuilder {
public:
  VectorKernel(AscendKernels &kernels, Operation *anchor, StringRef stem, const TileShape &shape);

  AscendKernels &kernels;
  const TileShape shape;
  /// The size of the present tile where that is smaller than `shape`; null: full.
  Value rowCount, columnCount;

  /// Uninitialised memory in UB.
  Tile make(Type element, bool rows, bool columns, bool streamed = false);
  /// Gives a buffer that transfers do not touch back.
  void release(const Tile &tile);
  /// Buffers made inside `body` are not used outside of it, nor the other way round.
  void inside(llvm::function_ref<void()> body);

  /// The operand's part for the tile, which varies as the strides say. `transposed` if memory is contiguous along rows.
  Tile load(const TileAccess &access);
  void store(const Tile &tile, const TileAccess &access);
  /// Elements [offset, offset + width) of the buffer become row `row` of a tile (null: the only one), or are added to by it.
  void loadRow(Value buffer, Value offset, Value width, const Tile &tile, Value row);
  void addRow(const Tile &tile, Value row, Value buffer, Value offset, Value width);
  /// One element of global memory as a scalar.
  Value loadScalar(Value buffer, Value offset);

  // Ops; the result is a new buffer unless one is given.
  Tile unary(ascend::UnaryKind kind, const Tile &x);
  Tile binary(ascend::BinaryKind kind, const Tile &a, const Tile &b, Tile out = {});
  Tile compare(ascend::CompareKind kind, const Tile &a, const Tile &b);
  Tile select(const Tile &mask, const Tile &a, const Tile &b);
  /// To another type by way of others where the unit has no conversion; a null value if there is none.
  Tile cast(const Tile &x, Type type, ascend::Rounding rounding = ascend::Rounding::Rint);
  Tile invert(const Tile &mask);
  /// Repeated, so that it varies as asked for; what does already is returned as it is.
  Tile expand(const Tile &x, bool rows, bool columns);
  /// A buffer with the scalar.
  Tile spread(const Tile &x, bool rows, bool columns);
  /// The numbers start + row * rowStep + column * columnStep, i32.
  Tile range(Value start, bool rows, bool columns);
  /// Along rows (the columns of each row together) or along columns.
  Tile reduce(ascend::ReduceKind kind, const Tile &x, bool alongRows);
  Value number(Type type, double value);

  /// Rows are folded before they are reduced: an op of two operands joins their halves in a fraction of the time of a reduction. This needs a buffer.
  bool folds = true, hasFolded = false;
  /// Not 0: the kernel is only to say its buffers, and its rows will be at most this wide.
  int64_t widest = 0;

  /// Bytes of UB that all buffers take, those of transfers twice.
  int64_t bytes() const { return bytesOf(buffers, shape, kernels.chip.ub_align); }
  static int64_t bytesOf(ArrayRef<TileBuffer> buffers, const TileShape &shape, int64_t align);
  SmallVector<TileBuffer> buffers;
  /// Bytes of UB that the op with the most scratch memory takes.
  int64_t scratchBytes();

  /// Undoes the kernel.
  void discard();

private:
  /// The rows of `x` with halves joined for as long as that takes less time; `folded`: the buffer that this needed.
  Value foldRows(ascend::ReduceKind kind, const Tile &x, Tile &folded);
  Value view(Value buffer, bool rows, bool columns);
  std::pair<Value, Value> rowOf(Value buffer, Value offset, Value width, const Tile &tile, Value row);
  Value global(const TileAccess &access, bool rows, bool columns, bool swapped);
  Tile tile(Value value, bool rows, bool columns) { return {value, rows, columns}; }
  SmallVector<Value> sizes(bool rows, bool columns);

  std::string stem;
  SmallVector<Tile> free;
  llvm::DenseMap<Value, unsigned> owned; // buffers that may be used again, and their places in `buffers`
};

/// The op of two values that a reduction repeats.
ascend::BinaryKind binaryOf(ascend::ReduceKind kind);

/// Whether the vector unit knows the type at all.
bool isVectorType(Type type);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOASCEND_VECTORKERNEL_H
