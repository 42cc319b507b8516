//===- Reduction.cpp - reductions become kernels --------------------------===//
#include "passes/LinalgToGpu/BodyEmitter.h"
#include "passes/LinalgToGpu/Combiner.h"
#include "passes/LinalgToGpu/Mapping.h"
#include "passes/LinalgToLLVM/Common.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
using Values = SmallVector<Value>;

/// Up to this many points one thread reduces alone.
constexpr int64_t kSerialPoints = 16;
/// From this many steps on one says that they are taken one after the other.
constexpr int64_t kManyPoints = 4096;
/// A piece of a long reduction has at least this many points.
constexpr int64_t kPiecePoints = 4096;

class ReductionKernels {
public:
  ReductionKernels(KernelModule &module, linalg::LinalgOp op, const LoopPlan &plan) : module(module), target(module.target), op(op), plan(plan), combiner(Combiner::of(op, plan.reduced)) {
    for (auto [l, loop] : llvm::enumerate(plan.loops)) {
      bool isKept = false;
      for (unsigned o = 0; o < plan.reduced.size(); ++o)
        isKept |= plan.reduced[o] && loop.covers[o];
      (isKept ? kept : inner).push_back(l);
      (isKept ? rows : points) *= loop.size;
    }
    for (unsigned o = 0; o < plan.reduced.size(); ++o)
      starts.push_back(plan.reduced[o] ? module.takeStart(op, o) : Value());
  }

  void run() {
    bool alongMemory = !plan.loops.empty() && !inner.empty() && inner.back() + 1 == plan.loops.size();
    if (!combiner || module.isPlain() || points <= kSerialPoints || (!alongMemory && rows >= target.multiprocessors * target.residentThreads))
      lowerThreads();
    else if (alongMemory)
      lowerRows();
    else
      lowerColumns();
  }

private:
  KernelModule &module;
  const GpuTarget &target;
  linalg::LinalgOp op;
  const LoopPlan &plan;
  std::optional<Combiner> combiner;
  SmallVector<unsigned> kept, inner; // loops, by number
  int64_t rows = 1, points = 1;      // the products of their sizes
  SmallVector<Value> starts;         // per output, of the host
  SmallVector<Value> partials;       // per combined output: results of pieces, [pieces][rows]

  std::string stem(StringRef kind) { return (kind + nameOf(op)).str(); }

  SmallVector<int64_t> sizesOf(ArrayRef<unsigned> loops) {
    SmallVector<int64_t> sizes;
    for (unsigned l : loops)
      sizes.push_back(plan.loops[l].size);
    return sizes;
  }

  /// Positions of all loops from the numbers of a row and of `width` neighbouring points of it. A null point is the first.
  Values positionsOf(KernelBuilder &k, Value row, Value point, int64_t width) {
    Values positions(plan.loops.size(), k.index(0));
    for (auto [l, position] : llvm::zip_equal(kept, k.delinearize(row, sizesOf(kept))))
      positions[l] = position;
    if (!point)
      return positions;
    SmallVector<int64_t> sizes = sizesOf(inner);
    if (!sizes.empty())
      sizes.back() /= width;
    for (auto [l, position] : llvm::zip_equal(inner, k.delinearize(point, sizes)))
      positions[l] = position;
    if (!inner.empty())
      positions[inner.back()] = k.mul(positions[inner.back()], width);
    return positions;
  }

  /// The start of output `o` for the row at `positions`: the fill's scalar, or what the output holds.
  Value startOf(KernelBuilder &k, BodyEmitter &emitter, unsigned o, ValueRange positions) {
    if (starts[o])
      return k.use(starts[o]);
    unsigned operand = op.getNumDpsInputs() + o;
    return memref::LoadOp::create(k, k.flat(op->getOperand(operand)), emitter.address(operand, positions));
  }

  /// The value that each thread starts with, one per output, null for those written point by point.
  Values threadStarts(KernelBuilder &k, BodyEmitter &emitter, ValueRange positions) {
    Values values(plan.reduced.size());
    for (auto [i, o] : llvm::enumerate(combiner->outputs()))
      values[o] = combiner->neutral(i) ? arith::ConstantOp::create(k, combiner->neutral(i)).getResult() : startOf(k, emitter, o, positions);
    return values;
  }

  /// Points [from, to) in steps of `step`, `width` neighbours at once, for one thread.
  Values accumulate(KernelBuilder &k, BodyEmitter &emitter, Value row, Value from, Value to, Value step, int64_t width, Values values) {
    Values carried;
    for (Value value : values)
      if (value)
        carried.push_back(value);
    Values results = k.loop(from, to, step, carried, [&](Value point, ValueRange running) {
      Values inside(values), next;
      unsigned number = 0;
      for (Value &value : inside)
        if (value)
          value = running[number++];
      for (Value value : emitter.emit(positionsOf(k, row, point, width), inside, width))
        if (value)
          next.push_back(value);
      return next;
    });
    return results;
  }

  /// Stores the results of a row: as they are for a later kernel, or joined with the start.
  void store(KernelBuilder &k, BodyEmitter &emitter, Value row, Value piece, ValueRange results) {
    Values positions = positionsOf(k, row, nullptr, 1);
    for (auto [i, o] : llvm::enumerate(combiner->outputs())) {
      if (piece) {
        memref::StoreOp::create(k, results[i], k.flat(partials[i]), k.add(k.mul(piece, rows), row));
        continue;
      }
      unsigned operand = op.getNumDpsInputs() + o;
      Value result = results[i];
      auto constant = starts[o] ? starts[o].getDefiningOp<arith::ConstantOp>() : nullptr;
      if (combiner->neutral(i) && !(constant && constant.getValue() == combiner->neutral(i)))
        result = combiner->finish(k, i, startOf(k, emitter, o, positions), result);
      memref::StoreOp::create(k, result, k.flat(op->getOperand(operand)), emitter.address(operand, positions));
    }
  }

  /// Memory for the results of pieces, in front of the op.
  void allocatePartials(int64_t pieces) {
    OpBuilder builder(op);
    for (unsigned o : combiner->outputs()) {
      Type element = cast<MemRefType>(op.getDpsInits()[o].getType()).getElementType();
      partials.push_back(memref::AllocOp::create(builder, op.getLoc(), MemRefType::get({pieces * rows}, element)));
    }
  }

  /// A thread per row: its points in order, whatever the body does with them.
  void lowerThreads() {
    if (!module.isPlain() && points > kSerialPoints && !combiner && rows < target.wave(target.threads) && rows * points >= kManyPoints)
      op->emitRemark("the results of this reduction depend on the order of its ") << points << " steps, so " << (rows == 1 ? "one thread takes" : "a thread for each result takes")
                                                                               << " them one after the other on the GPU, which is slow";
    KernelBuilder k(module, op, stem("reduce_each_"), rows == 1 ? 1 : 128);
    BodyEmitter emitter(k, op, plan);
    k.forEach(rows, [&](Value row) {
      Values positions = positionsOf(k, row, nullptr, 1), values(plan.reduced.size());
      for (unsigned o = 0; o < values.size(); ++o)
        if (plan.reduced[o])
          values[o] = startOf(k, emitter, o, positions);
      Values results = accumulate(k, emitter, row, k.index(0), k.index(points), k.index(1), 1, values);
      unsigned number = 0;
      for (unsigned o = 0; o < values.size(); ++o) {
        unsigned operand = op.getNumDpsInputs() + o;
        if (values[o])
          memref::StoreOp::create(k, results[number++], k.flat(op->getOperand(operand)), emitter.address(operand, positions));
      }
    });
    k.launch(k.gridFor(rows));
  }

  /// Lanes side by side along a row.
  void lowerRows() {
    int64_t width = BodyEmitter::chooseWidth(op, plan, target), chunks = points / width;
    int64_t pieces = 1;
    if (rows < target.multiprocessors)
      pieces = std::clamp<int64_t>(std::min(2 * target.multiprocessors / rows, points / kPiecePoints), 1, 1024);
    int64_t step = llvm::divideCeil(chunks, pieces);
    pieces = llvm::divideCeil(chunks, step);
    // Each lane should have some points to itself before they are exchanged.
    int64_t lanes = std::min<int64_t>(llvm::PowerOf2Ceil(llvm::divideCeil(step, 2)), rows * pieces >= 8 * target.multiprocessors ? target.threads : target.maxThreads);
    bool isMany = rows * pieces >= target.multiprocessors * (target.threads / target.warp);
    int64_t threads = lanes > target.warp ? lanes : isMany ? target.threads : target.warp;
    int64_t rowsPerBlock = lanes > target.warp ? 1 : threads / lanes;
    if (pieces > 1)
      allocatePartials(pieces);
    auto combine = [&](KernelBuilder &k) { return [&](ValueRange a, ValueRange b) { return combiner->combine(k, a, b); }; };

    KernelBuilder k(module, op, stem("reduce_rows_"), threads);
    BodyEmitter emitter(k, op, plan);
    Value row = k.block(), lane = k.thread(), bound = k.index(chunks), from;
    Value isReal;
    if (rowsPerBlock > 1) {
      lane = arith::RemUIOp::create(k, k.thread(), k.index(lanes));
      row = k.add(k.mul(row, rowsPerBlock), arith::DivUIOp::create(k, k.thread(), k.index(lanes)));
      if (rows % rowsPerBlock) { // lanes without a row go along with nothing to do: the others exchange with them
        isReal = k.less(row, k.index(rows));
        row = k.smaller(row, k.index(rows - 1));
        bound = arith::SelectOp::create(k, isReal, bound, k.index(0));
      }
    }
    from = lane;
    Value piece;
    if (pieces > 1) {
      piece = k.block(gpu::Dimension::y);
      Value first = k.mul(piece, step);
      from = k.add(first, lane);
      Value end = k.smaller(k.add(first, k.index(step)), k.index(chunks));
      bound = isReal ? arith::SelectOp::create(k, isReal, end, k.index(0)).getResult() : end;
    }
    Values begin = threadStarts(k, emitter, positionsOf(k, row, nullptr, 1));
    Values results = accumulate(k, emitter, row, from, bound, k.index(lanes), width, begin);
    results = rowsPerBlock > 1 || threads == target.warp ? k.reduceWarp(results, lanes, combine(k)) : k.reduceBlock(results, combine(k));
    Value isFirst = arith::CmpIOp::create(k, arith::CmpIPredicate::eq, lane, k.index(0));
    if (isReal)
      isFirst = arith::AndIOp::create(k, isFirst, isReal);
    k.when(isFirst, [&] { store(k, emitter, row, piece, results); });
    k.launch({llvm::divideCeilSigned(rows, rowsPerBlock), pieces});
    if (pieces > 1)
      joinPieces(pieces);
  }

  /// Neighbouring lanes have neighbouring rows, a tile of threads shares the points of each.
  void lowerColumns() {
    int64_t across = target.warp, tiles = llvm::divideCeil(rows, across), pieces = 1;
    int64_t threads = tiles < target.multiprocessors && points >= 1024 ? target.maxThreads : target.threads;
    // Every thread has a place in shared memory for each result.
    int64_t bytes = 0;
    for (unsigned o : combiner->outputs())
      bytes += elementBytes(cast<MemRefType>(op.getDpsInits()[o].getType()).getElementType());
    while (threads > across && threads * bytes > target.sharedBytes)
      threads /= 2;
    int64_t along = threads / across;
    if (tiles < target.multiprocessors)
      pieces = std::clamp<int64_t>(std::min(2 * target.multiprocessors / tiles, points / (8 * along)), 1, 1024);
    int64_t step = llvm::divideCeil(points, pieces);
    pieces = llvm::divideCeil(points, step);
    if (pieces > 1)
      allocatePartials(pieces);

    KernelBuilder k(module, op, stem("reduce_columns_"), {across, along});
    BodyEmitter emitter(k, op, plan);
    Value x = k.thread(), y = k.thread(gpu::Dimension::y), row = k.add(k.mul(k.block(), across), x), bound = k.index(points), isReal;
    Value from = y, piece;
    if (pieces > 1) {
      piece = k.block(gpu::Dimension::y);
      Value first = k.mul(piece, step);
      from = k.add(first, y);
      bound = k.smaller(k.add(first, k.index(step)), bound);
    }
    if (rows % across) {
      isReal = k.less(row, k.index(rows));
      row = k.smaller(row, k.index(rows - 1));
      bound = arith::SelectOp::create(k, isReal, bound, k.index(0));
    }
    Values begin = threadStarts(k, emitter, positionsOf(k, row, nullptr, 1));
    Values results = accumulate(k, emitter, row, from, bound, k.index(along), 1, begin);
    Values memory;
    for (Value result : results) {
      memory.push_back(k.shared({along, across}, result.getType()));
      memref::StoreOp::create(k, result, memory.back(), ValueRange{y, x});
    }
    k.barrier();
    Value isFirst = arith::CmpIOp::create(k, arith::CmpIPredicate::eq, y, k.index(0));
    if (isReal)
      isFirst = arith::AndIOp::create(k, isFirst, isReal);
    k.when(isFirst, [&] {
      Values sums = k.loop(k.index(1), k.index(along), k.index(1), results, [&](Value other, ValueRange running) {
        Values values;
        for (Value tile : memory)
          values.push_back(memref::LoadOp::create(k, tile, ValueRange{other, x}));
        return combiner->combine(k, running, values);
      });
      store(k, emitter, row, piece, sums);
    });
    k.launch({tiles, pieces});
    if (pieces > 1)
      joinPieces(pieces);
  }

  /// The second kernel of a reduction in pieces.
  void joinPieces(int64_t pieces) {
    bool isNarrow = rows < target.multiprocessors;
    // Each lane starts from a piece of its own, so that nothing is counted twice.
    int64_t lanes = isNarrow ? std::min<int64_t>(target.threads, llvm::bit_floor<uint64_t>(pieces)) : 1;
    KernelBuilder k(module, op, stem("reduce_join_"), isNarrow ? std::max(lanes, target.warp) : 128);
    BodyEmitter emitter(k, op, plan);
    auto partial = [&](Value piece, Value row) {
      Values values;
      for (Value memory : partials)
        values.push_back(memref::LoadOp::create(k, k.flat(memory), k.add(k.mul(piece, rows), row)));
      return values;
    };
    auto combine = [&](ValueRange a, ValueRange b) { return combiner->combine(k, a, b); };
    auto sum = [&](Value first, Value row) {
      return k.loop(k.add(first, k.index(lanes)), k.index(pieces), k.index(lanes), partial(first, row),
                    [&](Value piece, ValueRange running) { return combine(running, partial(piece, row)); });
    };
    if (!isNarrow) {
      k.forEach(rows, [&](Value row) { store(k, emitter, row, nullptr, sum(k.index(0), row)); });
      k.launch(k.gridFor(rows));
      return;
    }
    Value lane = lanes < target.warp ? arith::RemUIOp::create(k, k.thread(), k.index(lanes)).getResult() : k.thread();
    Values results = sum(lane, k.block());
    results = lanes <= target.warp ? k.reduceWarp(results, lanes, combine) : k.reduceBlock(results, combine);
    k.when(arith::CmpIOp::create(k, arith::CmpIPredicate::eq, k.thread(), k.index(0)), [&] { store(k, emitter, k.block(), nullptr, results); });
    k.launch(rows);
  }
};
} // namespace

bool cell::lowerReduction(KernelModule &module, linalg::LinalgOp op, const LoopPlan &plan) {
  if (!llvm::is_contained(plan.reduced, true))
    return false;
  // Threads own rows: no two may write one element.
  for (unsigned o = 0; o < plan.reduced.size(); ++o)
    if (!op.getMatchingIndexingMap(op.getDpsInitOperand(o)).isProjectedPermutation())
      return false;
  // And all over the same dimensions.
  for (const PlannedLoop &loop : plan.loops) {
    auto covers = llvm::make_filter_range(llvm::zip_equal(plan.reduced, loop.covers), [](auto pair) { return std::get<0>(pair); });
    if (!llvm::all_of(covers, [&](auto pair) { return std::get<1>(pair) == std::get<1>(*covers.begin()); }))
      return false;
  }
  ReductionKernels(module, op, plan).run();
  return true;
}
