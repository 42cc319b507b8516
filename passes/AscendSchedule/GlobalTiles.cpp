//===- GlobalTiles.cpp - whether tiles of one buffer coincide -----------------===//
#include "passes/AscendSchedule/KernelModel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace mlir::ascend;

static constexpr int64_t kMostSteps = 4096; // that are compared one by one

//===----------------------------------------------------------------------===//
// Indices
//===----------------------------------------------------------------------===//

void LinearIndex::add(const LinearIndex &other, int64_t factor) {
  constant += other.constant * factor;
  for (auto [value, times] : other.terms) {
    auto *at = llvm::lower_bound(terms, value, [](auto &term, Value v) { return term.first.getAsOpaquePointer() < v.getAsOpaquePointer(); });
    if (at == terms.end() || at->first != value)
      terms.insert(at, {value, times * factor});
    else if ((at->second += times * factor) == 0)
      terms.erase(at);
  }
}

LinearIndex LinearIndex::minus(const LinearIndex &other) const {
  LinearIndex result = *this;
  result.add(other, -1);
  return result;
}

LinearIndex LinearIndex::of(OpFoldResult index) {
  LinearIndex result;
  if (std::optional<int64_t> constant = getConstantIntValue(index)) {
    result.constant = *constant;
    return result;
  }
  Value value = cast<Value>(index);
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<arith::AddIOp, arith::SubIOp>(op)) {
    result = of(op->getOperand(0));
    result.add(of(op->getOperand(1)), isa<arith::SubIOp>(op) ? -1 : 1);
    return result;
  }
  if (auto product = dyn_cast_or_null<arith::MulIOp>(op))
    for (auto [one, other] : {std::pair(product.getLhs(), product.getRhs()), std::pair(product.getRhs(), product.getLhs())})
      if (std::optional<int64_t> factor = getConstantIntValue(one)) {
        if (*factor)
          result.add(of(other), *factor);
        return result;
      }
  result.terms.push_back({value, 1});
  return result;
}

/// A positive number that an index is a multiple of, at least one time; 0 if none is known.
static int64_t lowerBound(Value index) {
  LinearIndex linear = LinearIndex::of(index);
  if (linear.terms.empty())
    return std::max<int64_t>(linear.constant, 0);
  // All steps are multiples of the bound: so a sum of a constant and of the number of cores has none.
  if (linear.terms.size() > 1 || linear.constant || linear.terms.front().second < 0 || !linear.terms.front().first.getDefiningOp<BlockNumOp>())
    return 0;
  return linear.terms.front().second;
}

/// The largest value of a size; dynamic if unknown.
static int64_t upperBound(OpFoldResult size) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return *constant;
  Operation *op = cast<Value>(size).getDefiningOp();
  int64_t best = ShapedType::kDynamic;
  if (isa_and_nonnull<arith::MinSIOp, arith::MinUIOp>(op))
    for (Value operand : op->getOperands())
      if (int64_t bound = upperBound(operand); bound >= 0)
        best = best < 0 ? bound : std::min(best, bound);
  return best;
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

namespace {
/// A part of an argument or of a local buffer: elements `offset + sum of index * stride`.
struct BufferTile {
  LinearIndex offset;
  SmallVector<int64_t> sizes, strides; // sizes: at most

  /// The highest element, counted from the first.
  int64_t extent() const {
    int64_t last = 0;
    for (auto [size, stride] : llvm::zip(sizes, strides))
      last += std::max<int64_t>(size - 1, 0) * stride;
    return last;
  }
};
} // namespace

static LinearIndex offsetOf(Value view, bool &known) {
  LinearIndex offset;
  while (auto op = view.getDefiningOp<ViewLikeOpInterface>()) {
    if (auto cast = dyn_cast<memref::ReinterpretCastOp>(*op)) {
      offset.add(LinearIndex::of(cast.getMixedOffsets().front()), 1);
      return offset;
    }
    if (auto part = dyn_cast<memref::SubViewOp>(*op)) {
      SmallVector<int64_t> strides;
      int64_t base;
      known &= succeeded(part.getSourceType().getStridesAndOffset(strides, base));
      for (auto [at, stride] : llvm::zip(part.getMixedOffsets(), strides)) {
        known &= !ShapedType::isDynamic(stride);
        offset.add(LinearIndex::of(at), stride);
      }
    } else if (!isa<memref::CastOp, memref::CollapseShapeOp, memref::ExpandShapeOp>(*op)) {
      known = false;
    }
    view = op.getViewSource();
  }
  known &= getRoot(view) == view && cast<MemRefType>(view.getType()).getLayout().isIdentity();
  return offset;
}

static std::optional<BufferTile> tileOf(Value view) {
  BufferTile tile;
  bool known = true;
  tile.offset = offsetOf(view, known);
  auto type = cast<MemRefType>(view.getType());
  int64_t base;
  known &= succeeded(type.getStridesAndOffset(tile.strides, base));
  tile.sizes.assign(type.getShape().begin(), type.getShape().end());
  if (auto made = view.getDefiningOp<OffsetSizeAndStrideOpInterface>(); made && made.getMixedSizes().size() == tile.sizes.size())
    for (auto [size, bound] : llvm::zip(tile.sizes, made.getMixedSizes()))
      size = upperBound(bound);
  for (auto [size, stride] : llvm::zip(tile.sizes, tile.strides))
    known &= size >= 0 && stride >= 0;
  return known ? std::optional(tile) : std::nullopt;
}

/// True if elements of two tiles with equal strides coincide whose offsets differ by `difference` = sum of k * stride, -low < k < high.
static bool coincide(int64_t difference, ArrayRef<int64_t> strides, ArrayRef<int64_t> low, ArrayRef<int64_t> high) {
  if (strides.empty())
    return difference == 0;
  int64_t stride = strides.front(), below = 0, above = 0; // what the other dimensions can add
  for (size_t i = 1; i < strides.size(); ++i) {
    below += (low[i] - 1) * strides[i];
    above += (high[i] - 1) * strides[i];
  }
  if (stride == 0)
    return coincide(difference, strides.drop_front(), low.drop_front(), high.drop_front());
  int64_t first = std::max(1 - low.front(), llvm::divideFloorSigned(difference - above, stride));
  int64_t last = std::min(high.front() - 1, llvm::divideCeilSigned(difference + below, stride));
  for (int64_t k = first; k <= last; ++k)
    if (coincide(difference - k * stride, strides.drop_front(), low.drop_front(), high.drop_front()))
      return true;
  return false;
}

/// Whether two tiles of one buffer whose offsets differ by `d` have an element in common.
static bool meet(const BufferTile &x, const BufferTile &y, int64_t d) {
  if (d > y.extent() || -d > x.extent())
    return false;
  return x.strides != y.strides || coincide(d, x.strides, x.sizes, y.sizes);
}

KernelModel::Meeting KernelModel::meetingOf(const Access &x, const Access &y) const {
  if (!mayTouch(x, y, 0))
    return Meeting::Apart;
  if (x.buffer != y.buffer || !x.view || !y.view)
    return Meeting::Part;
  std::optional<BufferTile> a = tileOf(x.view), b = tileOf(y.view);
  LinearIndex difference = a && b ? a->offset.minus(b->offset) : LinearIndex();
  if (!a || !b || !difference.terms.empty())
    return Meeting::Part;
  if (difference.constant == 0 && x.view.getType() == y.view.getType())
    return Meeting::Same;
  return meet(*a, *b, difference.constant) ? Meeting::Part : Meeting::Apart;
}

/// Tiles of the same argument, in the same step of the loop around both (place 0) or in different steps (1).
bool KernelModel::mayTouchGlobal(const Access &now, const Access &before, unsigned place) const {
  std::optional<BufferTile> x = tileOf(now.view), y = tileOf(before.view);
  if (!x || !y || now.ring != before.ring || place > 1)
    return true;
  LinearIndex difference = x->offset.minus(y->offset);
  if (!difference.terms.empty())
    return true;
  if (place == 0)
    return meet(*x, *y, difference.constant);
  // A later step: the offset has grown by a multiple of factor * step, if all else in it stays as it is in the loop.
  scf::ForOp loop = rings[*now.ring].loop;
  int64_t factor = 0;
  for (auto [value, times] : x->offset.terms)
    if (value == loop.getInductionVar())
      factor = times;
    else if (!loop.isDefinedOutsideOfLoop(value))
      return true;
  int64_t moved = factor * lowerBound(loop.getStep()), steps = INT64_MAX;
  if (moved == 0)
    return true;
  if (std::optional<llvm::APInt> trips = loop.getStaticTripCount())
    steps = trips->getSExtValue();
  for (int64_t step = 1; step < steps; ++step) {
    int64_t d = difference.constant + step * moved;
    if (meet(*x, *y, d))
      return true;
    if (moved > 0 ? d > y->extent() : -d > x->extent())
      return false;
    if (step > kMostSteps)
      return true;
  }
  return false;
}
