//===- Residuals.cpp - what is saved between forward and reverse ----------===//
#include "dialect/Cell/Cell.h"
#include "passes/AutoDiff/Derivative.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::cell;

bool mlir::cell::isRematerializable(Operation *op) {
  return op->hasTrait<OpTrait::ConstantLike>() || isa<BroadcastOp, ReshapeOp, FullLikeOp, StopGradientOp>(op);
}

namespace {
/// Brings values of the forward function into the reverse function.
class ResidualMover {
public:
  ResidualMover(Derivative &derivative, unsigned originalResults)
      : derivative(derivative), forwardReturn(derivative.forward.getBody().front().getTerminator()),
        reverseBody(derivative.reverse.getBody().front()), builder(&reverseBody, reverseBody.begin()) {
    for (Value result : forwardReturn->getOperands())
      returned.push_back(result);
    (void)originalResults;
  }

  Value materialize(Value value) {
    if (Value known = mapping.lookupOrNull(value))
      return known;
    Operation *op = value.getDefiningOp();
    if (op && isRematerializable(op)) {
      for (Value operand : op->getOperands())
        materialize(operand);
      builder.clone(*op, mapping);
      return mapping.lookup(value);
    }
    derivative.residuals.push_back(sourceOf(value));
    Value argument = reverseBody.insertArgument(derivative.residuals.size() - 1, value.getType(), value.getLoc());
    mapping.map(value, argument);
    return argument;
  }

  /// The forward function returns what it did and what was saved.
  void finish() {
    forwardReturn->setOperands(returned);
    auto type = FunctionType::get(derivative.forward.getContext(), derivative.forward.getArgumentTypes(), TypeRange(returned));
    derivative.forward.setFunctionType(type);
    Operation *reverseReturn = reverseBody.getTerminator();
    derivative.reverse.setFunctionType(
        FunctionType::get(derivative.reverse.getContext(), reverseBody.getArgumentTypes(), reverseReturn->getOperandTypes()));
  }

private:
  Residual sourceOf(Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return {Residual::Source::Argument, argument.getArgNumber()};
    auto *place = llvm::find(returned, value);
    unsigned index = place - returned.begin();
    if (place == returned.end())
      returned.push_back(value);
    return {Residual::Source::Result, index};
  }

  Derivative &derivative;
  Operation *forwardReturn;
  Block &reverseBody;
  OpBuilder builder;
  IRMapping mapping;
  SmallVector<Value> returned;
};
} // namespace

void mlir::cell::saveResiduals(Derivative &derivative, unsigned originalResults) {
  Block &forwardBody = derivative.forward.getBody().front();
  Block &reverseBody = derivative.reverse.getBody().front();
  SmallVector<OpOperand *> foreign;
  for (Operation &op : reverseBody)
    for (OpOperand &operand : op.getOpOperands())
      if (operand.get().getParentBlock() == &forwardBody)
        foreign.push_back(&operand);
  ResidualMover mover(derivative, originalResults);
  for (OpOperand *operand : foreign)
    operand->set(mover.materialize(operand->get()));
  mover.finish();
}
