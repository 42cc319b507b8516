//===- LoopPlan.cpp - loop order of one linalg op on memrefs --------------===//
#include "passes/LinalgToLLVM/LoopPlan.h"

#include "passes/LinalgToLLVM/BufferRoots.h"
#include "passes/LinalgToLLVM/Common.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Reductions of at most this many points in all are written out inside the innermost parallel loop.
constexpr int64_t kUnrollPoints = 16;

/// Adds `scale` times `expr` to `coefficients` (one per dimension, the constant last). False if `expr` is not linear.
bool addLinear(AffineExpr expr, int64_t scale, MutableArrayRef<int64_t> coefficients) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    coefficients.back() += scale * constant.getValue();
    return true;
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    coefficients[dim.getPosition()] += scale;
    return true;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return false;
  if (binary.getKind() == AffineExprKind::Add)
    return addLinear(binary.getLHS(), scale, coefficients) && addLinear(binary.getRHS(), scale, coefficients);
  if (binary.getKind() != AffineExprKind::Mul)
    return false;
  if (auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS()))
    return addLinear(binary.getLHS(), scale * factor.getValue(), coefficients);
  if (auto factor = dyn_cast<AffineConstantExpr>(binary.getLHS()))
    return addLinear(binary.getRHS(), scale * factor.getValue(), coefficients);
  return false;
}

/// Estimated nanoseconds of one scalar operation inside a vectorised loop.
double operationCost(Operation *op) {
  if (isa<arith::ConstantOp, linalg::YieldOp, linalg::IndexOp>(op))
    return 0;
  double wide = !op->getNumResults() || elementBytes(op->getResult(0).getType()) <= 4 ? 1 : 2;
  if (isa<math::MathDialect>(op->getDialect()) && !isa<math::AbsFOp, math::CopySignOp, math::FloorOp, math::CeilOp, math::FmaOp>(op))
    return 0.6 * wide;
  if (isa<arith::DivFOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp>(op))
    return 0.25 * wide;
  if (op->getNumRegions() || op->getName().getStringRef() == "memref.load")
    return 2;
  return 0.03 * wide;
}

/// Orders the loops: the dimension that moves least through memory goes innermost.
void orderLoops(SmallVectorImpl<PlannedLoop> &loops) {
  auto cost = [](const PlannedLoop &loop) {
    int64_t sum = 0;
    for (int64_t stride : loop.strides)
      sum += std::abs(stride);
    return sum;
  };
  llvm::stable_sort(loops, [&](const PlannedLoop &a, const PlannedLoop &b) { return cost(a) > cost(b); });
  int64_t reductions = 1;
  for (PlannedLoop &loop : loops)
    if (loop.reduction)
      reductions *= loop.size;
  bool anyParallel = llvm::any_of(loops, [](const PlannedLoop &loop) { return !loop.reduction; });
  if (!anyParallel || loops.empty())
    return;
  // Tiny windows (pooling) and reductions along contiguous memory: parallel loops outside, accumulators in registers.
  bool innerReduction = loops.back().reduction && loops.back().size >= kUnrollPoints;
  if (reductions <= kUnrollPoints || innerReduction)
    std::stable_partition(loops.begin(), loops.end(), [](const PlannedLoop &loop) { return !loop.reduction; });
}

/// Merges neighbouring loops that walk through memory as one.
void collapseLoops(SmallVectorImpl<PlannedLoop> &loops, ArrayRef<bool> indexed) {
  auto usesIndex = [&](const PlannedLoop &loop) { return llvm::any_of(loop.dims, [&](unsigned d) { return indexed[d]; }); };
  for (unsigned i = 0; i + 1 < loops.size();) {
    PlannedLoop &outer = loops[i], &inner = loops[i + 1];
    bool merge = outer.reduction == inner.reduction && outer.covers == inner.covers && !usesIndex(outer) && !usesIndex(inner);
    for (auto [a, b] : llvm::zip_equal(outer.strides, inner.strides))
      merge &= a == b * inner.size;
    if (!merge) {
      ++i;
      continue;
    }
    inner.size *= outer.size;
    inner.dims.insert(inner.dims.begin(), outer.dims.begin(), outer.dims.end());
    loops.erase(loops.begin() + i);
    i = i ? i - 1 : 0;
  }
}
} // namespace

int64_t cell::spanOf(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset, last = 0;
  if (llvm::is_contained(type.getShape(), 0) || failed(type.getStridesAndOffset(strides, offset)))
    return 0;
  for (auto [size, stride] : llvm::zip_equal(type.getShape(), strides))
    last += (size - 1) * stride;
  return last + 1;
}

linalg::FillOp cell::findFill(linalg::LinalgOp op, Value buffer) {
  BufferRoots roots = BufferRoots::of(buffer);
  for (Value input : op.getDpsInputs())
    if (isa<MemRefType>(input.getType()) && BufferRoots::of(input).mayAlias(roots))
      return nullptr;
  for (Operation *before = op->getPrevNode(); before; before = before->getPrevNode()) {
    if (auto fill = dyn_cast<linalg::FillOp>(before); fill && fill.getOutputs()[0] == buffer)
      return fill;
    if (touches(before, roots))
      return nullptr;
  }
  return nullptr;
}

FailureOr<LoopPlan> cell::planLoops(linalg::LinalgOp op, StringRef stage) {
  LoopPlan plan;
  auto refuse = [&](llvm::function_ref<void(InFlightDiagnostic &)> say) -> LogicalResult {
    if (stage.empty())
      return failure();
    InFlightDiagnostic error = op->emitError("stage ") << stage << ": '" << op->getName() << "' ";
    say(error);
    return error;
  };
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  if (llvm::is_contained(sizes, 0)) { // nothing to do, and buffers without elements have no strides
    plan.points = 0;
    return plan;
  }
  unsigned rank = sizes.size(), operands = op->getNumOperands(), inits = op.getNumDpsInits();
  SmallVector<PlannedLoop> dims(rank);
  for (unsigned d = 0; d < rank; ++d)
    dims[d] = {sizes[d], op.getIteratorTypesArray()[d] == utils::IteratorType::reduction, {d}, SmallVector<int64_t>(operands, 0), SmallVector<bool>(inits, false)};
  for (OpOperand &operand : op->getOpOperands()) {
    unsigned number = operand.getOperandNumber();
    plan.offsets.push_back(0);
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type)
      continue;
    SmallVector<int64_t> strides;
    int64_t ignored;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (type.getLayout().isIdentity() && type.hasStaticShape())
      strides = computeStrides(type.getShape()); // also of a shape without elements, whose layout MLIR calls unknown
    else if (failed(type.getStridesAndOffset(strides, ignored)) || llvm::any_of(strides, ShapedType::isDynamic))
      return refuse([&](InFlightDiagnostic &error) { error << "has an operand of type " << type << ", whose strides are not known when compiling"; });
    SmallVector<int64_t> total(rank + 1, 0);
    for (auto [expr, stride] : llvm::zip_equal(map.getResults(), strides)) {
      SmallVector<int64_t> linear(rank + 1, 0);
      if (!addLinear(expr, 1, linear))
        return refuse([&](InFlightDiagnostic &error) { error << "has the indexing map " << AffineMapAttr::get(map) << ", which is not linear"; });
      for (unsigned d = 0; d < rank; ++d) {
        dims[d].strides[number] += linear[d] * stride;
        if (linear[d] && op.isDpsInit(&operand))
          dims[d].covers[number - op.getNumDpsInputs()] = true;
      }
      plan.offsets.back() += linear[rank] * stride;
    }
  }
  SmallVector<bool> indexed(rank, false);
  double perPoint = 0;
  op.getBlock()->walk([&](Operation *inner) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner))
      indexed[index.getDim()] = true;
    perPoint += operationCost(inner);
  });
  for (PlannedLoop &dim : dims) {
    plan.points *= dim.size;
    if (dim.size != 1)
      plan.loops.push_back(std::move(dim));
  }
  orderLoops(plan.loops);
  collapseLoops(plan.loops, indexed);

  unsigned depth = plan.loops.size();
  for (unsigned o = 0; o < inits; ++o) {
    unsigned last = 0;
    bool all = true;
    for (unsigned l = 0; l < depth; ++l) {
      all &= plan.loops[l].covers[o];
      if (plan.loops[l].covers[o])
        last = l + 1;
    }
    plan.reduced.push_back(!all);
    plan.depths.push_back(all ? depth : last);
  }
  int64_t tail = 1;
  plan.unrollFrom = depth;
  while (plan.unrollFrom > 1 && plan.loops[plan.unrollFrom - 1].reduction && tail * plan.loops[plan.unrollFrom - 1].size <= kUnrollPoints)
    tail *= plan.loops[--plan.unrollFrom].size;
  // A piece must own what it writes: cut only along a loop that all outputs have elements for.
  for (unsigned l = 0; l < depth && !plan.chunk; ++l)
    if (!plan.loops[l].reduction && llvm::all_of(plan.loops[l].covers, [](bool covers) { return covers; }) && plan.loops[l].size >= 2)
      plan.chunk = l;
  double bytes = 0;
  for (Value operand : op->getOperands())
    if (auto type = dyn_cast<MemRefType>(operand.getType()))
      bytes += std::min<double>(contiguousBytes(type), plan.points * elementBytes(type.getElementType()));
  plan.nanoseconds = plan.points * (perPoint + 0.02 * op->getNumOperands()) + bytes * 0.03;
  return plan;
}
