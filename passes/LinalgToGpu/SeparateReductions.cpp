//===- SeparateReductions.cpp - ops that are reduced both ways are two ----===//
#include "passes/LinalgToGpu/Mapping.h"

#include "mlir/IR/IRMapping.h"
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
