//===- VectorPointwise.cpp - pointwise groups on the vector cores ----------===//
#include "passes/LinalgToAscend/Mapping.h"
#include "passes/LinalgToAscend/TileLoops.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::cell;

/// Below this many bytes of columns a tile is not made smaller to occupy more cores.
static constexpr int64_t kLeastBytes = 512;

bool cell::lowerVectorPointwise(AscendKernels &kernels, linalg::LinalgOp op, const LoopPlan &plan, StringRef name) {
  std::string why;
  std::optional<TileLoops> loops = TileLoops::of(op, plan, std::nullopt, why);
  if (!loops) {
    kernels.explain(op, why);
    return false;
  }
  int64_t cores = kernels.chip.aiv_cores, around = 1;
  for (unsigned l : loops->outer)
    around *= plan.loops[l].size;
  TileShape most{loops->singleRows ? 1 : loops->size(loops->row), loops->size(loops->column), loops->isFlat()};
  if (loops->crossed)
    most.columns = std::min<int64_t>(most.columns, 64);
  auto balance = [&](TileShape shape) {
    int64_t rowTiles = llvm::divideCeil(most.rows, shape.rows), unit = loops->crossed ? std::min<int64_t>(most.rows, 32) : 1; // crossed tiles move along rows
    if (most.rows > 1 && rowTiles * around < cores)
      shape.rows = evenPart(most.rows, shape.rows, llvm::divideCeil(cores, around), unit);
    else if (most.rows > 1)
      shape.rows = evenPart(most.rows, shape.rows, around == 1 ? cores : 1, unit);
    int64_t others = around * llvm::divideCeil(loops->size(loops->row), shape.rows);
    if (others < cores)
      shape.columns = std::max(std::min(shape.columns, kLeastBytes / 4), evenPart(most.columns, shape.columns, llvm::divideCeil(cores, others), 64));
    shape.columns = std::min(shape.columns, most.columns);
    return shape;
  };
  auto emit = [&](VectorKernel &k) {
    int64_t total = tilesOf(*loops, k.shape), blocks = std::min(total, cores);
    bool good = true;
    forTiles(k, total, blocks, [&](Value tile) {
      SmallVector<int64_t> sizes;
      for (unsigned l : loops->outer)
        sizes.push_back(plan.loops[l].size);
      sizes.push_back(llvm::divideCeil(loops->size(loops->row), k.shape.rows));
      sizes.push_back(llvm::divideCeil(loops->size(loops->column), k.shape.columns));
      SmallVector<Value> parts = k.delinearize(tile, sizes), origins(plan.loops.size());
      for (auto [l, part] : llvm::zip(loops->outer, parts))
        origins[l] = part;
      auto [rowOrigin, rowCount] = loops->cut(k, loops->row, parts[sizes.size() - 2], k.shape.rows);
      auto [columnOrigin, columnCount] = loops->cut(k, loops->column, parts.back(), k.shape.columns);
      k.rowCount = rowCount, k.columnCount = columnCount;
      if (loops->row)
        origins[*loops->row] = rowOrigin;
      if (loops->column)
        origins[*loops->column] = columnOrigin;
      VectorBody body(k, *op.getBlock());
      loops->bind(k, body, origins, {});
      if (!(good = body.run())) {
        kernels.explain(op, body.why);
        return;
      }
      for (auto [o, value] : llvm::enumerate(op.getBlock()->getTerminator()->getOperands())) {
        Value buffer = op.getDpsInits()[o];
        Tile result = body.stored(value, storedType(k, buffer));
        if (!(good = bool(result)))
          return explainStored(kernels, op, value, buffer);
        result = k.expand(result, k.shape.rows > 1, k.shape.columns > 1);
        k.store(result, loops->access(k, op.getNumDpsInputs() + o, origins));
      }
    });
    return good;
  };
  std::unique_ptr<VectorKernel> k = emitFitting(kernels, op, name, most, balance, emit);
  if (!k)
    return false;
  k->launch(std::min(tilesOf(*loops, k->shape), cores));
  return true;
}
