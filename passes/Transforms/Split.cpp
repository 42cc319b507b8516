//===- Split.cpp - a program in two halves --------------------------------===//
#include "passes/Transforms/Split.h"

#include "dialect/Cell/Cell.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::cell;

namespace {

/// Values of the block that an op uses, in its regions too.
void usedValues(Operation &op, llvm::function_ref<void(Value)> visit) {
  for (Value operand : op.getOperands())
    visit(operand);
  if (!op.getNumRegions())
    return;
  SetVector<Value> above;
  getUsedValuesDefinedAbove(op.getRegions(), above);
  for (Value value : above)
    visit(value);
}

/// Whether an op is cheaper to repeat than its result is to keep.
bool isCheap(Operation *op) { return op && isa<ConstantOp, BroadcastOp, ReshapeOp, IotaOp>(op); }

class Splitter {
public:
  Splitter(ModuleOp module, ArrayRef<int64_t> lateArguments) : module(module), lateArguments(lateArguments) {}

  FailureOr<Split> run() {
    for (auto function : module.getOps<func::FuncOp>())
      if (function.isPublic())
        entry = function;
    if (!entry || !llvm::hasSingleElement(entry.getBody()))
      return module.emitError("a program to split has one public function of one block"), failure();
    block = &entry.getBody().front();
    mark();
    if (failed(makeLate()))
      return failure();
    trimEarly();
    return std::move(result);
  }

private:
  void mark() {
    for (int64_t i : lateArguments)
      late.insert(block->getArgument(i));
    for (Operation &op : block->without_terminator()) {
      bool depends = isa<BarrierOp>(op);
      usedValues(op, [&](Value value) { depends |= late.contains(value); });
      if (!depends)
        continue;
      lateOps.push_back(&op);
      late.insert(op.result_begin(), op.result_end());
    }
    for (auto [i, value] : llvm::enumerate(block->getTerminator()->getOperands()))
      if (late.contains(value))
        result.lateResults.push_back(i);
  }

  /// The second half's value for one of the whole program.
  Value inLate(Value value) {
    if (Value known = mapping.lookupOrNull(value))
      return known;
    if (Operation *op = value.getDefiningOp(); isCheap(op) && !late.contains(value)) {
      for (Value operand : op->getOperands())
        inLate(operand);
      return builder->clone(*op, mapping)->getResult(cast<OpResult>(value).getResultNumber());
    }
    // A residual: an argument, put before the late ones.
    Value argument = target->insertArgument(residuals.size(), value.getType(), value.getLoc());
    residuals.push_back(value);
    mapping.map(value, argument);
    return argument;
  }

  LogicalResult makeLate() {
    result.late = ModuleOp::create(module.getLoc());
    OpBuilder modules = OpBuilder::atBlockEnd(result.late->getBody());
    for (auto function : module.getOps<func::FuncOp>())
      if (function.isPrivate())
        modules.clone(*function);
    auto function = func::FuncOp::create(modules, entry.getLoc(), entry.getName(), modules.getFunctionType({}, {}));
    target = function.addEntryBlock();
    OpBuilder inside = OpBuilder::atBlockEnd(target);
    builder = &inside;
    for (int64_t i : lateArguments)
      mapping.map(block->getArgument(i), target->addArgument(block->getArgument(i).getType(), block->getArgument(i).getLoc()));
    for (Operation *op : lateOps) {
      usedValues(*op, [&](Value value) { inLate(value); });
      inside.clone(*op, mapping);
    }
    SmallVector<Value> returned;
    for (int64_t i : result.lateResults)
      returned.push_back(inLate(block->getTerminator()->getOperand(i)));
    func::ReturnOp::create(inside, block->getTerminator()->getLoc(), returned);
    for (Value value : residuals) {
      if (!isa<RankedTensorType>(value.getType()))
        return emitError(value.getLoc()) << "a value of type " << value.getType() << " cannot be kept between two programs";
      result.residuals.push_back(value.getType());
    }
    function.setFunctionType(modules.getFunctionType(target->getArgumentTypes(), ValueRange(returned).getTypes()));
    return success();
  }

  void trimEarly() {
    Operation *terminator = block->getTerminator();
    BitVector gone(entry.getNumResults());
    for (int64_t i : result.lateResults)
      gone.set(i);
    BitVector goneOperands = gone;
    terminator->eraseOperands(goneOperands);
    (void)entry.eraseResults(gone);
    unsigned kept = entry.getNumResults();
    terminator->insertOperands(kept, residuals);
    for (auto [i, value] : llvm::enumerate(residuals))
      (void)entry.insertResult(kept + i, value.getType(), {});
    for (Operation *op : llvm::reverse(lateOps))
      op->erase();
    // Results that update an argument name it by its number.
    for (unsigned i = 0; i < kept; ++i)
      if (auto alias = entry.getResultAttrOfType<IntegerAttr>(i, "cell.alias")) {
        int64_t before = llvm::count_if(lateArguments, [&](int64_t a) { return a < alias.getInt(); });
        entry.setResultAttr(i, "cell.alias", IntegerAttr::get(alias.getType(), alias.getInt() - before));
      }
    BitVector arguments(entry.getNumArguments());
    for (int64_t i : lateArguments)
      arguments.set(i);
    (void)entry.eraseArguments(arguments);
  }

  ModuleOp module;
  ArrayRef<int64_t> lateArguments;
  func::FuncOp entry;
  Block *block = nullptr, *target = nullptr;
  OpBuilder *builder = nullptr;
  DenseSet<Value> late;
  SmallVector<Operation *> lateOps;
  SmallVector<Value> residuals;
  IRMapping mapping;
  Split result;
};

} // namespace

FailureOr<Split> mlir::cell::splitProgram(ModuleOp module, ArrayRef<int64_t> lateArguments) { return Splitter(module, lateArguments).run(); }
