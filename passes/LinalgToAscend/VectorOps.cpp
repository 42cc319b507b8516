//===- VectorOps.cpp - reductions on the vector cores, and which mapping takes an op --===//
#include "passes/LinalgToAscend/Mapping.h"
#include "passes/LinalgToAscend/TileLoops.h"
#include "passes/LinalgToGpu/BodyEmitter.h"
#include "passes/LinalgToGpu/Combiner.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::cell;
using ascend::BinaryKind, ascend::CompareKind, ascend::ReduceKind;

namespace {
/// Columns that are reduced over many rows are not cut narrower than this: short transfers are slow, and rows can be cut as well.
constexpr int64_t kWideColumns = 512;
/// A reduction of fewer points is not cut into pieces for several cores.
constexpr int64_t kLeastSplit = 16384;

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

class VectorReduction {
public:
  VectorReduction(AscendKernels &kernels, linalg::LinalgOp op, const LoopPlan &plan, StringRef name)
      : kernels(kernels), op(op), plan(plan), name(name), cores(kernels.chip.aiv_cores) {}

  bool run() {
    std::optional<Combiner> combiner = Combiner::of(op, plan.reduced);
    if (!combiner)
      return refuse("its combination of elements is none of the vector unit's");
    for (auto [i, o] : llvm::enumerate(combiner->outputs())) {
      Type element = cast<MemRefType>(op.getDpsInits()[o].getType()).getElementType();
      std::optional<Combiner::Extreme> extreme = combiner->extreme(i);
      std::optional<Reduced> reduced = extreme ? Reduced::extreme(o, *extreme, i, element) : Reduced::by(o, combiner->operation(i), element);
      if (reduced && reduced->positionOf && !isPosition(combiner->element(i), o))
        return refuse("a position is not that of one dimension");
      if (!reduced)
        return refuse("the vector unit does not reduce with this operation on this type");
      reductions.push_back(*reduced);
      elements.push_back(combiner->element(i));
    }
    std::optional<unsigned> innerKept, innerReduced;
    for (auto [l, loop] : llvm::enumerate(plan.loops)) {
      bool isKept = loop.covers[reductions[0].output];
      for (const Reduced &reduced : reductions)
        if (loop.covers[reduced.output] != isKept)
          return refuse("its results are reduced over different dimensions");
      (isKept ? innerKept : innerReduced) = l;
      (isKept ? kept : points) *= loop.size;
    }
    if (!innerReduced)
      return refuse("nothing is left to reduce");
    alongRows = *innerReduced + 1 == plan.loops.size();
    std::string why;
    std::optional<TileLoops> found = TileLoops::of(op, plan, alongRows ? innerKept : innerReduced, why);
    if (!found)
      return refuse(why);
    loops.emplace(*found);
    if (alongRows && !innerKept && plan.loops.size() >= 2) { // everything is reduced: rows go around
      loops->outer.clear();
      loops->row.reset();
      for (unsigned l = 0; l + 1 < plan.loops.size(); ++l)
        loops->outer.push_back(l);
    }
    return emitAll();
  }

private:
  AscendKernels &kernels;
  linalg::LinalgOp op;
  const LoopPlan &plan;
  std::string name;
  int64_t cores;
  std::optional<TileLoops> loops;
  SmallVector<Reduced> reductions;
  SmallVector<Value> elements; // values of the body
  SmallVector<Value> partials; // results of pieces, [pieces][kept], of the host
  int64_t kept = 1, points = 1, pieces = 1;
  unsigned positionLoop = 0;
  bool alongRows = false;

  bool refuse(const Twine &why) {
    kernels.explain(op, why);
    return false;
  }

  /// Whether the value of the body is the number of the point along the only loop that is reduced.
  bool isPosition(Value value, unsigned output) {
    auto cast = value.getDefiningOp<arith::IndexCastOp>();
    auto index = (cast ? cast.getIn() : value).getDefiningOp<linalg::IndexOp>();
    unsigned count = 0;
    bool found = false;
    for (auto [l, loop] : llvm::enumerate(plan.loops))
      if (!loop.covers[output]) {
        ++count;
        found = index && loop.dims == ArrayRef<unsigned>(index.getDim());
        positionLoop = l;
      }
    return count == 1 && found;
  }

  bool isKept(unsigned loop) const { return plan.loops[loop].covers[reductions[0].output]; }
  /// Tiles of what is kept, and tiles that are reduced one after the other.
  int64_t keptTiles(const TileShape &shape) const {
    int64_t count = alongRows ? llvm::divideCeil(loops->size(loops->row), shape.rows) : llvm::divideCeil(loops->size(loops->column), shape.columns);
    for (unsigned l : loops->outer)
      count *= isKept(l) ? plan.loops[l].size : 1;
    return count;
  }
  int64_t steps(const TileShape &shape) const { return tilesOf(*loops, shape) / keptTiles(shape); }

  TileShape balance(TileShape shape, const TileShape &most) {
    int64_t &keptSize = alongRows ? shape.rows : shape.columns, &reducedSize = alongRows ? shape.columns : shape.rows;
    int64_t keptMost = alongRows ? most.rows : most.columns, unit = alongRows ? 1 : kept * points >= kLeastSplit ? kWideColumns : 64;
    int64_t around = keptTiles(shape) / llvm::divideCeil(keptMost, keptSize);
    if (keptTiles(shape) < cores)
      keptSize = std::min(keptMost, evenPart(keptMost, keptSize, llvm::divideCeil(cores, std::max<int64_t>(1, around)), unit));
    pieces = 1;
    int64_t tiles = keptTiles(shape);
    bool plain = llvm::all_of(reductions, [&](const Reduced &r) { return r.type == computedType(cast<MemRefType>(op.getDpsInits()[r.output].getType()).getElementType()); });
    plain &= llvm::none_of(reductions, [](const Reduced &r) { return r.positionOf.has_value(); });
    if (tiles * 2 <= cores && kept * points >= kLeastSplit && plain) {
      int64_t wanted = cores / tiles, reducedMost = alongRows ? most.columns : most.rows;
      int64_t others = steps(shape) / llvm::divideCeil(reducedMost, reducedSize);
      if (others < wanted)
        reducedSize = std::min(reducedMost, evenPart(reducedMost, reducedSize, llvm::divideCeil(wanted, others), alongRows ? 64 : 1));
      pieces = std::min(wanted, steps(shape));
      int64_t each = llvm::divideCeil(steps(shape), pieces);
      pieces = llvm::divideCeil(steps(shape), each);
    }
    return shape;
  }

  bool emitAll() {
    TileShape most{loops->singleRows ? 1 : loops->size(loops->row), loops->size(loops->column), loops->isFlat()};
    if (loops->crossed)
      most.columns = std::min<int64_t>(most.columns, 64);
    // Not before it is known that the body is for the vector unit: fills are taken for good.
    for (Reduced &reduced : reductions)
      if (linalg::FillOp fill = findFill(op, op.getDpsInits()[reduced.output])) {
        reduced.start = fill.getInputs()[0];
        reduced.startsNeutral = reduced.isNeutral(reduced.start);
      }
    for (const Reduced &reduced : reductions)
      if (reduced.positionOf && !(reduced.startsNeutral && reductions[*reduced.positionOf].startsNeutral))
        return refuse("a position is compared with another one to begin with");
    std::unique_ptr<VectorKernel> k = emitFitting(kernels, op, "reduce_" + name, most, [&](TileShape shape) { return balance(shape, most); },
                                                  [&](VectorKernel &kernel) { return emit(kernel); });
    if (!k) {
      dropPartials();
      return false;
    }
    std::unique_ptr<VectorKernel> join = pieces > 1 ? joinPieces() : nullptr;
    if (pieces > 1 && !join) {
      k->discard();
      dropPartials();
      return false;
    }
    for (Reduced &reduced : reductions)
      if (reduced.start)
        (void)kernels.takeStart(op, reduced.output);
    k->launch(std::min(keptTiles(k->shape) * pieces, cores));
    if (join)
      join->launch(std::min(joinTiles(join->shape), cores));
    return true;
  }

  /// Joins the running result with the start, and stores it.
  void finish(VectorKernel &k, const Reduced &reduced, Tile running, const TileAccess &out) {
    if (!reduced.startsNeutral) {
      Tile start;
      if (reduced.start)
        start = {k.use(reduced.start)};
      else if (running.rows || running.columns)
        start = k.load(out);
      else
        start = {k.loadScalar(out.buffer, out.offset)};
      running = k.binary(reduced.binary(), running, toRunning(k, start, reduced.type));
    }
    k.store(k.cast(running, storedType(k, out.buffer)), out);
  }

  void dropPartials() {
    for (Value old : partials)
      old.getDefiningOp()->erase();
    partials.clear();
  }

  bool emit(VectorKernel &k) {
    int64_t tiles = keptTiles(k.shape), steps = this->steps(k.shape), each = llvm::divideCeil(steps, pieces);
    dropPartials(); // of a try with another shape
    if (pieces > 1) {
      OpBuilder builder(op);
      for (const Reduced &reduced : reductions)
        partials.push_back(memref::AllocOp::create(builder, op.getLoc(), MemRefType::get({pieces * kept}, reduced.type)));
    }
    bool good = true;
    forTiles(k, tiles * pieces, std::min(tiles * pieces, cores), [&](Value tile) {
      SmallVector<unsigned> around, inner;
      SmallVector<int64_t> sizes{pieces}, innerSizes;
      for (unsigned l : loops->outer) {
        (isKept(l) ? around : inner).push_back(l);
        (isKept(l) ? sizes : innerSizes).push_back(plan.loops[l].size);
      }
      int64_t rowTiles = llvm::divideCeil(loops->size(loops->row), k.shape.rows), columnTiles = llvm::divideCeil(loops->size(loops->column), k.shape.columns);
      sizes.push_back(alongRows ? rowTiles : columnTiles);
      innerSizes.push_back(alongRows ? columnTiles : rowTiles);
      SmallVector<Value> parts = k.delinearize(tile, sizes), origins(plan.loops.size(), k.index(0));
      for (auto [i, l] : llvm::enumerate(around))
        origins[l] = parts[i + 1];
      std::optional<unsigned> keptLoop = alongRows ? loops->row : loops->column, reducedLoop = alongRows ? loops->column : loops->row;
      auto [keptOrigin, keptCount] = loops->cut(k, keptLoop, parts.back(), alongRows ? k.shape.rows : k.shape.columns);
      (alongRows ? k.rowCount : k.columnCount) = keptCount;
      if (keptLoop)
        origins[*keptLoop] = keptOrigin;
      SmallVector<Tile> running;
      auto step = [&](Value number, bool first) {
        SmallVector<Value> at = k.delinearize(number, innerSizes), inside(origins);
        for (auto [i, l] : llvm::enumerate(inner))
          inside[l] = at[i];
        auto [reducedOrigin, reducedCount] = loops->cut(k, reducedLoop, at.back(), alongRows ? k.shape.columns : k.shape.rows);
        (alongRows ? k.columnCount : k.rowCount) = reducedCount;
        if (reducedLoop)
          inside[*reducedLoop] = reducedOrigin;
        VectorBody body(k, *op.getBlock());
        SmallVector<bool> skip(op->getNumOperands(), false);
        for (const Reduced &reduced : reductions)
          skip[op.getNumDpsInputs() + reduced.output] = true;
        SmallVector<Value> wanted;
        for (auto [i, reduced] : llvm::enumerate(reductions))
          if (!reduced.positionOf)
            wanted.push_back(elements[i]);
        for (auto [o, value] : llvm::enumerate(op.getBlock()->getTerminator()->getOperands()))
          if (!plan.reduced[o])
            wanted.push_back(value);
        body.want(wanted);
        loops->bind(k, body, inside, skip);
        for (const Reduced &reduced : reductions)
          body.omit(op.getMatchingBlockArgument(op.getDpsInitOperand(reduced.output)));
        if (!(good = body.run()))
          return void(refuse(body.why));
        SmallVector<Tile> values(reductions.size()), parts(reductions.size());
        for (auto [i, reduced] : llvm::enumerate(reductions)) {
          bool rows = k.shape.rows > 1, columns = k.shape.columns > 1;
          if (reduced.positionOf) {
            values[i] = firstPosition(k, values[*reduced.positionOf], parts[*reduced.positionOf], inside[positionLoop], alongRows);
          } else {
            values[i] = k.expand(toRunning(k, body.get(elements[i]), reduced.type), rows, columns);
          }
          parts[i] = k.reduce(reduced.kind, values[i], alongRows);
        }
        if (first)
          running = parts;
        for (auto [i, reduced] : llvm::enumerate(reductions)) // positions while the old extremes are there
          if (!first && reduced.positionOf)
            takeBetter(k, reductions[*reduced.positionOf], parts[*reduced.positionOf], running[*reduced.positionOf], parts[i], running[i]);
        for (auto [i, reduced] : llvm::enumerate(reductions))
          if (!first && !reduced.positionOf)
            k.binary(reduced.binary(), running[i], parts[i], running[i]);
        Operation *yield = op.getBlock()->getTerminator();
        for (unsigned o = 0; o < plan.reduced.size() && good; ++o)
          if (!plan.reduced[o]) {
            Tile result = body.stored(yield->getOperand(o), storedType(k, op.getDpsInits()[o]));
            if (!(good = bool(result)))
              return explainStored(kernels, op, yield->getOperand(o), op.getDpsInits()[o]);
            k.store(k.expand(result, k.shape.rows > 1, k.shape.columns > 1), loops->access(k, op.getNumDpsInputs() + o, inside));
          }
      };
      if (steps == 1) {
        step(k.index(0), true);
      } else {
        for (const Reduced &reduced : reductions)
          running.push_back(k.spread({k.number(reduced.type, reduced.neutral)}, alongRows && k.shape.rows > 1, !alongRows && k.shape.columns > 1));
        Value from = k.mul(parts[0], each), to = k.index(steps);
        if (pieces > 1)
          to = k.smaller(k.add(from, k.index(each)), to);
        k.loop(from, to, k.index(1), [&](Value number) { k.inside([&] { step(number, false); }); });
      }
      if (!good)
        return;
      (alongRows ? k.columnCount : k.rowCount) = Value();
      for (auto [i, reduced] : llvm::enumerate(reductions)) {
        if (pieces == 1) {
          finish(k, reduced, running[i], loops->access(k, op.getNumDpsInputs() + reduced.output, origins));
          continue;
        }
        // Row major over what is kept.
        Value offset = k.mul(parts[0], kept);
        int64_t stride = 1, keptStride = 0;
        for (unsigned l = plan.loops.size(); l-- > 0;)
          if (isKept(l)) {
            if (keptLoop == l)
              keptStride = stride;
            offset = k.add(offset, k.mul(origins[l], stride));
            stride *= plan.loops[l].size;
          }
        k.store(running[i], {partials[i], offset, alongRows ? keptStride : 0, alongRows ? 0 : keptStride});
      }
    });
    return good;
  }

  /// Loops of what is kept; the last one is the column of tiles that are joined.
  SmallVector<unsigned> keptLoops() const {
    SmallVector<unsigned> result;
    for (unsigned l = 0; l < plan.loops.size(); ++l)
      if (isKept(l))
        result.push_back(l);
    return result;
  }
  int64_t joinColumns() const { return keptLoops().empty() ? 1 : plan.loops[keptLoops().back()].size; }
  int64_t joinTiles(const TileShape &shape) const { return kept / joinColumns() * llvm::divideCeil(joinColumns(), shape.columns); }

  /// The second kernel: the pieces of each result, in order. Null, with a reason, if UB is too small.
  std::unique_ptr<VectorKernel> joinPieces() {
    auto keep = [](TileShape shape) { return shape; };
    TileShape most{pieces, std::min<int64_t>(joinColumns(), 256)};
    return emitFitting(kernels, op, "reduce_join_" + name, most, keep, [&](VectorKernel &k) {
      emitJoin(k);
      return true;
    });
  }

  void emitJoin(VectorKernel &k) {
    const TileShape &shape = k.shape;
    SmallVector<unsigned> loopsKept = keptLoops();
    int64_t columns = joinColumns(), columnTiles = llvm::divideCeil(columns, shape.columns), total = joinTiles(shape);
    forTiles(k, total, std::min(total, cores), [&](Value tile) {
      SmallVector<int64_t> sizes;
      for (unsigned l : ArrayRef(loopsKept).drop_back(loopsKept.empty() ? 0 : 1))
        sizes.push_back(plan.loops[l].size);
      sizes.push_back(columnTiles);
      SmallVector<Value> parts = k.delinearize(tile, sizes), origins(plan.loops.size(), k.index(0));
      Value first = k.mul(parts.back(), shape.columns), linear = first;
      if (columns % shape.columns)
        k.columnCount = k.smaller(k.index(shape.columns), arith::SubIOp::create(k, k.index(columns), first));
      int64_t stride = columns;
      for (unsigned i = loopsKept.size() - (loopsKept.empty() ? 0 : 1); i-- > 0;) {
        origins[loopsKept[i]] = parts[i];
        linear = k.add(linear, k.mul(parts[i], stride));
        stride *= plan.loops[loopsKept[i]].size;
      }
      if (!loopsKept.empty())
        origins[loopsKept.back()] = first;
      for (auto [i, reduced] : llvm::enumerate(reductions)) {
        TileAccess from{partials[i], linear, kept, columns > 1 ? 1 : 0};
        Tile running;
        if (shape.rows >= pieces) {
          running = k.reduce(reduced.kind, k.load(from), /*alongRows=*/false);
        } else { // some at a time
          running = k.spread({k.number(reduced.type, reduced.neutral)}, false, shape.columns > 1);
          k.loop(k.index(0), k.index(llvm::divideCeil(pieces, shape.rows)), k.index(1), [&](Value part) {
            k.inside([&] {
              Value row = k.mul(part, shape.rows);
              if (pieces % shape.rows)
                k.rowCount = k.smaller(k.index(shape.rows), arith::SubIOp::create(k, k.index(pieces), row));
              TileAccess some = from;
              some.offset = k.add(linear, k.mul(row, kept));
              k.binary(reduced.binary(), running, k.reduce(reduced.kind, k.load(some), /*alongRows=*/false), running);
            });
          });
          k.rowCount = Value();
        }
        TileAccess out = loops->access(k, op.getNumDpsInputs() + reduced.output, origins);
        out.rowStride = 0;
        out.columnStride = loopsKept.empty() ? 0 : plan.loops[loopsKept.back()].strides[op.getNumDpsInputs() + reduced.output];
        finish(k, reduced, running, out);
      }
    });
  }
};
} // namespace

bool cell::lowerVectorOp(AscendKernels &kernels, linalg::LinalgOp op, const LoopPlan &plan) {
  auto isWide = [](Type type) { return getElementTypeOrSelf(type).isF64(); };
  if (llvm::any_of(op->getOperandTypes(), isWide)) {
    kernels.explain(op, "the vector unit has no f64");
    return false;
  }
  for (OpOperand &init : op.getDpsInitsMutable())
    if (!op.getMatchingIndexingMap(&init).isProjectedPermutation()) {
      kernels.explain(op, "several points may write one element");
      return false;
    }
  std::string name = op.getBlock()->getOps<memref::LoadOp>().empty() ? nameOf(op) : "gather";
  ExpandedMath math;
  math.expand(*op.getBlock());
  bool done = llvm::is_contained(plan.reduced, true) ? VectorReduction(kernels, op, plan, name).run() : lowerVectorPointwise(kernels, op, plan, name);
  if (done)
    math.keep();
  return done;
}
