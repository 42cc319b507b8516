//===- KernelEmitter.cpp - loops of one planned linalg op -----------------===//
#include "passes/LinalgToLLVM/KernelEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::cell;

Value KernelEmitter::constant(int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); }

Value KernelEmitter::load(unsigned operand, Value index) {
  if (!isa<MemRefType>(operands[operand].getType()))
    return operands[operand];
  return memref::LoadOp::create(builder, loc, operands[operand], index);
}

void KernelEmitter::store(unsigned operand, Value value, Value index) {
  memref::StoreOp::create(builder, loc, value, operands[operand], index);
}

KernelEmitter::Values KernelEmitter::advance(unsigned level, ArrayRef<Value> indices, Value iv) {
  Values next(indices);
  for (auto [index, stride] : llvm::zip_equal(next, plan.loops[level].strides)) {
    if (!stride)
      continue;
    Value step = stride == 1 ? iv : Value(arith::MulIOp::create(builder, loc, iv, constant(stride)));
    index = arith::AddIOp::create(builder, loc, index, step);
  }
  return next;
}

void KernelEmitter::emit(Value rangeBegin, Value rangeEnd) {
  begin = rangeBegin;
  end = rangeEnd;
  Values indices, accumulators(op.getNumDpsInits());
  for (auto [i, offset] : llvm::enumerate(plan.offsets))
    indices.push_back(i < bases.size() && bases[i] ? bases[i] : constant(offset));
  Value zero = constant(0);
  Values ivs(op.getNumLoops(), zero);
  emitLevel(0, indices, ivs, accumulators);
}

KernelEmitter::Values KernelEmitter::emitLevel(unsigned level, Values indices, Values ivs, Values accumulators) {
  unsigned inputs = op.getNumDpsInputs();
  for (auto [o, depth] : llvm::enumerate(plan.depths))
    if (plan.reduced[o] && depth == level)
      accumulators[o] = starts[o] ? starts[o] : load(inputs + o, indices[inputs + o]);

  if (level == plan.loops.size()) {
    accumulators = emitPoint(indices, ivs, accumulators);
  } else if (level >= plan.unrollFrom) {
    const PlannedLoop &loop = plan.loops[level];
    for (int64_t i = 0; i < loop.size; ++i) {
      Value iv = constant(i);
      Values inner(ivs);
      inner[loop.dims.front()] = iv;
      accumulators = emitLevel(level + 1, advance(level, indices, iv), inner, accumulators);
    }
  } else {
    const PlannedLoop &loop = plan.loops[level];
    bool cut = plan.chunk == level;
    Values carried;
    for (Value value : accumulators)
      if (value)
        carried.push_back(value);
    auto forOp = scf::ForOp::create(builder, loc, cut ? begin : constant(0), cut ? end : constant(loop.size), constant(1), carried);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(forOp.getBody());
    Values inner(accumulators), innerIvs(ivs);
    unsigned next = 0;
    for (Value &value : inner)
      if (value)
        value = forOp.getRegionIterArg(next++);
    Value iv = forOp.getInductionVar();
    // linalg.index is only used with loops of one dimension; collapsed ones need no single value.
    if (loop.dims.size() == 1)
      innerIvs[loop.dims.front()] = iv;
    Values results = emitLevel(level + 1, advance(level, indices, iv), innerIvs, inner);
    Values yielded;
    for (auto [outer, value] : llvm::zip_equal(accumulators, results))
      if (outer)
        yielded.push_back(value);
    if (!carried.empty())
      scf::YieldOp::create(builder, loc, yielded);
    next = 0;
    for (Value &value : accumulators)
      if (value)
        value = forOp.getResult(next++);
  }

  for (auto [o, depth] : llvm::enumerate(plan.depths))
    if (plan.reduced[o] && depth == level) {
      store(inputs + o, accumulators[o], indices[inputs + o]);
      accumulators[o] = nullptr;
    }
  return accumulators;
}

KernelEmitter::Values KernelEmitter::emitPoint(ArrayRef<Value> indices, ArrayRef<Value> ivs, Values accumulators) {
  unsigned inputs = op.getNumDpsInputs();
  IRMapping map(captures);
  Block *body = op.getBlock();
  for (OpOperand &operand : op->getOpOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(&operand);
    if (argument.use_empty())
      continue;
    unsigned number = operand.getOperandNumber();
    bool running = number >= inputs && plan.reduced[number - inputs];
    map.map(argument, running ? accumulators[number - inputs] : load(number, indices[number]));
  }
  for (Operation &inner : body->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      map.map(index.getResult(), ivs[index.getDim()]);
      continue;
    }
    Operation *clone = builder.clone(inner, map);
    clone->walk([&](linalg::IndexOp index) {
      index.replaceAllUsesWith(ivs[index.getDim()]);
      index.erase();
    });
  }
  Operation *yield = body->getTerminator();
  for (auto [o, value] : llvm::enumerate(yield->getOperands())) {
    Value result = map.lookupOrDefault(value);
    if (!plan.reduced[o]) {
      store(inputs + o, result, indices[inputs + o]);
      continue;
    }
    // The order of a reduction is ours to choose: this lets the vectoriser keep partial results in lanes.
    Operation *combine = result.getDefiningOp();
    if (combine && combine->getNumOperands() == 2 && llvm::is_contained(combine->getOperands(), accumulators[o]) && isa<arith::AddFOp, arith::MulFOp>(combine))
      combine->setAttr("fastmath", arith::FastMathFlagsAttr::get(builder.getContext(), arith::FastMathFlags::reassoc));
    accumulators[o] = result;
  }
  return accumulators;
}
