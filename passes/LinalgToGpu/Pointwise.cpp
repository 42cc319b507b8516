//===- Pointwise.cpp - ops without reductions become kernels --------------===//
#include "passes/LinalgToGpu/BodyEmitter.h"
#include "passes/LinalgToGpu/Mapping.h"

#include <functional>

using namespace mlir;
using namespace mlir::cell;

/// A block for `count` threads in all: whole warps, and smaller ones where that spreads the work over more of the device.
static int64_t chooseBlock(const GpuTarget &target, int64_t count) {
  if (count == 1)
    return 1;
  int64_t threads = target.threads;
  while (threads > target.warp && llvm::divideCeil(count, threads) * 2 <= target.multiprocessors)
    threads /= 2;
  return threads;
}

bool cell::lowerPointwise(KernelModule &module, linalg::LinalgOp op, const LoopPlan &plan) {
  // Two points must not write one element.
  if (llvm::is_contained(plan.reduced, true) || llvm::any_of(op.getDpsInitsMutable(), [&](OpOperand &init) { return !op.getMatchingIndexingMap(&init).isProjectedPermutation(); }))
    return false;
  int64_t width = BodyEmitter::chooseWidth(op, plan, module.target);
  int64_t count = plan.points / width;
  KernelBuilder k(module, op, nameOf(op), chooseBlock(module.target, count));
  BodyEmitter emitter(k, op, plan);
  SmallVector<int64_t> sizes;
  for (const PlannedLoop &loop : plan.loops)
    sizes.push_back(loop.size);
  if (!sizes.empty())
    sizes.back() /= width;
  SmallVector<Value> none(op.getNumDpsInits());
  k.forEach(count, [&](Value i) {
    SmallVector<Value> positions = k.delinearize(i, sizes);
    if (!positions.empty())
      positions.back() = k.mul(positions.back(), width);
    emitter.emit(positions, none, width);
  });
  k.launch(k.gridFor(count));
  return true;
}

/// From this many steps of one thread on one says that it is slow.
static constexpr int64_t kManyPoints = 4096;

/// True if every output has an element of its own for each value of the dimension, whatever the others are.
static bool isOwn(linalg::LinalgOp op, unsigned dim) {
  return llvm::all_of(op.getDpsInitsMutable(), [&](OpOperand &init) {
    unsigned alone = 0, uses = 0;
    for (AffineExpr expr : op.getMatchingIndexingMap(&init).getResults()) {
      uses += expr.isFunctionOfDim(dim);
      alone += expr == getAffineDimExpr(dim, op.getContext());
    }
    return alone == 1 && uses == 1;
  });
}

void cell::lowerInOrder(KernelModule &module, linalg::LinalgOp op, const LoopPlan &plan) {
  SmallVector<unsigned> parallel, serial;
  SmallVector<int64_t> sizes;
  int64_t count = 1;
  for (auto [l, loop] : llvm::enumerate(plan.loops)) {
    bool own = llvm::all_of(loop.dims, [&](unsigned dim) { return isOwn(op, dim); });
    (own ? parallel : serial).push_back(l);
    if (own) {
      sizes.push_back(loop.size);
      count *= loop.size;
    }
  }
  // Threads, and what each does alone.
  if (!module.isPlain() && count < module.target.warp && plan.points / std::max<int64_t>(count, 1) >= kManyPoints)
    op->emitRemark("several steps write one element here, so ") << (count == 1 ? "one thread takes" : "few threads take") << " all " << plan.points << " of them in order on the GPU, which is slow";
  KernelBuilder k(module, op, nameOf(op) + "_in_order", chooseBlock(module.target, count));
  BodyEmitter emitter(k, op, plan);
  SmallVector<Value> none(op.getNumDpsInits()), positions(plan.loops.size());
  std::function<void(unsigned)> nest = [&](unsigned depth) {
    if (depth == serial.size()) {
      emitter.emit(positions, none);
      return;
    }
    k.loop(k.index(0), k.index(plan.loops[serial[depth]].size), k.index(1), [&](Value i) {
      positions[serial[depth]] = i;
      nest(depth + 1);
    });
  };
  k.forEach(count, [&](Value i) {
    for (auto [l, position] : llvm::zip_equal(parallel, k.delinearize(i, sizes)))
      positions[l] = position;
    nest(0);
  });
  k.launch(k.gridFor(count));
}
