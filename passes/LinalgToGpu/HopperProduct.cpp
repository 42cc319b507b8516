//===- HopperProduct.cpp - matrix products by wgmma -----------------------===//
#include "passes/LinalgToGpu/Product.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::cell;
using Values = KernelBuilder::Values;

namespace {
/// Elements along the sum in a stage, and of one wgmma; elements in the 128 bytes that chunks are permuted in.
constexpr int64_t kDepth = 64, kStep = 16, kRow = 64;
/// Rows that a group of four warps computes.
constexpr int64_t kGroupRows = 64, kGroupThreads = 128;

/// Groups of warps that multiply, and columns of the tile of each of them.
struct GroupShape {
  int64_t groups, columns;
  int64_t rows() const { return groups * kGroupRows; }
  int64_t consumers() const { return groups * kGroupThreads; }
  int64_t threads() const { return consumers() + 32; } // and a warp that copies
  int64_t stageBytes() const { return (rows() + columns) * kDepth * 2; }
  /// Blocks that are to be on a multiprocessor: one that stores its results while another one multiplies, where registers and shared memory allow it.
  int64_t blocks() const { return columns > 128 ? 1 : 2; }
  /// Barriers and what the device takes for each block are beside the stages.
  int64_t stages(const GpuTarget &target) const { return std::min<int64_t>(5, (target.residentShared / blocks() - 3 * 1024) / stageBytes()); }
};
constexpr GroupShape kShapes[] = {{2, 256}, {2, 128}, {2, 64}, {1, 256}, {1, 128}, {1, 64}};

Access::Group otherOf(Access::Group outer) { return outer == Access::Row ? Access::Column : Access::Row; }

/// Whether a factor is one that a tensor map describes: at most one axis each, one of which is contiguous, the others whole chunks of 16 bytes apart.
bool fitsMap(const Access &access) {
  if (!access.windows.empty() || access.offset != 0 || alignmentOf(access.buffer) < 16 || access.groups[Access::Batch].size() > 1)
    return false;
  const auto &rows = access.groups[Access::Row], &columns = access.groups[Access::Column];
  if (rows.size() != 1 || columns.size() != 1 || (rows[0].stride != 1 && columns[0].stride != 1))
    return false;
  // Of the device: sizes have 32 bits, strides in bytes 40.
  auto isPlain = [](const Axis &axis, bool inner) {
    return axis.size > 0 && axis.size <= INT32_MAX && (inner ? axis.stride == 1 : axis.stride > 0 && axis.stride % 8 == 0 && axis.stride < (int64_t(1) << 38));
  };
  bool rowsInner = rows[0].stride == 1 && columns[0].stride != 1;
  return isPlain(rows[0], rowsInner) && isPlain(columns[0], !rowsInner) && llvm::all_of(access.groups[Access::Batch], [&](const Axis &axis) { return axis.stride == 0 || isPlain(axis, false); });
}

/// One factor: its tensor map, and its tiles in the stages. The direction that is contiguous in memory stays so. Rows of 128 bytes lie one behind the other, and
/// in each the eight chunks of 16 bytes are permuted by the row's number modulo 8; eight rows, 1024 bytes, are what wgmma calls an atom.
class Factor {
public:
  Factor(KernelBuilder &k, const Access &access, Access::Group outer, int64_t extent, int64_t offset, Value memory)
      : k(k), memory(memory), extent(extent), offset(offset) {
    const Axis &across = access.groups[outer][0], &along = access.groups[otherOf(outer)][0];
    isTransposed = along.stride != 1;
    SmallVector<int64_t> sizes{across.size, along.size}, strides{across.stride, along.stride}, box{extent, kDepth};
    if (isTransposed) {
      std::swap(sizes[0], sizes[1]);
      std::swap(strides[0], strides[1]);
      box = {kDepth, kRow};
    }
    if (const auto &batch = access.groups[Access::Batch]; !batch.empty() && batch[0].stride != 0) {
      hasBatch = true;
      sizes.insert(sizes.begin(), batch[0].size);
      strides.insert(strides.begin(), batch[0].stride);
      box.insert(box.begin(), 1);
    }
    type = MemRefType::get(box, access.element(), MemRefLayoutAttrInterface(), cast<MemRefType>(memory.getType()).getMemorySpace());
    map = k.tensorMap(access.buffer, sizes, strides, type);
  }

  bool isTransposed = false;

  /// Starts the copies of the tile at `outer` and `depth` to the stage that begins at byte `stage`; they are counted at `barriers[number]`.
  void copy(Value stage, Value batch, Value outer, Value depth, Value barriers, Value number) {
    for (int64_t piece = 0; piece < (isTransposed ? extent / kRow : 1); ++piece) {
      Value tile = memref::ViewOp::create(k, type, memory, k.add(stage, k.index(offset + piece * kRow * kDepth * 2)), ValueRange());
      Values at{depth, outer};
      if (isTransposed)
        at = {k.add(outer, k.index(piece * kRow)), depth};
      if (hasBatch)
        at.push_back(batch);
      nvgpu::TmaAsyncLoadOp::create(k, tile, barriers, map, at, number, /*multicastMask=*/Value(), /*predicate=*/Value());
    }
  }

  /// The descriptor of the tile in the first stage, `base` being the address of the stages: address, distances in units of 16 bytes, 128-byte permutation. Where
  /// the sum is contiguous, only the distance of eight rows counts (1024 bytes); where rows or columns are, that of 64 of them and that of eight along the sum.
  Value descriptor(Value base) {
    int64_t leading = isTransposed ? kRow * kDepth * 2 / 16 : 1, stride = 1024 / 16;
    Value start = arith::ShRUIOp::create(k, arith::AddIOp::create(k, base, constant(offset)), constant(4));
    return arith::OrIOp::create(k, start, constant(leading << 16 | stride << 32 | int64_t(1) << 62));
  }
  /// How far one wgmma's part of the sum is from the next, in units of 16 bytes.
  int64_t step() const { return (isTransposed ? kStep * 128 : kStep * 2) / 16; }

private:
  KernelBuilder &k;
  Value memory, map;
  int64_t extent, offset;
  MemRefType type;
  bool hasBatch = false;

  Value constant(int64_t value) { return arith::ConstantIntOp::create(k, value, 64); }
};

/// The place in the ring of stages, and the parity of the phase that is waited for there: they go on together.
struct Turn {
  Value stage, parity;
  Turn next(KernelBuilder &k, int64_t stages) const {
    Value one = k.add(stage, k.index(1)), wraps = arith::CmpIOp::create(k, arith::CmpIPredicate::eq, one, k.index(stages));
    return {arith::SelectOp::create(k, wraps, k.index(0), one), arith::XOrIOp::create(k, parity, wraps)};
  }
};
} // namespace

bool cell::fitsWgmma(const Product &p) {
  Type element = p.left.element();
  return element == p.right.element() && (element.isF16() || element.isBF16()) && p.sumType().isF32() && p.k >= kDepth && fitsMap(p.left) && fitsMap(p.right);
}

void cell::listWgmmaTiles(const GpuTarget &target, SmallVectorImpl<TileCandidate> &candidates) {
  for (const GroupShape &s : kShapes) {
    int64_t stages = s.stages(target);
    TileWork work;
    work.threads = s.threads();
    work.registers = s.columns / 2 + 44;
    work.sharedBytes = stages * s.stageBytes() + 1024;
    work.multiplyAdds = double(s.rows() * s.columns * kDepth);
    work.memoryTraffic = double(s.stageBytes());
    // Each group reads the whole right tile.
    work.sharedTraffic = double((s.rows() + s.groups * s.columns) * kDepth * 2) + work.memoryTraffic;
    work.stepLatency = 900.0 / double(stages - 1); // copies have the time of the other stages
    // Barriers are made and shown to copies and to the block, the tensor maps are read, and the first tiles come.
    constexpr double kBarriers = 100, kBarrier = 10, kMap = 600, kFirstTile = 900;
    candidates.push_back({s.rows(), s.columns, kDepth, target.wgmma16, work, kBarriers + kBarrier * double(2 * stages) + kMap + kFirstTile});
  }
}

void cell::emitWgmmaProduct(KernelModule &kernels, Product &p, size_t tile, const TileCandidate &candidate, const SplitSum &split) {
  const GroupShape &shape = kShapes[tile];
  int64_t stages = shape.stages(kernels.target), width = shape.columns;
  std::optional<Access> partials;
  if (split.pieces > 1)
    partials = makePartials(p, split.pieces);
  BlockOrder order(p, kernels.target, candidate);
  int64_t tilesOfResult = order.rowTiles * order.columnTiles;
  KernelBuilder k(kernels, p.anchor, p.name + "_wgmma", {shape.threads()});
  k.function()->setAttr("nvvm.minctasm", k.getI32IntegerAttr(shape.blocks()));
  MLIRContext *context = k.getContext();
  Value memory = k.dynamicShared(stages * shape.stageBytes());
  Factor left(k, p.left, Access::Row, shape.rows(), 0, memory), right(k, p.right, Access::Column, width, shape.rows() * kDepth * 2, memory);
  Values at = k.delinearize(k.block(), {p.batch, split.pieces, tilesOfResult});
  auto [rowTile, columnTile] = order.place(k, at[2]);
  Value batch = at[0], piece = at[1], rowBase = k.mul(rowTile, shape.rows()), columnBase = k.mul(columnTile, width);
  Value firstTile = k.mul(piece, split.tilesEach), tiles = k.index(split.tilesEach), zero = k.index(0), one = k.index(1);
  if (split.tiles % split.tilesEach)
    tiles = arith::MinSIOp::create(k, tiles, arith::SubIOp::create(k, k.index(split.tiles), firstTile));

  // Barriers: a stage is full (its copies are there), and it is empty (every warp has read it).
  auto group = nvgpu::MBarrierGroupType::get(context, cast<MemRefType>(memory.getType()).getMemorySpace(), 2 * stages);
  Value barriers = nvgpu::MBarrierCreateOp::create(k, group);
  auto equals = [&](Value a, Value b) -> Value { return arith::CmpIOp::create(k, arith::CmpIPredicate::eq, a, b); };
  k.when(equals(k.thread(), zero), [&] {
    for (int64_t s = 0; s < stages; ++s) {
      nvgpu::MBarrierInitOp::create(k, barriers, one, k.index(s), /*predicate=*/Value());
      nvgpu::MBarrierInitOp::create(k, barriers, k.index(shape.groups * 4), k.index(stages + s), /*predicate=*/Value());
    }
    // Copies see the barriers as they are now.
    NVVM::FenceMbarrierInitOp::create(k);
    NVVM::FenceProxyOp::create(k, NVVM::ProxyKindAttr::get(context, NVVM::ProxyKind::async_shared), NVVM::SharedSpaceAttr::get(context, NVVM::SharedSpace::shared_cta));
  });
  k.barrier();
  auto constant = [&](bool value) -> Value { return arith::ConstantIntOp::create(k, value, 1); };
  auto waitFor = [&](Value number, Value parity) { nvgpu::MBarrierTryWaitParityOp::create(k, barriers, parity, k.index(10000000), number); };

  // One thread copies. A barrier that is new counts as one whose phase of parity 1 is over: the first round does not wait.
  k.when(equals(k.thread(), k.index(shape.consumers())), [&] {
    k.loop(zero, tiles, one, Values{zero, constant(true)}, [&](Value tile, ValueRange carried) -> Values {
      Turn turn{carried[0], carried[1]};
      waitFor(k.add(turn.stage, k.index(stages)), turn.parity);
      // Elements outside the tensors are written, as zeros, and counted.
      nvgpu::MBarrierArriveExpectTxOp::create(k, barriers, k.index(shape.stageBytes()), turn.stage, /*predicate=*/Value());
      Value stage = k.mul(turn.stage, shape.stageBytes()), depth = k.mul(k.add(firstTile, tile), kDepth);
      left.copy(stage, batch, rowBase, depth, barriers, turn.stage);
      right.copy(stage, batch, columnBase, depth, barriers, turn.stage);
      Turn next = turn.next(k, stages);
      return {next.stage, next.parity};
    });
  });

  // The other groups of four warps multiply.
  k.when(k.less(k.thread(), k.index(shape.consumers())), [&] {
    Values threadAt = k.delinearize(k.thread(), {shape.groups, kGroupThreads / 32, 32});
    Value lane = threadAt[2], isFirst = equals(lane, zero);
    auto wide = [&](Value value) -> Value { return arith::IndexCastOp::create(k, k.getI64Type(), value); };
    auto plus = [&](Value a, int64_t b) -> Value { return b ? arith::AddIOp::create(k, a, arith::ConstantIntOp::create(k, b, 64)).getResult() : a; };
    Value base = wide(memref::ExtractAlignedPointerAsIndexOp::create(k, memory));
    Value leftFirst = arith::AddIOp::create(k, left.descriptor(base), wide(k.mul(threadAt[0], kGroupRows * 128 / 16))), rightFirst = right.descriptor(base);
    auto sumType = LLVM::LLVMStructType::getLiteral(context, SmallVector<Type>(width / 2, k.getF32Type()));
    auto factorType = NVVM::WGMMATypesAttr::get(context, p.left.element().isF16() ? NVVM::WGMMATypes::f16 : NVVM::WGMMATypes::bf16);
    auto plain = NVVM::WGMMAScaleInAttr::get(context, NVVM::WGMMAScaleIn::one);
    auto layout = [&](bool isRow) { return NVVM::MMALayoutAttr::get(context, isRow ? NVVM::MMALayout::row : NVVM::MMALayout::col); };
    Values found = k.loop(zero, tiles, one, Values{LLVM::ZeroOp::create(k, sumType), zero, constant(false)}, [&](Value tile, ValueRange carried) -> Values {
      Value sums = carried[0];
      Turn turn{carried[1], carried[2]};
      waitFor(turn.stage, turn.parity);
      Value stage = wide(k.mul(turn.stage, shape.stageBytes() / 16));
      Value a = arith::AddIOp::create(k, leftFirst, stage), b = arith::AddIOp::create(k, rightFirst, stage);
      NVVM::WgmmaFenceAlignedOp::create(k);
      for (int64_t d = 0; d < kDepth / kStep; ++d)
        sums = NVVM::WgmmaMmaAsyncOp::create(k, sumType, sums, plus(a, d * left.step()), plus(b, d * right.step()), NVVM::MMAShapeAttr::get(context, kGroupRows, width, kStep), factorType, factorType,
                                             NVVM::WGMMATypesAttr::get(context, NVVM::WGMMATypes::f32), NVVM::WGMMAScaleOutAttr::get(context, NVVM::WGMMAScaleOut::one), plain, plain,
                                             layout(!left.isTransposed), layout(right.isTransposed), NVVM::MMAIntOverflowAttr());
      NVVM::WgmmaGroupSyncAlignedOp::create(k);
      NVVM::WgmmaWaitGroupSyncOp::create(k, 1);
      // These products may still be running; those of the stage before have read it.
      Value before = arith::SelectOp::create(k, equals(turn.stage, zero), k.index(2 * stages - 1), k.add(turn.stage, k.index(stages - 1)));
      Value releases = arith::AndIOp::create(k, isFirst, arith::CmpIOp::create(k, arith::CmpIPredicate::ne, tile, zero));
      k.when(releases, [&] { nvgpu::MBarrierArriveOp::create(k, nvgpu::MBarrierTokenType::get(context), barriers, before); });
      Turn next = turn.next(k, stages);
      return {sums, next.stage, next.parity};
    });
    NVVM::WgmmaWaitGroupSyncOp::create(k, 0);

    int64_t store = partials ? (partials->isVector(Access::Column, 2) ? 2 : 1) : storeWidth(p, 2);
    Value warpRow = k.mul(k.add(k.mul(threadAt[0], kGroupThreads / 32), threadAt[1]), 16);
    Value row0 = k.add(k.add(rowBase, warpRow), arith::DivUIOp::create(k, lane, k.index(4)));
    Value column0 = k.add(columnBase, k.mul(arith::AndIOp::create(k, lane, k.index(3)), 2));
    auto whereInside = [&](bool always, Value at, int64_t size, llvm::function_ref<void()> body) { always ? body() : k.when(k.less(at, k.index(size)), body); };
    // Columns outside, so that what the epilogue loads for them is not kept for the other rows.
    for (int64_t j = 0; j < width / 8; ++j)
      for (int64_t s = 0; s < 2; s += store) {
        Value column = k.add(column0, k.index(j * 8 + s));
        whereInside(p.n % width == 0, column, p.n, [&] {
          for (int64_t half : {0, 1}) {
            Value row = k.add(row0, k.index(half * 8));
            whereInside(p.m % shape.rows() == 0, row, p.m, [&] {
              Values elements;
              for (int64_t i = s; i < s + store; ++i)
                elements.push_back(LLVM::ExtractValueOp::create(k, found[0], j * 4 + half * 2 + i));
              Value value = store == 1 ? elements[0] : vector::FromElementsOp::create(k, VectorType::get({2}, k.getF32Type()), elements).getResult();
              storeSums(k, p, partials ? &*partials : nullptr, piece, batch, row, column, value);
            });
          }
        });
      }
  });
  k.launch({p.batch * split.pieces * tilesOfResult});
  if (partials)
    emitSumOfPartials(kernels, p, *partials, split.pieces);
}
