//===- SimtProduct.cpp - matrix products without tensor cores -------------===//
#include "passes/LinalgToGpu/Product.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::cell;
using Values = KernelBuilder::Values;

namespace {
/// A block computes a tile of the result: its threads form a grid, each computes chunks of `width` by `width` elements that lie apart by the size of the
/// grid, so that neighbouring threads read neighbouring vectors of shared memory.
struct TileShape {
  int64_t threadRows, threadColumns, chunksM, chunksN, depth, width;
  int64_t rows() const { return threadRows * chunksM * width; }
  int64_t columns() const { return threadColumns * chunksN * width; }
  int64_t threads() const { return threadRows * threadColumns; }
};

Value multiplyAdd(KernelBuilder &k, Value a, Value b, Value sum) {
  if (isa<FloatType>(getElementTypeOrSelf(sum.getType())))
    return math::FmaOp::create(k, a, b, sum);
  return arith::AddIOp::create(k, sum, arith::MulIOp::create(k, a, b));
}

Value zeroOf(KernelBuilder &k, Type type) { return arith::ConstantOp::create(k, cast<TypedAttr>(k.getZeroAttr(type))); }

/// Copies tiles of one factor to shared memory, where they lie as [depth][extent]: along the sum first, then along rows of the left factor or columns
/// of the right one. Every thread copies the same positions of each tile.
class TileLoader {
public:
  TileLoader(KernelBuilder &k, const Access &access, Access::Group outer, Value batch, Value outerBase, const TileShape &shape, int64_t extent, Type sum)
      : k(k), access(access), memory(k.flat(access.buffer)), depthGroup(outer == Access::Row ? Access::Column : Access::Row), extent(extent),
        depth(shape.depth), width(shape.width), sum(sum) {
    bool alongOuter = access.isVector(outer, width), alongDepth = !alongOuter && access.isVector(depthGroup, width);
    if (!alongOuter && !alongDepth)
      width = 1;
    // Without vectors, neighbouring threads take neighbours in memory.
    along = alongOuter || (!alongDepth && access.run(depthGroup) <= access.run(outer)) ? outer : depthGroup;
    pieces = extent * depth / width / shape.threads();
    outerSize = access.size(outer);
    depthSize = access.size(depthGroup);
    Place base = placeOf(k, access, Access::Batch, batch);
    for (int64_t piece = 0; piece < pieces; ++piece) {
      Value number = k.add(k.thread(), k.index(piece * shape.threads()));
      Values at = along == outer ? k.delinearize(number, {depth, extent / width}) : k.delinearize(number, {extent, depth / width});
      Value x = along == outer ? k.mul(at[1], width) : at[0], d = along == outer ? at[0] : k.mul(at[1], width);
      Value row = k.add(outerBase, x);
      positions.push_back(d);
      slots.push_back(k.add(k.mul(d, pitch()), x));
      inside.push_back(outerSize % extent ? k.less(row, k.index(outerSize)) : Value());
      places.push_back(join(k, base, placeOf(k, access, outer, row)));
    }
  }

  int64_t pitch() const { return extent + 16 / std::max<int64_t>(1, sum.getIntOrFloatBitWidth() / 8); }
  int64_t elements() const { return depth * pitch(); }

  /// The elements of the tile that starts at `base` along the sum.
  Values fetch(Value base) {
    Values values;
    for (int64_t piece = 0; piece < pieces; ++piece) {
      Value d = k.add(base, positions[piece]);
      Value exists = depthSize % depth ? both(k, inside[piece], k.less(d, k.index(depthSize))) : inside[piece];
      Place place = join(k, places[piece], placeOf(k, access, depthGroup, d));
      values.push_back(widen(k, loadFrom(k, memory, resolve(k, access, place, exists), width), sum));
    }
    return values;
  }

  void put(ValueRange values, Value shared, Value base) {
    for (auto [slot, value] : llvm::zip_equal(slots, values)) {
      Value at = k.add(base, slot);
      if (width == 1)
        memref::StoreOp::create(k, value, shared, at);
      else if (along != depthGroup)
        vector::StoreOp::create(k, value, shared, at);
      else
        for (int64_t i = 0; i < width; ++i)
          memref::StoreOp::create(k, vector::ExtractOp::create(k, value, i).getResult(), shared, k.add(at, k.index(i * pitch())));
    }
  }

private:
  KernelBuilder &k;
  const Access &access;
  Value memory;
  Access::Group depthGroup, along;
  int64_t extent, depth, width, pieces, outerSize, depthSize;
  Type sum;
  Values positions, slots, inside;
  SmallVector<Place> places;
};

/// One block per tile of the result and piece of the sum. While a tile is multiplied, the next one comes from memory to registers.
void emitTiles(KernelModule &kernels, Product &p, const TileShape &shape, const SplitSum &split) {
  std::optional<Access> partials;
  if (split.pieces > 1)
    partials = makePartials(p, split.pieces);
  Type sum = p.sumType();
  int64_t rowTiles = llvm::divideCeilSigned(p.m, shape.rows()), columnTiles = llvm::divideCeilSigned(p.n, shape.columns());
  KernelBuilder k(kernels, p.anchor, p.name, {shape.threads()});
  Values at = k.delinearize(k.block(), {p.batch, split.pieces, rowTiles, columnTiles});
  Value batch = at[0], piece = at[1], rowBase = k.mul(at[2], shape.rows()), columnBase = k.mul(at[3], shape.columns());
  TileLoader left(k, p.left, Access::Row, batch, rowBase, shape, shape.rows(), sum);
  TileLoader right(k, p.right, Access::Column, batch, columnBase, shape, shape.columns(), sum);
  Value leftShared = k.shared({2 * left.elements()}, sum), rightShared = k.shared({2 * right.elements()}, sum);

  Value firstTile = k.mul(piece, split.tilesEach), tiles = k.index(split.tilesEach);
  if (split.tiles % split.tilesEach)
    tiles = arith::MinSIOp::create(k, tiles, arith::SubIOp::create(k, k.index(split.tiles), firstTile));
  Values threadAt = k.delinearize(k.thread(), {shape.threadRows, shape.threadColumns});
  int64_t width = shape.width;
  Value threadRow = k.mul(threadAt[0], width), threadColumn = k.mul(threadAt[1], width);

  auto fetch = [&](Value tile) {
    Value base = k.mul(k.add(firstTile, tile), shape.depth);
    return std::make_pair(left.fetch(base), right.fetch(base));
  };
  auto put = [&](const std::pair<Values, Values> &values, Value buffer) {
    left.put(values.first, leftShared, k.mul(buffer, left.elements()));
    right.put(values.second, rightShared, k.mul(buffer, right.elements()));
  };
  put(fetch(k.index(0)), k.index(0));
  k.barrier();

  auto vectorType = VectorType::get({width}, sum);
  int64_t rows = shape.chunksM * width;
  Values sums(rows * shape.chunksN, zeroOf(k, vectorType));
  Value one = k.index(1), last = arith::SubIOp::create(k, tiles, one);
  sums = k.loop(k.index(0), tiles, one, sums, [&](Value tile, ValueRange carried) {
    Values sums(carried);
    auto next = fetch(arith::MinSIOp::create(k, k.add(tile, one), last));
    Value buffer = arith::AndIOp::create(k, tile, one), other = arith::XOrIOp::create(k, buffer, one);
    Value leftAt = k.add(k.mul(buffer, left.elements()), threadRow), rightAt = k.add(k.mul(buffer, right.elements()), threadColumn);
    for (int64_t d = 0; d < shape.depth; ++d) {
      Values a, b;
      for (int64_t i = 0; i < shape.chunksM; ++i) {
        Value place = k.add(leftAt, k.index(d * left.pitch() + i * shape.threadRows * width));
        a.push_back(vector::LoadOp::create(k, vectorType, leftShared, place));
      }
      for (int64_t j = 0; j < shape.chunksN; ++j) {
        Value place = k.add(rightAt, k.index(d * right.pitch() + j * shape.threadColumns * width));
        b.push_back(vector::LoadOp::create(k, vectorType, rightShared, place));
      }
      for (int64_t i = 0; i < rows; ++i) {
        Value factor = vector::BroadcastOp::create(k, vectorType, vector::ExtractOp::create(k, a[i / width], i % width).getResult());
        for (int64_t j = 0; j < shape.chunksN; ++j)
          sums[i * shape.chunksN + j] = multiplyAdd(k, factor, b[j], sums[i * shape.chunksN + j]);
      }
    }
    put(next, other);
    k.barrier();
    return sums;
  });

  int64_t store = partials ? (partials->isVector(Access::Column, width) ? width : 1) : storeWidth(p, width);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < shape.chunksN; ++j)
      for (int64_t s = 0; s < width; s += store) {
        Value row = k.add(k.add(rowBase, threadRow), k.index(i / width * shape.threadRows * width + i % width));
        Value column = k.add(k.add(columnBase, threadColumn), k.index(j * shape.threadColumns * width + s));
        Value exists = p.m % shape.rows() ? k.less(row, k.index(p.m)) : Value();
        if (p.n % shape.columns())
          exists = both(k, exists, k.less(column, k.index(p.n)));
        Value value = sums[i * shape.chunksN + j];
        if (store == 1)
          value = vector::ExtractOp::create(k, value, s);
        auto write = [&] { storeSums(k, p, partials ? &*partials : nullptr, piece, batch, row, column, value); };
        exists ? k.when(exists, write) : write();
      }
  k.launch({p.batch * split.pieces * rowTiles * columnTiles});
  if (partials)
    emitSumOfPartials(kernels, p, *partials, split.pieces);
}

/// One thread per element of the result and piece of the sum.
void emitPoints(KernelModule &kernels, Product &p) {
  int64_t points = p.batch * p.m * p.n, unroll = 8;
  // A few warps on each multiprocessor hide the time of loads.
  SplitSum split(p, unroll, 4 * kernels.target.multiprocessors / std::max<int64_t>(1, llvm::divideCeilSigned(points, kernels.target.threads)));
  std::optional<Access> partials;
  if (split.pieces > 1)
    partials = makePartials(p, split.pieces);
  KernelBuilder k(kernels, p.anchor, p.name + "_points", {kernels.target.threads});
  Value leftMemory = k.flat(p.left.buffer), rightMemory = k.flat(p.right.buffer);
  k.forEach(points * split.pieces, [&](Value point) {
    Values at = k.delinearize(point, {split.pieces, p.batch, p.m, p.n});
    Place left = join(k, placeOf(k, p.left, Access::Batch, at[1]), placeOf(k, p.left, Access::Row, at[2]));
    Place right = join(k, placeOf(k, p.right, Access::Batch, at[1]), placeOf(k, p.right, Access::Column, at[3]));
    int64_t step = split.tilesEach * unroll;
    Value from = k.mul(at[0], step), to = k.index(p.k);
    if (split.pieces > 1)
      to = arith::MinSIOp::create(k, k.add(from, k.index(step)), to);
    Values sums = k.loop(from, to, k.index(1), zeroOf(k, p.sumType()), [&](Value d, ValueRange carried) {
      Target l = resolve(k, p.left, join(k, left, placeOf(k, p.left, Access::Column, d)));
      Target r = resolve(k, p.right, join(k, right, placeOf(k, p.right, Access::Row, d)));
      Value a = widen(k, loadFrom(k, leftMemory, l, 1), p.sumType()), b = widen(k, loadFrom(k, rightMemory, r, 1), p.sumType());
      return Values{multiplyAdd(k, a, b, carried[0])};
    });
    storeSums(k, p, partials ? &*partials : nullptr, at[0], at[1], at[2], at[3], sums[0]);
  });
  k.launch({k.gridFor(points * split.pieces)});
  if (partials)
    emitSumOfPartials(kernels, p, *partials, split.pieces);
}

/// One warp per element of the result, for few long sums along contiguous memory.
void emitWarps(KernelModule &kernels, Product &p) {
  int64_t points = p.batch * p.m * p.n, warps = 4, lanes = kernels.target.warp;
  int64_t width = 16 / std::max<int64_t>(1, p.left.element().getIntOrFloatBitWidth() / 8);
  while (width > 1 && !(p.left.isVector(Access::Column, width) && p.right.isVector(Access::Row, width)))
    width /= 2;
  KernelBuilder k(kernels, p.anchor, p.name + "_rows", {warps * lanes});
  Value leftMemory = k.flat(p.left.buffer), rightMemory = k.flat(p.right.buffer);
  Values threadAt = k.delinearize(k.thread(), {warps, lanes});
  Value point = k.add(k.mul(k.block(), warps), threadAt[0]);
  k.when(k.less(point, k.index(points)), [&] {
    Values at = k.delinearize(point, {p.batch, p.m, p.n});
    Place left = join(k, placeOf(k, p.left, Access::Batch, at[0]), placeOf(k, p.left, Access::Row, at[1]));
    Place right = join(k, placeOf(k, p.right, Access::Batch, at[0]), placeOf(k, p.right, Access::Column, at[2]));
    Type type = width == 1 ? p.sumType() : Type(VectorType::get({width}, p.sumType()));
    Values sums = k.loop(k.mul(threadAt[1], width), k.index(p.k), k.index(lanes * width), zeroOf(k, type), [&](Value d, ValueRange carried) {
      Target l = resolve(k, p.left, join(k, left, placeOf(k, p.left, Access::Column, d)));
      Target r = resolve(k, p.right, join(k, right, placeOf(k, p.right, Access::Row, d)));
      Value a = widen(k, loadFrom(k, leftMemory, l, width), p.sumType()), b = widen(k, loadFrom(k, rightMemory, r, width), p.sumType());
      return Values{multiplyAdd(k, a, b, carried[0])};
    });
    bool isFloat = isa<FloatType>(p.sumType());
    auto plus = [&](Value x, Value y) -> Value {
      return isFloat ? arith::AddFOp::create(k, x, y).getResult() : arith::AddIOp::create(k, x, y).getResult();
    };
    Value sum = sums[0];
    if (width > 1) {
      sum = vector::ExtractOp::create(k, sums[0], int64_t(0));
      for (int64_t i = 1; i < width; ++i)
        sum = plus(sum, vector::ExtractOp::create(k, sums[0], i));
    }
    sum = k.reduceWarp(sum, lanes, [&](ValueRange x, ValueRange y) { return Values{plus(x[0], y[0])}; })[0];
    Value first = arith::CmpIOp::create(k, arith::CmpIPredicate::eq, threadAt[1], k.index(0));
    k.when(first, [&] { storeResult(k, p, at[0], at[1], at[2], sum); });
  });
  k.launch({llvm::divideCeilSigned(points, warps)});
}

/// The tiles that there are for sums of a type, and what the model of the chip needs to know of them.
void listTiles(const Product &p, const GpuTarget &target, SmallVectorImpl<TileShape> &shapes, SmallVectorImpl<TileCandidate> &candidates) {
  Type sum = p.sumType();
  int64_t bytes = std::max<int64_t>(1, sum.getIntOrFloatBitWidth() / 8), width = bytes == 8 ? 2 : 4, chunks = bytes == 8 ? 2 : 1;
  shapes.assign({{16, 16, 2, 2, 8, width}, {8, 8, chunks, chunks, bytes == 8 ? 8 : 16, width}});
  if (bytes < 8)
    shapes.append({{16, 16, 1, 2, 16, width}, {16, 16, 2, 1, 16, width}, {16, 16, 1, 1, 16, width}, {4, 16, 2, 2, 8, width}, {4, 16, 1, 2, 16, width}});
  for (const TileShape &s : shapes) {
    int64_t factors = (s.chunksM + s.chunksN) * s.width, fetched = (s.rows() + s.columns()) * s.depth / s.threads();
    TileWork work;
    work.threads = s.threads();
    work.registers = std::min<int64_t>(255, (s.chunksM * s.chunksN * s.width * s.width + factors + fetched) * bytes / 4 + 40);
    work.sharedBytes = 2 * s.depth * (s.rows() + s.columns() + 32 / bytes) * bytes;
    // What a thread issues besides takes the time of multiply-adds: loads of factors, and per step copies, addresses and the loop.
    int64_t others = s.depth * (s.chunksM + s.chunksN) + 5 * fetched / 2 + 20;
    // An element of a window has an address and conditions of its own.
    constexpr int64_t kWindow = 12;
    others += kWindow * s.depth * ((p.left.windows.empty() ? 0 : s.rows()) + (p.right.windows.empty() ? 0 : s.columns())) / s.threads();
    work.multiplyAdds = double(s.rows() * s.columns() * s.depth + s.threads() * others);
    // A warp reads each element once for all its threads, which are two or four rows of the grid.
    int64_t warpRows = 32 / s.threadColumns, warps = s.threads() / 32;
    int64_t read = warps * (std::max<int64_t>(warpRows, 2) * s.chunksM + s.threadColumns * s.chunksN) * s.width;
    work.sharedTraffic = double((read + s.rows() + s.columns()) * s.depth * bytes);
    work.memoryTraffic = double((s.rows() + s.columns()) * s.depth * bytes);
    // Loads of the next tile start with this one and are needed at its end; and a warp issues one instruction per cycle.
    work.stepLatency = std::max<double>(600, work.multiplyAdds / s.threads());
    candidates.push_back({s.rows(), s.columns(), s.depth, bytes == 8 ? target.simt64 : target.simt32, work});
  }
}

/// Chooses kernels for the product and launches them in front of its anchor.
void emitKernels(KernelModule &kernels, Product &p) {
  if (!kernels.isPlain() && emitTensorCoreProduct(kernels, p))
    return;
  auto contiguous = [](const Access &access, Access::Group group) {
    return access.windows.empty() && access.groups[group].size() == 1 && access.groups[group].back().stride == 1;
  };
  if (kernels.isPlain()) {
    emitPoints(kernels, p);
  } else if (std::min(p.m, p.n) <= 4 && p.k >= 64 && contiguous(p.left, Access::Column) && contiguous(p.right, Access::Row)) {
    emitWarps(kernels, p);
  } else if (std::min(p.m, p.n) < 5 || p.k < 4 || p.batch * p.m * p.n * p.k < 32768) {
    emitPoints(kernels, p);
  } else {
    SmallVector<TileShape> shapes;
    SmallVector<TileCandidate> candidates;
    listTiles(p, kernels.target, shapes, candidates);
    TileChoice choice = chooseTile(p, kernels.target, candidates);
    emitTiles(kernels, p, shapes[choice.tile], SplitSum(p, shapes[choice.tile].depth, choice.pieces));
  }
}
} // namespace

void cell::emitProduct(KernelModule &kernels, Product &p) {
  p.left.simplify();
  p.right.simplify();
  p.result.simplify();
  for (Access &access : p.epilogue.accesses)
    access.simplify();
  if (p.batch * p.m * p.n == 0)
    return;
  // Windows that all lie in the padding of an empty tensor.
  for (Value factor : {p.left.buffer, p.right.buffer})
    if (cast<MemRefType>(factor.getType()).getNumElements() == 0)
      p.k = 0;
  if (emitLibraryProduct(kernels, p, [&](Product &product) { emitKernels(kernels, product); }))
    return;
  emitKernels(kernels, p);
}
