//===- CubeKernel.cpp - tiles and kernels of matrix products ----------------===//
#include "passes/LinalgToAscend/Cube.h"

#include "dialect/Ascend/Ascend.h"
#include "passes/AscendSchedule/Decompose.h"
#include "passes/LinalgToGpu/Access.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::cell;
using ascend::Space;
using llvm::divideCeilSigned;

Type CubeProduct::sumType() const {
  MLIRContext *context = product.op->getContext();
  return isa<FloatType>(factorType()) ? Type(Float32Type::get(context)) : Type(IntegerType::get(context, 32));
}

namespace {
int64_t roundUp(int64_t value, int64_t unit) { return divideCeilSigned(value, unit) * unit; }

/// Modelled cycles of the core that has most to do. Pipes work side by side: the slowest one counts.
double timeOf(const CubeProduct &c, const ascend::Target &t, const CubeTile &tile, int64_t depth) {
  const Product &p = c.product;
  int64_t bytes = ascend::getElementBytes(c.factorType()), rows = t.fractal_rows, out = ascend::getElementBytes(c.out.element());
  int64_t perCycle = bytes == 1 ? t.cube_k_i8 : bytes == 2 ? t.cube_k_f16 : t.cube_k_f32;
  int64_t runs = p.k / c.runK, tiles = p.batch * (p.m / c.runM) * divideCeilSigned(c.runM, tile.m) * (p.n / c.runN) * divideCeilSigned(c.runN, tile.n);
  double steps = double(runs) * divideCeilSigned(c.runK, tile.k), pieces = steps * divideCeilSigned(tile.k, depth), k = double(p.k);
  // What is read for the first time comes from memory, the rest from L2.
  double first = std::min(1.0, (double(p.m) * p.batch + double(p.n) * p.batch) / (double(tiles) * (tile.m + tile.n)));
  double perByte = std::max(1.0 / t.gm_rate, first / t.hbm_read_rate + (1 - first) / t.l2_read_rate);
  // Pipes wait for two flags a step at each end of L1, and for one a piece at each end of L0.
  double load = 2 * steps * (t.barrier_cycles + t.gm_overhead) + (tile.m + tile.n) * k * bytes * perByte;
  double move = 2 * steps * t.barrier_cycles + pieces * (t.barrier_cycles + 2 * t.l1_l0_startup) + (double(tile.m) / t.l1_l0a_rate + double(tile.n) / t.l1_l0b_rate) * k * bytes;
  double multiply = pieces * (t.barrier_cycles + t.mmad_startup) + double(tile.m / rows) * (tile.n / rows) * k / perCycle;
  int64_t sums = tile.m * tile.n * ascend::getElementBytes(c.sumType());
  double drain = t.gm_write_latency + std::max(double(sums) / t.l0c_rate, double(tile.m) * tile.n * out / std::min(t.gm_rate, t.hbm_write_rate));
  double one = std::max({load, move, multiply, drain});
  // Unless L0C holds two tiles the cube waits until the last one is out; loading goes on until L1 is full.
  if (2 * sums > t.l0c_bytes)
    one = std::max({one, multiply + drain, load + multiply / steps + drain - 2 * load / steps});
  double ends = t.gm_read_latency + load / steps + multiply / steps + drain;
  return one * divideCeilSigned(tiles, t.aic_cores) + ends;
}
} // namespace

CubeTile cell::chooseTile(const CubeProduct &product, const ascend::Target &target) {
  constexpr int64_t kLongest = 512, kDeepest = 1024;
  Type factor = product.factorType();
  int64_t bytes = ascend::getElementBytes(factor), unit = cubeUnit(target, factor);
  auto even = [&](int64_t run, int64_t size) { return roundUp(divideCeilSigned(run, divideCeilSigned(run, size)), unit); };
  CubeTile best{unit, unit, unit}; // where not even this fits, memory planning says so
  double bestTime = 0;
  SmallVector<int64_t> depths; // 1, 2, 3, 4, 6, 8, 12 ... fractals; the last one holds the whole run, if it is not too long
  for (int64_t k = unit; k <= kDeepest && (depths.empty() || depths.back() < product.runK); k *= 2) {
    depths.push_back(k);
    if (k > unit)
      depths.push_back(k + k / 2);
  }
  for (int64_t m = unit; m <= std::min(kLongest, roundUp(product.runM, unit)); m += unit) {
    if (even(product.runM, m) != m)
      continue;
    for (int64_t n = unit; n <= std::min(kLongest, roundUp(product.runN, unit)); n += unit) {
      if (even(product.runN, n) != n || m * n * ascend::getElementBytes(product.sumType()) > target.l0c_bytes)
        continue;
      if (product.bias && n * ascend::getElementBytes(product.sumType()) > target.bt_bytes)
        continue;
      int64_t bias = product.bias ? 2 * n * ascend::getElementBytes(product.bias->element()) : 0;
      for (int64_t k : depths) {
        int64_t size = std::min(k, roundUp(product.runK, unit));
        int64_t depth = chooseCubeDepth(target, m, n, size, factor);
        if (depth == 0 || 2 * (m + n) * size * bytes + bias > target.l1_bytes)
          continue;
        double time = timeOf(product, target, {m, n, size}, depth);
        if (bestTime == 0 || time < bestTime)
          best = {m, n, size}, bestTime = time;
      }
    }
  }
  return best;
}

namespace {
/// A number of elements: known, or computed where the last tile of a run may be smaller.
using Size = OpFoldResult;

class CubeKernel {
public:
  CubeKernel(AscendKernels &kernels, const CubeProduct &c, const CubeTile &tile)
      : c(c), p(c.product), tile(tile), target(kernels.chip), k(kernels, p.anchor, p.name, {1}, &kernels.cube), columns(target.getFractalColumns(c.factorType())) {}

  void run() {
    int64_t outerM = p.m / c.runM, outerN = p.n / c.runN, tilesM = divideCeilSigned(c.runM, tile.m), tilesN = divideCeilSigned(c.runN, tile.n);
    int64_t tiles = p.batch * outerM * tilesM * outerN * tilesN, blocks = std::min(tiles, target.aic_cores);
    auto body = [&](Value number) {
      KernelBuilder::Values at = k.delinearize(number, {p.batch, outerM, tilesM, outerN, tilesN});
      Value m = k.mul(at[2], tile.m), n = k.mul(at[4], tile.n);
      emitTile(at[0], k.add(k.mul(at[1], c.runM), m), k.add(k.mul(at[3], c.runN), n), sizeFrom(m, c.runM, tile.m), sizeFrom(n, c.runN, tile.n));
    };
    if (tiles == blocks)
      body(k.block());
    else
      k.loop(k.block(), k.index(tiles), k.index(blocks), body);
    k.launch({blocks});
  }

private:
  const CubeProduct &c;
  const Product &p;
  const CubeTile tile;
  const ascend::Target &target;
  KernelBuilder k;
  int64_t columns; // of a fractal of the factors

  Size sizeFrom(Value start, int64_t run, int64_t size) {
    if (run % size == 0)
      return k.getIndexAttr(size);
    if (run < size)
      return k.getIndexAttr(run);
    return k.smaller(k.index(size), arith::SubIOp::create(k, k.index(run), start));
  }

  Size fractals(Size size, int64_t unit) {
    if (std::optional<int64_t> known = getConstantIntValue(size))
      return k.getIndexAttr(divideCeilSigned(*known, unit));
    return arith::CeilDivUIOp::create(k, cast<Value>(size), k.index(unit)).getResult();
  }

  Value alloc(Space space, ArrayRef<int64_t> shape, Type element) {
    return memref::AllocOp::create(k, MemRefType::get(shape, element, MemRefLayoutAttrInterface(), ascend::SpaceAttr::get(k.getContext(), space)));
  }

  /// A matrix of global memory: `rows` times `cols` elements, rows `pitch` apart.
  Value matrix(Value buffer, Value offset, Size rows, Size cols, int64_t pitch) {
    Value memory = k.use(buffer);
    auto type = cast<MemRefType>(memory.getType());
    Size at = getAsOpFoldResult(offset);
    SmallVector<int64_t> shape, offsets;
    SmallVector<Value> unused;
    dispatchIndexOpFoldResults({rows, cols}, unused, shape);
    dispatchIndexOpFoldResults({at}, unused, offsets);
    auto layout = StridedLayoutAttr::get(k.getContext(), offsets[0], {pitch, 1});
    auto result = MemRefType::get(shape, type.getElementType(), layout, type.getMemorySpace());
    return memref::ReinterpretCastOp::create(k, result, memory, at, {rows, cols}, {k.getIndexAttr(pitch), k.getIndexAttr(1)});
  }

  Value offsetOf(const Access &access, Value batch, Value row, Value column) {
    Place place = join(k, placeOf(k, access, Access::Batch, batch), placeOf(k, access, Access::Row, row));
    return resolve(k, access, join(k, place, placeOf(k, access, Access::Column, column))).index;
  }

  /// How far neighbours along a group lie apart; the length of a row where there is one only.
  int64_t pitchOf(const Access &access, Access::Group group, int64_t run, int64_t length) {
    return run == 1 || access.groups[group].empty() ? std::max<int64_t>(1, length) : access.groups[group].back().stride;
  }

  /// The leading fractals of a buffer: where the tile may be smaller than the buffer, what is in use.
  Value used(Value buffer, Size first, Size second) {
    auto type = cast<MemRefType>(buffer.getType());
    if (getConstantIntValue(first) == type.getDimSize(0) && getConstantIntValue(second) == type.getDimSize(1))
      return buffer;
    SmallVector<OpFoldResult> zeros(4, k.getIndexAttr(0)), ones(4, k.getIndexAttr(1));
    SmallVector<OpFoldResult> sizes = {first, second, k.getIndexAttr(type.getDimSize(2)), k.getIndexAttr(type.getDimSize(3))};
    return memref::SubViewOp::create(k, buffer, zeros, sizes, ones);
  }

  /// A part of a factor from global memory to L1. `outer` is its row for the left one, its column for the right one.
  Value load(const Access &access, Value offset, bool left, bool transposed, Size outer, int64_t outerMost, int64_t run, Size depth, int64_t depthMost) {
    // Rows of memory run along k, unless the right factor is not transposed or the left one is.
    bool alongDepth = left != transposed;
    Access::Group outerGroup = left ? Access::Row : Access::Column, depthGroup = left ? Access::Column : Access::Row;
    Size rows = alongDepth ? outer : depth, cols = alongDepth ? depth : outer;
    int64_t pitch = alongDepth ? pitchOf(access, outerGroup, run, c.runK) : pitchOf(access, depthGroup, c.runK, run);
    int64_t rowsMost = alongDepth ? outerMost : depthMost, colsMost = alongDepth ? depthMost : outerMost;
    Value buffer = alloc(Space::L1, {divideCeilSigned(colsMost, columns), divideCeilSigned(rowsMost, target.fractal_rows), target.fractal_rows, columns}, access.element());
    Value part = used(buffer, fractals(cols, columns), fractals(rows, target.fractal_rows));
    ascend::Nd2NzOp::create(k, matrix(access.buffer, offset, rows, cols, pitch), part);
    return part;
  }

  void emitTile(Value batch, Value row, Value column, Size rows, Size cols) {
    int64_t unit = target.fractal_rows;
    Value buffer = alloc(Space::L0C, {divideCeilSigned(tile.n, unit), divideCeilSigned(tile.m, unit), unit, unit}, c.sumType());
    Value sums = used(buffer, fractals(cols, unit), fractals(rows, unit));
    Value bias = c.bias ? loadBias(batch, row, column, cols) : Value();
    auto step = [&](Value depth, int64_t size, Value first) {
      Value left = load(p.left, offsetOf(p.left, batch, row, depth), true, c.transposeA, rows, tile.m, c.runM, k.getIndexAttr(size), size);
      Value right = load(p.right, offsetOf(p.right, batch, depth, column), false, c.transposeB, cols, tile.n, c.runN, k.getIndexAttr(size), size);
      ascend::MmadL1Op::create(k, left, right, first, bias, sums, c.transposeA, c.transposeB);
    };
    int64_t outer = p.k / c.runK, whole = c.runK / tile.k * tile.k, rest = c.runK - whole;
    auto isZero = [&](Value value) -> Value { return arith::CmpIOp::create(k, arith::CmpIPredicate::eq, value, k.index(0)); };
    auto constant = [&](bool value) -> Value { return arith::ConstantOp::create(k, k.getBoolAttr(value)); };
    auto piece = [&](Value start) { // one run of the sum
      if (whole == tile.k)
        step(start, tile.k, outer == 1 ? constant(true) : isZero(start));
      else if (whole)
        k.loop(k.index(0), k.index(whole), k.index(tile.k), [&](Value inner) {
          Value depth = k.add(start, inner);
          step(depth, tile.k, isZero(depth));
        });
      if (rest)
        step(k.add(start, k.index(whole)), rest, whole ? constant(false) : outer == 1 ? constant(true) : isZero(start));
    };
    if (outer == 1)
      piece(k.index(0));
    else
      k.loop(k.index(0), k.index(p.k), k.index(c.runK), piece);
    Value target = matrix(c.out.buffer, offsetOf(c.out, batch, row, column), rows, cols, pitchOf(c.out, Access::Row, c.runM, c.runN));
    ascend::FixpipeOp::create(k, sums, target, c.relu, /*atomic_add=*/false);
  }

  Value loadBias(Value batch, Value row, Value column, Size cols) {
    Value memory = k.use(c.bias->buffer);
    auto type = cast<MemRefType>(memory.getType());
    Value offset = offsetOf(*c.bias, batch, row, column);
    Size at = getAsOpFoldResult(offset);
    SmallVector<int64_t> shape, offsets;
    SmallVector<Value> unused;
    dispatchIndexOpFoldResults({cols}, unused, shape);
    dispatchIndexOpFoldResults({at}, unused, offsets);
    auto view = MemRefType::get(shape, type.getElementType(), StridedLayoutAttr::get(k.getContext(), offsets[0], {1}), type.getMemorySpace());
    Value source = memref::ReinterpretCastOp::create(k, view, memory, at, {cols}, {k.getIndexAttr(1)});
    Value buffer = alloc(Space::L1, {tile.n}, type.getElementType()), part = buffer;
    if (getConstantIntValue(cols) != tile.n)
      part = memref::SubViewOp::create(k, buffer, {k.getIndexAttr(0)}, {cols}, {k.getIndexAttr(1)});
    ascend::LoadOp::create(k, source, part);
    return part;
  }
};
} // namespace

void cell::emitCubeKernel(AscendKernels &kernels, const CubeProduct &product, const CubeTile &tile) { CubeKernel(kernels, product, tile).run(); }
