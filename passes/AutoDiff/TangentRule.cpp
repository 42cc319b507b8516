//===- TangentRule.cpp - the tangent rule of an op, from its reverse rule -===//
#include "dialect/Cell/Cell.h"
#include "passes/AutoDiff/Forward.h"
#include "passes/AutoDiff/Reverse.h"

using namespace mlir;
using namespace mlir::cell;

namespace {

/// The reverse rule of one op, emitted for placeholders in place of the cotangents: ops that follow `placeholder` up to the builder's
/// place. What they compute is linear in the placeholder.
class EmittedRule {
public:
  EmittedRule(OpBuilder &builder, Operation &op) : builder(builder), op(op) {}

  LogicalResult emit(ArrayRef<Value> tangents, ArrayRef<bool> wanted);
  LogicalResult transpose(ArrayRef<Value> tangents, SmallVectorImpl<Value> &results);
  LogicalResult erase(ArrayRef<Value> results);

private:
  LogicalResult decompose();
  void findDependents();
  /// The ops emitted so far, the placeholder left out.
  SmallVector<Operation *> emitted() {
    SmallVector<Operation *> ops;
    Block::iterator end = builder.getInsertionPoint();
    for (auto it = std::next(Block::iterator(placeholder)); it != end; ++it)
      ops.push_back(&*it);
    return ops;
  }

  OpBuilder &builder;
  Operation &op;
  Operation *placeholder = nullptr;
  /// Position of a result's placeholder among those there are, or -1.
  SmallVector<int> places;
  SmallVector<Value> gradients;
  llvm::DenseSet<Value> dependents;
};

LogicalResult EmittedRule::emit(ArrayRef<Value> tangents, ArrayRef<bool> wanted) {
  auto differentiable = dyn_cast<DifferentiableOpInterface>(op);
  if (!differentiable)
    return reportNoRule(&op);
  SmallVector<Type> types;
  for (auto [result, flag] : llvm::zip(op.getResults(), wanted)) {
    places.push_back(flag ? static_cast<int>(types.size()) : -1);
    if (flag)
      types.push_back(result.getType());
  }
  placeholder = UnrealizedConversionCastOp::create(builder, op.getLoc(), types, ValueRange());
  auto cotangents = llvm::map_to_vector(places, [&](int place) { return place < 0 ? Value() : placeholder->getResult(place); });
  auto needed = llvm::map_to_vector(tangents, [](Value tangent) { return static_cast<bool>(tangent); });
  gradients.resize(op.getNumOperands());
  if (failed(differentiable.buildVjp(builder, cotangents, needed, gradients)))
    return failure();
  return decompose();
}

void EmittedRule::findDependents() {
  dependents.clear();
  dependents.insert(placeholder->result_begin(), placeholder->result_end());
  for (Operation *inner : emitted())
    if (!blocksDerivative(inner) && llvm::any_of(inner->getOperands(), [&](Value v) { return dependents.contains(v); }))
      dependents.insert(inner->result_begin(), inner->result_end());
}

/// Composite ops in the rule that have no rule of their own become their pieces.
LogicalResult EmittedRule::decompose() {
  for (bool changed = true; changed;) {
    changed = false;
    findDependents();
    for (Operation *inner : emitted()) {
      auto composite = dyn_cast<CompositeOpInterface>(inner);
      if (!composite || isa<DifferentiableOpInterface>(inner) || llvm::none_of(inner->getResults(), [&](Value v) { return dependents.contains(v); }))
        continue;
      OpBuilder place(inner);
      auto values = composite.decompose(place);
      if (failed(values))
        return failure();
      for (Value &gradient : gradients)
        if (gradient && gradient.getDefiningOp() == inner)
          gradient = (*values)[cast<OpResult>(gradient).getResultNumber()];
      inner->replaceAllUsesWith(*values);
      inner->erase();
      changed = true;
    }
  }
  return success();
}

/// Reverse mode over the rule: the cotangent of an operand's gradient is the operand's tangent, and that of the placeholder is the tangent asked for.
LogicalResult EmittedRule::transpose(ArrayRef<Value> tangents, SmallVectorImpl<Value> &results) {
  Cotangents cotangents(builder);
  for (auto [operand, tangent, gradient] : llvm::zip(op.getOperands(), tangents, gradients)) {
    if (!tangent || !gradient)
      continue;
    if (gradient.getType() != operand.getType())
      return op.emitError("the derivative rule of '") << op.getName() << "' gives " << gradient.getType() << " for an operand of type " << operand.getType();
    if (dependents.contains(gradient))
      cotangents.add(gradient, tangent, op.getLoc());
  }
  ReverseContext context(dependents);
  if (failed(reverseOps(builder, emitted(), context, cotangents)))
    return failure();
  for (int place : places)
    results.push_back(place < 0 ? Value() : cotangents.of(placeholder->getResult(place)));
  return success();
}

/// Leaves only what `results` are computed from, which must not be the placeholder.
LogicalResult EmittedRule::erase(ArrayRef<Value> results) {
  llvm::DenseSet<Operation *> live;
  for (Value result : results)
    if (result && result.getDefiningOp())
      live.insert(result.getDefiningOp());
  SmallVector<Operation *> ops = emitted();
  for (Operation *inner : llvm::reverse(ops)) {
    if (!live.contains(inner)) {
      inner->erase();
      continue;
    }
    inner->walk([&](Operation *nested) {
      for (Value operand : nested->getOperands())
        if (Operation *producer = operand.getDefiningOp())
          live.insert(producer);
    });
  }
  if (live.contains(placeholder))
    return op.emitError("'") << op.getName() << "' has no tangent: its derivative rule is not linear in the cotangent";
  placeholder->erase();
  return success();
}

} // namespace

LogicalResult mlir::cell::pushForward(OpBuilder &builder, Operation &op, ArrayRef<Value> tangents, ArrayRef<bool> wanted, SmallVectorImpl<Value> &results) {
  EmittedRule rule(builder, op);
  if (failed(rule.emit(tangents, wanted)) || failed(rule.transpose(tangents, results)))
    return failure();
  return rule.erase(results);
}
