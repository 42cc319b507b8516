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

/// What is left from an offset to the end, where a size is the minimum of that and of a number.
static LinearIndex restOf(OpFoldResult size) {
  auto value = dyn_cast<Value>(size);
  if (value && isa_and_nonnull<arith::MinSIOp, arith::MinUIOp>(value.getDefiningOp()))
    for (Value operand : value.getDefiningOp()->getOperands())
      if (LinearIndex rest = LinearIndex::of(operand); rest.terms.size() == 1)
        return rest;
  return {};
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

namespace {
/// A part of an argument or of a local buffer: elements `offset + sum of index * stride`.
struct BufferTile {
  LinearIndex offset;
  SmallVector<int64_t> sizes, strides; // sizes: at most
  SmallVector<LinearIndex> rests;      // sizes are at most these as well; 0 if there is nothing to know

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
  tile.rests.resize(tile.sizes.size());
  if (auto made = view.getDefiningOp<OffsetSizeAndStrideOpInterface>(); made && made.getMixedSizes().size() == tile.sizes.size())
    for (auto [axis, bound] : llvm::enumerate(made.getMixedSizes())) {
      tile.sizes[axis] = upperBound(bound);
      auto part = view.getDefiningOp<memref::SubViewOp>();
      if (tile.sizes[axis] < 0 && part && part.getSourceType().getRank() == type.getRank())
        tile.sizes[axis] = part.getSourceType().getDimSize(axis);
      tile.rests[axis] = restOf(bound);
    }
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

namespace {
/// `counter / divisor mod count`, times a factor: a part of an offset.
struct Digit {
  Value value;
  int64_t factor, divisor = 1, count = 0; // count 0: all that is left
};
} // namespace

static bool readDigit(Value value, Value counter, Digit &digit) {
  while (isa_and_nonnull<arith::IndexCastOp, arith::IndexCastUIOp>(value.getDefiningOp()) && (value.getType().isIndex() || value.getType().getIntOrFloatBitWidth() >= 32))
    value = value.getDefiningOp()->getOperand(0);
  if (value == counter)
    return true;
  Operation *op = value.getDefiningOp();
  bool divides = isa_and_nonnull<arith::DivUIOp, arith::DivSIOp>(op);
  if (!divides && !isa_and_nonnull<arith::RemUIOp, arith::RemSIOp>(op))
    return false;
  int64_t by = getConstantIntValue(op->getOperand(1)).value_or(0);
  if (by <= 0 || !readDigit(op->getOperand(0), counter, digit) || digit.count % by)
    return false;
  if (divides)
    digit.divisor *= by, digit.count /= by;
  else
    digit.count = by;
  return true;
}

/// True if a tile, in any two steps of the loop, has no element in common. Its offset is made of digits of the loop's counter: a tile's row and column.
static bool apartInAllSteps(const BufferTile &tile, scf::ForOp loop) {
  int64_t end = getConstantIntValue(loop.getUpperBound()).value_or(INT64_MAX), begin = getConstantIntValue(loop.getLowerBound()).value_or(-1);
  if (end > INT32_MAX || (begin < 0 && !loop.getLowerBound().getDefiningOp<BlockIdxOp>())) // what is cast is small and positive
    return false;
  SmallVector<Digit> digits;
  for (auto [value, factor] : tile.offset.terms) {
    Digit digit{value, factor};
    if (readDigit(value, loop.getInductionVar(), digit) && factor > 0)
      digits.push_back(digit);
    else if (!loop.isDefinedOutsideOfLoop(value))
      return false;
  }
  // Together they are the counter: two steps differ in one of them.
  llvm::sort(digits, [](const Digit &a, const Digit &b) { return a.divisor < b.divisor; });
  int64_t told = 1;
  for (Digit &digit : digits) {
    if (digit.divisor != told)
      return false;
    digit.count = digit.count ? digit.count : llvm::divideCeil(end, digit.divisor);
    told *= digit.count;
  }
  if (told < end)
    return false;
  // An element is a sum of numbers times weights. If each weight is above all that the smaller ones can add, the element says what the numbers are.
  SmallVector<std::pair<int64_t, int64_t>> parts; // weight, largest number
  for (auto [size, stride, rest] : llvm::zip(tile.sizes, tile.strides, tile.rests)) {
    int64_t most = size - 1;
    // The last tile of a row is cut where the row ends: position in the row, not tile and position in it.
    for (Digit &digit : digits)
      if (rest.terms.size() == 1 && rest.terms.front().first == digit.value && -rest.terms.front().second >= size && digit.factor == -rest.terms.front().second * stride) {
        most = rest.constant - 1;
        digit.count = 1;
      }
    parts.push_back({stride, most});
  }
  for (const Digit &digit : digits)
    parts.push_back({digit.factor, digit.count - 1});
  llvm::sort(parts);
  int64_t reach = 0;
  for (auto [weight, most] : parts) {
    if (most > 0 && weight <= reach)
      return false;
    if (most > 0 && most > (INT64_MAX - reach) / weight)
      return false;
    reach += std::max<int64_t>(most, 0) * weight;
  }
  return true;
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
  scf::ForOp loop = rings[*now.ring].loop;
  if (difference.constant == 0 && x->sizes == y->sizes && x->strides == y->strides && x->rests == y->rests && apartInAllSteps(*x, loop))
    return false;
  // A later step: the offset has grown by a multiple of factor * step, if all else in it stays as it is in the loop.
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
