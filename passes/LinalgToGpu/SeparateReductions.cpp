//===- SeparateReductions.cpp - ops that are reduced both ways are two ----===//
#include "passes/LinalgToGpu/Combiner.h"
#include "passes/LinalgToGpu/Mapping.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
using Values = SmallVector<Value>;

/// A copy of `op` in front of it with some of its outputs.
linalg::GenericOp withOutputs(linalg::LinalgOp op, ArrayRef<unsigned> outputs) {
  OpBuilder builder(op);
  SmallVector<AffineMap> maps(op.getIndexingMapsArray()), chosen(maps.begin(), maps.begin() + op.getNumDpsInputs());
  Values inits;
  for (unsigned o : outputs) {
    inits.push_back(op.getDpsInits()[o]);
    chosen.push_back(maps[op.getNumDpsInputs() + o]);
  }
  return linalg::GenericOp::create(builder, op.getLoc(), op.getDpsInputs(), inits, chosen, op.getIteratorTypesArray(), [&](OpBuilder &b, Location loc, ValueRange arguments) {
    IRMapping map;
    Block *body = op.getBlock();
    for (unsigned i = 0; i < op.getNumDpsInputs(); ++i)
      map.map(body->getArgument(i), arguments[i]);
    for (auto [i, o] : llvm::enumerate(outputs))
      map.map(body->getArgument(op.getNumDpsInputs() + o), arguments[op.getNumDpsInputs() + i]);
    // Only what these outputs need.
    llvm::SmallPtrSet<Operation *, 32> needed;
    Values work, results;
    for (unsigned o : outputs)
      work.push_back(body->getTerminator()->getOperand(o));
    while (!work.empty()) {
      Operation *def = work.pop_back_val().getDefiningOp();
      if (!def || !op->isAncestor(def))
        continue;
      Operation *top = body->findAncestorOpInBlock(*def);
      if (needed.insert(top).second)
        top->walk([&](Operation *inside) { llvm::append_range(work, inside->getOperands()); });
    }
    for (Operation &inside : body->without_terminator())
      if (needed.contains(&inside))
        b.clone(inside, map);
    for (unsigned o : outputs)
      results.push_back(map.lookupOrDefault(body->getTerminator()->getOperand(o)));
    linalg::YieldOp::create(b, loc, results);
  });
}

/// The iteration dimensions that output `o` has.
llvm::SmallBitVector dimensionsOf(linalg::LinalgOp op, unsigned o) {
  llvm::SmallBitVector dimensions(op.getNumLoops());
  for (AffineExpr expr : op.getMatchingIndexingMap(op.getDpsInitOperand(o)).getResults())
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      dimensions.set(dim.getPosition());
  return dimensions;
}

/// True if the output has the outermost dimensions.
bool isLeading(linalg::LinalgOp op, unsigned o) {
  llvm::SmallBitVector dimensions = dimensionsOf(op, o);
  return dimensions.find_first_unset() == static_cast<int>(dimensions.count());
}

/// The outputs that have fewer dimensions than the op, together where they have the same.
SmallVector<SmallVector<unsigned>> reductionsOf(linalg::LinalgOp op) {
  SmallVector<SmallVector<unsigned>> sets;
  for (unsigned o = 0; o < op.getNumDpsInits(); ++o) {
    llvm::SmallBitVector dimensions = dimensionsOf(op, o);
    if (dimensions.all())
      continue;
    auto same = llvm::find_if(sets, [&](ArrayRef<unsigned> set) { return dimensionsOf(op, set[0]) == dimensions; });
    if (same == sets.end())
      sets.emplace_back().push_back(o);
    else
      same->push_back(o);
  }
  return sets;
}
} // namespace

void cell::separateReductions(ModuleOp module) {
  SmallVector<linalg::GenericOp> ops;
  module.walk([&](linalg::GenericOp op) {
    if (reductionsOf(op).size() > 1)
      ops.push_back(op);
  });
  for (linalg::GenericOp op : ops) {
    SmallVector<SmallVector<unsigned>> sets = reductionsOf(op);
    // What is written point by point may lie over an input, so it comes last, and best with a reduction of rows.
    llvm::stable_sort(sets, [&](ArrayRef<unsigned> a, ArrayRef<unsigned> b) { return !isLeading(op, a[0]) && isLeading(op, b[0]); });
    for (unsigned o = 0; o < op.getNumDpsInits(); ++o)
      if (dimensionsOf(op, o).all())
        sets.back().push_back(o);
    for (ArrayRef<unsigned> set : sets)
      withOutputs(op, set);
    op.erase();
  }
}

std::optional<RowsFirst> cell::reduceRowsFirst(linalg::GenericOp op, int64_t rows) {
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  unsigned outer = 0, inputs = op.getNumDpsInputs(), outputs = op.getNumDpsInits();
  for (int64_t count = 1; count < rows && outer < ranges.size(); ++outer)
    count *= ranges[outer];
  ArrayRef<int64_t> shape = ArrayRef(ranges).take_front(outer);
  SmallVector<bool> reduced = llvm::map_to_vector(llvm::seq(outputs), [&](unsigned o) { return dimensionsOf(op, o).none(); });
  bool isWhole = llvm::all_of(llvm::seq(outputs), [&](unsigned o) { return reduced[o] || dimensionsOf(op, o).all(); });
  if (!isWhole || !llvm::is_contained(reduced, true) || outer == 0 || outer == ranges.size() || ShapedType::getNumElements(shape) != rows)
    return std::nullopt;
  std::optional<Combiner> combiner = Combiner::of(op, reduced);
  if (!combiner || !llvm::all_of(llvm::seq<unsigned>(combiner->outputs().size()), [&](unsigned i) { return combiner->operation(i) && combiner->neutral(i); }))
    return std::nullopt;

  OpBuilder builder(op);
  Location loc = op.getLoc();
  RowsFirst split;
  Values rowInits(op.getDpsInits()), buffers, inits;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray(), allMaps(combiner->outputs().size(), AffineMap::getMultiDimIdentityMap(outer, op.getContext()));
  for (auto [i, o] : llvm::enumerate(combiner->outputs())) {
    TypedAttr neutral = combiner->neutral(i);
    Value buffer = memref::AllocOp::create(builder, loc, MemRefType::get(shape, neutral.getType()));
    Value start = arith::ConstantOp::create(builder, loc, neutral);
    Operation *fill = linalg::FillOp::create(builder, loc, ValueRange(start), ValueRange(buffer));
    split.made.append({buffer.getDefiningOp(), start.getDefiningOp(), fill});
    allMaps.push_back(AffineMap::get(outer, 0, maps[inputs + o].getResults(), op.getContext()));
    maps[inputs + o] = AffineMap::getMultiDimIdentityMap(ranges.size(), op.getContext()).getMajorSubMap(outer);
    inits.push_back(std::exchange(rowInits[o], buffer));
    buffers.push_back(buffer);
  }
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray(), all(outer, utils::IteratorType::reduction);
  std::fill_n(iterators.begin(), outer, utils::IteratorType::parallel);
  Block *body = op.getBody();
  split.ofRows = linalg::GenericOp::create(builder, loc, op.getDpsInputs(), rowInits, maps, iterators, [&](OpBuilder &b, Location at, ValueRange arguments) {
    IRMapping map;
    map.map(body->getArguments(), arguments);
    for (Operation &inside : body->without_terminator())
      b.clone(inside, map);
    linalg::YieldOp::create(b, at, llvm::map_to_vector(body->getTerminator()->getOperands(), [&](Value value) { return map.lookupOrDefault(value); }));
  });
  split.ofAll = linalg::GenericOp::create(builder, loc, buffers, inits, allMaps, all, [&](OpBuilder &b, Location at, ValueRange arguments) {
    Values results;
    for (auto [i, o] : llvm::enumerate(combiner->outputs())) {
      IRMapping map;
      map.map(combiner->element(i), arguments[i]);
      map.map(body->getArgument(inputs + o), arguments[buffers.size() + i]);
      results.push_back(b.clone(*combiner->operation(i), map)->getResult(0));
    }
    linalg::YieldOp::create(b, at, results);
  });
  split.made.append({split.ofRows, split.ofAll});
  return split;
}
