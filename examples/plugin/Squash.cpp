//===- Squash.cpp - the dialect, its derivative rule, its lowering ---------===//
#include "dialect/Cell/Expr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include "SquashDialect.h.inc"
#define GET_OP_CLASSES
#include "SquashOps.h.inc"

using namespace mlir;

#include "SquashDialect.cpp.inc"
#define GET_OP_CLASSES
#include "SquashOps.cpp.inc"

void squash::SquashDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "SquashOps.cpp.inc"
      >();
}

// With y = x / (1 + |x|) the derivative is (1 - |y|)^2. The rule refers to the result only, so that is what is saved between forward and
// backward. It emits ordinary cell ops: second derivatives and forward mode (the rule transposed) follow from it.
LogicalResult squash::SoftsignOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  using namespace mlir::cell::expr;
  if (!needed[0])
    return success();
  ExprScope scope(builder, getLoc());
  Expr magnitude = scope(cell::AbsOp::create(builder, getLoc(), getResult()));
  Expr slope = 1.0 - magnitude;
  grads[0] = scope.pull(cotangents[0], slope * slope, getX());
  return success();
}

namespace {
struct LowerSoftsign : OpRewritePattern<squash::SoftsignOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(squash::SoftsignOp op, PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    Location loc = op.getLoc();
    Value init = tensor::EmptyOp::create(rewriter, loc, tensor::getMixedSizes(rewriter, loc, op.getX()), type.getElementType());
    AffineMap identity = rewriter.getMultiDimIdentityMap(type.getRank());
    SmallVector<utils::IteratorType> loops(type.getRank(), utils::IteratorType::parallel);
    auto body = [](OpBuilder &inner, Location loc, ValueRange args) {
      Value one = arith::ConstantOp::create(inner, loc, inner.getFloatAttr(args[0].getType(), 1.0));
      Value magnitude = math::AbsFOp::create(inner, loc, args[0]);
      Value below = arith::AddFOp::create(inner, loc, one, magnitude);
      linalg::YieldOp::create(inner, loc, arith::DivFOp::create(inner, loc, args[0], below).getResult());
    };
    rewriter.replaceOpWithNewOp<linalg::GenericOp>(op, type, op.getX(), init, ArrayRef<AffineMap>{identity, identity}, loops, body);
    return success();
  }
};

struct ConvertSquashToLinalg : PassWrapper<ConvertSquashToLinalg, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ConvertSquashToLinalg)
  StringRef getArgument() const final { return "convert-squash-to-linalg"; }
  StringRef getDescription() const final { return "Lower squash ops to linalg on tensors"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<arith::ArithDialect, linalg::LinalgDialect, math::MathDialect, tensor::TensorDialect>();
  }
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<LowerSoftsign>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

// What mlir-opt and cell-opt look for with --load-dialect-plugin and --load-pass-plugin.
extern "C" LLVM_ATTRIBUTE_WEAK DialectPluginLibraryInfo mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "squash", "1", [](DialectRegistry *registry) { registry->insert<squash::SquashDialect>(); }};
}
extern "C" LLVM_ATTRIBUTE_WEAK PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "squash", "1", [] { PassRegistration<ConvertSquashToLinalg>(); }};
}
