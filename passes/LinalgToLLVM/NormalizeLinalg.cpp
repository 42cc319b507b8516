//===- NormalizeLinalg.cpp - check the input, bring it to generic form ----===//
#include "passes/LinalgToLLVM/Common.h"
#include "passes/Passes.h"

#include "dialect/Rt/RtOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::cell {
#define GEN_PASS_DEF_NORMALIZELINALG
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
/// A splat tensor constant is a fill: it costs no memory and its value can be folded into consumers.
struct SplatToFill : OpRewritePattern<arith::ConstantOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ConstantOp op, PatternRewriter &rewriter) const override {
    auto splat = dyn_cast<SplatElementsAttr>(op.getValue());
    auto type = dyn_cast<RankedTensorType>(op.getType());
    if (!splat || !type)
      return failure();
    Value scalar = arith::ConstantOp::create(rewriter, op.getLoc(), splat.getSplatValue<TypedAttr>());
    Value empty = tensor::EmptyOp::create(rewriter, op.getLoc(), type.getShape(), type.getElementType());
    rewriter.replaceOpWithNewOp<linalg::FillOp>(op, scalar, empty);
    return success();
  }
};

/// tensor.splat is a fill as well.
struct SplatOpToFill : OpRewritePattern<tensor::SplatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::SplatOp op, PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    Value empty = tensor::EmptyOp::create(rewriter, op.getLoc(), type.getShape(), type.getElementType());
    rewriter.replaceOpWithNewOp<linalg::FillOp>(op, op.getInput(), empty);
    return success();
  }
};

/// Padding with one value: fill, then insert the source.
struct PadToInsert : OpRewritePattern<tensor::PadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::PadOp op, PatternRewriter &rewriter) const override {
    Value value = op.getConstantPaddingValue();
    RankedTensorType type = op.getResultType();
    if (!value || !type.hasStaticShape())
      return failure();
    Location loc = op.getLoc();
    Value empty = tensor::EmptyOp::create(rewriter, loc, type.getShape(), type.getElementType());
    Value filled = linalg::FillOp::create(rewriter, loc, value, empty).getResult(0);
    SmallVector<OpFoldResult> sizes;
    for (int64_t size : op.getSourceType().getShape())
      sizes.push_back(rewriter.getIndexAttr(size));
    SmallVector<OpFoldResult> strides(type.getRank(), rewriter.getIndexAttr(1));
    rewriter.replaceOpWithNewOp<tensor::InsertSliceOp>(op, op.getSource(), filled, op.getMixedLowPad(), sizes, strides);
    return success();
  }
};

/// Folding makes a selection of a branch that computes nothing. Its condition is one element for all.
struct SelectToGeneric : OpRewritePattern<arith::SelectOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::SelectOp op, PatternRewriter &rewriter) const override {
    auto type = dyn_cast<RankedTensorType>(op.getType());
    if (!type || isa<RankedTensorType>(op.getCondition().getType()))
      return failure();
    Value empty = tensor::EmptyOp::create(rewriter, op.getLoc(), type.getShape(), type.getElementType());
    SmallVector<AffineMap> maps(3, rewriter.getMultiDimIdentityMap(type.getRank()));
    SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
    Value condition = op.getCondition();
    rewriter.replaceOpWithNewOp<linalg::GenericOp>(op, type, ValueRange{op.getTrueValue(), op.getFalseValue()}, empty, maps, iterators,
                                                   [condition](OpBuilder &builder, Location loc, ValueRange args) {
                                                     Value taken = arith::SelectOp::create(builder, loc, condition, args[0], args[1]);
                                                     linalg::YieldOp::create(builder, loc, taken);
                                                   });
    return success();
  }
};

/// Every named linalg op but fill becomes a generic: one form for fusion and for loops.
struct Generalize : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(linalg::LinalgOp op, PatternRewriter &rewriter) const override {
    if (isa<linalg::GenericOp, linalg::FillOp>(op.getOperation()) || !op.hasPureTensorSemantics())
      return failure();
    return linalg::generalizeNamedOp(rewriter, op);
  }
};

struct NormalizeLinalg : cell::impl::NormalizeLinalgBase<NormalizeLinalg> {
  void getDependentDialects(DialectRegistry &registry) const override { registerLinalgToLLVMDialects(registry); }

  LogicalResult checkType(Operation *op, Type type) {
    if (isa<UnrankedTensorType, BaseMemRefType>(type))
      return op->emitError("'") << op->getName() << "' with type " << type
                                << " cannot be compiled for the CPU: only ranked tensors can";
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor)
      return success();
    if (!tensor.hasStaticShape())
      return op->emitError("'") << op->getName() << "' has the type " << type
                                << "; the CPU pipeline needs static shapes, specialise the program on its input shapes first";
    if (!tensor.getElementType().isIntOrIndexOrFloat())
      return op->emitError("'") << op->getName() << "' has elements of type " << tensor.getElementType()
                                << ", which the CPU pipeline does not support";
    return success();
  }

  LogicalResult check(ModuleOp module) {
    bool failed = false;
    module.walk([&](Operation *op) {
      if (isa<ModuleOp>(op))
        return;
      if (!isa_and_nonnull<arith::ArithDialect, cellrt::CellRtDialect, func::FuncDialect, linalg::LinalgDialect,
                           math::MathDialect, scf::SCFDialect, tensor::TensorDialect>(op->getDialect())) {
        op->emitError("'") << op->getName() << "' cannot be compiled for the CPU: it should have been lowered to linalg before";
        failed = true;
        return;
      }
      SmallVector<Type> types(op->getResultTypes());
      if (auto func = dyn_cast<func::FuncOp>(op)) {
        types.append(func.getArgumentTypes().begin(), func.getArgumentTypes().end());
        if (func.isExternal()) {
          func.emitError("the function '") << func.getName() << "' has no body; runtime routines are called with cellrt.call";
          failed = true;
        }
      }
      for (Type type : types)
        if (mlir::failed(checkType(op, type))) {
          failed = true;
          return;
        }
    });
    return failure(failed);
  }

  /// An output whose old contents are not read gets memory of its own: a value that is named there for its shape may be wanted later.
  static void freeOutputs(linalg::GenericOp op) {
    if (!op.hasPureTensorSemantics())
      return;
    OpBuilder builder(op);
    for (OpOperand &init : op.getDpsInitsMutable()) {
      auto type = dyn_cast<RankedTensorType>(init.get().getType());
      if (!type || init.get().getDefiningOp<tensor::EmptyOp>() || !op.getMatchingBlockArgument(&init).use_empty())
        continue;
      init.set(tensor::EmptyOp::create(builder, op.getLoc(), type.getShape(), type.getElementType()));
    }
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!findEntry(module) || failed(check(module)))
      return signalPassFailure();
    RewritePatternSet patterns(&getContext());
    patterns.add<SplatToFill, SplatOpToFill, PadToInsert, SelectToGeneric, Generalize>(&getContext());
    tensor::populateDecomposeTensorConcatPatterns(patterns);
    GreedyRewriteConfig config;
    config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
    // Splat constants must stay fills: constant folding would put them back.
    config.enableFolding(false);
    config.enableConstantCSE(false);
    if (failed(applyPatternsGreedily(module, std::move(patterns), config)))
      return signalPassFailure();
    module.walk(freeOutputs);
  }
};
} // namespace
