//===- VectorScan.cpp - running sums on the vector cores -------------------===//
//
// The loops over single elements that running sums are on the host become kernels in which many lines are summed up at once: a row of a tile is one position of
// all of them, and each row is the one before plus its numbers. So sums are added in the order of the loop. Lines that are contiguous in memory are turned
// by transfers and `vtranspose`.
//
//===----------------------------------------------------------------------===//
#include "passes/LinalgToAscend/Mapping.h"
#include "passes/LinalgToAscend/TileLoops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::cell;
using ascend::BinaryKind;

namespace {
struct ScanLoop {
  int64_t size, stride[2]; // of what is read and what is written
};

/// y[i] = y[i - 1] + x[i] along one loop, for every position of the others.
struct Scan {
  Value x, y; // buffers of the host
  Type wide;  // of sums
  int64_t count = 0, stride[2] = {}, offset[2] = {};
  bool isReverse = false, isExclusive = false;
  SmallVector<ScanLoop> others; // outermost first

  static std::optional<Scan> of(scf::ForOp outer);
};

std::optional<int64_t> sizeOf(scf::ForOp loop) {
  if (getConstantIntValue(loop.getLowerBound()) != 0 || getConstantIntValue(loop.getStep()) != 1)
    return std::nullopt;
  return getConstantIntValue(loop.getUpperBound());
}

std::optional<Scan> Scan::of(scf::ForOp outer) {
  SmallVector<scf::ForOp> loops{outer};
  while (loops.back().getInitArgs().empty()) {
    scf::ForOp inner;
    for (Operation &op : loops.back().getBody()->without_terminator()) {
      auto next = dyn_cast<scf::ForOp>(op);
      if ((!next && !isPure(&op)) || (next && inner))
        return std::nullopt;
      inner = next ? next : inner;
    }
    if (!inner)
      return std::nullopt;
    loops.push_back(inner);
  }
  scf::ForOp line = loops.back();
  if (line.getInitArgs().size() != 1 || !(matchPattern(line.getInitArgs()[0], m_AnyZeroFloat()) || matchPattern(line.getInitArgs()[0], m_Zero())) || !line.getResult(0).use_empty())
    return std::nullopt;
  memref::LoadOp load;
  memref::StoreOp store;
  for (Operation &op : line.getBody()->without_terminator()) {
    auto isLoad = dyn_cast<memref::LoadOp>(op);
    auto isStore = dyn_cast<memref::StoreOp>(op);
    if ((isLoad && load) || (isStore && store) || (!isLoad && !isStore && !isPure(&op)))
      return std::nullopt;
    load = isLoad ? isLoad : load, store = isStore ? isStore : store;
  }
  if (!load || !store || load.getMemref() == store.getMemref())
    return std::nullopt;
  // The sum, and which of its values is stored.
  Operation *sum = line.getBody()->getTerminator()->getOperand(0).getDefiningOp();
  Value carried = line.getRegionIterArgs()[0];
  if (!isa_and_nonnull<arith::AddFOp, arith::AddIOp>(sum) || sum->getBlock() != line.getBody() || !llvm::is_contained(sum->getOperands(), carried))
    return std::nullopt;
  Value added = sum->getOperand(sum->getOperand(0) == carried), stored = store.getValueToStore();
  if (auto extended = added.getDefiningOp<arith::ExtFOp>())
    added = extended.getIn();
  if (auto narrowed = stored.getDefiningOp<arith::TruncFOp>())
    stored = narrowed.getIn();
  Scan scan;
  scan.isExclusive = stored == carried;
  if (added != load.getResult() || (stored != carried && stored != sum->getResult(0)))
    return std::nullopt;
  scan.x = load.getMemref(), scan.y = store.getMemref(), scan.wide = carried.getType();
  for (scf::ForOp loop : loops) {
    std::optional<int64_t> size = sizeOf(loop);
    if (!size || *size == 0)
      return std::nullopt;
    if (loop == line)
      scan.count = *size;
    else
      scan.others.push_back({*size, {0, 0}});
  }
  auto follow = [&](ValueRange indices, MemRefType type, unsigned which) {
    SmallVector<int64_t> strides = type.getStridesAndOffset().first;
    for (auto [index, stride] : llvm::zip_equal(indices, strides)) {
      Value counter = index;
      int64_t sign = 1;
      if (auto difference = index.getDefiningOp<arith::SubIOp>()) { // from the end
        std::optional<int64_t> last = getConstantIntValue(difference.getLhs());
        if (last != scan.count - 1 || difference.getRhs() != line.getInductionVar())
          return false;
        counter = difference.getRhs(), sign = -1;
      }
      if (std::optional<int64_t> known = getConstantIntValue(counter)) {
        scan.offset[which] += *known * stride;
        continue;
      }
      auto *loop = llvm::find_if(loops, [&](scf::ForOp loop) { return loop.getInductionVar() == counter; });
      if (loop == loops.end())
        return false;
      if (*loop == line) {
        if (scan.stride[which] || (which && scan.isReverse != (sign < 0)))
          return false;
        scan.stride[which] = stride, scan.isReverse = sign < 0;
      } else {
        scan.others[loop - loops.begin()].stride[which] += stride;
      }
    }
    return true;
  };
  if (!follow(load.getIndices(), load.getMemRefType(), 0) || !follow(store.getIndices(), store.getMemRefType(), 1) || !scan.stride[0] || !scan.stride[1])
    return std::nullopt;
  // Loops that are one in memory.
  for (unsigned i = scan.others.size(); i-- > 1;) {
    ScanLoop &a = scan.others[i - 1], &b = scan.others[i];
    if (a.stride[0] == b.stride[0] * b.size && a.stride[1] == b.stride[1] * b.size) {
      a = {a.size * b.size, {b.stride[0], b.stride[1]}};
      scan.others.erase(scan.others.begin() + i);
    }
  }
  return scan;
}

class VectorScan {
public:
  VectorScan(AscendKernels &kernels, scf::ForOp op, const Scan &scan) : kernels(kernels), op(op), scan(scan), cores(kernels.chip.aiv_cores) {}

  bool run() {
    Type element = cast<MemRefType>(scan.x.getType()).getElementType();
    if (!isVectorType(element) || element.isInteger(1) || !(scan.wide.isF32() || scan.wide.isInteger(32)))
      return refuse("the vector unit does not add this type");
    // Columns: what is contiguous, else the longest.
    for (auto [i, loop] : llvm::enumerate(scan.others)) {
      const ScanLoop &best = scan.others[column];
      bool isDense = loop.stride[0] == 1 && loop.stride[1] == 1, bestIsDense = best.stride[0] == 1 && best.stride[1] == 1;
      if (isDense > bestIsDense || (isDense == bestIsDense && loop.size > best.size))
        column = i;
    }
    if (scan.others.empty() || scan.others[column].size == 1)
      return refuse("the numbers of a single line are added one after the other");
    const ScanLoop &across = scan.others[column];
    for (int which : {0, 1})
      if (across.stride[which] != 1 && scan.stride[which] != 1)
        return refuse("neither the lines nor what lies beside them is contiguous");
    bool crossed = across.stride[0] != 1 || across.stride[1] != 1;
    int64_t around = 1;
    for (auto [i, loop] : llvm::enumerate(scan.others))
      around *= i == column ? 1 : loop.size;
    TileShape most{scan.count, std::min<int64_t>(across.size, crossed ? 64 : 1024)};
    auto balance = [&](TileShape shape) {
      if (around < cores) // at least 64 columns, so that vectors are long
        shape.columns = evenPart(across.size, shape.columns, llvm::divideCeil(cores, around), 64);
      shape.columns = std::min(shape.columns, across.size);
      return shape;
    };
    std::unique_ptr<VectorKernel> k = emitFitting(kernels, op, "cumsum", most, balance, [&](VectorKernel &kernel) { return emit(kernel, around); });
    if (!k)
      return false;
    k->launch(std::min(tiles(*k, around), cores));
    return true;
  }

private:
  AscendKernels &kernels;
  scf::ForOp op;
  const Scan &scan;
  int64_t cores;
  unsigned column = 0; // among the other loops

  bool refuse(const Twine &why) {
    kernels.explain(op, why);
    return false;
  }

  int64_t tiles(VectorKernel &k, int64_t around) { return around * llvm::divideCeil(scan.others[column].size, k.shape.columns); }

  Value row(VectorKernel &k, const Tile &tile, Value number) {
    OpFoldResult one = k.getIndexAttr(1), zero = k.getIndexAttr(0), width = k.columnCount ? OpFoldResult(k.columnCount) : OpFoldResult(k.getIndexAttr(k.shape.columns));
    return memref::SubViewOp::create(k, tile.value, {number, zero}, {one, width}, {one, one});
  }

  bool emit(VectorKernel &k, int64_t around) {
    int64_t total = tiles(k, around), height = k.shape.rows, steps = llvm::divideCeil(scan.count, height);
    const ScanLoop &across = scan.others[column];
    forTiles(k, total, std::min(total, cores), [&](Value tile) {
      SmallVector<int64_t> sizes;
      for (auto [i, loop] : llvm::enumerate(scan.others))
        sizes.push_back(i == column ? llvm::divideCeil(across.size, k.shape.columns) : loop.size);
      Value start[2] = {k.index(scan.offset[0]), k.index(scan.offset[1])};
      for (auto [i, at] : llvm::enumerate(k.delinearize(tile, sizes))) {
        Value position = i == column ? k.mul(at, k.shape.columns) : at;
        if (i == column && across.size % k.shape.columns)
          k.columnCount = k.smaller(k.index(k.shape.columns), arith::SubIOp::create(k, k.index(across.size), position));
        for (int which : {0, 1})
          start[which] = k.add(start[which], k.mul(position, scan.others[i].stride[which]));
      }
      Tile sum = k.spread({k.number(scan.wide, 0)}, false, true);
      k.loop(k.index(0), k.index(steps), k.index(1), [&](Value step) {
        k.inside([&] {
          Value number = scan.isReverse ? arith::SubIOp::create(k, k.index(steps - 1), step).getResult() : step, first = k.mul(number, height);
          k.rowCount = scan.count % height ? k.smaller(k.index(height), arith::SubIOp::create(k, k.index(scan.count), first)) : Value();
          auto access = [&](Value buffer, int which) -> TileAccess {
            return {buffer, k.add(start[which], k.mul(first, scan.stride[which])), scan.stride[which], across.stride[which]};
          };
          Tile x = k.cast(k.load(access(scan.x, 0)), scan.wide), y = k.make(scan.wide, height > 1, true);
          sumRows(k, x, y, sum);
          k.store(k.cast(y, storedType(k, scan.y)), access(scan.y, 1));
        });
      });
      k.rowCount = k.columnCount = Value();
    });
    return true;
  }

  /// The rows of `x` are added to `sum` one after the other; `y` gets what it was behind, or before, each.
  void sumRows(VectorKernel &k, const Tile &x, const Tile &y, const Tile &sum) {
    Value count = k.rowCount ? k.rowCount : k.index(k.shape.rows), last = arith::SubIOp::create(k, count, k.index(1));
    auto place = [&](Value i) -> Value { return scan.isReverse ? arith::SubIOp::create(k, last, i).getResult() : i; };
    if (scan.isExclusive) {
      k.loop(k.index(0), count, k.index(1), [&](Value i) {
        Value at = place(i);
        ascend::CopyOp::create(k, sum.value, row(k, y, at));
        ascend::VBinOp::create(k, BinaryKind::Add, sum.value, row(k, x, at), sum.value);
      });
      return;
    }
    Value start = place(k.index(0));
    ascend::VBinOp::create(k, BinaryKind::Add, sum.value, row(k, x, start), row(k, y, start));
    k.loop(k.index(1), count, k.index(1), [&](Value i) {
      Value before = place(arith::SubIOp::create(k, i, k.index(1))), at = place(i);
      ascend::VBinOp::create(k, BinaryKind::Add, row(k, y, before), row(k, x, at), row(k, y, at));
    });
    ascend::CopyOp::create(k, row(k, y, place(last)), sum.value);
  }
};
} // namespace

bool cell::lowerVectorScan(scf::ForOp loop, AscendKernels &kernels) {
  std::optional<Scan> scan = Scan::of(loop);
  return scan && VectorScan(kernels, loop, *scan).run();
}
