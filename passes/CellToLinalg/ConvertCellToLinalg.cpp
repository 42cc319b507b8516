//===- ConvertCellToLinalg.cpp - cell to linalg, tensor, arith and math ----===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Scalar.h"
#include "dialect/Rt/RtOps.h"
#include "passes/CellToLinalg/CellToLinalg.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::cell {
#define GEN_PASS_DEF_CONVERTCELLTOLINALG
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Tensors of unsigned integers become tensors of signless ones, which is what the shared dialects compute with; a tape becomes its handle.
struct StorageTypeConverter : TypeConverter {
  StorageTypeConverter() {
    addConversion([](Type type) { return type; });
    addConversion([](RankedTensorType type) -> Type { return type.clone(getStorageType(type.getElementType())); });
    addConversion([](TapeType type) -> Type { return IntegerType::get(type.getContext(), 64); });
    auto castBack = [](OpBuilder &builder, Type type, ValueRange inputs, Location loc) -> Value {
      return UnrealizedConversionCastOp::create(builder, loc, type, inputs).getResult(0);
    };
    addSourceMaterialization(castBack);
    addTargetMaterialization(castBack);
  }
};

struct ConvertCellToLinalgPass : cell::impl::ConvertCellToLinalgBase<ConvertCellToLinalgPass> {
  std::shared_ptr<StorageTypeConverter> converter;
  FrozenRewritePatternSet patterns;
  std::shared_ptr<ConversionTarget> target;

  LogicalResult initialize(MLIRContext *context) override {
    converter = std::make_shared<StorageTypeConverter>();
    RewritePatternSet set(context);
    populateElementwiseToLinalgPatterns(*converter, set);
    populateTensorToLinalgPatterns(*converter, set);
    populateIndexToLinalgPatterns(*converter, set);
    populateReductionToLinalgPatterns(*converter, set);
    populateContractionToLinalgPatterns(*converter, set);
    populateConvolutionToLinalgPatterns(*converter, set);
    populatePoolToLinalgPatterns(*converter, set);
    populateRandomToLinalgPatterns(*converter, set);
    populateControlToLinalgPatterns(*converter, set);

    target = std::make_shared<ConversionTarget>(*context);
    target->addIllegalDialect<CellDialect>();
    target->addLegalDialect<arith::ArithDialect, cellrt::CellRtDialect, linalg::LinalgDialect, math::MathDialect, tensor::TensorDialect>();
    const TypeConverter *types = converter.get();
    target->addDynamicallyLegalOp<func::FuncOp>([types](func::FuncOp op) {
      return types->isSignatureLegal(op.getFunctionType()) && types->isLegal(&op.getBody());
    });
    target->addDynamicallyLegalOp<func::CallOp, func::ReturnOp>([types](Operation *op) { return types->isLegal(op); });
    scf::populateSCFStructuralTypeConversionsAndLegality(*converter, set, *target);
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(set, *converter);
    populateCallOpTypeConversionPattern(set, *converter);
    populateReturnOpTypeConversionPattern(set, *converter);
    patterns = std::move(set);
    return success();
  }

  /// Every cell op has a pattern: otherwise an error at each one, before anything changes.
  LogicalResult checkLowerable() {
    bool failed = false;
    getOperation()->walk([&](Operation *op) {
      if (!isa_and_present<CellDialect>(op->getDialect()) || patterns.getOpSpecificNativePatterns().contains(op->getName()))
        return;
      failed = true;
      if (isa<ValueAndGradOp, VjpOp>(op))
        op->emitOpError("stands for a derivative and has no lowering to linalg; run cell-differentiate-pipeline first");
      else
        op->emitOpError("has no lowering to linalg");
    });
    return failure(failed);
  }

  void runOnOperation() override {
    if (failed(checkLowerable()))
      return signalPassFailure();
    // The conversion's own message says only that it failed; a pattern that refused has said why.
    bool explained = false;
    std::optional<std::pair<Location, std::string>> bare;
    LogicalResult converted = success();
    {
      ScopedDiagnosticHandler handler(&getContext(), [&](Diagnostic &diagnostic) {
        std::string text = diagnostic.str();
        StringRef rest = text;
        if (rest.consume_front("failed to legalize operation ")) {
          bare.emplace(diagnostic.getLocation(), rest.take_front(rest.find('\'', 1) + 1).str());
          return success();
        }
        explained |= diagnostic.getSeverity() == DiagnosticSeverity::Error;
        return failure();
      });
      converted = applyPartialConversion(getOperation(), *target, patterns);
    }
    if (failed(converted)) {
      if (!explained)
        emitError(bare ? bare->first : getOperation().getLoc()) << (bare ? bare->second : "the module") << " has no lowering to linalg for these types";
      return signalPassFailure();
    }
    getOperation()->walk([&](UnrealizedConversionCastOp cast) {
      Operation *user = *cast->getUsers().begin();
      user->emitOpError("works on a tensor of unsigned integers, which only cell ops, functions and scf may hold");
      signalPassFailure();
      return WalkResult::interrupt();
    });
  }
};
} // namespace
