//===- Decompose.cpp - products in L1 become transfers to L0 and products there ---===//
#include "passes/AscendSchedule/Decompose.h"

#include "dialect/Ascend/Ascend.h"
#include "passes/AscendSchedule/KernelModel.h"
#include "passes/AscendSchedule/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace mlir::cell {
#define GEN_PASS_DEF_ASCENDDECOMPOSE
#include "passes/AscendSchedule/AscendSchedulePasses.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;
using ascend::Space;
using llvm::divideCeilSigned;

int64_t cell::cubeUnit(const ascend::Target &target, Type factor) { return std::max(target.fractal_rows, target.getFractalColumns(factor)); }

int64_t cell::chooseCubeDepth(const ascend::Target &target, int64_t m, int64_t n, int64_t k, Type factor) {
  int64_t bytes = ascend::getElementBytes(factor), unit = cubeUnit(target, factor);
  int64_t most = std::min(target.l0a_bytes / (2 * m * bytes), target.l0b_bytes / (2 * n * bytes)) / unit * unit;
  k = divideCeilSigned(k, unit) * unit;
  if (most == 0 || k <= most)
    return std::min(most, k);
  // An even number of pieces of about one size: the two buffers then change hands in the same order in each step of a loop.
  int64_t pieces = divideCeilSigned(divideCeilSigned(k, most), 2) * 2;
  return divideCeilSigned(divideCeilSigned(k, pieces), unit) * unit;
}

namespace {
/// Sizes as they are known where the buffer is used; those of a part come from the op that takes it.
SmallVector<OpFoldResult> sizesOf(OpBuilder &builder, Value buffer) {
  if (auto part = buffer.getDefiningOp<memref::SubViewOp>(); part && part.getSourceType().getRank() == part.getType().getRank())
    return part.getMixedSizes();
  return memref::getMixedSizes(builder, buffer.getLoc(), buffer);
}

/// The size of an axis, or of that of the buffer it is a part of; nothing if neither is known.
std::optional<int64_t> boundOf(Value buffer, unsigned axis) {
  for (;;) {
    auto type = cast<MemRefType>(buffer.getType());
    if (!type.isDynamicDim(axis))
      return type.getDimSize(axis);
    auto part = buffer.getDefiningOp<memref::SubViewOp>();
    if (!part || part.getSourceType().getRank() != type.getRank())
      return std::nullopt;
    buffer = part.getSource();
  }
}

class Decomposer {
public:
  explicit Decomposer(ascend::MmadL1Op op) : op(op), b(op.getLoc(), op), target(ascend::Target::get(op)), factor(cast<MemRefType>(op.getLhs().getType()).getElementType()) {}

  LogicalResult run(llvm::DenseMap<Value, Value> &biases) {
    int64_t unit = target.fractal_rows, columns = target.getFractalColumns(factor);
    bool ta = op.getTransposeA(), tb = op.getTransposeB();
    std::optional<int64_t> m = boundOf(op.getOut(), 1), n = boundOf(op.getOut(), 0);
    // The pieces of the sum are made here: a bound would not do, what lies behind the sum must not be added.
    int64_t leftK = cast<MemRefType>(op.getLhs().getType()).getDimSize(ta ? 1 : 0), rightK = cast<MemRefType>(op.getRhs().getType()).getDimSize(tb ? 0 : 1);
    if (!m || !n || ShapedType::isDynamic(leftK) || ShapedType::isDynamic(rightK))
      return op.emitError("stage ascend-decompose: the buffers of this product have sizes that are not known; take parts of buffers of static shape");
    int64_t k = std::min(leftK * (ta ? unit : columns), rightK * (tb ? columns : unit));
    int64_t depth = chooseCubeDepth(target, *m * unit, *n * unit, k, factor);
    if (depth == 0) // memory planning says what does not fit
      depth = cubeUnit(target, factor);
    Value bias = op.getBias() ? biasOf(op.getBias(), biases) : Value();
    SmallVector<OpFoldResult> sums = sizesOf(b, op.getOut());
    int64_t pieces = divideCeilSigned(k, depth), copies = std::min<int64_t>(pieces, 2);
    SmallVector<Value> left, right;
    for (int64_t i = 0; i < copies; ++i) {
      left.push_back(alloc(Space::L0A, {*m, depth / columns, unit, columns}, copies));
      right.push_back(alloc(Space::L0B, {depth / columns, *n, unit, columns}, copies));
    }
    for (int64_t piece = 0; piece < pieces; ++piece) {
      int64_t start = piece * depth, size = std::min(depth, k - start);
      OpFoldResult inL0 = b.getIndexAttr(divideCeilSigned(size, columns));
      Value a = part(left[piece % copies], 0, 0, sums[1], inL0), c = part(right[piece % copies], 0, 0, inL0, sums[0]);
      ascend::L1ToL0AOp::create(b, alongSum(op.getLhs(), ta ? 1 : 0, start, size), a, ta);
      ascend::L1ToL0BOp::create(b, alongSum(op.getRhs(), tb ? 0 : 1, start, size), c, tb);
      Value init = piece == 0 ? op.getInit() : arith::ConstantOp::create(b, b.getBoolAttr(false)).getResult();
      ascend::MmadOp::create(b, a, c, init, piece == 0 ? bias : Value(), op.getOut());
    }
    op.erase();
    return success();
  }

private:
  ascend::MmadL1Op op;
  ImplicitLocOpBuilder b;
  ascend::Target target;
  Type factor;

  Value alloc(Space space, ArrayRef<int64_t> shape, int64_t copies) {
    auto type = MemRefType::get(shape, factor, MemRefLayoutAttrInterface(), ascend::SpaceAttr::get(b.getContext(), space));
    auto buffer = memref::AllocOp::create(b, type);
    if (copies > 1) // these take turns already
      buffer->setAttr(ascend::kMultiBufferAttr, b.getI64IntegerAttr(1));
    return buffer;
  }

  Value part(Value buffer, int64_t first, int64_t second, OpFoldResult firstSize, OpFoldResult secondSize) {
    auto type = cast<MemRefType>(buffer.getType());
    if (getConstantIntValue(firstSize) == type.getDimSize(0) && getConstantIntValue(secondSize) == type.getDimSize(1))
      return buffer;
    OpFoldResult zero = b.getIndexAttr(0);
    SmallVector<OpFoldResult> offsets = {b.getIndexAttr(first), b.getIndexAttr(second), zero, zero}, ones(4, b.getIndexAttr(1));
    SmallVector<OpFoldResult> sizes = {firstSize, secondSize, b.getIndexAttr(type.getDimSize(2)), b.getIndexAttr(type.getDimSize(3))};
    return memref::SubViewOp::create(b, buffer, offsets, sizes, ones);
  }

  /// The fractals of `buffer`, in L1, that hold `size` elements of the sum; `axis` is the one that runs along it.
  Value alongSum(Value buffer, unsigned axis, int64_t start, int64_t size) {
    auto type = cast<MemRefType>(buffer.getType());
    int64_t unit = axis == 1 ? target.fractal_rows : type.getDimSize(3);
    SmallVector<OpFoldResult> sizes = sizesOf(b, buffer);
    sizes[axis] = b.getIndexAttr(divideCeilSigned(size, unit));
    return axis == 0 ? part(buffer, start / unit, 0, sizes[0], sizes[1]) : part(buffer, 0, start / unit, sizes[0], sizes[1]);
  }

  /// What holds this product in the block of `source`, if `source` has its final content there: it is written once, in that block, before.
  Operation *holderBehindFill(Value source) {
    Operation *holder = source.getParentBlock()->findAncestorOpInBlock(*op), *writer = nullptr;
    Value root = ascend::getRoot(source);
    if (!root || !root.getDefiningOp())
      return nullptr;
    SmallVector<Value> views = {root};
    for (size_t i = 0; i < views.size(); ++i)
      for (Operation *user : views[i].getUsers()) {
        if (auto view = dyn_cast<ViewLikeOpInterface>(user)) {
          llvm::append_range(views, view->getResults());
        } else if (auto run = dyn_cast<ascend::AscendPipeOpInterface>(user)) {
          if (!llvm::is_contained(run.getWrites(), views[i]))
            continue;
          if (writer)
            return nullptr;
          writer = user;
        } else if (!isa<memref::DimOp>(user)) {
          return nullptr;
        }
      }
    return writer && holder && writer->getBlock() == source.getParentBlock() && writer->isBeforeInBlock(holder) ? holder : nullptr;
  }

  /// The bias goes to the cube once, behind what fills its buffer, not in each step of the sum; in each step if it may differ from step to step.
  Value biasOf(Value source, llvm::DenseMap<Value, Value> &biases) {
    OpBuilder::InsertionGuard guard(b);
    Operation *holder = holderBehindFill(source);
    Value once; // what is not shared
    Value &known = holder ? biases[source] : once;
    if (known)
      return known;
    if (holder)
      b.setInsertionPoint(holder);
    auto type = cast<MemRefType>(source.getType());
    Type element = type.getElementType().isInteger(32) ? type.getElementType() : b.getF32Type();
    int64_t bound = *boundOf(op.getOut(), 0) * target.fractal_rows;
    auto whole = MemRefType::get({bound}, element, MemRefLayoutAttrInterface(), ascend::SpaceAttr::get(b.getContext(), Space::BT));
    known = memref::AllocOp::create(b, whole);
    OpFoldResult size = sizesOf(b, source)[0];
    if (getConstantIntValue(size) != bound)
      known = memref::SubViewOp::create(b, known, {b.getIndexAttr(0)}, {size}, {b.getIndexAttr(1)});
    ascend::L1ToBtOp::create(b, source, known);
    return known;
  }
};

struct AscendDecompose : cell::impl::AscendDecomposeBase<AscendDecompose> {
  void runOnOperation() override {
    SmallVector<ascend::MmadL1Op> ops;
    getOperation().walk([&](ascend::MmadL1Op op) { ops.push_back(op); });
    llvm::DenseMap<Value, Value> biases;
    for (ascend::MmadL1Op op : ops)
      if (failed(Decomposer(op).run(biases)))
        return signalPassFailure();
  }
};
} // namespace
