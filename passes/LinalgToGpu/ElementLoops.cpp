//===- ElementLoops.cpp - loops over single elements become kernels -------===//
#include "passes/LinalgToGpu/ElementLoops.h"

#include "passes/LinalgToLLVM/BufferRoots.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// From this many turns of one thread on one says that it is slow.
constexpr int64_t kManyTrips = 1024;

/// True if the loop touches memory, element by element, and does nothing that a thread cannot.
bool isElementLoop(scf::ForOp loop) {
  if (loop->getNumResults())
    return false;
  bool stores = false, fits = true;
  loop->walk([&](Operation *op) {
    stores |= isa<memref::StoreOp>(op);
    fits &= isa<scf::ForOp, scf::IfOp, scf::YieldOp, memref::LoadOp, memref::StoreOp>(op) || isa<arith::ArithDialect, math::MathDialect>(op->getDialect());
    fits &= llvm::none_of(op->getResultTypes(), [](Type type) { return isa<BaseMemRefType>(type); });
  });
  return stores && fits;
}

/// True if no iteration meets an element that another one writes: every access to a written buffer has the loop's counter in the same place.
bool isIndependent(scf::ForOp loop) {
  struct Access {
    Value buffer;
    ValueRange indices;
  };
  SmallVector<Access> accesses, writes;
  loop->walk([&](Operation *op) {
    if (auto load = dyn_cast<memref::LoadOp>(op))
      accesses.push_back({load.getMemref(), load.getIndices()});
    if (auto store = dyn_cast<memref::StoreOp>(op)) {
      accesses.push_back({store.getMemref(), store.getIndices()});
      writes.push_back(accesses.back());
    }
  });
  auto place = [&](const Access &access) { return llvm::find(access.indices, loop.getInductionVar()) - access.indices.begin(); };
  for (const Access &write : writes) {
    int64_t where = place(write);
    if (where == static_cast<int64_t>(write.indices.size()))
      return false;
    BufferRoots roots = BufferRoots::of(write.buffer);
    for (const Access &access : accesses)
      if (BufferRoots::of(access.buffer).mayAlias(roots) && (access.buffer != write.buffer || place(access) != where))
        return false;
  }
  return true;
}

/// How often the loop runs, if that is known.
std::optional<int64_t> tripsOf(scf::ForOp loop) {
  std::optional<APInt> trips = loop.getStaticTripCount();
  return trips && trips->getActiveBits() < 32 ? std::optional<int64_t>(trips->getSExtValue()) : std::nullopt;
}

/// The only loop in the body of `loop` besides what has no effect, or null.
scf::ForOp onlyLoopIn(scf::ForOp loop) {
  scf::ForOp inner;
  for (Operation &op : loop.getBody()->without_terminator()) {
    if (auto next = dyn_cast<scf::ForOp>(op); next && !inner)
      inner = next;
    else if (!isPure(&op))
      return nullptr;
  }
  return inner && inner->getNumResults() == 0 ? inner : nullptr;
}

void lower(KernelModule &kernels, scf::ForOp outer) {
  SmallVector<scf::ForOp> parallel;
  SmallVector<int64_t> trips;
  int64_t count = 1;
  for (scf::ForOp loop = outer; loop && isIndependent(loop); loop = onlyLoopIn(loop)) {
    std::optional<int64_t> own = tripsOf(loop);
    // Bounds that an outer loop computes are not known to the grid.
    if (!own || count * *own > INT32_MAX)
      break;
    parallel.push_back(loop);
    trips.push_back(*own);
    count *= *own;
  }
  if (count == 0)
    return;
  KernelBuilder k(kernels, outer, "loop", parallel.empty() ? 1 : std::min<int64_t>(128, llvm::PowerOf2Ceil(count)));
  IRMapping map;
  // Unknown trips count as many.
  if (std::optional<int64_t> all = tripsOf(outer); !kernels.isPlain() && parallel.empty() && (!all || *all >= kManyTrips))
    outer->emitRemark("each turn of this loop may need what another one wrote, so one thread of the GPU runs it in order, which is slow");
  if (parallel.empty()) {
    k.cloneInto(*outer, map);
    k.launch(1);
    return;
  }
  k.forEach(count, [&](Value i) {
    for (auto [loop, trip] : llvm::zip_equal(parallel, k.delinearize(i, trips))) {
      auto mapped = [&](Value value) { return map.contains(value) ? map.lookup(value) : k.use(value); };
      Value step = arith::MulIOp::create(k, trip, mapped(loop.getStep()));
      map.map(loop.getInductionVar(), arith::AddIOp::create(k, mapped(loop.getLowerBound()), step).getResult());
      for (Operation &op : loop.getBody()->without_terminator())
        if (loop == parallel.back() || !isa<scf::ForOp>(op))
          k.cloneInto(op, map);
    }
  });
  k.launch(k.gridFor(count));
}
} // namespace

void cell::lowerElementLoops(ModuleOp module, KernelModule &kernels, llvm::function_ref<bool(scf::ForOp)> first) {
  // Loops hand their buffers on as results; those that hand on what they got need not.
  SmallVector<Operation *> loops;
  module.walk([&](scf::ForOp loop) { loops.push_back(loop); });
  if (loops.empty())
    return;
  RewritePatternSet patterns(module.getContext());
  scf::ForOp::getCanonicalizationPatterns(patterns, module.getContext());
  GreedyRewriteConfig config;
  config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
  (void)applyOpPatternsGreedily(loops, std::move(patterns), config);
  SmallVector<scf::ForOp> found;
  for (auto func : module.getOps<func::FuncOp>())
    func.walk<WalkOrder::PreOrder>([&](scf::ForOp loop) {
      if (!isElementLoop(loop))
        return WalkResult::advance();
      found.push_back(loop);
      return WalkResult::skip();
    });
  for (scf::ForOp loop : found) {
    if (!first || !first(loop))
      lower(kernels, loop);
    loop.erase();
  }
}
