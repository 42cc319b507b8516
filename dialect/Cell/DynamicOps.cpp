//===- DynamicOps.cpp - blocks at places that are known at run time --------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Expr.h"
#include "dialect/Cell/Infer.h"
#include "dialect/Cell/Shapes.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::cell;

/// Checks `starts` and the sizes of a block of `type`.
static LogicalResult checkBlock(StringRef op, std::optional<Location> location, RankedTensorType type, ValueRange starts, ArrayRef<int64_t> sizes) {
  size_t rank = type.getRank();
  if (starts.size() != rank || sizes.size() != rank)
    return inferError(location, op) << "needs one start and one size for each of the " << rank << " dimensions of " << type << ", but got "
                                    << starts.size() << " and " << sizes.size();
  for (Value start : starts) {
    auto startType = dyn_cast<RankedTensorType>(start.getType());
    if (!startType || startType.getRank() != 0 || !startType.getElementType().isIntOrIndex() || startType.getElementType().isInteger(1))
      return inferError(location, op) << "takes starts that are 0-d integer tensors, but got " << start.getType();
  }
  for (auto [i, size] : llvm::enumerate(sizes))
    if (size < 0 || (!type.isDynamicDim(i) && size > type.getDimSize(i)))
      return inferError(location, op) << "takes a block of size " << size << " in dimension " << i << " of " << type;
  return success();
}

/// The starts as numbers within bounds, where all are constants.
static std::optional<SmallVector<int64_t>> constantStarts(ValueRange starts, ArrayRef<int64_t> shape, ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> numbers;
  for (auto [start, whole, size] : llvm::zip_equal(starts, shape, sizes)) {
    DenseIntElementsAttr elements;
    if (ShapedType::isDynamic(whole) || !matchPattern(start, m_Constant(&elements)))
      return std::nullopt;
    APInt value = *elements.value_begin<APInt>();
    bool isUnsigned = elements.getElementType().isUnsignedInteger();
    int64_t number = isUnsigned ? static_cast<int64_t>(value.getZExtValue()) : value.getSExtValue();
    numbers.push_back(std::clamp<int64_t>(number, 0, whole - size));
  }
  return numbers;
}

/// Whether two blocks of these sizes in a tensor of this shape lie at one place: a dimension that is taken whole has only one.
static bool isSamePlace(ValueRange a, ValueRange b, ArrayRef<int64_t> shape, ArrayRef<int64_t> sizes) {
  return llvm::all_of(llvm::zip_equal(a, b, shape, sizes), [](const auto &dimension) {
    auto [first, second, whole, size] = dimension;
    return first == second || whole == size;
  });
}

//===----------------------------------------------------------------------===//
// dynamic_slice
//===----------------------------------------------------------------------===//

LogicalResult DynamicSliceOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                               OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  DynamicSliceOpAdaptor adaptor(operands, attributes, properties, regions);
  auto type = inferOperand(location, getOperationName(), operands, 0);
  if (!type || failed(checkBlock(getOperationName(), location, type, operands.drop_front(), adaptor.getSizes())))
    return failure();
  inferred.push_back(type.clone(adaptor.getSizes()));
  return success();
}

LogicalResult DynamicSliceOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = DynamicUpdateOp::create(builder, getLoc(), createFull(builder, getLoc(), getX(), 0), cotangents[0], getStarts());
  return success();
}

OpFoldResult DynamicSliceOp::fold(FoldAdaptor adaptor) {
  auto type = cast<RankedTensorType>(getType());
  if (getX().getType() == type && type.hasStaticShape())
    return getX();
  // What was just written.
  auto update = getX().getDefiningOp<DynamicUpdateOp>();
  if (update && update.getUpdate().getType() == type && isSamePlace(update.getStarts(), getStarts(), shapeOf(getX()), getSizes()))
    return update.getUpdate();
  auto elements = dyn_cast_if_present<SplatElementsAttr>(adaptor.getX());
  return elements && type.hasStaticShape() ? elements.resizeSplat(type) : nullptr;
}

namespace {
struct SliceAtConstant : OpRewritePattern<DynamicSliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DynamicSliceOp op, PatternRewriter &rewriter) const override {
    auto starts = constantStarts(op.getStarts(), shapeOf(op.getX()), op.getSizes());
    if (!starts)
      return failure();
    SmallVector<int64_t> limits(*starts), strides(starts->size(), 1);
    for (auto [limit, size] : llvm::zip(limits, op.getSizes()))
      limit += size;
    rewriter.replaceOpWithNewOp<SliceOp>(op, op.getX(), *starts, limits, strides);
    return success();
  }
};
} // namespace

void DynamicSliceOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) { patterns.add<SliceAtConstant>(context); }

//===----------------------------------------------------------------------===//
// dynamic_update
//===----------------------------------------------------------------------===//

LogicalResult DynamicUpdateOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr,
                                                OpaqueProperties, RegionRange, SmallVectorImpl<Type> &inferred) {
  auto type = inferOperand(location, getOperationName(), operands, 0);
  auto update = inferOperand(location, getOperationName(), operands, 1);
  if (!type || !update)
    return failure();
  if (update.getElementType() != type.getElementType() || update.getRank() != type.getRank() || !update.hasStaticShape())
    return inferError(location, getOperationName()) << "writes " << update << " into " << type << ", but rank and element type must be equal, and the shape of what is "
                                                       "written static";
  if (failed(checkBlock(getOperationName(), location, type, operands.drop_front(2), update.getShape())))
    return failure();
  inferred.push_back(type);
  return success();
}

LogicalResult DynamicUpdateOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = DynamicUpdateOp::create(builder, getLoc(), cotangents[0], createFull(builder, getLoc(), getUpdate(), 0), getStarts());
  if (needed[1])
    grads[1] = DynamicSliceOp::create(builder, getLoc(), cotangents[0], getStarts(), shapeOf(getUpdate()));
  return success();
}

OpFoldResult DynamicUpdateOp::fold(FoldAdaptor) {
  // The whole tensor is replaced.
  if (getUpdate().getType() == getType() && cast<RankedTensorType>(getType()).hasStaticShape())
    return getUpdate();
  // What is there is written again.
  auto slice = getUpdate().getDefiningOp<DynamicSliceOp>();
  if (slice && slice.getX() == getX() && isSamePlace(slice.getStarts(), getStarts(), shapeOf(getX()), shapeOf(getUpdate())))
    return getX();
  // The block is written over before anybody sees it.
  auto before = getX().getDefiningOp<DynamicUpdateOp>();
  if (before && before.getUpdate().getType() == getUpdate().getType() && isSamePlace(before.getStarts(), getStarts(), shapeOf(getX()), shapeOf(getUpdate()))) {
    getXMutable().assign(before.getX());
    return getResult();
  }
  return nullptr;
}

namespace {
/// a + (0 with u at i) is a with (its block + u) at i: a loop that adds up gradients of rows then costs rows.
struct AddIntoBlock : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AddOp op, PatternRewriter &rewriter) const override {
    for (auto [block, rest] : {std::pair(op.getRhs(), op.getLhs()), std::pair(op.getLhs(), op.getRhs())}) {
      auto update = block.getDefiningOp<DynamicUpdateOp>();
      if (!update || !update->hasOneUse() || !(matchPattern(update.getX(), m_AnyZeroFloat()) || matchPattern(update.getX(), m_Zero())))
        continue;
      Location loc = op.getLoc();
      Value old = DynamicSliceOp::create(rewriter, loc, rest, update.getStarts(), shapeOf(update.getUpdate()));
      Value sum = AddOp::create(rewriter, loc, old, update.getUpdate());
      rewriter.replaceOpWithNewOp<DynamicUpdateOp>(op, rest, sum, update.getStarts());
      return success();
    }
    return failure();
  }
};
} // namespace

void DynamicUpdateOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) { patterns.add<AddIntoBlock>(context); }
