//===- BodyEmitter.cpp - points of a linalg op inside a kernel ------------===//
#include "passes/LinalgToGpu/BodyEmitter.h"

#include "passes/LinalgToLLVM/Common.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <numeric>

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Values of one thread that wide accesses may keep in registers.
constexpr int64_t kMaxWideValues = 64;
/// A body that cannot be computed on vectors is written once per lane, up to this many operations in all.
constexpr int64_t kMaxCopies = 256;

/// Bool has a byte of its own in memory, which vectors of bits do not.
bool movesWide(Type element) { return !element.isInteger(1) && !element.isIndex(); }

/// True if the body means the same on vectors.
bool isElementwise(linalg::LinalgOp op) {
  return llvm::all_of(op.getBlock()->without_terminator(), [](Operation &inner) {
    if (inner.hasTrait<OpTrait::ConstantLike>())
      return true;
    auto isIndex = [](Type type) { return type.isIndex(); };
    // An integer power is a loop.
    return OpTrait::hasElementwiseMappableTraits(&inner) && !isa<math::IPowIOp>(inner) && llvm::none_of(inner.getOperandTypes(), isIndex) && llvm::none_of(inner.getResultTypes(), isIndex);
  });
}

/// True if the operand moves as a vector where the innermost loop runs.
bool isStream(linalg::LinalgOp op, const PlannedLoop &inner, unsigned operand) {
  auto type = dyn_cast<MemRefType>(op->getOperand(operand).getType());
  return type && inner.strides[operand] == 1 && movesWide(type.getElementType()) && (op.isDpsInit(&op->getOpOperand(operand)) || isRead(op, op->getOpOperand(operand)));
}
} // namespace

bool cell::isRead(linalg::LinalgOp op, OpOperand &operand) { return !op.getMatchingBlockArgument(&operand).use_empty(); }

int64_t BodyEmitter::chooseWidth(linalg::LinalgOp op, const LoopPlan &plan, const GpuTarget &target) {
  if (plan.loops.empty())
    return 1;
  const PlannedLoop &inner = plan.loops.back();
  int64_t widest = 1, streams = 0;
  auto bytes = [&](unsigned i) { return elementBytes(cast<MemRefType>(op->getOperand(i).getType()).getElementType()); };
  for (unsigned i = 0; i < op->getNumOperands(); ++i)
    if (isStream(op, inner, i)) {
      ++streams;
      widest = std::max(widest, bytes(i));
    }
  if (!streams || target.vectorBytes <= widest)
    return 1;
  int64_t width = std::min<int64_t>(target.vectorBytes / widest, 8);
  // Each access must start at a multiple of its own size.
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    if (!isStream(op, inner, i))
      continue;
    int64_t common = std::gcd(std::gcd(inner.size, plan.offsets[i]), width);
    for (const PlannedLoop &loop : ArrayRef(plan.loops).drop_back())
      common = std::gcd(common, loop.strides[i]);
    width = std::min(common, std::max<int64_t>(1, alignmentOf(op->getOperand(i)) / bytes(i)));
  }
  bool isCopied = !isElementwise(op) || llvm::is_contained(plan.reduced, true);
  int64_t copies = !isCopied ? 0 : std::distance(op.getBlock()->begin(), op.getBlock()->end());
  while (width > 1 && copies * width > kMaxCopies)
    width /= 2;
  while (width > 1 && streams * width > kMaxWideValues)
    width /= 2;
  return width;
}

Value BodyEmitter::address(unsigned operand, ValueRange positions) {
  Value where = k.index(plan.offsets[operand]);
  for (auto [loop, position] : llvm::zip_equal(plan.loops, positions))
    if (loop.strides[operand])
      where = k.add(where, k.mul(position, loop.strides[operand]));
  return where;
}

Value BodyEmitter::load(unsigned operand, Value where, int64_t width) {
  Value buffer = op->getOperand(operand);
  auto type = dyn_cast<MemRefType>(buffer.getType());
  if (!type)
    return k.use(buffer);
  Value row = k.flat(buffer);
  int64_t stride = width > 1 ? plan.loops.back().strides[operand] : 0;
  if (stride == 0)
    return memref::LoadOp::create(k, row, where);
  Type element = type.getElementType();
  auto vector = VectorType::get(width, element);
  if (stride == 1 && movesWide(element))
    return vector::LoadOp::create(k, vector, row, where, /*nontemporal=*/false, llvm::MaybeAlign(width * elementBytes(element)));
  Values lanes;
  for (int64_t i = 0; i < width; ++i)
    lanes.push_back(memref::LoadOp::create(k, row, k.add(where, k.index(i * stride))));
  return vector::FromElementsOp::create(k, vector, lanes);
}

/// Clones the body; in `map` are its block arguments. `lane` is added to the innermost position, `width` > 1 makes vectors.
void BodyEmitter::emitBody(IRMapping &map, ValueRange positions, unsigned lane, int64_t width) {
  auto positionOf = [&](unsigned dim) -> Value {
    for (auto [l, loop] : llvm::enumerate(plan.loops))
      if (llvm::is_contained(loop.dims, dim)) // loops of several dimensions have no index ops
        return l + 1 == plan.loops.size() ? k.add(positions[l], k.index(lane)) : positions[l];
    return k.index(0);
  };
  for (Operation &inner : op.getBlock()->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      map.map(index.getResult(), positionOf(index.getDim()));
      continue;
    }
    if (width > 1 && inner.hasTrait<OpTrait::ConstantLike>()) {
      map.map(inner.getResult(0), vector::BroadcastOp::create(k, VectorType::get(width, inner.getResult(0).getType()), k.clone(inner)->getResult(0)));
      continue;
    }
    if (width > 1)
      for (Value operand : inner.getOperands())
        if (!map.contains(operand))
          map.map(operand, vector::BroadcastOp::create(k, VectorType::get(width, operand.getType()), k.use(operand)));
    Operation *clone = k.cloneInto(inner, map);
    if (width > 1)
      for (Value result : clone->getResults())
        result.setType(VectorType::get(width, result.getType()));
    clone->walk([&](linalg::IndexOp index) {
      OpBuilder::InsertionGuard guard(k);
      k.setInsertionPoint(index);
      index.replaceAllUsesWith(positionOf(index.getDim()));
      index.erase();
    });
  }
}

BodyEmitter::Values BodyEmitter::emit(ValueRange positions, ArrayRef<Value> accumulators, int64_t width) {
  unsigned inputs = op.getNumDpsInputs();
  Operation *yield = op.getBlock()->getTerminator();
  Values loaded(op->getNumOperands()), where(op->getNumOperands()), result(accumulators);
  bool reduces = llvm::any_of(accumulators, [](Value value) { return value != nullptr; });
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    where[i] = isa<MemRefType>(op->getOperand(i).getType()) ? address(i, positions) : Value();
    if (isRead(op, op->getOpOperand(i)) && !(i >= inputs && accumulators[i - inputs]))
      loaded[i] = i < given.size() && given[i] ? given[i] : load(i, where[i], width);
  }
  SmallVector<Values> outputs(op.getNumDpsInits());
  auto outside = [&](IRMapping &map, Value value) { return map.contains(value) ? map.lookup(value) : k.use(value); };
  bool wide = width > 1 && !reduces && isElementwise(op);
  for (int64_t lane = 0; lane < (wide ? 1 : width); ++lane) {
    IRMapping map;
    for (unsigned i = 0; i < op->getNumOperands(); ++i) {
      BlockArgument argument = op.getMatchingBlockArgument(&op->getOpOperand(i));
      if (i >= inputs && accumulators[i - inputs]) {
        map.map(argument, result[i - inputs]);
      } else if (loaded[i]) {
        Value value = loaded[i];
        bool isVector = isa<VectorType>(value.getType());
        if (wide && !isVector)
          value = vector::BroadcastOp::create(k, VectorType::get(width, value.getType()), value);
        else if (!wide && isVector)
          value = vector::ExtractOp::create(k, value, lane);
        map.map(argument, value);
      }
    }
    emitBody(map, positions, lane, wide ? width : 1);
    for (unsigned o = 0; o < outputs.size(); ++o) {
      Value value = outside(map, yield->getOperand(o));
      if (wide && !isa<VectorType>(value.getType()))
        value = vector::BroadcastOp::create(k, VectorType::get(width, value.getType()), value);
      if (accumulators[o])
        result[o] = value;
      else
        outputs[o].push_back(value);
    }
  }
  for (auto [o, values] : llvm::enumerate(outputs)) {
    if (accumulators[o])
      continue;
    Value value = values[0];
    if (width > 1 && !wide)
      value = vector::FromElementsOp::create(k, VectorType::get(width, value.getType()), values);
    if (made)
      (*made)[o] = value;
    else
      store(o, positions, value, width);
  }
  return result;
}

void BodyEmitter::store(unsigned output, ValueRange positions, Value value, int64_t width) {
  unsigned operand = op.getNumDpsInputs() + output;
  Value row = k.flat(op->getOperand(operand)), where = address(operand, positions);
  Type element = cast<MemRefType>(row.getType()).getElementType();
  int64_t stride = width > 1 ? plan.loops.back().strides[operand] : 0;
  if (width > 1 && stride == 1 && movesWide(element)) {
    vector::StoreOp::create(k, value, row, where, /*nontemporal=*/false, llvm::MaybeAlign(width * elementBytes(element)));
    return;
  }
  for (int64_t lane = 0; lane < width; ++lane) {
    Value one = width > 1 ? vector::ExtractOp::create(k, value, lane).getResult() : value;
    memref::StoreOp::create(k, one, row, k.add(where, k.index(lane * stride)));
  }
}
