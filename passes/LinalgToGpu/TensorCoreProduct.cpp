//===- TensorCoreProduct.cpp - matrix products on tensor cores ------------===//
#include "passes/LinalgToGpu/Product.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::cell;
using Values = KernelBuilder::Values;

namespace {
/// Chunks of 16 bytes in a tile along the sum (two of them are the depth of one mma.sync), and how many tiles are in shared memory at a time.
constexpr int64_t kChunks = 4, kStages = 3;

/// Elements in a chunk: 8 of f16 and bf16, 4 of f32, which are rounded to tf32 on their way to the tensor cores.
int64_t chunkOf(Type element) { return 128 / element.getIntOrFloatBitWidth(); }

/// Warps of a block, and blocks of 16 rows and 8 columns in the tile of a warp.
struct WarpShape {
  int64_t warpRows, warpColumns, rowBlocks, columnBlocks;
  int64_t rows() const { return warpRows * rowBlocks * 16; }
  int64_t columns() const { return warpColumns * columnBlocks * 8; }
  int64_t threads() const { return warpRows * warpColumns * 32; }
};

Value exclusiveOr(KernelBuilder &k, Value a, Value b) { return arith::XOrIOp::create(k, a, b); }

/// Tiles of one factor in shared memory: the direction that is contiguous in memory stays so. Chunks of a row are permuted by the row's number, so that the
/// eight chunks of eight rows that an ldmatrix reads, and those that neighbouring threads write, lie in different banks. ldmatrix transposes elements of 2 bytes
/// only: f32 that lie along rows or columns are loaded one by one.
class TileRing {
public:
  TileRing(KernelBuilder &k, const Access &access, Access::Group outer, Value batch, Value outerBase, int64_t extent, int64_t threads)
      : k(k), access(access), memory(k.flat(access.buffer)), depthGroup(outer == Access::Row ? Access::Column : Access::Row), chunkSize(chunkOf(access.element())),
        depthOfTile(kChunks * chunkSize), extent(extent) {
    bool alongOuter = access.isVector(outer, chunkSize), alongDepth = !alongOuter && access.isVector(depthGroup, chunkSize);
    isWide = canCopy(access, outer);
    depthInner = alongDepth || (!alongOuter && access.run(depthGroup) > access.run(outer));
    shared = k.shared({kStages * elements()}, access.element());
    depthSize = access.size(depthGroup);
    int64_t outerSize = access.size(outer), perRow = (depthInner ? depthOfTile : extent) / chunkSize;
    base = placeOf(k, access, Access::Batch, batch);
    for (int64_t piece = 0; piece < elements() / chunkSize / threads; ++piece) {
      Values at = k.delinearize(k.add(k.thread(), k.index(piece * threads)), {(depthInner ? extent : depthOfTile), perRow});
      Chunk chunk;
      chunk.slot = k.add(k.mul(at[0], perRow * chunkSize), k.mul(exclusiveOr(k, at[1], permutation(at[0])), chunkSize));
      chunk.depth = depthInner ? k.mul(at[1], chunkSize) : at[0];
      Value first = k.add(outerBase, depthInner ? at[0] : k.mul(at[1], chunkSize));
      // Without wide accesses each element has a place of its own.
      for (int64_t i = 0; i < (isWide || depthInner ? 1 : chunkSize); ++i) {
        Value x = k.add(first, k.index(i));
        chunk.places.push_back(join(k, base, placeOf(k, access, outer, x)));
        chunk.inside.push_back(outerSize % extent ? k.less(x, k.index(outerSize)) : Value());
      }
      chunks.push_back(chunk);
    }
  }

  /// Whether asynchronous copies bring the factor, chunk by chunk.
  static bool canCopy(const Access &access, Access::Group outer) {
    int64_t chunk = chunkOf(access.element());
    return access.isVector(outer, chunk) || access.isVector(outer == Access::Row ? Access::Column : Access::Row, chunk);
  }

  bool isWide = false;
  Value shared;
  int64_t elements() const { return extent * depthOfTile; }

  /// Starts copies of the tile that begins at `from` along the sum.
  void copy(Value from, Value stage, Values &tokens) {
    for (Chunk &chunk : chunks) {
      Value d = k.add(from, chunk.depth);
      Target target = resolve(k, access, join(k, chunk.places[0], placeOf(k, access, depthGroup, d)), exists(chunk.inside[0], d));
      Value count;
      if (target.exists)
        count = arith::SelectOp::create(k, target.exists, k.index(chunkSize), k.index(0));
      auto token = nvgpu::DeviceAsyncTokenType::get(k.getContext());
      tokens.push_back(nvgpu::DeviceAsyncCopyOp::create(k, token, shared, ValueRange{k.add(stage, chunk.slot)}, memory, ValueRange{target.index},
                                                        k.getIndexAttr(chunkSize), count, /*bypassL1=*/k.getUnitAttr()));
    }
  }

  /// The same by way of registers, element by element.
  Values fetch(Value from) {
    auto type = VectorType::get({chunkSize}, access.element());
    Values values;
    for (Chunk &chunk : chunks) {
      Values elements;
      for (int64_t i = 0; i < chunkSize; ++i) {
        Value d = k.add(from, depthInner ? k.add(chunk.depth, k.index(i)) : chunk.depth);
        int64_t place = depthInner ? 0 : i;
        Target target = resolve(k, access, join(k, chunk.places[place], placeOf(k, access, depthGroup, d)), exists(chunk.inside[place], d));
        elements.push_back(loadFrom(k, memory, target, 1));
      }
      values.push_back(vector::FromElementsOp::create(k, type, elements));
    }
    return values;
  }
  void put(ValueRange values, Value stage) {
    for (auto [chunk, value] : llvm::zip_equal(chunks, values))
      vector::StoreOp::create(k, value, shared, k.add(stage, chunk.slot));
  }

  /// Four blocks of 8 rows and one chunk as an ldmatrix gives them to the lanes. A lane names the row of one block: `outer` is its row (left) or column (right)
  /// of the tile and `depth` its place along the sum where the block starts; `lane` counts the rows of the block, in the direction that is not contiguous.
  Value fragment(Value stage, Value outer, Value depth, Value lane) {
    Value row = k.add(depthInner ? outer : depth, lane), first = depthInner ? depth : outer;
    auto type = VectorType::get({4, chunkSize / 4}, access.element());
    Value loaded = nvgpu::LdMatrixOp::create(k, type, shared, ValueRange{placeIn(stage, row, first)}, /*transpose=*/!depthInner, /*numTiles=*/4);
    if (chunkSize == 8)
      return loaded;
    Values elements;
    for (int64_t r = 0; r < 4; ++r)
      elements.push_back(vector::ExtractOp::create(k, loaded, ArrayRef<int64_t>{r, 0}));
    return roundAll(elements);
  }
  bool hasLdMatrix() const { return depthInner || chunkSize == 8; }

  /// The same for f32 along rows or columns: `outer` and `depth` are where this lane's element of each block is.
  Value gather(Value stage, ArrayRef<Value> outer, ArrayRef<Value> depth) {
    Values elements;
    for (auto [x, d] : llvm::zip_equal(outer, depth)) {
      Value within = arith::AndIOp::create(k, x, k.index(chunkSize - 1));
      elements.push_back(memref::LoadOp::create(k, shared, ValueRange{k.add(placeIn(stage, d, x), within)}));
    }
    return roundAll(elements);
  }

private:
  struct Chunk {
    Value slot, depth;
    SmallVector<Place, 1> places;
    Values inside;
  };
  KernelBuilder &k;
  const Access &access;
  Value memory;
  Access::Group depthGroup;
  int64_t chunkSize, depthOfTile, extent, depthSize;
  bool depthInner = false;
  Place base;
  SmallVector<Chunk> chunks;

  Value exists(Value inside, Value d) { return depthSize % depthOfTile ? both(k, inside, k.less(d, k.index(depthSize))) : inside; }

  /// Where the chunk with element `first` of a row lies.
  Value placeIn(Value stage, Value row, Value first) {
    int64_t perRow = (depthInner ? depthOfTile : extent) / chunkSize;
    Value chunk = exclusiveOr(k, arith::DivUIOp::create(k, first, k.index(chunkSize)), permutation(row));
    return k.add(stage, k.add(k.mul(row, perRow * chunkSize), k.mul(chunk, chunkSize)));
  }

  /// What the chunks of a row are permuted with. Rows of 64 bytes share the banks in pairs. Of f32 along rows a warp reads two chunks in each of four rows.
  Value permutation(Value row) {
    if (depthInner)
      row = arith::DivUIOp::create(k, row, k.index(2));
    if (hasLdMatrix())
      return arith::AndIOp::create(k, row, k.index(depthInner ? 3 : 7));
    return k.mul(arith::AndIOp::create(k, row, k.index(3)), 2);
  }

  /// Elements as a fragment, rounded from f32 to the nearest tf32, ties away from zero, as cvt.rna does: tensor cores would cut the last 13 bits off.
  Value roundAll(ValueRange elements) {
    Type f32 = k.getF32Type(), tf32 = FloatTF32Type::get(k.getContext());
    Value fragment = arith::ConstantOp::create(k, cast<TypedAttr>(k.getZeroAttr(VectorType::get({4, 1}, f32))));
    for (auto [r, x] : llvm::enumerate(elements)) {
      auto nearest = arith::RoundingModeAttr::get(k.getContext(), arith::RoundingMode::to_nearest_away);
      Value narrow = arith::TruncFOp::create(k, tf32, x, nearest, /*fastmath=*/nullptr);
      fragment = vector::InsertOp::create(k, arith::ExtFOp::create(k, f32, narrow), fragment, ArrayRef<int64_t>{int64_t(r), 0});
    }
    return fragment;
  }
};

void emitWarpTiles(KernelModule &kernels, Product &p, const WarpShape &shape, const TileCandidate &candidate, const SplitSum &split) {
  std::optional<Access> partials;
  if (split.pieces > 1)
    partials = makePartials(p, split.pieces);
  BlockOrder order(p, kernels.target, candidate);
  int64_t tilesOfResult = order.rowTiles * order.columnTiles;
  bool isTf32 = p.left.element().isF32();
  int64_t chunkSize = chunkOf(p.left.element()), depthOfTile = kChunks * chunkSize;
  KernelBuilder k(kernels, p.anchor, p.name + (isTf32 ? "_tf32" : "_mma"), {shape.threads()});
  k.function()->setAttr("nvvm.minctasm", k.getI32IntegerAttr(2)); // one block copies while another one multiplies
  Values at = k.delinearize(k.block(), {p.batch, split.pieces, tilesOfResult});
  auto [rowTile, columnTile] = order.place(k, at[2]);
  Value batch = at[0], piece = at[1], rowBase = k.mul(rowTile, shape.rows()), columnBase = k.mul(columnTile, shape.columns());
  TileRing left(k, p.left, Access::Row, batch, rowBase, shape.rows(), shape.threads());
  TileRing right(k, p.right, Access::Column, batch, columnBase, shape.columns(), shape.threads());
  Value firstTile = k.mul(piece, split.tilesEach), tiles = k.index(split.tilesEach), one = k.index(1);
  if (split.tiles % split.tilesEach)
    tiles = arith::MinSIOp::create(k, tiles, arith::SubIOp::create(k, k.index(split.tiles), firstTile));
  Value last = arith::SubIOp::create(k, tiles, one);

  // Copies of one tile; behind the last one it comes again and nobody reads it.
  auto originOf = [&](Value tile) { return k.mul(k.add(firstTile, arith::MinSIOp::create(k, tile, last)), depthOfTile); };
  auto stageOf = [&](TileRing &ring, Value tile) { return k.mul(arith::RemUIOp::create(k, tile, k.index(kStages)), ring.elements()); };
  auto copyWide = [&](Value tile) -> Value {
    Values tokens;
    for (TileRing *ring : {&left, &right})
      if (ring->isWide)
        ring->copy(originOf(tile), stageOf(*ring, tile), tokens);
    return nvgpu::DeviceAsyncCreateGroupOp::create(k, nvgpu::DeviceAsyncTokenType::get(k.getContext()), tokens);
  };
  auto fetchNarrow = [&](Value tile) {
    std::pair<Values, Values> values;
    if (!left.isWide)
      values.first = left.fetch(originOf(tile));
    if (!right.isWide)
      values.second = right.fetch(originOf(tile));
    return values;
  };
  auto putNarrow = [&](const std::pair<Values, Values> &values, Value tile) {
    if (!left.isWide)
      left.put(values.first, stageOf(left, tile));
    if (!right.isWide)
      right.put(values.second, stageOf(right, tile));
  };
  Value group;
  for (int64_t tile = 0; tile + 1 < kStages; ++tile) {
    group = copyWide(k.index(tile));
    putNarrow(fetchNarrow(k.index(tile)), k.index(tile));
  }

  Values threadAt = k.delinearize(k.thread(), {shape.warpRows, shape.warpColumns, 32});
  Value lane = threadAt[2], warpRow = k.mul(threadAt[0], shape.rowBlocks * 16), warpColumn = k.mul(threadAt[1], shape.columnBlocks * 8);
  // The lanes name the rows of four blocks; which half of the rows, columns and depth their block is in:
  Value inBlock = arith::AndIOp::create(k, lane, k.index(7)), block = arith::DivUIOp::create(k, lane, k.index(8));
  Value lowHalf = arith::AndIOp::create(k, block, one), highHalf = arith::DivUIOp::create(k, block, k.index(2));
  Value laneRow = arith::DivUIOp::create(k, lane, k.index(4)), laneDepth = arith::AndIOp::create(k, lane, k.index(3));
  // Four blocks from `outer` and `depth` on: those of a left factor follow each other along the rows first, those of a right one along the sum.
  auto fragmentOf = [&](TileRing &ring, Value stage, Value outer, int64_t depth, bool depthFirst) -> Value {
    if (ring.hasLdMatrix())
      return ring.fragment(stage, k.add(outer, k.mul(depthFirst ? highHalf : lowHalf, 8)), k.add(k.index(depth), k.mul(depthFirst ? lowHalf : highHalf, chunkSize)), inBlock);
    Values outers, depths;
    for (int64_t b = 0; b < 4; ++b) {
      int64_t low = b & 1, high = b >> 1;
      outers.push_back(k.add(k.add(outer, laneRow), k.index(8 * (depthFirst ? high : low))));
      depths.push_back(k.add(laneDepth, k.index(depth + chunkSize * (depthFirst ? low : high))));
    }
    return ring.gather(stage, outers, depths);
  };

  auto sumType = VectorType::get({2, 2}, p.sumType());
  Value zero = arith::ConstantOp::create(k, cast<TypedAttr>(k.getZeroAttr(sumType)));
  Values sums(shape.rowBlocks * shape.columnBlocks, zero);
  sums = k.loop(k.index(0), tiles, one, sums, [&](Value tile, ValueRange carried) {
    Values sums(carried);
    nvgpu::DeviceAsyncWaitOp::create(k, group, k.getI32IntegerAttr(kStages - 2));
    // All copies of this tile are there, and nobody reads the one before any more.
    k.barrier();
    Value next = k.add(tile, k.index(kStages - 1));
    copyWide(next);
    auto values = fetchNarrow(next);
    Value leftStage = stageOf(left, tile), rightStage = stageOf(right, tile);
    for (int64_t d = 0; d < depthOfTile; d += 2 * chunkSize) {
      Values a, b;
      for (int64_t i = 0; i < shape.rowBlocks; ++i)
        a.push_back(fragmentOf(left, leftStage, k.add(warpRow, k.index(i * 16)), d, false));
      for (int64_t j = 0; j < shape.columnBlocks; j += 2) {
        Value pair = fragmentOf(right, rightStage, k.add(warpColumn, k.index(j * 8)), d, true);
        auto type = VectorType::get({2, chunkSize / 4}, p.right.element());
        for (int64_t half : {0, 1}) {
          Value fragment = arith::ConstantOp::create(k, cast<TypedAttr>(k.getZeroAttr(type)));
          for (int64_t r : {0, 1})
            fragment = vector::InsertOp::create(k, vector::ExtractOp::create(k, pair, half * 2 + r), fragment, r);
          b.push_back(fragment);
        }
      }
      for (int64_t i = 0; i < shape.rowBlocks; ++i)
        for (int64_t j = 0; j < shape.columnBlocks; ++j) {
          Value &sum = sums[i * shape.columnBlocks + j];
          sum = nvgpu::MmaSyncOp::create(k, a[i], b[j], sum, ArrayRef<int64_t>{16, 8, 2 * chunkSize}, /*tf32Enabled=*/isTf32);
        }
    }
    putNarrow(values, next);
    return sums;
  });
  // Copies that nobody waits for must not outlive the block's memory.
  nvgpu::DeviceAsyncWaitOp::create(k, group, k.getI32IntegerAttr(0));

  Value laneColumn = k.mul(laneDepth, 2);
  int64_t store = partials ? (partials->isVector(Access::Column, 2) ? 2 : 1) : storeWidth(p, 2);
  for (int64_t i = 0; i < shape.rowBlocks; ++i)
    for (int64_t j = 0; j < shape.columnBlocks; ++j)
      for (int64_t half : {0, 1})
        for (int64_t s = 0; s < 2; s += store) {
          Value row = k.add(k.add(k.add(rowBase, warpRow), laneRow), k.index(i * 16 + half * 8));
          Value column = k.add(k.add(k.add(columnBase, warpColumn), laneColumn), k.index(j * 8 + s));
          Value exists = p.m % shape.rows() ? k.less(row, k.index(p.m)) : Value();
          if (p.n % shape.columns())
            exists = both(k, exists, k.less(column, k.index(p.n)));
          Value value = vector::ExtractOp::create(k, sums[i * shape.columnBlocks + j], half);
          if (store == 1)
            value = vector::ExtractOp::create(k, value, s);
          auto write = [&] { storeSums(k, p, partials ? &*partials : nullptr, piece, batch, row, column, value); };
          exists ? k.when(exists, write) : write();
        }
  k.launch({p.batch * split.pieces * tilesOfResult});
  if (partials)
    emitSumOfPartials(kernels, p, *partials, split.pieces);
}
} // namespace

bool cell::emitTensorCoreProduct(KernelModule &kernels, Product &p) {
  Type element = p.left.element();
  bool isTf32 = element.isF32() && (p.isConvolution ? kernels.policy.tf32Convolutions : kernels.policy.tf32Products);
  if (element != p.right.element() || !(element.isF16() || element.isBF16() || isTf32) || !p.sumType().isF32())
    return false;
  if (std::min(p.m, p.n) < 5 || std::max(p.m, p.n) < 16 || p.k < 16 || p.batch * p.m * p.n * p.k < 32768)
    return false;
  int64_t depth = kChunks * chunkOf(element), bytes = 16 / chunkOf(element);
  // The larger the tile of a warp, the fewer bytes of shared memory per multiply-add: 64 x 64 leaves a quarter of its time, 64 x 32 none. Factors that go through
  // registers need those for their addresses.
  SmallVector<WarpShape, 5> shapes = {{2, 4, 4, 4}, {2, 4, 2, 4}, {4, 2, 2, 4}, {2, 2, 2, 4}};
  if (TileRing::canCopy(p.left, Access::Row) && TileRing::canCopy(p.right, Access::Column))
    shapes.insert(shapes.begin(), {2, 2, 4, 8});
  SmallVector<TileCandidate> candidates;
  ProductPolicy::Wgmma policy = kernels.policy.wgmma;
  bool byWgmma = !isTf32 && (policy == ProductPolicy::On || (policy == ProductPolicy::Auto && kernels.target.hasWgmma)) && fitsWgmma(p);
  if (byWgmma)
    listWgmmaTiles(kernels.target, candidates);
  size_t wgmmaTiles = candidates.size();
  if (byWgmma && policy == ProductPolicy::On) {
    TileChoice choice = chooseTile(p, kernels.target, candidates);
    emitWgmmaProduct(kernels, p, choice.tile, candidates[choice.tile], SplitSum(p, candidates[choice.tile].depth, choice.pieces));
    return true;
  }
  for (const WarpShape &s : shapes) {
    TileWork work;
    work.threads = s.threads();
    work.registers = std::min<int64_t>(65536 / (2 * s.threads()), s.rowBlocks * s.columnBlocks * 4 + s.rowBlocks * 4 + s.columnBlocks * 2 + 50);
    work.memoryTraffic = double((s.rows() + s.columns()) * depth * bytes);
    work.sharedBytes = kStages * int64_t(work.memoryTraffic);
    work.multiplyAdds = double(s.rows() * s.columns() * depth);
    work.sharedTraffic = double((s.rows() * s.warpColumns + s.columns() * s.warpRows) * depth * bytes) + work.memoryTraffic;
    work.stepLatency = 300; // copies have the time of two steps
    constexpr double kFirstTile = 600; // an ordinary load's time
    candidates.push_back({s.rows(), s.columns(), depth, isTf32 ? kernels.target.tensorTf32 : kernels.target.tensor16, work, kFirstTile});
  }
  TileChoice choice = chooseTile(p, kernels.target, candidates);
  SplitSum split(p, candidates[choice.tile].depth, choice.pieces);
  if (choice.tile < wgmmaTiles)
    emitWgmmaProduct(kernels, p, choice.tile, candidates[choice.tile], split);
  else
    emitWarpTiles(kernels, p, shapes[choice.tile - wgmmaTiles], candidates[choice.tile], split);
  return true;
}
