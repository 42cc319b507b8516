//===- Inline.cpp - inlines what is called once or is small ---------------===//
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir::cell {
#define GEN_PASS_DEF_CELLINLINE
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {

/// Calls `visit` with every function that `root` and what is nested in it refer to.
void forEachReference(Operation *root, SymbolTable &symbols, function_ref<void(Operation *)> visit) {
  root->walk([&](Operation *op) {
    op->getAttrDictionary().walk([&](FlatSymbolRefAttr symbol) {
      if (Operation *target = symbols.lookup(symbol.getAttr()))
        visit(target);
    });
  });
}

/// Differentiation looks for the calls of functions with rules of their own.
bool mustStay(func::FuncOp function) {
  return llvm::any_of(ArrayRef<StringRef>{"cell.no_inline", "cell.recompute", "cell.custom_vjp", "cell.custom_jvp"},
                      [&](StringRef name) { return function->hasAttr(name); });
}

/// The ops of a function, nested ones included.
unsigned sizeOf(func::FuncOp function) {
  unsigned count = 0;
  function.getBody().walk([&](Operation *) { ++count; });
  return count;
}

struct CellInline : cell::impl::CellInlineBase<CellInline> {
  using CellInlineBase::CellInlineBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    DenseMap<Operation *, unsigned> uses;
    forEachReference(getOperation(), symbols, [&](Operation *target) { ++uses[target]; });
    llvm::SmallPtrSet<Operation *, 8> done, open;
    SmallVector<func::FuncOp> functions(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp function : functions)
      inlineInto(function, symbols, uses, done, open);
    llvm::SmallPtrSet<Operation *, 8> reachable;
    for (func::FuncOp function : functions)
      if (function.isPublic())
        reach(function, symbols, reachable);
    for (func::FuncOp function : functions)
      if (function.isPrivate() && !function.isExternal() && !reachable.contains(function))
        function.erase();
  }

  void reach(Operation *function, SymbolTable &symbols, llvm::SmallPtrSetImpl<Operation *> &reachable) {
    if (reachable.insert(function).second)
      forEachReference(function, symbols, [&](Operation *target) { reach(target, symbols, reachable); });
  }

  /// Callees first, so that a callee is inlined in its final form.
  void inlineInto(func::FuncOp function, SymbolTable &symbols, DenseMap<Operation *, unsigned> &uses, llvm::SmallPtrSetImpl<Operation *> &done,
                  llvm::SmallPtrSetImpl<Operation *> &open) {
    if (done.contains(function) || !open.insert(function).second)
      return;
    SmallVector<func::CallOp> calls;
    function.walk([&](func::CallOp call) { calls.push_back(call); });
    for (func::CallOp call : calls) {
      auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
      if (!callee || callee.isExternal() || open.contains(callee))
        continue;
      inlineInto(callee, symbols, uses, done, open);
      if (!callee.isPrivate() || !callee.getBody().hasOneBlock() || mustStay(callee))
        continue;
      if (uses.lookup(callee) != 1 && sizeOf(callee) > maxOps)
        continue;
      OpBuilder builder(call);
      IRMapping mapping;
      mapping.map(callee.getBody().front().getArguments(), call.getOperands());
      for (Operation &op : callee.getBody().front().without_terminator()) {
        Operation *copy = builder.clone(op, mapping);
        forEachReference(copy, symbols, [&](Operation *target) { ++uses[target]; });
      }
      SmallVector<Value> results;
      for (Value result : callee.getBody().front().getTerminator()->getOperands())
        results.push_back(mapping.lookup(result));
      call.replaceAllUsesWith(results);
      call.erase();
      if (--uses[callee] == 0)
        forEachReference(callee, symbols, [&](Operation *target) { --uses[target]; });
    }
    open.erase(function);
    done.insert(function);
  }
};

} // namespace
