//===- Transpose.cpp - pointwise ops that read across the rows they write -===//
#include "passes/LinalgToGpu/BodyEmitter.h"
#include "passes/LinalgToGpu/Mapping.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::cell;
using Values = KernelBuilder::Values;

namespace {
/// Edge of a tile, and how many of its rows the threads of a block move at a time.
constexpr int64_t kTile = 32, kRows = 8;

/// Outputs are contiguous along the loop `x`, the inputs `across` along the loop `y`.
struct Crossing {
  unsigned x = 0, y = 0;
  SmallVector<unsigned> across;
};

std::optional<Crossing> findCrossing(linalg::LinalgOp op, const LoopPlan &plan, const GpuTarget &target) {
  unsigned inputs = op.getNumDpsInputs();
  if (llvm::any_of(op.getDpsInitsMutable(), [&](OpOperand &init) { return !op.getMatchingIndexingMap(&init).isProjectedPermutation(); }))
    return std::nullopt; // several points may write one element
  auto strideOf = [&](unsigned loop, unsigned operand) { return plan.loops[loop].strides[operand]; };
  auto contiguousLoop = [&](unsigned operand) -> std::optional<unsigned> {
    for (unsigned l = 0; l < plan.loops.size(); ++l)
      if (strideOf(l, operand) == 1 && plan.loops[l].size >= 16)
        return l;
    return std::nullopt;
  };
  Crossing crossing;
  std::optional<unsigned> x = contiguousLoop(inputs), y;
  if (!x || llvm::is_contained(plan.reduced, true))
    return std::nullopt;
  crossing.x = *x;
  int64_t bytes = 0;
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    auto type = dyn_cast<MemRefType>(op->getOperand(i).getType());
    if (!type)
      continue;
    if (i >= inputs && strideOf(*x, i) != 1)
      return std::nullopt;
    bool read = i < inputs && !op.getMatchingBlockArgument(&op->getOpOperand(i)).use_empty();
    std::optional<unsigned> own = read ? contiguousLoop(i) : std::nullopt;
    // Only what moves far with each step of x is worth the way through shared memory.
    if (!own || *own == *x || strideOf(*x, i) < 8 || type.getElementType().isInteger(1))
      continue;
    if (y && *y != *own)
      continue;
    y = own;
    crossing.across.push_back(i);
    bytes += kTile * (kTile + 1) * std::max<int64_t>(1, type.getElementType().getIntOrFloatBitWidth() / 8);
  }
  if (!y || bytes > target.sharedBytes)
    return std::nullopt;
  crossing.y = *y;
  return crossing;
}
} // namespace

bool cell::lowerTranspose(KernelModule &module, linalg::LinalgOp op, const LoopPlan &plan) {
  std::optional<Crossing> crossing = findCrossing(op, plan, module.target);
  if (!crossing)
    return false;
  const PlannedLoop &loopX = plan.loops[crossing->x], &loopY = plan.loops[crossing->y];
  SmallVector<int64_t> sizes;
  SmallVector<unsigned> others;
  int64_t blocks = llvm::divideCeilSigned(loopX.size, kTile) * llvm::divideCeilSigned(loopY.size, kTile);
  for (auto [l, loop] : llvm::enumerate(plan.loops))
    if (l != crossing->x && l != crossing->y) {
      others.push_back(l);
      sizes.push_back(loop.size);
      blocks *= loop.size;
    }
  sizes.append({llvm::divideCeilSigned(loopY.size, kTile), llvm::divideCeilSigned(loopX.size, kTile)});

  bool moves = op.getBlock()->without_terminator().empty();
  KernelBuilder k(module, op, moves ? std::string("transpose") : "transpose_" + nameOf(op), {kTile * kRows});
  Values at = k.delinearize(k.block(), sizes), threadAt = k.delinearize(k.thread(), {kRows, kTile}), positions(plan.loops.size());
  for (auto [l, position] : llvm::zip(others, at))
    positions[l] = position;
  Value firstY = k.mul(at[others.size()], kTile), firstX = k.mul(at[others.size() + 1], kTile);
  BodyEmitter emitter(k, op, plan);
  auto guarded = [&](Value x, Value y, llvm::function_ref<void()> body) {
    Value inside = loopX.size % kTile ? k.less(x, k.index(loopX.size)) : Value();
    if (loopY.size % kTile) {
      Value insideY = k.less(y, k.index(loopY.size));
      inside = both(k, inside, insideY);
    }
    positions[crossing->x] = x;
    positions[crossing->y] = y;
    inside ? k.when(inside, body) : body();
  };

  // Neighbouring threads read along y and write along x. A row of the tile is one element longer, so that a column lies in 32 banks.
  SmallVector<Value> tiles;
  for (unsigned i : crossing->across)
    tiles.push_back(k.shared({kTile, kTile + 1}, cast<MemRefType>(op->getOperand(i).getType()).getElementType()));
  for (int64_t row = 0; row < kTile; row += kRows) {
    Value inX = k.add(threadAt[0], k.index(row)), inY = threadAt[1];
    guarded(k.add(firstX, inX), k.add(firstY, inY), [&] {
      for (auto [i, tile] : llvm::zip_equal(crossing->across, tiles)) {
        Value element = memref::LoadOp::create(k, k.flat(op->getOperand(i)), emitter.address(i, positions));
        memref::StoreOp::create(k, element, tile, ValueRange{inX, inY});
      }
    });
  }
  k.barrier();
  for (int64_t row = 0; row < kTile; row += kRows) {
    Value inX = threadAt[1], inY = k.add(threadAt[0], k.index(row));
    guarded(k.add(firstX, inX), k.add(firstY, inY), [&] {
      emitter.given.assign(op->getNumOperands(), Value());
      for (auto [i, tile] : llvm::zip_equal(crossing->across, tiles))
        emitter.given[i] = memref::LoadOp::create(k, tile, ValueRange{inX, inY});
      emitter.emit(positions, Values(op.getNumDpsInits()));
    });
  }
  k.launch({blocks});
  return true;
}
