//===- LinalgBuilders.cpp - linalg on tensors, the recurring pieces --------===//
#include "passes/CellToLinalg/LinalgBuilders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::cell;

SmallVector<OpFoldResult> mlir::cell::sizesOf(OpBuilder &builder, Location loc, Value tensor) {
  return tensor::getMixedSizes(builder, loc, tensor);
}

Value mlir::cell::createEmpty(OpBuilder &builder, Location loc, ArrayRef<OpFoldResult> sizes, Type element) {
  return tensor::EmptyOp::create(builder, loc, sizes, element);
}

Value mlir::cell::createFilled(OpBuilder &builder, Location loc, ArrayRef<OpFoldResult> sizes, Value scalar) {
  Value empty = createEmpty(builder, loc, sizes, scalar.getType());
  return linalg::FillOp::create(builder, loc, scalar, empty).getResult(0);
}

Value mlir::cell::createMap(OpBuilder &builder, Location loc, ValueRange inputs, ArrayRef<AffineMap> inputMaps, ArrayRef<OpFoldResult> sizes,
                            Type element, ElementBody body) {
  SmallVector<AffineMap> maps(inputMaps);
  maps.push_back(builder.getMultiDimIdentityMap(sizes.size()));
  SmallVector<utils::IteratorType> iterators(sizes.size(), utils::IteratorType::parallel);
  Value empty = createEmpty(builder, loc, sizes, element);
  bool refused = false;
  auto generic = linalg::GenericOp::create(builder, loc, TypeRange{empty.getType()}, inputs, ValueRange{empty}, maps, iterators,
                                           [&](OpBuilder &nested, Location loc, ValueRange args) {
                                             Value result = body(nested, loc, args.drop_back());
                                             refused = !result;
                                             linalg::YieldOp::create(nested, loc, refused ? args.back() : result);
                                           });
  return refused ? Value() : generic.getResult(0);
}

Value mlir::cell::createMap(OpBuilder &builder, Location loc, ValueRange inputs, ArrayRef<OpFoldResult> sizes, Type element, ElementBody body) {
  SmallVector<AffineMap> maps(inputs.size(), builder.getMultiDimIdentityMap(sizes.size()));
  return createMap(builder, loc, inputs, maps, sizes, element, body);
}

Value mlir::cell::createReduction(OpBuilder &builder, Location loc, Value x, ArrayRef<int64_t> axes, Value init, ElementBody body) {
  int64_t rank = cast<RankedTensorType>(x.getType()).getRank();
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  SmallVector<AffineExpr> kept;
  for (int64_t i = 0; i < rank; ++i) {
    if (llvm::is_contained(axes, i))
      iterators[i] = utils::IteratorType::reduction;
    else
      kept.push_back(builder.getAffineDimExpr(i));
  }
  AffineMap maps[] = {builder.getMultiDimIdentityMap(rank), AffineMap::get(rank, 0, kept, builder.getContext())};
  return linalg::GenericOp::create(builder, loc, TypeRange{init.getType()}, x, init, maps, iterators,
                                   [&](OpBuilder &nested, Location loc, ValueRange args) {
                                     linalg::YieldOp::create(nested, loc, body(nested, loc, args));
                                   })
      .getResult(0);
}

/// The finest common grouping of two static shapes with equal products: for each group, how many dimensions of each side it takes.
static SmallVector<std::pair<ReassociationIndices, ReassociationIndices>> groupShapes(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  SmallVector<std::pair<ReassociationIndices, ReassociationIndices>> groups;
  size_t i = 0, j = 0;
  while (i < from.size() && j < to.size()) {
    auto &[left, right] = groups.emplace_back();
    int64_t a = from[i], b = to[j];
    left.push_back(i++);
    right.push_back(j++);
    while (a != b) {
      // The products are equal in the end, so the smaller side has dimensions left.
      if (a < b)
        a *= from[i], left.push_back(i++);
      else
        b *= to[j], right.push_back(j++);
    }
  }
  // What is left over has size 1.
  for (; i < from.size() && !groups.empty(); ++i)
    groups.back().first.push_back(i);
  for (; j < to.size() && !groups.empty(); ++j)
    groups.back().second.push_back(j);
  return groups;
}

Value mlir::cell::createShape(OpBuilder &builder, Location loc, Value x, ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(x.getType());
  Type element = type.getElementType();
  auto result = RankedTensorType::get(shape, element);
  if (type == result)
    return x;
  // Between a scalar and tensors of one element.
  ArrayRef<ReassociationIndices> none;
  if (type.getRank() == 0)
    return tensor::ExpandShapeOp::create(builder, loc, result, x, none);
  if (result.getRank() == 0 && type.hasStaticShape())
    return tensor::CollapseShapeOp::create(builder, loc, result, x, none);

  if (type.hasStaticShape() && result.hasStaticShape() && !llvm::is_contained(type.getShape(), 0)) {
    SmallVector<ReassociationIndices> collapse, expand;
    for (auto &[left, right] : groupShapes(type.getShape(), shape)) {
      collapse.push_back(left);
      expand.push_back(right);
    }
    if (static_cast<int64_t>(collapse.size()) < type.getRank())
      x = tensor::CollapseShapeOp::create(builder, loc, x, collapse);
    return x.getType() == result ? x : tensor::ExpandShapeOp::create(builder, loc, result, x, expand).getResult();
  }

  // Through one dimension: nothing is known about how dynamic sizes, or sizes around a 0, go together.
  auto all = [](RankedTensorType type) { return SmallVector<ReassociationIndices>{llvm::to_vector<2>(llvm::seq<int64_t>(type.getRank()))}; };
  if (type.getRank() > 1)
    x = tensor::CollapseShapeOp::create(builder, loc, x, all(type));
  int64_t known = 1;
  for (int64_t size : shape)
    known *= ShapedType::isDynamic(size) ? 1 : size;
  if (result.hasStaticShape()) {
    // A static result of a dynamic operand: its type asserts the number of elements.
    auto flat = RankedTensorType::get({known}, element);
    if (x.getType() != flat)
      x = tensor::CastOp::create(builder, loc, flat, x);
    if (result.getRank() == 0)
      return tensor::CollapseShapeOp::create(builder, loc, result, x, none);
    return result.getRank() == 1 ? x : tensor::ExpandShapeOp::create(builder, loc, result, x, all(result)).getResult();
  }
  if (result.getRank() == 1)
    return x;
  // The dynamic dimension is the number of elements divided by the static sizes.
  SmallVector<OpFoldResult> sizes;
  for (int64_t size : shape) {
    if (!ShapedType::isDynamic(size)) {
      sizes.push_back(builder.getIndexAttr(size));
      continue;
    }
    Value total = tensor::DimOp::create(builder, loc, x, 0);
    sizes.push_back(arith::DivUIOp::create(builder, loc, total, arith::ConstantIndexOp::create(builder, loc, std::max<int64_t>(known, 1))).getResult());
  }
  return tensor::ExpandShapeOp::create(builder, loc, result, x, all(result), sizes);
}

Value mlir::cell::createPrecision(OpBuilder &builder, Location loc, Value x, Type element) {
  Type from = cast<RankedTensorType>(x.getType()).getElementType();
  if (from == element)
    return x;
  return createMap(builder, loc, x, sizesOf(builder, loc, x), element, [&](OpBuilder &nested, Location loc, ValueRange args) -> Value {
    if (from.getIntOrFloatBitWidth() < element.getIntOrFloatBitWidth())
      return arith::ExtFOp::create(nested, loc, element, args[0]);
    return arith::TruncFOp::create(nested, loc, element, args[0]);
  });
}

Value mlir::cell::takeAlong(OpBuilder &builder, Location loc, Value tensor, ArrayRef<OpFoldResult> sizes, int64_t axis, Value position) {
  SmallVector<OpFoldResult> offsets(sizes.size(), builder.getIndexAttr(0)), taken(sizes), strides(sizes.size(), builder.getIndexAttr(1));
  offsets[axis] = position;
  taken[axis] = builder.getIndexAttr(1);
  auto type = cast<RankedTensorType>(tensor.getType());
  auto slice = RankedTensorType::Builder(type).dropDim(axis);
  return tensor::ExtractSliceOp::create(builder, loc, slice, tensor, offsets, taken, strides);
}

Value mlir::cell::putAlong(OpBuilder &builder, Location loc, Value slice, Value tensor, ArrayRef<OpFoldResult> sizes, int64_t axis, Value position) {
  SmallVector<OpFoldResult> offsets(sizes.size(), builder.getIndexAttr(0)), taken(sizes), strides(sizes.size(), builder.getIndexAttr(1));
  offsets[axis] = position;
  taken[axis] = builder.getIndexAttr(1);
  return tensor::InsertSliceOp::create(builder, loc, slice, tensor, offsets, taken, strides);
}
