//===- CellDecompose.cpp - composite ops into their definitions ------------===//
#include "dialect/Cell/Cell.h"
#include "passes/Passes.h"

#include "mlir/IR/PatternMatch.h"

namespace mlir::cell {
#define GEN_PASS_DEF_CELLDECOMPOSE
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
struct CellDecomposePass : cell::impl::CellDecomposeBase<CellDecomposePass> {
  /// Composite ops made by a decomposition are decomposed in turn.
  struct Collector : RewriterBase::Listener {
    SmallVectorImpl<CompositeOpInterface> &worklist;
    Collector(SmallVectorImpl<CompositeOpInterface> &worklist) : worklist(worklist) {}
    void notifyOperationInserted(Operation *op, OpBuilder::InsertPoint) override {
      if (auto composite = dyn_cast<CompositeOpInterface>(op))
        worklist.push_back(composite);
    }
  };

  void runOnOperation() override {
    SmallVector<CompositeOpInterface> worklist;
    getOperation()->walk([&](CompositeOpInterface op) { worklist.push_back(op); });
    Collector collector(worklist);
    IRRewriter rewriter(&getContext(), &collector);
    while (!worklist.empty()) {
      CompositeOpInterface op = worklist.pop_back_val();
      rewriter.setInsertionPoint(op);
      FailureOr<SmallVector<Value>> values = op.decompose(rewriter);
      if (failed(values))
        return signalPassFailure();
      rewriter.replaceOp(op, *values);
    }
  }
};
} // namespace
