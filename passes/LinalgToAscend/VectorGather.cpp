//===- VectorGather.cpp - rows found by an index, on the vector cores ------===//
//
// The scalar unit of a core reads the indices and computes where rows begin; each row is one transfer. Sums of rows are made where they lie: each core has
// columns of its own and takes the rows in order, so sums are those of a loop.
//
//===----------------------------------------------------------------------===//
#include "passes/LinalgToAscend/Mapping.h"
#include "passes/LinalgToAscend/TileLoops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Values of a body at one point, by the scalar unit.
class ScalarPoint {
public:
  ScalarPoint(VectorKernel &k, const TileLoops &loops, ArrayRef<Value> positions) : k(k), loops(loops), positions(positions) {}

  /// Null if the body needs more than arithmetic and loads.
  Value get(Value value) {
    if (Value known = map.lookupOrNull(value))
      return known;
    Value result = compute(value);
    if (result)
      map.map(value, result);
    return result;
  }

  /// The number of the element that a load reads, without the index along the last axis; null if that cannot be computed.
  Value rowOf(memref::LoadOp load) {
    SmallVector<int64_t> strides = load.getMemRefType().getStridesAndOffset().first;
    Value place = k.index(0);
    for (auto [index, stride] : llvm::drop_end(llvm::zip_equal(load.getIndices(), strides))) {
      Value at = get(index);
      if (!at)
        return {};
      place = k.add(place, k.mul(at, stride));
    }
    return place;
  }

private:
  VectorKernel &k;
  const TileLoops &loops;
  ArrayRef<Value> positions; // of the loops
  IRMapping map;

  Value position(unsigned dim) {
    for (auto [loop, at] : llvm::zip_equal(loops.plan.loops, positions))
      if (llvm::is_contained(loop.dims, dim))
        return loop.dims.size() == 1 ? at : Value();
    return k.index(0);
  }

  /// Bools are bytes in memory.
  Value fromMemory(Value stored, Type wanted) { return stored.getType() == wanted ? stored : arith::TruncIOp::create(k, wanted, stored).getResult(); }

  Value compute(Value value) {
    linalg::LinalgOp op = loops.op;
    auto argument = dyn_cast<BlockArgument>(value);
    if (argument && argument.getOwner() == op.getBlock()) {
      unsigned operand = argument.getArgNumber();
      if (!isa<MemRefType>(op->getOperand(operand).getType()))
        return k.use(op->getOperand(operand));
      Value offset = k.index(loops.plan.offsets[operand]);
      for (auto [loop, at] : llvm::zip_equal(loops.plan.loops, positions))
        if (loop.strides[operand])
          offset = k.add(offset, k.mul(at, loop.strides[operand]));
      return fromMemory(k.loadScalar(op->getOperand(operand), offset), value.getType());
    }
    Operation *def = value.getDefiningOp();
    if (!def || def->getBlock() != op.getBlock())
      return k.use(value);
    if (auto index = dyn_cast<linalg::IndexOp>(def))
      return position(index.getDim());
    if (auto load = dyn_cast<memref::LoadOp>(def)) {
      Value row = rowOf(load), last = load.getIndices().empty() ? k.index(0) : get(load.getIndices().back());
      return row && last ? fromMemory(k.loadScalar(load.getMemref(), k.add(row, last)), value.getType()) : Value();
    }
    if (!isa<arith::ArithDialect>(def->getDialect()) || def->getNumRegions() || def->getNumResults() != 1)
      return {};
    for (Value operand : def->getOperands())
      if (!get(operand))
        return {};
    return k.clone(*def, map)->getResult(0);
  }
};

/// Types of which the vector unit takes elements by index.
bool canReverse(Type type) { return type.isF32() || type.isF16() || type.isBF16() || type.isInteger(32) || type.isInteger(16); }

/// The columns in the order from the last to the first.
Tile turnAround(VectorKernel &k, const Tile &forward) {
  Value last = k.columnCount ? arith::SubIOp::create(k, k.columnCount, k.index(1)).getResult() : k.index(k.shape.columns - 1);
  Tile order = k.make(k.getI32Type(), forward.rows, true), out = k.make(forward.element(), forward.rows, true);
  SmallVector<Value> steps(k.shape.flat ? 0 : 1, k.index(0));
  steps.push_back(k.index(-1));
  ascend::VArangeOp::create(k, last, steps, order.value);
  ascend::VGatherOp::create(k, forward.value, order.value, out.value);
  k.release(order);
  return out;
}

/// Whether `value` is another one at each column.
bool variesAlong(const TileLoops &loops, Value value, unsigned loop) {
  linalg::LinalgOp op = loops.op;
  SmallVector<Value> work{value};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!work.empty()) {
    Value next = work.pop_back_val();
    auto argument = dyn_cast<BlockArgument>(next);
    if (argument && argument.getOwner() == op.getBlock() && loops.plan.loops[loop].strides[argument.getArgNumber()])
      return true;
    Operation *def = next.getDefiningOp();
    if (!def || def->getBlock() != op.getBlock() || !seen.insert(def).second)
      continue;
    if (auto index = dyn_cast<linalg::IndexOp>(def); index && llvm::is_contained(loops.plan.loops[loop].dims, index.getDim()))
      return true;
    llvm::append_range(work, def->getOperands());
  }
  return false;
}
} // namespace

/// The row in global memory and in UB.
std::pair<Value, Value> VectorKernel::rowOf(Value buffer, Value offset, Value width, const Tile &tile, Value row) {
  Value memory = flat(buffer);
  auto type = llvm::cast<MemRefType>(memory.getType());
  unsigned rank = shape.flat ? 1 : 2;
  SmallVector<OpFoldResult> sizes(rank, getIndexAttr(1)), ones(rank, getIndexAttr(1)), from(rank, getIndexAttr(0));
  SmallVector<int64_t> lengths(rank, 1), steps(rank, 1);
  sizes.back() = getAsOpFoldResult(width);
  lengths.back() = getConstantIntValue(sizes.back()).value_or(ShapedType::kDynamic);
  if (row)
    from[0] = row;
  auto layout = StridedLayoutAttr::get(getContext(), ShapedType::kDynamic, steps);
  auto result = MemRefType::get(lengths, type.getElementType(), layout, type.getMemorySpace());
  return {memref::ReinterpretCastOp::create(*this, result, memory, OpFoldResult(offset), sizes, ones), memref::SubViewOp::create(*this, tile.value, from, sizes, ones)};
}

void VectorKernel::loadRow(Value buffer, Value offset, Value width, const Tile &tile, Value row) {
  auto [outside, inside] = rowOf(buffer, offset, width, tile, row);
  ascend::LoadOp::create(*this, outside, inside);
}

void VectorKernel::addRow(const Tile &tile, Value row, Value buffer, Value offset, Value width) {
  auto [outside, inside] = rowOf(buffer, offset, width, tile, row);
  ascend::StoreOp::create(*this, inside, outside, /*atomic_add=*/true);
}

arith::SelectOp cell::conditionOf(memref::LoadOp load) {
  auto select = load->hasOneUse() ? dyn_cast<arith::SelectOp>(*load->user_begin()) : arith::SelectOp();
  return select && select.getTrueValue() == load.getResult() && matchPattern(select.getFalseValue(), m_Constant()) ? select : arith::SelectOp();
}

Tile TileLoops::gather(VectorKernel &k, memref::LoadOp load, ArrayRef<Value> origins, std::string &why) const {
  MemRefType type = load.getMemRefType();
  SmallVector<int64_t> strides = type.getStridesAndOffset().first;
  Value column0 = load.getIndices().empty() ? Value() : load.getIndices().back();
  // A row that is read backwards: its last column minus the position.
  auto difference = column0 ? column0.getDefiningOp<arith::SubIOp>() : arith::SubIOp();
  std::optional<int64_t> end = difference ? getConstantIntValue(difference.getLhs()) : std::nullopt;
  auto last = column0 ? (end ? difference.getRhs() : column0).getDefiningOp<linalg::IndexOp>() : linalg::IndexOp();
  if (!column || !last || strides.back() != 1 || plan.loops[*column].dims != ArrayRef<unsigned>(last.getDim()) ||
      llvm::any_of(load.getIndices().drop_back(), [&](Value index) { return variesAlong(*this, index, *column); })) {
    why = "an index is another one for each element of a row";
    return {};
  }
  if (!isVectorType(type.getElementType()) || k.shape.columns == 1) {
    llvm::raw_string_ostream(why) << "the vector unit does not move " << type;
    return {};
  }
  arith::SelectOp select = conditionOf(load);
  if (end && (select || !canReverse(type.getElementType()))) {
    why = "the vector unit does not turn such rows around";
    return {};
  }
  if (select && variesAlong(*this, select.getCondition(), *column)) {
    why = "the condition for what an index finds is another one for each element of a row";
    return {};
  }
  bool rows = row && k.shape.rows > 1;
  Type element = storedType(k, load.getMemref());
  Tile out = k.make(element, rows, k.shape.columns > 1, /*streamed=*/true);
  if (select) { // what no row is read into
    TypedAttr otherwise;
    matchPattern(select.getFalseValue(), m_Constant(&otherwise));
    if (otherwise.getType().isInteger(1))
      otherwise = k.getI8IntegerAttr(cast<IntegerAttr>(otherwise).getValue().getBoolValue());
    ascend::VBrcOp::create(k, arith::ConstantOp::create(k, otherwise), out.value);
  }
  bool good = true;
  auto one = [&](Value number) {
    SmallVector<Value> positions(origins);
    if (row)
      positions[*row] = k.add(origins[*row], number);
    ScalarPoint point(k, *this, positions);
    Value place = point.rowOf(load), inside = select ? point.get(select.getCondition()) : Value();
    if (!(good = place && (!select || inside)))
      return;
    Value width = k.columnCount ? k.columnCount : k.index(k.shape.columns);
    if (end)
      place = arith::SubIOp::create(k, k.add(place, k.index(*end + 1)), k.add(origins[*column], width));
    else
      place = k.add(place, origins[*column]);
    if (inside)
      width = arith::SelectOp::create(k, inside, width, k.index(0));
    k.loadRow(load.getMemref(), place, width, out, rows ? number : Value());
  };
  if (rows)
    k.loop(k.index(0), k.rowCount ? k.rowCount : k.index(k.shape.rows), k.index(1), one);
  else
    one(k.index(0));
  if (!good)
    why = "an index is not computed by integer arithmetic";
  if (good && end)
    return turnAround(k, out);
  return good ? out : Tile();
}

void cell::lowerVectorRoutines(ModuleOp module, AscendKernels &kernels) {
  SmallVector<cellrt::CallOp> calls;
  module.walk([&](cellrt::CallOp call) {
    if (call.getRoutine() == "scatter_add")
      calls.push_back(call);
  });
  for (cellrt::CallOp call : calls) {
    Value indices = call.getIns()[0], updates = call.getIns()[1], sums = call.getOuts()[0];
    auto type = cast<MemRefType>(sums.getType());
    auto isPlain = [](Value value) { return cast<MemRefType>(value.getType()).getLayout().isIdentity(); };
    Type element = type.getElementType();
    if (!element.isF32() && !element.isInteger(32)) {
      std::string text;
      llvm::raw_string_ostream(text) << "transfers add f32 and i32, not " << element;
      kernels.explain(call, text);
      continue;
    }
    int64_t rows = type.getRank() ? type.getDimSize(0) : 0, count = cast<MemRefType>(indices.getType()).getNumElements();
    if (!isPlain(indices) || !isPlain(updates) || !isPlain(sums) || rows == 0 || count == 0 || type.getNumElements() == 0)
      continue;
    int64_t width = type.getNumElements() / rows;
    if (width == 1) {
      kernels.explain(call, "its rows have one element, and transfers move 32 bytes or more at a time");
      continue;
    }
    int64_t cores = kernels.chip.aiv_cores, unit = kernels.chip.block_bytes / ascend::getElementBytes(element);
    TileShape most{count, evenPart(width, width, cores, unit)};
    auto keep = [](TileShape shape) { return shape; };
    auto emit = [&](VectorKernel &k) {
      int64_t columns = llvm::divideCeil(width, k.shape.columns);
      forTiles(k, columns, std::min(columns, cores), [&](Value part) {
        Value first = k.mul(part, k.shape.columns), broad = k.index(k.shape.columns);
        if (width % k.shape.columns)
          k.columnCount = broad = k.smaller(broad, arith::SubIOp::create(k, k.index(width), first));
        k.loop(k.index(0), k.index(count), k.index(k.shape.rows), [&](Value begin) {
          k.inside([&] {
            if (count % k.shape.rows)
              k.rowCount = k.smaller(k.index(k.shape.rows), arith::SubIOp::create(k, k.index(count), begin));
            Tile tile = k.load({updates, k.add(k.mul(begin, width), first), width, 1});
            auto one = [&](Value number) {
              Value index = arith::IndexCastOp::create(k, k.getIndexType(), k.loadScalar(indices, k.add(begin, number)));
              Value inside = arith::CmpIOp::create(k, arith::CmpIPredicate::ult, index, k.index(rows));
              Value safe = arith::SelectOp::create(k, inside, index, k.index(0)), length = arith::SelectOp::create(k, inside, broad, k.index(0));
              k.addRow(tile, k.shape.rows > 1 ? number : Value(), sums, k.add(k.mul(safe, width), first), length);
            };
            if (k.shape.rows > 1)
              k.loop(k.index(0), k.rowCount ? k.rowCount : k.index(k.shape.rows), k.index(1), one);
            else
              one(k.index(0));
          });
        });
        k.rowCount = Value();
      });
      return true;
    };
    std::unique_ptr<VectorKernel> k = emitFitting(kernels, call, "scatter_add", most, keep, emit);
    if (!k)
      continue;
    k->launch(std::min(llvm::divideCeil(width, k->shape.columns), static_cast<uint64_t>(cores)));
    call.erase();
  }
}
