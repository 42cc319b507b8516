//===- Regions.cpp - control flow that carries more or less ---------------===//
#include "passes/AutoDiff/Regions.h"

#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Expr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::cell;

Operation *mlir::cell::rebuild(Operation *op, ValueRange operands, TypeRange results) {
  Operation *next = Operation::create(op->getLoc(), op->getName(), results, operands, NamedAttrList(op->getDiscardableAttrDictionary()),
                                      op->getPropertiesStorage(), BlockRange(), op->getNumRegions());
  OpBuilder(op).insert(next);
  for (auto [from, to] : llvm::zip(op->getRegions(), next->getRegions()))
    to.takeBody(from);
  return next;
}

void mlir::cell::appendYields(Block &block, ValueRange values) {
  Operation *terminator = block.getTerminator();
  terminator->insertOperands(terminator->getNumOperands(), values);
}

Operation *mlir::cell::carryThrough(Operation *op, ValueRange inits, SmallVectorImpl<Value> &inside) {
  if (inits.empty())
    return op;
  SmallVector<Value> operands(op->getOperands());
  SmallVector<Type> types(op->getResultTypes());
  llvm::append_range(types, inits.getTypes());
  if (!isa<scf::IfOp>(op))
    llvm::append_range(operands, inits);
  Operation *next = rebuild(op, operands, types);
  op->replaceAllUsesWith(next->getResults().take_front(op->getNumResults()));
  op->erase();
  for (Value init : inits) {
    if (auto loop = dyn_cast<scf::ForOp>(next)) {
      inside.push_back(loop.getBody()->addArgument(init.getType(), init.getLoc()));
    } else if (auto loop = dyn_cast<scf::WhileOp>(next)) {
      appendYields(loop.getBefore().front(), loop.getBefore().front().addArgument(init.getType(), init.getLoc()));
      inside.push_back(loop.getAfter().front().addArgument(init.getType(), init.getLoc()));
    } else {
      inside.push_back(init);
    }
  }
  return next;
}

scf::ForOp mlir::cell::dropCarried(scf::ForOp loop, const llvm::BitVector &dropped) {
  if (dropped.none())
    return loop;
  Operation *yield = loop.getBody()->getTerminator();
  SmallVector<Value> operands(loop->getOperands().take_front(3));
  SmallVector<Value> replaced;
  llvm::BitVector arguments(loop.getBody()->getNumArguments());
  for (unsigned i = 0; i < dropped.size(); ++i) {
    if (!dropped.test(i)) {
      operands.push_back(loop.getInitArgs()[i]);
      replaced.push_back(loop.getResult(i));
      continue;
    }
    loop.getResult(i).replaceAllUsesWith(loop.getInitArgs()[i]);
    loop.getRegionIterArg(i).replaceUsesWithIf(loop.getInitArgs()[i], [&](OpOperand &use) { return use.getOwner() != yield; });
    arguments.set(i + 1);
  }
  yield->eraseOperands(dropped);
  loop.getBody()->eraseArguments(arguments);
  Operation *next = rebuild(loop, operands, ValueRange(replaced).getTypes());
  for (auto [from, to] : llvm::zip(replaced, next->getResults()))
    from.replaceAllUsesWith(to);
  loop.erase();
  return cast<scf::ForOp>(next);
}

void mlir::cell::rotateLoop(scf::WhileOp loop) {
  OpBuilder builder(loop);
  Location loc = loop.getLoc();
  scf::ConditionOp condition = loop.getConditionOp();
  /// The first region on given values, at the builder's place: the flag, then what is handed on.
  auto evaluate = [&](ValueRange values) {
    IRMapping mapping;
    mapping.map(loop.getBeforeArguments(), values);
    for (Operation &op : loop.getBeforeBody()->without_terminator())
      builder.clone(op, mapping);
    SmallVector<Value> results;
    for (Value value : condition.getOperands())
      results.push_back(mapping.lookupOrDefault(value));
    return results;
  };
  SmallVector<Value> inits = evaluate(loop.getInits());
  auto rotated = scf::WhileOp::create(builder, loc, loop.getResultTypes(), inits);
  rotated->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  Block *before = builder.createBlock(&rotated.getBefore(), {}, ValueRange(inits).getTypes(), SmallVector<Location>(inits.size(), condition.getLoc()));
  scf::ConditionOp::create(builder, condition.getLoc(), before->getArgument(0), before->getArguments().drop_front());
  rotated.getAfter().takeBody(loop.getAfter());
  Operation *yield = rotated.getAfterBody()->getTerminator();
  builder.setInsertionPoint(yield);
  yield->setOperands(evaluate(yield->getOperands()));
  loop.replaceAllUsesWith(rotated.getResults());
  loop.erase();
}

Value mlir::cell::findTripCount(scf::WhileOp loop) {
  scf::ConditionOp condition = loop.getConditionOp();
  for (auto [argument, init, next] : llvm::zip(loop.getBeforeArguments(), loop.getInits(), loop.getYieldOp().getOperands())) {
    auto sum = next.getDefiningOp<arith::AddIOp>();
    if (!sum || !argument.getType().isInteger(64) || !matchPattern(init, m_Zero()) || !matchPattern(sum.getRhs(), m_One()))
      continue;
    for (auto [handed, inside, result] : llvm::zip(condition.getArgs(), loop.getAfterArguments(), loop.getResults()))
      if (handed == argument && inside == sum.getLhs())
        return result;
  }
  return nullptr;
}

scf::WhileOp mlir::cell::countTrips(scf::WhileOp loop) {
  if (findTripCount(loop))
    return loop;
  OpBuilder builder(loop);
  Value zero = arith::ConstantIntOp::create(builder, loop.getLoc(), 0, 64);
  SmallVector<Value> inside;
  loop = cast<scf::WhileOp>(carryThrough(loop, zero, inside));
  builder.setInsertionPoint(loop.getAfterBody()->getTerminator());
  Value one = arith::ConstantIntOp::create(builder, loop.getLoc(), 1, 64);
  Value next = arith::AddIOp::create(builder, loop.getLoc(), inside[0], one);
  appendYields(*loop.getAfterBody(), next);
  return loop;
}

Value mlir::cell::createZero(OpBuilder &builder, Location loc, Value like) {
  Type type = like.getType();
  if (isa<RankedTensorType>(type))
    return createFull(builder, loc, like, 0);
  if (isa<TapeType>(type))
    return TapeCreateOp::create(builder, loc, type);
  if (isa<FloatType, IntegerType, IndexType, VectorType>(type))
    return arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  emitError(loc) << "a value of type " << type << " cannot have a derivative";
  return nullptr;
}
