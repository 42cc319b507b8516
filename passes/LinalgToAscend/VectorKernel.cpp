//===- VectorKernel.cpp - one kernel of the vector cores ------------------===//
#include "passes/LinalgToAscend/VectorKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::cell;
using ascend::BinaryKind, ascend::CompareKind, ascend::Rounding, ascend::UnaryKind;

VectorKernel::VectorKernel(AscendKernels &kernels, Operation *anchor, StringRef stem, const TileShape &shape)
    : KernelBuilder(kernels, anchor, stem, 1, &kernels.vector), kernels(kernels), shape(shape), stem(stem) {}

void VectorKernel::discard() {
  kernels.forgetName(stem);
  function()->erase();
}

bool cell::isVectorType(Type type) {
  return type.isF32() || type.isF16() || type.isBF16() || type.isInteger(1) || type.isInteger(8) || type.isInteger(16) || type.isInteger(32) || type.isInteger(64);
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

int64_t VectorKernel::bytesOf(ArrayRef<TileBuffer> buffers, const TileShape &shape, int64_t align) {
  int64_t sum = 0;
  for (const TileBuffer &buffer : buffers) {
    int64_t row = (buffer.columns ? shape.columns : 1) * buffer.bytes, rows = buffer.rows ? shape.rows : 1;
    // A column lies without gaps.
    int64_t bytes = llvm::alignTo(buffer.columns ? llvm::alignTo(row, align) * rows : row * rows, align);
    sum += bytes * (buffer.streamed ? 2 : 1);
  }
  return sum;
}

int64_t VectorKernel::scratchBytes() {
  int64_t most = 0;
  function()->walk([&](ascend::AscendPipeOpInterface op) { most = std::max(most, op.getScratchBytes()); });
  return most;
}

SmallVector<Value> VectorKernel::sizes(bool rows, bool columns) {
  SmallVector<Value> result;
  if (!shape.flat)
    result.push_back(rows ? rowCount : Value());
  result.push_back(columns ? columnCount : Value());
  return result;
}

/// The part of a full buffer that the present tile has.
Value VectorKernel::view(Value buffer, bool rows, bool columns) {
  SmallVector<OpFoldResult> lengths, zeros, ones;
  SmallVector<int64_t> full;
  if (!shape.flat)
    full.push_back(rows ? shape.rows : 1);
  full.push_back(columns ? shape.columns : 1);
  for (auto [size, dynamic] : llvm::zip_equal(full, sizes(rows, columns)))
    lengths.push_back(dynamic ? OpFoldResult(dynamic) : OpFoldResult(getIndexAttr(size)));
  auto type = llvm::cast<MemRefType>(buffer.getType());
  if (llvm::none_of(lengths, [](OpFoldResult size) { return isa<Value>(size); }) && type.getShape() == ArrayRef(full))
    return buffer;
  zeros.assign(full.size(), getIndexAttr(0));
  ones.assign(full.size(), getIndexAttr(1));
  return memref::SubViewOp::create(*this, buffer, zeros, lengths, ones);
}

Tile VectorKernel::make(Type element, bool rows, bool columns, bool streamed) {
  if (!streamed)
    for (auto [i, tile] : llvm::enumerate(free))
      if (tile.element() == element && tile.rows == rows && tile.columns == columns) {
        Tile found = tile;
        free.erase(free.begin() + i);
        return found;
      }
  int64_t bytes = ascend::getElementBytes(element), unit = kernels.chip.ub_align / bytes;
  SmallVector<int64_t> full;
  if (!shape.flat)
    full.push_back(rows ? shape.rows : 1);
  full.push_back(columns ? llvm::alignTo(shape.columns, unit) : 1);
  auto type = MemRefType::get(full, element, MemRefLayoutAttrInterface(), ascend::SpaceAttr::get(getContext(), ascend::Space::UB));
  Tile made = tile(view(memref::AllocOp::create(*this, type), rows, columns), rows, columns);
  buffers.push_back({bytes, rows, columns, streamed});
  if (!streamed)
    owned[made.value] = buffers.size() - 1;
  return made;
}

void VectorKernel::release(const Tile &tile) {
  if (owned.contains(tile.value))
    free.push_back(tile);
}

void VectorKernel::inside(llvm::function_ref<void()> body) {
  SmallVector<Tile> outerFree;
  llvm::DenseMap<Value, unsigned> outerOwned;
  std::swap(outerFree, free);
  std::swap(outerOwned, owned);
  body();
  std::swap(outerFree, free);
  std::swap(outerOwned, owned);
}

//===----------------------------------------------------------------------===//
// Global memory
//===----------------------------------------------------------------------===//

/// The operand's elements for the tile; `swapped` has columns first.
Value VectorKernel::global(const TileAccess &access, bool rows, bool columns, bool swapped) {
  Value buffer = flat(access.buffer);
  auto type = llvm::cast<MemRefType>(buffer.getType());
  SmallVector<OpFoldResult> lengths, strides;
  SmallVector<int64_t> staticSizes, staticStrides;
  auto axis = [&](bool varies, int64_t full, Value count, int64_t stride) {
    bool dynamic = varies && count;
    lengths.push_back(dynamic ? OpFoldResult(count) : OpFoldResult(getIndexAttr(varies ? full : 1)));
    staticSizes.push_back(dynamic ? ShapedType::kDynamic : varies ? full : 1);
    int64_t step = varies ? stride : 1;
    strides.push_back(getIndexAttr(step));
    staticStrides.push_back(step);
  };
  if (swapped)
    axis(columns, shape.columns, columnCount, access.columnStride);
  if (!shape.flat)
    axis(rows, shape.rows, rowCount, access.rowStride);
  if (!swapped)
    axis(columns, shape.columns, columnCount, access.columnStride);
  APInt known;
  bool isStatic = matchPattern(access.offset, m_ConstantInt(&known));
  auto layout = StridedLayoutAttr::get(getContext(), isStatic ? known.getSExtValue() : ShapedType::kDynamic, staticStrides);
  auto result = MemRefType::get(staticSizes, type.getElementType(), layout, type.getMemorySpace());
  OpFoldResult offset = isStatic ? OpFoldResult(getIndexAttr(known.getSExtValue())) : OpFoldResult(access.offset);
  return memref::ReinterpretCastOp::create(*this, result, buffer, offset, lengths, strides);
}

Tile VectorKernel::load(const TileAccess &access) {
  Type element = llvm::cast<MemRefType>(use(access.buffer).getType()).getElementType();
  bool rows = access.rowStride != 0 && shape.rows > 1, columns = access.columnStride != 0 && shape.columns > 1;
  int64_t across = access.columnStride;
  // Contiguous along columns, or one element per row.
  if (!columns || across == 1) {
    if (columns || !rows || access.rowStride == 1) {
      Tile out = make(element, rows, columns, /*streamed=*/true);
      ascend::LoadOp::create(*this, global(access, rows, columns, false), out.value);
      return out;
    }
    // Single elements land in rows of their own, and are moved together.
    int64_t unit = kernels.chip.ub_align / ascend::getElementBytes(element);
    auto type = MemRefType::get({shape.rows, unit}, element, MemRefLayoutAttrInterface(), ascend::SpaceAttr::get(getContext(), ascend::Space::UB));
    Value wide = memref::AllocOp::create(*this, type);
    buffers.push_back({kernels.chip.ub_align, true, false, true});
    OpFoldResult length = rowCount ? OpFoldResult(rowCount) : OpFoldResult(getIndexAttr(shape.rows)), zero = getIndexAttr(0), one = getIndexAttr(1);
    Value part = memref::SubViewOp::create(*this, wide, {zero, zero}, {length, one}, {one, one});
    ascend::LoadOp::create(*this, global(access, true, false, false), part);
    Tile out = make(element, true, false);
    ascend::CopyOp::create(*this, part, out.value);
    return out;
  }
  // Memory is contiguous along rows, or nowhere: the tile arrives with rows and columns exchanged.
  int64_t unit = kernels.chip.ub_align / ascend::getElementBytes(element), height = rows ? llvm::alignTo(shape.rows, unit) : unit;
  auto type = MemRefType::get({shape.columns, height}, element, MemRefLayoutAttrInterface(), ascend::SpaceAttr::get(getContext(), ascend::Space::UB));
  Value wide = memref::AllocOp::create(*this, type);
  if (rows)
    buffers.push_back({static_cast<int64_t>(llvm::divideCeil(ascend::getElementBytes(element) * height, shape.rows)), true, true, true});
  else
    buffers.push_back({kernels.chip.ub_align, false, true, true});
  auto length = [&](Value count, int64_t full) { return count ? OpFoldResult(count) : OpFoldResult(getIndexAttr(full)); };
  OpFoldResult zero = getIndexAttr(0), one = getIndexAttr(1);
  Value part = memref::SubViewOp::create(*this, wide, {zero, zero}, {length(columnCount, shape.columns), rows ? length(rowCount, shape.rows) : one}, {one, one});
  ascend::LoadOp::create(*this, global(access, rows, true, true), part);
  Tile out = make(element, rows, true);
  ascend::VTransposeOp::create(*this, ArrayRef<int64_t>{1, 0}, part, out.value);
  return out;
}

void VectorKernel::store(const Tile &tile, const TileAccess &access) {
  Type element = tile.element();
  bool rows = tile.rows, columns = tile.columns;
  auto length = [&](Value count, int64_t full) { return count ? OpFoldResult(count) : OpFoldResult(getIndexAttr(full)); };
  OpFoldResult zero = getIndexAttr(0), one = getIndexAttr(1);
  auto space = ascend::SpaceAttr::get(getContext(), ascend::Space::UB);
  int64_t unit = kernels.chip.ub_align / ascend::getElementBytes(element);
  if (columns && access.columnStride != 1) {
    int64_t height = rows ? llvm::alignTo(shape.rows, unit) : unit;
    Value wide = memref::AllocOp::create(*this, MemRefType::get({shape.columns, height}, element, MemRefLayoutAttrInterface(), space));
    if (rows)
      buffers.push_back({static_cast<int64_t>(llvm::divideCeil(ascend::getElementBytes(element) * height, shape.rows)), true, true, true});
    else
      buffers.push_back({kernels.chip.ub_align, false, true, true});
    Value part = memref::SubViewOp::create(*this, wide, {zero, zero}, {length(columnCount, shape.columns), rows ? length(rowCount, shape.rows) : one}, {one, one});
    ascend::VTransposeOp::create(*this, ArrayRef<int64_t>{1, 0}, tile.value, part);
    ascend::StoreOp::create(*this, part, global(access, rows, true, true));
    return;
  }
  if (!columns && rows && access.rowStride != 1) {
    Value wide = memref::AllocOp::create(*this, MemRefType::get({shape.rows, unit}, element, MemRefLayoutAttrInterface(), space));
    buffers.push_back({kernels.chip.ub_align, true, false, true});
    Value part = memref::SubViewOp::create(*this, wide, {zero, zero}, {length(rowCount, shape.rows), one}, {one, one});
    ascend::CopyOp::create(*this, tile.value, part);
    ascend::StoreOp::create(*this, part, global(access, true, false, false));
    return;
  }
  // Two may be under way, and neither is written to again.
  if (auto own = owned.find(tile.value); own != owned.end()) {
    buffers[own->second].streamed = true;
    owned.erase(own);
  }
  ascend::StoreOp::create(*this, tile.value, global(access, rows, columns, false));
}

Value VectorKernel::loadScalar(Value buffer, Value offset) {
  return memref::LoadOp::create(*this, flat(buffer), offset);
}

//===----------------------------------------------------------------------===//
// The vector unit
//===----------------------------------------------------------------------===//

Value VectorKernel::number(Type type, double value) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(*this, FloatAttr::get(type, value));
  return arith::ConstantOp::create(*this, IntegerAttr::get(type, static_cast<int64_t>(value)));
}

Tile VectorKernel::spread(const Tile &x, bool rows, bool columns) {
  Tile out = make(x.element(), rows, columns);
  ascend::VBrcOp::create(*this, x.value, out.value);
  return out;
}

Tile VectorKernel::expand(const Tile &x, bool rows, bool columns) {
  if (x.isScalar())
    return spread(x, rows, columns);
  rows |= x.rows, columns |= x.columns;
  if (x.rows == rows && x.columns == columns)
    return x;
  Type element = x.element();
  if (columns && !x.columns && ascend::getElementBytes(element) == 1) { // the unit repeats no bytes along a row
    Tile wide = expand(cast(x, getF16Type()), rows, columns);
    if (element.isInteger(1))
      return compare(CompareKind::Ne, wide, {number(getF16Type(), 0)});
    return cast(wide, element, Rounding::Trunc);
  }
  Tile out = make(element, rows, columns);
  ascend::VBrcOp::create(*this, x.value, out.value);
  return out;
}

Tile VectorKernel::unary(UnaryKind kind, const Tile &x) {
  if (x.isScalar())
    return unary(kind, spread(x, false, false));
  Tile out = make(x.element(), x.rows, x.columns);
  ascend::VUnOp::create(*this, kind, x.value, out.value);
  return out;
}

Tile VectorKernel::binary(BinaryKind kind, const Tile &a, const Tile &b, Tile out) {
  bool bits = kind == BinaryKind::And || kind == BinaryKind::Or || kind == BinaryKind::Xor;
  if (a.isScalar() && b.isScalar())
    return binary(kind, spread(a, false, false), b, out);
  if (a.isScalar() && kind != BinaryKind::Sub && kind != BinaryKind::Div)
    return binary(kind, b, a, out);
  if (bits && b.isScalar())
    return binary(kind, a, spread(b, a.rows, a.columns), out);
  const Tile &buffer = a.isScalar() ? b : a;
  if (!out)
    out = make(buffer.element(), a.rows || b.rows, a.columns || b.columns);
  if (a.isScalar() || b.isScalar())
    ascend::VBinScalarOp::create(*this, kind, buffer.value, a.isScalar() ? a.value : b.value, out.value, /*reverse=*/a.isScalar());
  else
    ascend::VBinOp::create(*this, kind, a.value, b.value, out.value);
  return out;
}

Tile VectorKernel::compare(CompareKind kind, const Tile &a, const Tile &b) {
  if (a.isScalar()) {
    CompareKind swapped = kind == CompareKind::Lt ? CompareKind::Gt : kind == CompareKind::Gt ? CompareKind::Lt : kind == CompareKind::Le ? CompareKind::Ge : kind == CompareKind::Ge ? CompareKind::Le : kind;
    return compare(swapped, b.isScalar() ? spread(b, false, false) : b, a);
  }
  bool rows = a.rows || b.rows, columns = a.columns || b.columns;
  Tile left = expand(a, rows, columns), right = b.isScalar() ? b : expand(b, rows, columns);
  Tile out = make(getI1Type(), rows, columns);
  ascend::VCmpOp::create(*this, kind, left.value, right.value, out.value);
  return out;
}

Tile VectorKernel::select(const Tile &mask, const Tile &a, const Tile &b) {
  bool rows = mask.rows || a.rows || b.rows, columns = mask.columns || a.columns || b.columns;
  Tile full = expand(mask, rows, columns);
  // HIVM has no form where both values are repeated.
  auto varies = [&](const Tile &x) { return x.isScalar() || (x.rows == rows && x.columns == columns); };
  Tile other = varies(a) || varies(b) ? b : expand(b, rows, columns);
  Tile out = make(a.element(), rows, columns);
  ascend::VSelOp::create(*this, full.value, a.value, other.value, out.value);
  if (other.value != b.value)
    release(other);
  return out;
}

Tile VectorKernel::invert(const Tile &mask) {
  if (mask.isScalar())
    return {arith::XOrIOp::create(*this, mask.value, number(getI1Type(), 1))};
  return unary(UnaryKind::Not, mask);
}

Tile VectorKernel::range(Value start, bool rows, bool columns) {
  Tile out = make(getI32Type(), rows, columns);
  SmallVector<Value> steps;
  if (!shape.flat)
    steps.push_back(index(rows ? 1 : 0));
  steps.push_back(index(columns ? 1 : 0));
  ascend::VArangeOp::create(*this, start, steps, out.value);
  return out;
}

ascend::BinaryKind cell::binaryOf(ascend::ReduceKind kind) {
  return kind == ascend::ReduceKind::Sum ? BinaryKind::Add : kind == ascend::ReduceKind::Max ? BinaryKind::Max : BinaryKind::Min;
}

/// Columns `start` to `end` of a buffer.
static Value columnsOf(VectorKernel &k, Value buffer, int64_t start, int64_t end) {
  auto type = cast<MemRefType>(buffer.getType());
  SmallVector<OpFoldResult> offsets{k.getIndexAttr(start)}, sizes{k.getIndexAttr(end - start)};
  if (type.getRank() == 2) {
    offsets.insert(offsets.begin(), k.getIndexAttr(0));
    sizes.insert(sizes.begin(), type.isDynamicDim(0) ? OpFoldResult(k.rowCount) : OpFoldResult(k.getIndexAttr(type.getDimSize(0))));
  }
  return memref::SubViewOp::create(k, buffer, offsets, sizes, SmallVector<OpFoldResult>(sizes.size(), k.getIndexAttr(1)));
}

Value VectorKernel::foldRows(ascend::ReduceKind kind, const Tile &x, Tile &folded) {
  const ascend::Target &chip = kernels.chip;
  int64_t bytes = ascend::getElementBytes(x.element()), unit = chip.ub_align / bytes, rows = x.rows ? shape.rows : 1, width = shape.columns;
  auto repeats = [&](int64_t columns) { return static_cast<int64_t>(llvm::divideCeil(columns * bytes, chip.vector_bytes)); };
  Value source = x.value;
  if (!folds || columnCount)
    return source;
  if (widest && repeats(widest) > 1) { // only the buffer counts
    hasFolded = true;
    folded = make(x.element(), x.rows, true);
    return source;
  }
  while (true) {
    // The right part starts at a unit; what of the left one has no partner stays as it is, and is there after the first step.
    int64_t half = llvm::alignTo(llvm::divideCeil(width, 2), unit), joined = width - half;
    bool copies = !folded && joined < half;
    int64_t gain = (repeats(width) - repeats(half)) * rows * chip.reduce_repeat;
    int64_t cost = (copies ? 2 : 1) * (chip.vector_startup + chip.vector_delay) + (repeats(half) + copies) * rows * chip.vector_bytes / chip.vector_rate;
    if (joined <= 0 || gain <= cost)
      break;
    Value right = columnsOf(*this, source, half, width), left = columnsOf(*this, source, 0, joined), out = left;
    if (!folded) {
      hasFolded = true;
      folded = make(x.element(), x.rows, true);
      if (copies) {
        int64_t from = llvm::alignDown(joined, unit);
        ascend::CopyOp::create(*this, columnsOf(*this, source, from, half), columnsOf(*this, folded.value, from, half));
      }
      source = folded.value;
      out = columnsOf(*this, source, 0, joined);
    }
    ascend::VBinOp::create(*this, binaryOf(kind), left, right, out);
    width = half;
  }
  return folded ? columnsOf(*this, source, 0, width) : source;
}

Tile VectorKernel::reduce(ascend::ReduceKind kind, const Tile &x, bool alongRows) {
  Tile out = make(x.element(), alongRows && x.rows, !alongRows && x.columns), folded;
  Value source = alongRows && x.columns ? foldRows(kind, x, folded) : x.value;
  ascend::VReduceOp::create(*this, kind, ArrayRef<int64_t>{alongRows && !shape.flat ? 1 : 0}, source, out.value);
  if (folded)
    release(folded);
  return out;
}
