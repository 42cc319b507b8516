//===- LinalgBody.cpp - a linalg.generic made from the body of another op -===//
#include "passes/AutoDiff/External/LinalgBody.h"

#include "dialect/Cell/Cell.h"
#include "passes/AutoDiff/External/External.h"
#include "passes/AutoDiff/External/Pull.h"
#include "passes/AutoDiff/Reverse.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::cell;

void LinalgBody::cloneFrom(Block *body, ArrayRef<OpOperand *> operands) {
  for (auto [argument, operand] : llvm::zip(body->getArguments(), operands)) {
    mapping.map(argument, block()->addArgument(argument.getType(), argument.getLoc()));
    tensors.push_back(operand->get());
    maps.push_back(op.getMatchingIndexingMap(operand));
  }
  OpBuilder inner = builder();
  for (Operation &scalar : body->without_terminator())
    inner.clone(scalar, mapping);
}

Value LinalgBody::addInput(Value tensor, AffineMap map) {
  tensors.push_back(tensor);
  maps.push_back(map);
  return block()->addArgument(getElementTypeOrSelf(tensor.getType()), tensor.getLoc());
}

Value LinalgBody::emitSum(OpBuilder &builder, Value element, Value start, AffineMap map) { return emit(builder, element, start, map, /*sum=*/true); }

Value LinalgBody::emitGradient(OpBuilder &outer, Value element, Value operand, AffineMap map) {
  Location loc = op.getLoc();
  if (!isa<RankedTensorType>(operand.getType())) {
    Value scalar = createZeros(outer, loc, operand);
    Value start = tensor::FromElementsOp::create(outer, loc, RankedTensorType::get({}, operand.getType()), scalar);
    return tensor::ExtractOp::create(outer, loc, emit(outer, element, start, map, /*sum=*/true), ValueRange{});
  }
  bool once = map.isPermutation();
  Value init = once ? Value(tensor::EmptyOp::create(outer, loc, tensor::getMixedSizes(outer, loc, operand), element.getType()))
                    : createZeros(outer, loc, operand);
  return emit(outer, element, init, map, !once);
}

/// Loops of which some operand has a dimension of its own.
static llvm::SmallBitVector boundLoops(unsigned loops, ArrayRef<AffineMap> maps) {
  llvm::SmallBitVector bound(loops);
  for (AffineMap map : maps)
    for (AffineExpr expr : map.getResults())
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        bound.set(dim.getPosition());
  return bound;
}

Value LinalgBody::emit(OpBuilder &outer, Value element, Value init, AffineMap map, bool sum) {
  Location loc = op.getLoc();
  OpBuilder inner = builder();
  Value soFar = block()->addArgument(element.getType(), loc);
  if (sum)
    element = createSum(inner, loc, soFar, element);
  linalg::YieldOp::create(inner, loc, element);
  for (Operation &scalar : llvm::make_early_inc_range(llvm::reverse(*block())))
    if (isOpTriviallyDead(&scalar))
      scalar.erase();

  // What is read, and what is not read but gives a loop its bounds.
  unsigned loops = op.getNumLoops();
  SmallVector<bool> taken;
  SmallVector<AffineMap> takenMaps;
  for (auto [argument, own] : llvm::zip(block()->getArguments(), maps)) {
    taken.push_back(!argument.use_empty());
    if (taken.back())
      takenMaps.push_back(own);
  }
  takenMaps.push_back(map);
  for (unsigned i = 0; i < maps.size() && !boundLoops(loops, takenMaps).all(); ++i) {
    if (taken[i] || (boundLoops(loops, maps[i]) & boundLoops(loops, takenMaps).flip()).none())
      continue;
    taken[i] = true;
    takenMaps.insert(std::prev(takenMaps.end()), maps[i]);
  }
  SmallVector<Value> inputs;
  SmallVector<AffineMap> inputMaps;
  for (unsigned i = maps.size(); i-- > 0;)
    if (!taken[i])
      block()->eraseArgument(i);
  for (auto [tensor, own, flag] : llvm::zip(tensors, maps, taken))
    if (flag) {
      inputs.push_back(tensor);
      inputMaps.push_back(own);
    }
  inputMaps.push_back(map);
  // A loop that is no dimension of the result is a reduction.
  SmallVector<utils::IteratorType> iterators(loops, utils::IteratorType::reduction);
  llvm::SmallBitVector parallel = boundLoops(loops, map);
  for (unsigned loop : parallel.set_bits())
    iterators[loop] = utils::IteratorType::parallel;
  auto generic = linalg::GenericOp::create(outer, loc, init.getType(), inputs, init, inputMaps, iterators);
  generic.getRegion().takeBody(holder->getBodyRegion());
  return generic.getResult(0);
}

FailureOr<Value> mlir::cell::pullThroughBody(OpBuilder &builder, Block *block, DenseMap<Value, Value> seeds, Value wanted) {
  llvm::DenseSet<Value> varied{wanted};
  SmallVector<Operation *> ops;
  for (Operation &op : *block) {
    bool depends = llvm::any_of(op.getOperands(), [&](Value v) { return varied.contains(v); });
    for (Region &region : op.getRegions())
      visitUsedValuesDefinedAbove(region, [&](OpOperand *used) { depends |= varied.contains(used->get()); });
    // A comparison or a conversion to integers passes nothing on.
    if (!depends || op.hasTrait<NonDifferentiable>() || llvm::none_of(op.getResults(), hasFloatElements))
      continue;
    varied.insert(op.result_begin(), op.result_end());
    ops.push_back(&op);
  }
  for (Operation *op : llvm::reverse(ops)) {
    SmallVector<Value> cotangents = llvm::map_to_vector(op->getResults(), [&](Value v) { return seeds.lookup(v); });
    if (llvm::none_of(cotangents, [](Value v) { return static_cast<bool>(v); }))
      continue;
    auto differentiable = dyn_cast<DifferentiableOpInterface>(op);
    if (!differentiable || op->getNumRegions()) {
      // At its location only: the op is a copy in a body that is not finished.
      emitError(op->getLoc()) << "'" << op->getName() << "' has no derivative rule inside the body of a linalg op"
                              << (op->getNumRegions() ? "; write it with arith.select" : "");
      return failure();
    }
    auto needed = llvm::map_to_vector(op->getOperands(), [&](Value v) { return varied.contains(v); });
    SmallVector<Value> grads(op->getNumOperands());
    if (failed(differentiable.buildVjp(builder, cotangents, needed, grads)))
      return failure();
    for (auto [operand, grad, flag] : llvm::zip(op->getOperands(), grads, needed)) {
      if (!flag || !grad)
        continue;
      Value &slot = seeds[operand];
      slot = slot ? createSum(builder, op->getLoc(), slot, grad) : grad;
    }
  }
  return seeds.lookup(wanted);
}
