//===- ScalarizeTensors.cpp - 0-d tensors become scalars ------------------===//
#include "passes/LinalgToLLVM/ScalarizeTensors.h"

#include "passes/LinalgToLLVM/Common.h"
#include "passes/Passes.h"

#include "dialect/Rt/RtOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

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

/// Decides which 0-d tensors are known on the host: what is computed from constants, loop counters and other such scalars. A value that a loop or a branch hands
/// on is one if all that may arrive in its place are.
class HostScalars {
public:
  explicit HostScalars(ModuleOp module) {
    for (bool changed = true; changed;) {
      changed = false;
      module.walk([&](Operation *op) {
        for (Value result : op->getResults())
          changed |= mark(result);
        for (Region &region : op->getRegions())
          for (Block &block : region)
            for (Value argument : block.getArguments())
              changed |= mark(argument);
      });
    }
  }
  bool contains(Value value) const { return isScalarTensor(value.getType()) && !device.contains(value); }

private:
  llvm::DenseSet<Value> device;

  bool mark(Value value) { return contains(value) && comesFromDevice(value) && device.insert(value).second; }
  bool any(ValueRange values) const {
    return llvm::any_of(values, [&](Value value) { return !contains(value); });
  }

  bool comesFromDevice(Value value) const {
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      Operation *parent = argument.getOwner()->getParentOp();
      unsigned i = argument.getArgNumber();
      if (auto loop = dyn_cast<scf::ForOp>(parent))
        return any({loop.getInitArgs()[i - 1], loop.getYieldedValues()[i - 1]});
      if (auto loop = dyn_cast<scf::WhileOp>(parent))
        return argument.getOwner() == loop.getBeforeBody() ? any({loop.getInits()[i], loop.getYieldOp().getOperand(i)}) : any(loop.getConditionOp().getArgs()[i]);
      return !isa<linalg::LinalgOp>(parent);
    }
    Operation *op = value.getDefiningOp();
    unsigned i = cast<OpResult>(value).getResultNumber();
    if (isa<tensor::FromElementsOp, linalg::FillOp, arith::ConstantOp, tensor::EmptyOp>(op))
      return false;
    if (auto loop = dyn_cast<scf::ForOp>(op))
      return any(loop.getRegionIterArg(i));
    if (auto loop = dyn_cast<scf::WhileOp>(op))
      return any(loop.getAfterArguments()[i]);
    if (isa<scf::IfOp, scf::IndexSwitchOp>(op))
      return llvm::any_of(op->getRegions(), [&](Region &region) { return region.empty() || any(region.front().getTerminator()->getOperand(i)); });
    auto generic = dyn_cast<linalg::GenericOp>(op);
    if (!generic || !isPointless(generic))
      return true;
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(op->getRegions(), captured);
    auto isDevice = [&](Value operand) { return isa<RankedTensorType>(operand.getType()) && !contains(operand); };
    if (llvm::any_of(captured, isDevice))
      return true;
    return llvm::any_of(op->getOpOperands(), [&](OpOperand &operand) {
      return !generic.getMatchingBlockArgument(&operand).use_empty() && isDevice(operand.get());
    });
  }
};

using Selection = llvm::function_ref<bool(Value)>;

/// The value in the place of `operand` becomes a scalar.
void scalarizeOperand(OpOperand &operand) {
  OpBuilder builder(operand.getOwner());
  operand.set(scalarOf(builder, operand.getOwner()->getLoc(), operand.get()));
}

/// An argument or a result that arrives as a scalar.
void scalarizeValue(OpBuilder &builder, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  value.setType(type.getElementType());
  auto tensor = tensor::FromElementsOp::create(builder, value.getLoc(), type, value);
  value.replaceAllUsesExcept(tensor, tensor);
}

/// Loops and branches carry the selected tensors as scalars.
void carryScalars(ModuleOp module, Selection selected) {
  struct Place { // one value that an op hands on
    Operation *op;
    unsigned number;
    bool isBefore; // of a while loop: what its condition sees
  };
  SmallVector<Place> places;
  module.walk([&](Operation *op) {
    if (auto loop = dyn_cast<scf::WhileOp>(op))
      for (auto [i, argument] : llvm::enumerate(loop.getBeforeArguments()))
        if (selected(argument))
          places.push_back({op, static_cast<unsigned>(i), true});
    if (isa<scf::ForOp, scf::WhileOp, scf::IfOp, scf::IndexSwitchOp>(op))
      for (auto [i, result] : llvm::enumerate(op->getResults()))
        if (selected(result))
          places.push_back({op, static_cast<unsigned>(i), false});
  });
  for (auto [op, i, isBefore] : places) {
    auto argument = [](BlockArgument value) {
      OpBuilder builder = OpBuilder::atBlockBegin(value.getOwner());
      scalarizeValue(builder, value);
    };
    if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      if (isBefore) {
        scalarizeOperand(loop->getOpOperand(i));
        scalarizeOperand(loop.getYieldOp()->getOpOperand(i));
        argument(loop.getBeforeArguments()[i]);
        continue;
      }
      scalarizeOperand(loop.getConditionOp()->getOpOperand(i + 1));
      argument(loop.getAfterArguments()[i]);
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      scalarizeOperand(loop->getOpOperand(loop.getNumControlOperands() + i));
      scalarizeOperand(loop.getBody()->getTerminator()->getOpOperand(i));
      argument(loop.getRegionIterArg(i));
    } else {
      for (Region &region : op->getRegions())
        scalarizeOperand(region.front().getTerminator()->getOpOperand(i));
    }
    OpBuilder builder(op->getContext());
    builder.setInsertionPointAfter(op);
    scalarizeValue(builder, op->getResult(i));
  }
}

/// Readers of scalars that are known take them directly.
void forwardScalars(ModuleOp module) {
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

/// What the body of a linalg op reads of the device is read there.
void sinkReads(ModuleOp module) {
  module.walk([](tensor::ExtractOp extract) {
    for (OpOperand &use : llvm::make_early_inc_range(extract->getUses())) {
      auto op = use.getOwner()->getParentOfType<linalg::LinalgOp>();
      if (!op || op->isAncestor(extract))
        continue;
      OpBuilder builder(use.getOwner());
      use.set(builder.clone(*extract)->getResult(0));
    }
  });
}

void eraseDead(ModuleOp module) {
  SmallVector<Operation *> ops;
  module.walk([&](Operation *op) {
    if (isa<tensor::FromElementsOp, tensor::ExtractOp, linalg::FillOp, tensor::EmptyOp, arith::ConstantOp>(op))
      ops.push_back(op);
  });
  for (Operation *op : llvm::reverse(ops))
    if (isOpTriviallyDead(op))
      op->erase();
}

struct ScalarizeTensors : cell::impl::ScalarizeTensorsBase<ScalarizeTensors> {
  void getDependentDialects(DialectRegistry &registry) const override { registerLinalgToLLVMDialects(registry); }
  void runOnOperation() override { scalarizeTensors(getOperation(), /*hostOnly=*/false); }
};
} // namespace

void cell::scalarizeTensors(ModuleOp module, bool hostOnly) {
  std::optional<HostScalars> host;
  if (hostOnly)
    host.emplace(module);
  auto selected = [&](Value value) { return host ? host->contains(value) : isScalarTensor(value.getType()); };
  SmallVector<linalg::GenericOp> ops;
  module.walk([&](linalg::GenericOp op) {
    if (isPointless(op) && selected(op.getResult(0)))
      ops.push_back(op);
  });
  carryScalars(module, selected);
  for (linalg::GenericOp op : ops)
    inlineBody(op);
  forwardScalars(module);
  if (hostOnly)
    sinkReads(module);
  eraseDead(module);
  // What is still wanted as a tensor is written to a destination.
  SmallVector<tensor::FromElementsOp> rest;
  module.walk([&](tensor::FromElementsOp op) {
    if (isScalarTensor(op.getType()))
      rest.push_back(op);
  });
  for (tensor::FromElementsOp op : rest) {
    OpBuilder builder(op);
    Value scalar = op.getElements()[0], empty = tensor::EmptyOp::create(builder, op.getLoc(), ArrayRef<int64_t>(), op.getType().getElementType());
    op.getResult().replaceAllUsesWith(hostOnly ? linalg::FillOp::create(builder, op.getLoc(), scalar, empty).getResult(0)
                                               : tensor::InsertOp::create(builder, op.getLoc(), scalar, empty, ValueRange()).getResult());
    op.erase();
  }
}
