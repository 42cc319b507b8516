//===- TileLoops.cpp - which loops of an op are a tile --------------------===//
#include "passes/LinalgToAscend/TileLoops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::cell;

static bool isUsed(linalg::LinalgOp op, unsigned operand) {
  OpOperand &use = op->getOpOperand(operand);
  return op.isDpsInit(&use) || !op.getMatchingBlockArgument(&use).use_empty();
}

std::optional<TileLoops> TileLoops::of(linalg::LinalgOp op, const LoopPlan &plan, std::optional<unsigned> row, std::string &why) {
  TileLoops loops{op, plan, row, std::nullopt, {}, false, false};
  unsigned count = plan.loops.size();
  if (count)
    loops.column = count - 1;
  SmallVector<unsigned> moved;
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    auto type = dyn_cast<MemRefType>(op->getOperand(i).getType());
    if (!isUsed(op, i))
      continue;
    Type element = type ? type.getElementType() : op->getOperand(i).getType();
    if (type && !isVectorType(element)) {
      llvm::raw_string_ostream(why) << "the vector unit has no " << element;
      return std::nullopt;
    }
    if (type)
      moved.push_back(i);
  }
  for (unsigned i : moved)
    if (int64_t across = loops.stride(loops.column, i); across != 0 && across != 1 && loops.size(loops.column) > 1) {
      if (across < 0) {
        why = "an operand is read backwards";
        return std::nullopt;
      }
      loops.crossed = true;
    }
  if (!row && count >= 2) {
    loops.row = count - 2;
    // The loop along which a crossed operand is contiguous.
    for (unsigned i : moved)
      if (int64_t across = loops.stride(loops.column, i); loops.crossed && across > 1)
        for (unsigned l = 0; l + 1 < count; ++l)
          if (plan.loops[l].strides[i] == 1)
            loops.row = l;
  }
  for (unsigned i : moved) {
    int64_t down = loops.stride(loops.row, i), across = loops.stride(loops.column, i);
    loops.singleRows |= down < 0 || (across > 1 && down != 0 && down != 1);
  }
  for (unsigned l = 0; l < count; ++l)
    if (loops.row != l && loops.column != l)
      loops.outer.push_back(l);
  return loops;
}

TileAccess TileLoops::access(VectorKernel &k, unsigned operand, ArrayRef<Value> origins) const {
  Value offset = k.index(plan.offsets[operand]);
  for (auto [loop, origin] : llvm::zip_equal(plan.loops, origins))
    if (loop.strides[operand])
      offset = k.add(offset, k.mul(origin, loop.strides[operand]));
  return {op->getOperand(operand), offset, stride(row, operand), stride(column, operand)};
}

Tile TileLoops::read(VectorKernel &k, unsigned operand, ArrayRef<Value> origins) const {
  Value value = op->getOperand(operand);
  if (!isa<MemRefType>(value.getType()))
    return {k.use(value)};
  TileAccess where = access(k, operand, origins);
  bool rows = where.rowStride && k.shape.rows > 1, columns = where.columnStride && k.shape.columns > 1;
  if (!rows && !columns)
    return {k.loadScalar(where.buffer, where.offset)};
  return k.load(where);
}

void TileLoops::bind(VectorKernel &k, VectorBody &body, ArrayRef<Value> origins, ArrayRef<bool> skip) const {
  linalg::LinalgOp op = this->op;
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    BlockArgument argument = op.getMatchingBlockArgument(&op->getOpOperand(i));
    if (body.isNeeded(argument) && !(i < skip.size() && skip[i]))
      body.set(argument, read(k, i, origins));
  }
  SmallVector<Value> starts(origins);
  body.position = [this, &k, starts](unsigned dim) -> Tile {
    for (auto [l, loop] : llvm::enumerate(plan.loops)) {
      if (!llvm::is_contained(loop.dims, dim)) // loops of several dimensions have no index ops
        continue;
      bool rows = row == l && k.shape.rows > 1, columns = column == l && k.shape.columns > 1;
      if (rows || columns)
        return k.range(starts[l], rows, columns);
      return {arith::IndexCastOp::create(k, k.getI32Type(), starts[l])};
    }
    return {k.number(k.getI32Type(), 0)};
  };
  body.gather = [this, &k, &body, starts](memref::LoadOp load) { return gather(k, load, starts, body.why); };
}

std::pair<Value, Value> TileLoops::cut(VectorKernel &k, std::optional<unsigned> loop, Value number, int64_t length) const {
  Value origin = k.mul(number, length);
  if (!loop || size(loop) % length == 0)
    return {origin, Value()};
  return {origin, k.smaller(k.index(length), arith::SubIOp::create(k, k.index(size(loop)), origin))};
}

int64_t cell::evenPart(int64_t length, int64_t most, int64_t count, int64_t unit) {
  int64_t pieces = llvm::divideCeil(length, most);
  pieces = std::max(pieces, std::min<int64_t>(count, llvm::divideCeil(length, unit)));
  if (pieces > count) // the same number for each core
    pieces = llvm::alignTo(pieces, count);
  return std::max<int64_t>(1, std::min<int64_t>(most, llvm::alignTo(llvm::divideCeil(length, pieces), unit)));
}

ascend::BinaryKind Reduced::binary() const { return binaryOf(kind); }

bool Reduced::isNeutral(Value value) const {
  auto constant = value.getDefiningOp<arith::ConstantOp>();
  if (!constant)
    return false;
  if (auto integer = dyn_cast<IntegerAttr>(constant.getValue()); integer && positionOf)
    return integer.getValue().isMaxSignedValue();
  if (auto real = dyn_cast<FloatAttr>(constant.getValue()))
    return real.getValueAsDouble() == neutral;
  auto integer = dyn_cast<IntegerAttr>(constant.getValue());
  int64_t number = !integer ? 0 : integer.getType().isInteger(1) ? int64_t(integer.getValue().getZExtValue()) : integer.getValue().getSExtValue();
  return integer && static_cast<double>(number) == neutral;
}

std::optional<Reduced> Reduced::by(unsigned output, Operation *operation, Type element) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  Type type = computedType(element);
  if (isa_and_nonnull<arith::AddFOp, arith::AddIOp>(operation) && (type.isF32() || type.isF16() || type.isInteger(32)))
    return Reduced{output, ascend::ReduceKind::Sum, type.isF16() ? Float32Type::get(type.getContext()) : type, 0, {}};
  bool isMax = isa_and_nonnull<arith::MaximumFOp, arith::MaxSIOp>(operation), isMin = isa_and_nonnull<arith::MinimumFOp, arith::MinSIOp>(operation);
  ascend::ReduceKind kind = isMax ? ascend::ReduceKind::Max : ascend::ReduceKind::Min;
  if ((isMax || isMin) && (type.isF32() || type.isF16()))
    return Reduced{output, kind, type, isMax ? -kInf : kInf, {}};
  if ((isMax || isMin) && type.isInteger(32))
    return Reduced{output, kind, type, isMax ? -0x1p31 : 0x1p31 - 1, {}};
  // Bools are 0 and 1 in f16.
  if (type.isInteger(1) && isa_and_nonnull<arith::AndIOp, arith::OrIOp>(operation)) {
    bool all = isa<arith::AndIOp>(operation);
    return Reduced{output, all ? ascend::ReduceKind::Min : ascend::ReduceKind::Max, Float16Type::get(type.getContext()), all ? 1.0 : 0.0, {}};
  }
  return std::nullopt;
}

std::optional<Reduced> Reduced::extreme(unsigned output, const Combiner::Extreme &extreme, unsigned i, Type element) {
  if (i == extreme.position) // 0 where no step found a better value than the start: all are as bad as that, and the first one counts
    return Reduced{output, ascend::ReduceKind::Min, IntegerType::get(element.getContext(), 32), 0, {}, false, extreme.value};
  constexpr double kInf = std::numeric_limits<double>::infinity();
  Type type = computedType(element);
  ascend::ReduceKind kind = extreme.isLargest ? ascend::ReduceKind::Max : ascend::ReduceKind::Min;
  if (type.isF32() || type.isF16())
    return Reduced{output, kind, type, extreme.isLargest ? -kInf : kInf, {}};
  if (type.isInteger(32))
    return Reduced{output, kind, type, extreme.isLargest ? -0x1p31 : 0x1p31 - 1, {}};
  return std::nullopt;
}

Tile cell::firstPosition(VectorKernel &k, const Tile &values, const Tile &extreme, Value start, bool alongRows) {
  Tile hits = k.compare(ascend::CompareKind::Eq, values, extreme);
  if (isa<FloatType>(values.element()))
    hits = k.binary(ascend::BinaryKind::Or, hits, k.compare(ascend::CompareKind::Ne, values, values), hits);
  Tile positions = k.range(start, !alongRows && k.shape.rows > 1, alongRows && k.shape.columns > 1);
  return k.select(hits, k.expand(positions, values.rows, values.columns), {k.number(k.getI32Type(), 0x1p31 - 1)});
}

void cell::takeBetter(VectorKernel &k, const Reduced &reduced, const Tile &extreme, const Tile &old, const Tile &position, const Tile &oldPosition) {
  bool isMax = reduced.kind == ascend::ReduceKind::Max;
  Tile better;
  if (isa<FloatType>(extreme.element())) {
    better = k.compare(isMax ? ascend::CompareKind::Gt : ascend::CompareKind::Lt, extreme, old);
    Tile isNaN = k.binary(ascend::BinaryKind::And, k.compare(ascend::CompareKind::Ne, extreme, extreme), k.compare(ascend::CompareKind::Eq, old, old));
    better = k.binary(ascend::BinaryKind::Or, better, isNaN);
  } else {
    better = k.compare(ascend::CompareKind::Ne, k.binary(reduced.binary(), extreme, old), old);
  }
  ascend::VSelOp::create(k, better.value, position.value, oldPosition.value, oldPosition.value);
}

Tile cell::toRunning(VectorKernel &k, const Tile &x, Type type) {
  if (!x.isScalar() || x.element() == type)
    return k.cast(x, type);
  if (x.element().isInteger(1) || x.element().isInteger(8))
    return {arith::UIToFPOp::create(k, type, x.value)};
  return {arith::ExtFOp::create(k, type, x.value)};
}

std::optional<TileShape> cell::chooseTileShape(ArrayRef<TileBuffer> buffers, TileShape most, int64_t bytes, int64_t align, bool wholeRows) {
  const int64_t unit = 2 * align; // columns grow by this many elements, which is a multiple of the alignment for each type
  TileShape shape = most;
  auto fits = [&](int64_t rows, int64_t columns) { return VectorKernel::bytesOf(buffers, {rows, columns, most.flat}, align) <= bytes; };
  if (!fits(1, shape.columns)) {
    if (wholeRows)
      return std::nullopt;
    int64_t low = 0, high = shape.columns / unit; // in units: `low` fits
    while (low < high) {
      int64_t middle = (low + high + 1) / 2;
      (fits(1, middle * unit) ? low : high) = fits(1, middle * unit) ? middle : middle - 1;
    }
    if (!low)
      return std::nullopt;
    shape.columns = low * unit;
  }
  int64_t low = 1, high = shape.rows;
  while (low < high) {
    int64_t middle = (low + high + 1) / 2;
    if (fits(middle, shape.columns))
      low = middle;
    else
      high = middle - 1;
  }
  shape.rows = low;
  return shape;
}

std::unique_ptr<VectorKernel> cell::emitFitting(AscendKernels &kernels, Operation *op, StringRef stem, TileShape most, llvm::function_ref<TileShape(TileShape)> balance,
                                                llvm::function_ref<bool(VectorKernel &)> emit, bool wholeRows) {
  for (bool folds = true, again = true; again; folds = false) {
    again = false;
    TileShape shape = {std::min<int64_t>(most.rows, 16), std::min<int64_t>(most.columns, 64), most.flat};
    int64_t room = kernels.chip.ub_bytes;
    // A small tile says which buffers there are; what the full one takes is known when it is there.
    SmallVector<TileBuffer> buffers;
    for (int attempt = 0; attempt < 8; ++attempt) {
      auto k = std::make_unique<VectorKernel>(kernels, op, stem, shape);
      k->folds = folds;
      k->widest = attempt ? 0 : most.columns;
      if (!emit(*k)) {
        k->discard();
        return nullptr;
      }
      again |= k->hasFolded;
      int64_t scratch = k->scratchBytes(), tile = shape.rows * shape.columns;
      bool fits = k->bytes() + scratch <= kernels.chip.ub_bytes;
      if (attempt && fits)
        return k;
      buffers = k->buffers;
      if (!attempt || scratch)
        buffers.push_back({static_cast<int64_t>(llvm::divideCeil(scratch, tile)), true, true, false});
      k->discard();
      if (attempt)
        room = room * 3 / 4;
      std::optional<TileShape> next = chooseTileShape(buffers, most, room, kernels.chip.ub_align, wholeRows);
      if (!next)
        break;
      shape = balance(*next);
    }
  }
  kernels.explain(op, "the buffers of its smallest tile do not fit into UB, which has " + Twine(kernels.chip.ub_bytes) + " bytes; compile parts of the expression as functions of their own");
  return nullptr;
}

int64_t cell::tilesOf(const TileLoops &loops, const TileShape &shape) {
  int64_t count = llvm::divideCeil(loops.size(loops.row), shape.rows) * llvm::divideCeil(loops.size(loops.column), shape.columns);
  for (unsigned l : loops.outer)
    count *= loops.plan.loops[l].size;
  return count;
}

void cell::forTiles(VectorKernel &k, int64_t total, int64_t blocks, llvm::function_ref<void(Value)> body) {
  if (total <= blocks)
    return k.inside([&] { body(blocks == 1 ? k.index(0) : k.block()); });
  k.loop(blocks == 1 ? k.index(0) : k.block(), k.index(total), k.index(blocks), [&](Value tile) { k.inside([&] { body(tile); }); });
}

Type cell::storedType(VectorKernel &k, Value buffer) { return cast<MemRefType>(k.use(buffer).getType()).getElementType(); }

void cell::explainStored(AscendKernels &kernels, Operation *op, Value value, Value buffer) {
  std::string text;
  llvm::raw_string_ostream(text) << "the vector unit does not convert " << value.getType() << " to " << getElementTypeOrSelf(buffer.getType()) << "; cast to float32 or int32 in between";
  kernels.explain(op, text);
}
