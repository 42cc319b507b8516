//===- Differentiate.cpp - writes out the derivatives of functions --------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Expr.h"
#include "passes/AutoDiff/Derivative.h"
#include "passes/Passes.h"
#include "passes/Vmap/Batch.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace mlir::cell {
#define GEN_PASS_DEF_CELLDIFFERENTIATE
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {

/// What cell.value_and_grad and cell.vjp have in common.
struct DerivativeRequest {
  Operation *op;
  FlatSymbolRefAttr callee;
  ValueRange inputs, cotangents;
  ArrayRef<int64_t> wrt, outputs;
};

std::optional<DerivativeRequest> asRequest(Operation *op) {
  if (auto request = dyn_cast<ValueAndGradOp>(op))
    return DerivativeRequest{op, request.getCalleeAttr(), request.getInputs(), {}, request.getWrt(), request.getOutputs()};
  if (auto request = dyn_cast<VjpOp>(op))
    return DerivativeRequest{op, request.getCalleeAttr(), request.getInputs(), request.getCotangents(), request.getWrt(), request.getOutputs()};
  return std::nullopt;
}

struct CellDifferentiate : cell::impl::CellDifferentiateBase<CellDifferentiate> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    DerivativeBuilder derivatives(symbols);
    BatchBuilder batches(symbols);
    llvm::SmallPtrSet<Operation *, 8> done, open;
    // Expansion adds functions, which may have requests of their own.
    size_t known;
    do {
      known = done.size();
      for (auto function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
        if (failed(expandIn(function, symbols, derivatives, batches, done, open)))
          return signalPassFailure();
    } while (done.size() != known);
  }

  /// Writes out the derivative ops of a function, those of the functions it refers to first: an outer derivative then sees
  /// plain functions.
  LogicalResult expandIn(func::FuncOp function, SymbolTable &symbols, DerivativeBuilder &derivatives, BatchBuilder &batches,
                         llvm::SmallPtrSetImpl<Operation *> &done, llvm::SmallPtrSetImpl<Operation *> &open) {
    if (done.contains(function))
      return success();
    if (!open.insert(function).second)
      return function.emitError("@") << function.getSymName() << " calls itself; recursion cannot be differentiated";
    if (failed(batches.expandEarly(function)))
      return failure();
    SmallVector<DerivativeRequest> requests;
    SmallVector<VmapOp> mapped;
    WalkResult walk = function.walk([&](Operation *op) {
      auto request = asRequest(op);
      FlatSymbolRefAttr callee = request ? request->callee : FlatSymbolRefAttr();
      if (auto call = dyn_cast<func::CallOp>(op))
        callee = call.getCalleeAttr();
      if (auto request = dyn_cast<VmapOp>(op)) {
        callee = request.getCalleeAttr();
        mapped.push_back(request);
      }
      if (!callee)
        return WalkResult::advance();
      if (auto target = symbols.lookup<func::FuncOp>(callee.getAttr()))
        if (!target.isExternal() && failed(expandIn(target, symbols, derivatives, batches, done, open)))
          return WalkResult::interrupt();
      if (request)
        requests.push_back(*request);
      return WalkResult::advance();
    });
    if (walk.wasInterrupted())
      return failure();
    for (const DerivativeRequest &request : requests)
      if (failed(expand(request, symbols.lookup<func::FuncOp>(request.callee.getAttr()), derivatives)))
        return failure();
    for (VmapOp request : mapped)
      if (failed(batches.expand(request)))
        return failure();
    open.erase(function);
    done.insert(function);
    return success();
  }

  LogicalResult expand(const DerivativeRequest &request, func::FuncOp callee, DerivativeBuilder &derivatives) {
    OpBuilder builder(request.op);
    Location loc = request.op->getLoc();
    DerivativeKey key{SmallVector<bool>(callee.getNumArguments(), false), SmallVector<bool>(callee.getNumResults(), false)};
    for (int64_t i : request.wrt)
      key.arguments[i] = true;
    for (int64_t i : request.outputs)
      key.results[i] = true;

    auto cotangents = [&](ValueRange results) {
      SmallVector<Value> seeds;
      for (auto [i, flag] : llvm::enumerate(key.results)) {
        if (!flag)
          continue;
        if (isa<VjpOp>(request.op))
          seeds.push_back(request.cotangents[llvm::find(request.outputs, static_cast<int64_t>(i)) - request.outputs.begin()]);
        else
          seeds.push_back(createFull(builder, loc, results[i], 1));
      }
      return seeds;
    };
    SmallVector<Value> values, gradients;
    if (failed(derivatives.emit(builder, loc, callee, key, request.inputs, cotangents, values, gradients)))
      return failure();
    // `gradients` is in argument order, the op's results are in the order of wrt.
    SmallVector<int64_t> sorted(request.wrt);
    llvm::sort(sorted);
    for (int64_t i : request.wrt) {
      Value gradient = gradients[llvm::find(sorted, i) - sorted.begin()];
      values.push_back(gradient ? gradient : createFull(builder, loc, request.inputs[i], 0));
    }
    request.op->replaceAllUsesWith(values);
    request.op->erase();
    return success();
  }
};

} // namespace
