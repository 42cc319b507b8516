//===- Differentiate.cpp - writes out the derivatives of functions --------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Expr.h"
#include "passes/AutoDiff/CustomRules.h"
#include "passes/AutoDiff/Forward.h"
#include "passes/AutoDiff/Regions.h"
#include "passes/Passes.h"
#include "passes/Vmap/Batch.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace mlir::cell {
#define GEN_PASS_DEF_CELLDIFFERENTIATE
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {

/// What cell.value_and_grad, cell.vjp and cell.jvp have in common. `given` are cotangents or tangents.
struct DerivativeRequest {
  Operation *op;
  FlatSymbolRefAttr callee;
  ValueRange inputs, given;
  ArrayRef<int64_t> wrt, outputs;
};

std::optional<DerivativeRequest> asRequest(Operation *op) {
  if (auto request = dyn_cast<ValueAndGradOp>(op))
    return DerivativeRequest{op, request.getCalleeAttr(), request.getInputs(), {}, request.getWrt(), request.getOutputs()};
  if (auto request = dyn_cast<VjpOp>(op))
    return DerivativeRequest{op, request.getCalleeAttr(), request.getInputs(), request.getCotangents(), request.getWrt(), request.getOutputs()};
  if (auto request = dyn_cast<JvpOp>(op))
    return DerivativeRequest{op, request.getCalleeAttr(), request.getInputs(), request.getTangents(), request.getWrt(), request.getOutputs()};
  return std::nullopt;
}

/// Writes out requests.
class Expander {
public:
  Expander(SymbolTable &symbols, ResidualChoice choice) : symbols(symbols), derivatives(symbols, choice), forward(symbols, derivatives), batches(symbols) {}

  /// Writes out the requests of a function, those of the functions it refers to first: an outer derivative then sees plain functions.
  LogicalResult expandIn(func::FuncOp function);
  LogicalResult expandEarly(func::FuncOp function) { return batches.expandEarly(function); }
  size_t count() const { return done.size(); }
  /// What the derivatives save.
  auto &saved() { return derivatives.saved; }

private:
  LogicalResult expand(const DerivativeRequest &request);
  LogicalResult expandForward(const DerivativeRequest &request, func::FuncOp callee, const DerivativeKey &key);
  void finish(const DerivativeRequest &request, ArrayRef<int64_t> order, ValueRange likes, ArrayRef<Value> derivatives, SmallVectorImpl<Value> &values);

  SymbolTable &symbols;
  DerivativeBuilder derivatives;
  ForwardBuilder forward;
  BatchBuilder batches;
  llvm::SmallPtrSet<Operation *, 8> done, open;
};

LogicalResult Expander::expandIn(func::FuncOp function) {
  if (done.contains(function))
    return success();
  if (!open.insert(function).second)
    return function.emitError("@") << function.getSymName() << " calls itself; recursion cannot be differentiated";
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
      if (!target.isExternal() && failed(expandIn(target)))
        return WalkResult::interrupt();
    if (request)
      requests.push_back(*request);
    return WalkResult::advance();
  });
  if (walk.wasInterrupted())
    return failure();
  for (const DerivativeRequest &request : requests)
    if (failed(expand(request)))
      return failure();
  for (VmapOp request : mapped)
    if (failed(batches.expand(request)))
      return failure();
  open.erase(function);
  done.insert(function);
  // After the function, which its rules may call.
  bool failing = false;
  forEachRule(function, symbols, [&](func::FuncOp rule) { failing |= failed(expandIn(rule)); });
  return failure(failing);
}

/// A tensor or scalar of ones.
Value createOnes(OpBuilder &builder, Location loc, Value like) {
  if (auto type = dyn_cast<FloatType>(like.getType()))
    return arith::ConstantOp::create(builder, loc, builder.getFloatAttr(type, 1));
  return createFull(builder, loc, like, 1);
}

/// What was given for position i: `given` is in the order of wrt or outputs.
Value givenFor(const DerivativeRequest &request, ArrayRef<int64_t> order, size_t i) {
  return request.given[llvm::find(order, static_cast<int64_t>(i)) - order.begin()];
}

LogicalResult Expander::expand(const DerivativeRequest &request) {
  auto callee = symbols.lookup<func::FuncOp>(request.callee.getAttr());
  OpBuilder builder(request.op);
  Location loc = request.op->getLoc();
  DerivativeKey key{SmallVector<bool>(callee.getNumArguments(), false), SmallVector<bool>(callee.getNumResults(), false)};
  for (int64_t i : request.wrt)
    key.arguments[i] = true;
  for (int64_t i : request.outputs)
    key.results[i] = true;
  if (isa<JvpOp>(request.op))
    return expandForward(request, callee, key);
  auto cotangents = [&](ValueRange results) {
    SmallVector<Value> seeds;
    for (auto [i, flag] : llvm::enumerate(key.results))
      if (flag)
        seeds.push_back(isa<VjpOp>(request.op) ? givenFor(request, request.outputs, i) : createOnes(builder, loc, results[i]));
    return seeds;
  };
  SmallVector<Value> values, gradients;
  if (failed(derivatives.emit(builder, loc, callee, key, request.inputs, cotangents, values, gradients)))
    return failure();
  finish(request, request.wrt, request.inputs, gradients, values);
  return success();
}

LogicalResult Expander::expandForward(const DerivativeRequest &request, func::FuncOp callee, const DerivativeKey &key) {
  OpBuilder builder(request.op);
  SmallVector<Value> given, values, tangents;
  for (auto [i, flag] : llvm::enumerate(key.arguments))
    if (flag)
      given.push_back(givenFor(request, request.wrt, i));
  if (failed(forward.emit(builder, request.op->getLoc(), callee.getSymName(), key, request.inputs, given, values, tangents)))
    return failure();
  finish(request, request.outputs, SmallVector<Value>(values), tangents, values);
  return success();
}

/// Replaces the op by the function's results and its derivatives, which are in the order of positions and become that of `order`. One that is
/// zero is made like `likes` at its position.
void Expander::finish(const DerivativeRequest &request, ArrayRef<int64_t> order, ValueRange likes, ArrayRef<Value> derivatives,
                      SmallVectorImpl<Value> &values) {
  OpBuilder builder(request.op);
  SmallVector<int64_t> sorted(order);
  llvm::sort(sorted);
  for (int64_t i : order) {
    Value derivative = derivatives[llvm::find(sorted, i) - sorted.begin()];
    values.push_back(derivative ? derivative : createZero(builder, request.op->getLoc(), likes[i]));
  }
  request.op->replaceAllUsesWith(values);
  request.op->erase();
}

struct CellDifferentiate : cell::impl::CellDifferentiateBase<CellDifferentiate> {
  using CellDifferentiateBase::CellDifferentiateBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    if (failed(verifyCustomRules(module, symbols)))
      return signalPassFailure();
    if (residuals != "min-cut" && residuals != "all") {
      module.emitError("cell-differentiate: 'residuals' is 'min-cut' or 'all', not '") << residuals << "'";
      return signalPassFailure();
    }
    Expander expander(symbols, residuals == "all" ? ResidualChoice::All : ResidualChoice::MinCut);
    for (auto function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      if (failed(expander.expandEarly(function)))
        return signalPassFailure();
    // Expansion adds functions, which may have requests of their own.
    size_t known;
    do {
      known = expander.count();
      for (auto function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
        if (failed(expander.expandIn(function)))
          return signalPassFailure();
    } while (expander.count() != known);
    dropDerivativeAttributes(module);
    dropCotangentGuards(module);
    setSavedValues(module, symbols, expander.saved());
  }
};

} // namespace
