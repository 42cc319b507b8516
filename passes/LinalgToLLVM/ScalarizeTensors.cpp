//===- ScalarizeTensors.cpp - 0-d tensors become scalars ------------------===//
#include "passes/LinalgToLLVM/Common.h"
#include "passes/Passes.h"

#include "dialect/Rt/RtOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mlir::cell {
#define GEN_PASS_DEF_SCALARIZETENSORS
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
bool isScalarTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == 0;
}

/// The number in a 0-d tensor where it is known as a scalar, else null.
Value knownScalar(OpBuilder &builder, Location loc, Value tensor) {
  if (auto elements = tensor.getDefiningOp<tensor::FromElementsOp>())
    return elements.getElements()[0];
  if (auto fill = tensor.getDefiningOp<linalg::FillOp>())
    return fill.getInputs()[0];
  if (auto constant = tensor.getDefiningOp<arith::ConstantOp>())
    if (auto value = dyn_cast<DenseElementsAttr>(constant.getValue()))
      return arith::ConstantOp::create(builder, loc, *value.value_begin<TypedAttr>());
  return nullptr;
}

Value scalarOf(OpBuilder &builder, Location loc, Value tensor) {
  Value known = knownScalar(builder, loc, tensor);
  return known ? known : tensor::ExtractOp::create(builder, loc, tensor, ValueRange()).getResult();
}

/// Ops over no dimension become their bodies.
void inlineBody(linalg::GenericOp op) {
  OpBuilder builder(op);
  IRMapping map;
  for (OpOperand &operand : op->getOpOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(&operand);
    if (argument.use_empty())
      continue;
    bool tensor = isa<RankedTensorType>(operand.get().getType());
    map.map(argument, tensor ? scalarOf(builder, op.getLoc(), operand.get()) : operand.get());
  }
  for (Operation &inner : op.getBody()->without_terminator())
    builder.clone(inner, map);
  for (auto [result, value] : llvm::zip_equal(op.getResults(), op.getBody()->getTerminator()->getOperands())) {
    Value scalar = map.lookupOrDefault(value);
    result.replaceAllUsesWith(tensor::FromElementsOp::create(builder, op.getLoc(), cast<RankedTensorType>(result.getType()), scalar));
  }
  op.erase();
}

bool isPointless(linalg::GenericOp op) {
  return op.getNumLoops() == 0 && op.hasPureTensorSemantics() && op.getNumResults() &&
         llvm::all_of(op->getOperandTypes(), [](Type type) { return !isa<RankedTensorType>(type) || isScalarTensor(type); });
}

/// Loops and branches carry scalars.
struct ScalarTypes : TypeConverter {
  ScalarTypes() {
    addConversion([](Type type) { return type; });
    addConversion([](RankedTensorType type) -> Type { return type.getRank() == 0 ? type.getElementType() : Type(type); });
    addSourceMaterialization([](OpBuilder &builder, RankedTensorType type, ValueRange inputs, Location loc) -> Value {
      return tensor::FromElementsOp::create(builder, loc, type, inputs[0]);
    });
    addTargetMaterialization([](OpBuilder &builder, Type, ValueRange inputs, Location loc) -> Value {
      return tensor::ExtractOp::create(builder, loc, inputs[0], ValueRange());
    });
  }
};

struct ScalarizeTensors : cell::impl::ScalarizeTensorsBase<ScalarizeTensors> {
  void getDependentDialects(DialectRegistry &registry) const override { registerLinalgToLLVMDialects(registry); }

  static bool carriesScalarTensors(Operation *op) {
    return isa<scf::ForOp, scf::WhileOp, scf::IfOp, scf::IndexSwitchOp>(op) &&
           (llvm::any_of(op->getResultTypes(), isScalarTensor) || llvm::any_of(op->getOperandTypes(), isScalarTensor) ||
            llvm::any_of(op->getRegions(), [](Region &region) { return !region.empty() && llvm::any_of(region.getArgumentTypes(), isScalarTensor); }));
  }

  LogicalResult carryScalars(ModuleOp module) {
    if (!module.walk([](Operation *op) { return carriesScalarTensors(op) ? WalkResult::interrupt() : WalkResult::advance(); }).wasInterrupted())
      return success();
    ScalarTypes types;
    RewritePatternSet patterns(&getContext());
    ConversionTarget target(getContext());
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    scf::populateSCFStructuralTypeConversionsAndLegality(types, patterns, target);
    return applyPartialConversion(module, target, std::move(patterns));
  }

  /// Readers of scalars that are known take them directly.
  static void forwardScalars(ModuleOp module) {
    module.walk([](Operation *op) {
      OpBuilder builder(op);
      if (auto extract = dyn_cast<tensor::ExtractOp>(op); extract && isScalarTensor(extract.getTensor().getType())) {
        if (Value scalar = knownScalar(builder, op->getLoc(), extract.getTensor()))
          extract.replaceAllUsesWith(scalar);
        return;
      }
      if (auto generic = dyn_cast<linalg::GenericOp>(op); generic && generic.hasPureTensorSemantics()) {
        for (OpOperand *operand : generic.getDpsInputOperands())
          if (auto elements = operand->get().getDefiningOp<tensor::FromElementsOp>(); elements && isScalarTensor(elements.getType()))
            operand->set(elements.getElements()[0]);
      } else if (auto push = dyn_cast<cellrt::TapePushOp>(op)) {
        if (auto elements = push.getValue().getDefiningOp<tensor::FromElementsOp>(); elements && isScalarTensor(elements.getType()))
          push.getValueMutable().assign(elements.getElements()[0]);
      }
    });
  }

  static void eraseDead(ModuleOp module) {
    SmallVector<Operation *> ops;
    module.walk([&](Operation *op) {
      if (isa<tensor::FromElementsOp, tensor::ExtractOp, linalg::FillOp, tensor::EmptyOp, arith::ConstantOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : llvm::reverse(ops))
      if (isOpTriviallyDead(op))
        op->erase();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<linalg::GenericOp> ops;
    module.walk([&](linalg::GenericOp op) {
      if (isPointless(op))
        ops.push_back(op);
    });
    for (linalg::GenericOp op : ops)
      inlineBody(op);
    if (failed(carryScalars(module)))
      return signalPassFailure();
    forwardScalars(module);
    eraseDead(module);
    // What is still wanted as a tensor is written to a destination.
    SmallVector<tensor::FromElementsOp> rest;
    module.walk([&](tensor::FromElementsOp op) {
      if (isScalarTensor(op.getType()))
        rest.push_back(op);
    });
    for (tensor::FromElementsOp op : rest) {
      OpBuilder builder(op);
      Value empty = tensor::EmptyOp::create(builder, op.getLoc(), ArrayRef<int64_t>(), op.getType().getElementType());
      op.getResult().replaceAllUsesWith(tensor::InsertOp::create(builder, op.getLoc(), op.getElements()[0], empty, ValueRange()));
      op.erase();
    }
  }
};
} // namespace
